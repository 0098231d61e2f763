"""Fencing: a worker that was stopped for too long can do nothing to the attempt that came after its own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.chaos import processes
from tests.documents import text_pdf
from tests.live import LiveServer

pytestmark = [pytest.mark.integration, pytest.mark.chaos]

#: bytes of a worker that has loaded what parsing needs
IMPORTED = 60 * 2**20
#: two parts, each of which takes seconds
PAGES = 70


@pytest.fixture(scope="module")
def book() -> bytes:
    return text_pdf(PAGES, seed=77)


@pytest.fixture(scope="module")
def undisturbed(book: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the book reads like when nobody is stopped."""
    with LiveServer(tmp_path_factory.mktemp("undisturbed") / "data") as calm:
        return calm.result(calm.end(calm.submit("book.pdf", book))["id"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path / "data", "--task-timeout", "8", "--workers", "2")
    with live:
        yield live
    until(lambda: not processes.children(live.data), "no process is left")


def until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Waits until something is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


def stop_workers(server: LiveServer) -> list[int]:
    """SIGSTOP for all workers that can have anything in hand; their process ids.

    One that is just being started cannot yet ask to die with its server.
    """
    pids = [pid for pid in processes.workers(server.data) if memory(pid) > IMPORTED]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    assert pids
    return pids


def memory(pid: int) -> int:
    """Bytes that a process holds; 0 when it is gone."""
    with suppress(psutil.Error):
        return psutil.Process(pid).memory_info().rss
    return 0


def wake(pids: list[int]) -> None:
    """SIGCONT for those that are still there: what they have in hand they would finish now."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def alive(pids: list[int], data: Path) -> list[int]:
    """Those that still work for this folder, whoever has their numbers by now."""
    return sorted(set(pids) & set(processes.children(data)))


def begin(server: LiveServer, book: bytes) -> tuple[str, list[int]]:
    """A book that is being read, and its workers, stopped in the middle."""
    task_id = server.submit("book.pdf", book, use_cache="false")
    until(lambda: server.task(task_id)["status"] == "processing", "it is read")
    return task_id, stop_workers(server)


@pytest.mark.slow
def test_stopped_beyond_its_time(server: LiveServer, book: bytes, undisturbed: bytes) -> None:
    """The part is taken from it, and read by another. It wakes when the others are at work."""
    task_id, stopped = begin(server, book)
    until(lambda: len(alive(stopped, server.data)) < len(stopped), "those with a part in hand are ended")
    wake(stopped)
    assert server.end(task_id)["status"] == "completed"
    assert server.result(task_id) == undisturbed
    assert server.leftovers() == []


@pytest.mark.slow
def test_stopped_while_a_newer_attempt_begins(server: LiveServer, book: bytes, undisturbed: bytes) -> None:
    """Cancelled and asked for again: the old attempt is over before the new one begins."""
    task_id, stopped = begin(server, book)
    assert server.client.post(f"/api/v1/tasks/{task_id}/cancel").json()["status"] == "cancelled"
    assert alive(stopped, server.data) == [] or not server.leftovers()
    assert server.client.post(f"/api/v1/tasks/{task_id}/retry").status_code == 200
    wake(stopped)
    task = server.end(task_id)
    assert (task["status"], task["attempt"]) == ("completed", 2)
    assert server.result(task_id) == undisturbed
    assert server.leftovers() == []


@pytest.mark.slow
def test_stopped_while_the_server_is_killed(server: LiveServer, book: bytes, undisturbed: bytes) -> None:
    """It does not outlive its server, and what it had in hand is read again."""
    task_id, stopped = begin(server, book)
    server.kill()
    until(lambda: not alive(stopped, server.data), "stopped workers end with their server", 5)
    wake(stopped)
    server.start()
    task = server.end(task_id)
    assert (task["status"], task["attempt"]) == ("completed", 2)
    assert server.result(task_id) == undisturbed
    assert server.leftovers() == []


@pytest.mark.slow
def test_stopped_and_deleted(server: LiveServer, book: bytes) -> None:
    """Nothing of a deleted task comes back when its worker goes on."""
    task_id, stopped = begin(server, book)
    assert server.client.delete(f"/api/v1/tasks/{task_id}").status_code == 204
    wake(stopped)
    other = server.end(server.submit("other.pdf", text_pdf(1, seed=78)))
    assert other["status"] == "completed"
    assert server.client.get(f"/api/v1/tasks/{task_id}").status_code == 404
    assert not (server.data / "tasks" / task_id).exists()
    assert len(list((server.data / "sources").iterdir())) == 1
    assert server.leftovers() == []
