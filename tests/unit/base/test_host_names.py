"""Host names as people write them in settings."""

from __future__ import annotations

import pytest

from gradio_app.base.host_names import accepts, host_patterns, listen_host


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("host:8443,*.lan,https://x", {"host", "*.lan", "x"}),
        ("HTTPS://Papers.example.org:443/", {"papers.example.org"}),
        ("[::1]:7860, ::1, http://[fd00::2]", {"::1", "fd00::2"}),
        ("10.0.0.5:80", {"10.0.0.5"}),
        ("bücher.example.,under_score", {"xn--bcher-kva.example", "under_score"}),
        (" , ", set[str]()),
    ],
)
def test_names_are_taken_as_people_write_them(text: str, found: set[str]) -> None:
    assert host_patterns(text) == found


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a.lan", True),
        ("a.b.lan", False),
        ("lan", False),
        (".lan", True),
        ("x", True),
        ("a.x", False),
        ("", False),
    ],
)
def test_a_star_stands_for_one_label(name: str, fits: bool) -> None:
    assert accepts(host_patterns("*.lan,x"), name) is fits


@pytest.mark.parametrize(
    ("text", "host"), [("[::1]", "::1"), ("::", "::"), (" 0.0.0.0 ", "0.0.0.0"), ("fe80::1%lo", "fe80::1%lo")]
)
def test_an_address_may_have_brackets(text: str, host: str) -> None:
    assert listen_host(text) == host
