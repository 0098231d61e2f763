"""A hash of a password at its true cost, which is a third of a second."""

from __future__ import annotations

from gradio_app.web.auth import users


def test_a_hash_costs_what_is_advised() -> None:
    n, r, p = users.hash_password("x").split("$")[1:4]
    assert (n, r, p) == ("16384", "8", "5")
