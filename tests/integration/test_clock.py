"""The clock jumps an hour while work runs: no task is lost, nothing goes too early, nobody waits longer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.documents import text_pdf
from tests.live import LiveServer

pytestmark = [pytest.mark.integration, pytest.mark.slow]

#: what the package faketime brings; it stands between a program and the clock
_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")
#: a server that sweeps all the time; it keeps finished tasks for half an hour
_OFTEN = "from gradio_app import app, cleanup; cleanup.SWEEP_INTERVAL = 0.2; app.main()"


class Clock:
    """The wall clock of one process. The one that only counts stays as it is, as in reality."""

    def __init__(self, folder: Path) -> None:
        found = [path for pattern in _LIBRARIES for path in Path("/").glob(pattern[1:])]
        if not found:
            pytest.skip("faketime is not installed (make test-tools)")
        self._file = folder / "clock"
        self.jump(0)
        self.environment = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def jump(self, seconds: int) -> None:
        """From now on it is so many seconds ahead."""
        written = self._file.with_name("written")
        written.write_text(f"{seconds:+d}")
        written.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def server(tmp_path: Path, clock: Clock) -> Iterator[LiveServer]:
    flags = ("--shard-pages-flash", "8", "--workers", "2", "--retention", "30min")
    made = LiveServer(tmp_path / "data", *flags, env=clock.environment)
    made.program = ["-c", _OFTEN]
    with made:
        yield made


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def swept(server: LiveServer) -> None:
    """Returns when a sweep has begun and ended after this call: one takes what is old, the next begins."""
    for name in ("upload-one", "upload-two"):
        stale = server.data / "tmp" / name
        stale.touch()
        os.utime(stale, (time.time() - 86400, time.time() - 86400))
        until(lambda stale=stale: not stale.exists(), "sweeps go on")


@pytest.mark.parametrize("jump", [3600, -3600], ids=["forward", "back"])
def test_a_jump_of_the_clock(server: LiveServer, clock: Clock, jump: int) -> None:
    before = server.end(server.submit("before.pdf", text_pdf(1)))
    files = [("files", ("sent.pdf", text_pdf(1, seed=5)))]
    (sent,) = server.client.post("/gradio_api/upload", files=files).json()
    running = server.submit("long.pdf", text_pdf(32))
    server.until(running, pages_done=8)
    with ThreadPoolExecutor() as pool:
        polling = pool.submit(server.end, running)
        clock.jump(jump)
        swept(server)
        assert Path(sent).exists(), "it was sent a moment ago"
        assert server.task(before["id"])["status"] == "completed", "it is not half an hour old"
        after = server.submit("after.pdf", text_pdf(2))
        assert polling.result(240)["status"] == "completed"
    server.end(after)
    clock.jump(0)
    swept(server)
    last = server.submit("last.pdf", text_pdf(3))
    for task_id in (before["id"], running, after, last):
        task = server.end(task_id)
        assert (task["status"], task["attempt"], task["error"]) == ("completed", 1, None)
        receipt = task["receipt"]
        assert 0 <= receipt["waited_seconds"] < 3700 and 0 <= receipt["parsed_seconds"] < 600
        assert server.result(task_id)
    queue = server.client.get("/api/v1/queue").json()
    assert (queue["status"], queue["eta_seconds"], queue["notice"]) == ("idle", 0, None)
    assert server.leftovers() == []
    assert "Traceback" not in server.log.read_text()
