"""Uploads of MinerU 4 that nobody used: which of them give way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradio_app.store.requests import ClientRequest
from gradio_app.web.compat import mineru4_uploads as uploads

NOW = 1_800_000_000.0


def upload(name: str, state: str, age: float) -> ClientRequest:
    made = ClientRequest.new(uploads.FAMILY, "ann", state=state)
    return replace(made, id=name, created_at=NOW - age)


def test_what_was_left_behind_gives_way_and_what_is_coming_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_arriving", {"coming"})
    unused = [
        upload("unused", "completed", 4000),
        upload("coming", "pending", 3900),
        upload("kept", "completed", 3000),
        upload("empty", "pending", 500),
        upload("newer", "pending", 61),
        upload("new", "pending", 5),
    ]
    assert [each.id for each in uploads.left_behind(unused, NOW)] == ["empty", "newer", "unused"]
