"""The log of a whole service in JSON: each line an object, also those of libraries and the server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.documents import text_pdf
from tests.live import LiveServer

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_each_line_of_the_log_is_an_object(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", "--log-format", "json", "--workers", "1") as server:
        task_id = server.submit("a.pdf", text_pdf(1))
        assert server.end(task_id)["status"] == "completed"
        server.post("b.pdf", b"no PDF at all")
    lines = [json.loads(line) for line in server.log.read_text("utf-8").splitlines()]
    assert all({"time", "level", "action", "message"} <= line.keys() for line in lines)
    (done,) = [line for line in lines if line["action"] == "task_completed"]
    assert done["task"] == task_id and done["level"] == "info"
