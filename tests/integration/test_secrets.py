"""Secrets that are given on the command line: in no command line afterwards, no log and no answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.documents import text_pdf
from tests.live import LiveServer, files_beneath

pytestmark = pytest.mark.integration

#: what to look for; each secret begins so
MARKER = "geheimnis-4711"
TOKEN, ADMIN, KEY, RAY = (f"{MARKER}-{what}-long-enough" for what in ("token", "admin", "key", "ray"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    flags = ["--token", TOKEN, f"--admin-token={ADMIN}", "--sglang-api-key", KEY, "--ray-token", RAY]
    flags += ["--sglang-url", "http://127.0.0.1:9", "--log-level", "trace", "--workers", "1"]
    with LiveServer(tmp_path_factory.mktemp("secrets") / "data", *flags, token=TOKEN) as live:
        yield live


def with_marker(folder: Path) -> list[str]:
    """Files below a folder, and beside it the log, in which a secret stands."""
    files = [*files_beneath(folder), folder.with_name(folder.name + ".log")]
    return [str(path) for path in files if path.is_file() and MARKER.encode() in path.read_bytes()]


def command_lines() -> list[str]:
    return [
        line
        for process in psutil.process_iter(["cmdline"])
        if MARKER in (line := " ".join(process.info["cmdline"] or ()))
    ]


def test_they_are_used_and_in_no_command_line(server: LiveServer) -> None:
    for token, admin in ((TOKEN, False), (ADMIN, True)):
        with server.asked_with(token) as somebody:
            user = somebody.client.get("/api/v1/queue").raise_for_status().json()["user"]
            assert user["admin"] is admin
    assert command_lines() == []


def test_they_are_in_no_log_and_no_answer(server: LiveServer) -> None:
    task = server.submit("paper.pdf", text_pdf(1), tier="flash")
    answers = [server.client.get(f"/api/v1/tasks/{server.end(task)['id']}")]
    wrong = f"{MARKER}-guess"
    with httpx.Client(base_url=server.url, timeout=20) as stranger:
        for headers in (
            {"Authorization": f"Bearer {wrong}"},
            {"Authorization": f"{MARKER}"},
            {"Cookie": f"session={MARKER}; mineru_session={MARKER}"},
            {"X-API-Key": wrong},
        ):
            answers += [stranger.get(path, headers=headers) for path in ("/", "/api/v1/tasks", "/nowhere")]
        answers += [stranger.get("/", params={"token": secret}) for secret in (wrong, TOKEN)]
        answers += [stranger.post("/login", data={"user": "x", "password": wrong})]
    answers += [server.client.get(path) for path in ("/gpu/status", "/metrics", "/api/v1/cluster", "/config")]
    assert [answer.url for answer in answers if MARKER in answer.text] == []
    assert with_marker(server.data) == []
