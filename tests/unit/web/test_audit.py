"""The audit log: one line for what somebody does, none for what they read again, nothing that is secret."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from gradio_app.base.errors import NotFound
from gradio_app.web.auth import audit


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A fresh audit log."""
    monkeypatch.setattr(audit, "_reads", {})
    path = tmp_path / "audit.log"
    sink = audit.open_file(path)
    yield path
    logger.remove(sink)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_says_who_did_what_to_which_task(log: Path) -> None:
    audit.record("cancel", "alice", "10.0.0.4", "abc")
    logger.info("something else")
    [line] = lines(log)
    assert line.pop("time").startswith("20")
    assert line == {
        "action": "cancel",
        "user": "alice",
        "address": "10.0.0.4",
        "outcome": "ok",
        "task": "abc",
    }


def test_what_was_refused_is_told_with_its_code(log: Path) -> None:
    with pytest.raises(NotFound), audit.noted("delete", "bob", "10.0.0.5", "abc"):
        raise NotFound()
    with audit.noted("delete", "bob", "10.0.0.5", "def"):
        pass
    assert [(line["task"], line["outcome"]) for line in lines(log)] == [("abc", "not_found"), ("def", "ok")]


def test_turning_pages_is_one_line_and_being_refused_is_one_each_time(log: Path) -> None:
    for _ in range(3):
        audit.record("read", "alice", "10.0.0.4", "abc")
        audit.record("read", "bob", "10.0.0.5", "abc", "not_found")
    audit.record("read", "carol", "10.0.0.6", "abc")
    assert [line["user"] for line in lines(log)] == ["alice", "bob", "bob", "bob", "carol"]


def test_nobody_can_write_lines_of_their_own(log: Path) -> None:
    audit.record("read", 'x"}\n{"action": "pause', "10.0.0.4", "a\nb{c}\u2028<red>" + "y" * 5000)
    [line] = lines(log)
    assert line["action"] == "read" and line["user"].startswith('x"}') and len(line["task"]) == 64
