"""The audit log: one line for what somebody does, none for what they read again, nothing that is secret."""

from __future__ import annotations

import json
import os
import time
from collections import OrderedDict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from gradio_app.base.errors import NotFound
from gradio_app.web.auth import audit
from gradio_app.web.auth.rate_limit import RateLimit


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A fresh audit log."""
    monkeypatch.setattr(audit, "_reads", OrderedDict())
    for name, rate in (("_refusals", audit.REFUSALS), ("_refusals_of_all", audit.REFUSALS_OF_ALL)):
        monkeypatch.setattr(audit, name, RateLimit(rate, lambda: 0.0))
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


def test_ten_thousand_refusals_are_a_few_lines_and_a_count(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(10_000):
        audit.record("delete", "mallory", "10.0.0.6", f"made up {n}", "not_found")
    audit.record("delete", "alice", "10.0.0.4", "abc", "not_found")
    monkeypatch.setattr(audit, "_refusals", RateLimit(audit.REFUSALS))
    audit.record("delete", "mallory", "10.0.0.6", "again", "not_found")
    told = lines(log)
    assert len(told) == audit.REFUSALS + 2
    assert told[-1]["left_out"] == 10_000 - audit.REFUSALS


def test_many_addresses_fill_no_log_either(log: Path) -> None:
    for n in range(5_000):
        audit.record("sign_in", "", f"10.0.{n // 250}.{n % 250}", outcome="unauthorized")
    assert len(lines(log)) == audit.REFUSALS_OF_ALL


def test_a_request_for_many_tasks_is_one_line(log: Path) -> None:
    ids = [f"task {n}" for n in range(300)]
    audit.record_many("delete", "alice", "10.0.0.4", ids, ["not_found"] * 9_000 + ["conflict"])
    audit.record_many("cancel", "alice", "10.0.0.4", ids)
    for _ in range(2):
        audit.record_many("read", "alice", "10.0.0.4", ids)
    for _ in range(1000):
        audit.record_many("delete", "mallory", "10.0.0.6", [], ["not_found"] * 10_000)
    delete, cancel, read, *refused = lines(log)
    assert delete["tasks"] == ids and delete["count"] == 300
    assert delete["refused"] == {"not_found": 9_000, "conflict": 1} and delete["outcome"] == "ok"
    assert cancel["count"] == read["count"] == 300 and len(cancel["tasks"]) == 20
    assert len(refused) == audit.REFUSALS and refused[0]["outcome"] == "not_found"


def test_old_files_go_by_time_and_by_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "KEPT_BYTES", 2500)
    for days in (0, 1, 2, 3, 100):
        path = tmp_path / f"audit.{days}.log.gz"
        path.write_bytes(bytes(1000))
        then = time.time() - days * 86400
        os.utime(path, (then, then))
    audit._forget([str(path) for path in tmp_path.iterdir()])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.0.log.gz", "audit.1.log.gz"]
