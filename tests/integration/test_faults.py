"""Faults of the machine: each is told in a sentence, costs nothing that was accepted, and passes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents import paper_pdf, text_pdf
from tests.live import ENDED, LiveServer
from tests.namespaces import Corner, corner, fill
from tests.unit.store.test_migration import write_first

pytestmark = pytest.mark.integration

#: small parts, so that a document is many writes
PARTS = ("--shard-pages-flash", "8", "--workers", "2")


def until(condition: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """What the condition gave when it was true at last."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def notice(server: LiveServer) -> str | None:
    return server.client.get("/api/v1/queue").json()["notice"]


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """An error as users get it: its code, a sentence, worth another try."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["retryable"]) == (code, True)
    assert len(error["message"]) > 40 and "Errno" not in error["message"]


def healthy(server: LiveServer) -> None:
    """It takes work and does it, leaves nothing behind, and the database is whole."""
    task = server.end(server.submit("after.pdf", text_pdf(1, seed=99), use_cache="false"))
    assert task["status"] == "completed", task
    assert server.leftovers() == [] and notice(server) is None
    assert [path.name for path in server.data.iterdir() if path.name == "probe"] == []
    known = {task["receipt"]["input_sha256"] for task in everything(server) if task["receipt"]}
    assert {path.name for path in (server.data / "sources").iterdir()} <= known
    copy = server.log.with_name("copy.db")  # SQLite would resolve the way into the namespace
    for suffix in ("", "-wal"):
        copy.with_name(f"copy.db{suffix}").write_bytes((server.data / f"queue.db{suffix}").read_bytes())
    with contextlib.closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def everything(server: LiveServer) -> list[dict[str, Any]]:
    return server.client.get("/api/v1/tasks", params={"limit": 1000}).json()["tasks"]


@contextmanager
def small_disk(folder: Path, size: str, *flags: str) -> Generator[tuple[Corner, LiveServer]]:
    """A running server whose data folder is a disk of this size."""
    with corner() as box:
        box.mount(folder / "data", size)
        with box.server(folder / "data", *flags) as server:
            yield box, server


# ------------------------------------------------------------ the disk is full


@pytest.mark.slow
def test_a_disk_that_fills_while_a_file_arrives(tmp_path: Path) -> None:
    with small_disk(tmp_path, "24m") as (_, server):
        refused(server.post("big.pdf", text_pdf(1) + bytes(40 << 20)), 507, "disk_full")
        assert server.leftovers() == [] and not list((server.data / "sources").iterdir())
        assert everything(server) == []
        healthy(server)


@pytest.mark.slow
def test_a_disk_that_fills_while_parts_are_written(tmp_path: Path) -> None:
    data = text_pdf(48)
    with small_disk(tmp_path, "64m", *PARTS) as (_, server):
        wanted = server.result(server.end(server.submit("calm.pdf", data))["id"])
        running = server.submit("long.pdf", data, use_cache="false")
        server.until(running, pages_done=8)
        ballast = fill(server.data)
        until(lambda: notice(server), "somebody meets the full disk")
        refused(server.post("more.pdf", text_pdf(1)), 507, "disk_full")
        task = server.task(running)
        assert (task["status"], task["error"]) == ("processing", None), "no fault of the document"
        assert server.client.get("/health").status_code == 200
        ballast.unlink()
        done = server.end(running)
        assert (done["status"], done["attempt"], done["error"]) == ("completed", 1, None)
        assert server.result(running) == wanted
        healthy(server)
        assert "Traceback" not in server.log.read_text()


@pytest.mark.slow
def test_a_disk_that_is_full_when_a_change_is_written(tmp_path: Path) -> None:
    with small_disk(tmp_path, "32m", *PARTS) as (_, server):
        server.client.post("/api/v1/queue/pause")
        task_id = server.submit("a.pdf", text_pdf(8))
        until(lambda: server.task(task_id)["status"] == "queued", "it is looked at")
        ballast = fill(server.data)
        before = server.task(task_id)
        for path in (f"/api/v1/tasks/{task_id}/cancel", "/api/v1/queue/resume"):
            fill(server.data)  # a reader that has warmed up meanwhile gave back what it had written
            refused(server.client.post(path), 507, "disk_full")
        fill(server.data)
        refused(server.client.delete(f"/api/v1/tasks/{task_id}"), 507, "disk_full")
        assert server.task(task_id) == before
        assert server.client.get("/api/v1/queue").json()["status"] == "paused"
        ballast.unlink()
        until(lambda: notice(server) is None, "it is seen that there is room")
        assert server.client.post("/api/v1/queue/resume").status_code == 200
        assert server.end(task_id)["status"] == "completed"
        healthy(server)


@pytest.mark.slow
def test_a_kill_while_the_disk_is_full(tmp_path: Path) -> None:
    with small_disk(tmp_path, "64m", *PARTS) as (_, server):
        running = server.submit("long.pdf", text_pdf(48))
        server.until(running, pages_done=8)
        ballast = fill(server.data)
        until(lambda: notice(server), "somebody meets the full disk")
        server.kill()
        ballast.unlink()
        server.start()
        done = server.end(running)
        assert (done["status"], done["attempt"]) == ("completed", 2)
        healthy(server)


@pytest.mark.slow
def test_full_shared_memory(tmp_path: Path) -> None:
    """What the workers' own processes talk through."""
    with corner() as box:
        ballast = fill(box.mount(Path("/dev/shm"), "1m"))
        with box.server(tmp_path / "data", "--workers", "2") as server:
            plain = server.submit("plain.pdf", text_pdf(2))
            figures = server.submit("figures.pdf", paper_pdf(12))
            assert server.end(plain)["status"] == "completed"
            until(
                lambda: notice(server) or server.task(figures)["status"] in ENDED, "it is met, or not needed"
            )
            ballast.unlink()
            done = server.end(figures)
            assert (done["status"], done["error"]) == ("completed", None)
            healthy(server)


# ------------------------------------------------------------ the disk cannot be written


def ends_with(server: LiveServer, words: str) -> None:
    """It does not start, and says why in one line."""
    server.start(wait=False)
    assert server.process is not None and server.process.wait(60) == 1
    log = server.log.read_text()
    assert words in log and "Traceback" not in log, log


@pytest.mark.slow
def test_a_data_folder_that_cannot_be_written_at_the_start(tmp_path: Path) -> None:
    with small_disk(tmp_path, "32m") as (box, server):
        task_id = server.submit("a.pdf", text_pdf(1))
        server.end(task_id)
        server.stop()
        box.run("mount", "-o", "remount,ro", str(tmp_path / "data"))
        ends_with(server, f"The data folder {tmp_path}/data cannot be written: Read-only file system.")
        box.run("mount", "-o", "remount,rw", str(tmp_path / "data"))
        server.start()
        assert server.task(task_id)["status"] == "completed"
        healthy(server)


@pytest.mark.slow
def test_a_new_data_folder_on_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    with corner() as box:
        box.mount(tmp_path / "disk", "1m")
        box.run("mount", "-o", "remount,ro", str(tmp_path / "disk"))
        server = LiveServer(tmp_path / "disk" / "data")
        server.prefix, server.log = box.prefix, tmp_path / "server.log"
        ends_with(server, "cannot be written: Read-only file system.")
        server.client.close()


@pytest.mark.slow
def test_a_data_folder_that_is_covered_by_one_that_cannot_be_written(tmp_path: Path) -> None:
    """As when a network drive goes away and its empty mount point is read-only."""
    with small_disk(tmp_path, "64m", *PARTS) as (box, server):
        running = server.submit("long.pdf", text_pdf(48))
        server.until(running, pages_done=8)
        (tmp_path / "other").mkdir()
        # read-only and with the same files, as far as they were there
        box.run("cp", "-a", f"{tmp_path}/data/.", str(tmp_path / "other"))
        box.run("mount", "--bind", str(tmp_path / "other"), str(tmp_path / "data"))
        box.run("mount", "-o", "remount,bind,ro", str(tmp_path / "data"))
        until(lambda: notice(server), "somebody cannot write")
        answer = server.post("more.pdf", text_pdf(1))
        refused(answer, 503, "storage_unavailable")
        assert server.task(running)["status"] == "processing"
        box.run("umount", str(tmp_path / "data"))
        done = server.end(running)
        assert (done["status"], done["pages_done"], done["error"]) == ("completed", 48, None)
        # what could not be deleted meanwhile goes after a while, or at the next start
        server.stop()
        server.start()
        healthy(server)


@pytest.mark.slow
def test_a_disk_that_the_kernel_gives_up(tmp_path: Path) -> None:
    """What ext4 does after an error of the disk: read-only at once, for files that are open too."""
    with corner() as box:
        image, disk = tmp_path / "image", tmp_path / "disk"
        disk.mkdir()
        with image.open("wb") as file:
            file.truncate(96 << 20)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        mounting = ["mount", "-o", "loop", str(image), str(disk)]
        if subprocess.run([*box.prefix, *mounting], capture_output=True).returncode:
            pytest.skip("no loop device can be had here")
        with box.server(disk / "data", *PARTS) as server:
            server.log = tmp_path / "server.log"
            running = server.submit("long.pdf", text_pdf(48))
            server.until(running, pages_done=8)
            box.run("mount", "-o", "remount,abort", str(disk))
            until(lambda: notice(server), "somebody cannot write")
            refused(server.post("more.pdf", text_pdf(1)), 503, "storage_unavailable")
            assert server.task(running)["status"] == "processing"
            assert server.client.get("/health").status_code == 200
            server.stop()
            assert server.process is not None and server.process.returncode == 0
            box.run("umount", str(disk))
            box.run(*mounting)  # the journal is played back, as after a power cut
            server.start()
            done = server.end(running)
            assert (done["status"], done["error"]) == ("completed", None)
            healthy(server)
        box.run("umount", str(disk))


# ------------------------------------------------------------ the database


@pytest.mark.slow
def test_another_process_holds_the_database_for_ten_seconds(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", *PARTS) as server:
        running = server.submit("long.pdf", text_pdf(40))
        server.until(running, pages_done=8)
        with contextlib.closing(sqlite3.connect(server.data / "queue.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            refused(server.post("a.pdf", text_pdf(1)), 503, "storage_unavailable")
            until(lambda: notice(server), "it is told")
            while time.monotonic() < began + 10:
                refused(server.post("a.pdf", text_pdf(1)), 503, "storage_unavailable")
                assert server.task(running)["status"] == "processing", "reading goes on"
            other.execute("ROLLBACK")
        done = server.end(running)
        assert (done["status"], done["attempt"], done["error"]) == ("completed", 1, None)
        healthy(server)
        assert len(everything(server)) == 2


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / "queue.db"
    with contextlib.closing(sqlite3.connect(database)) as raw:
        raw.execute("CREATE TABLE tasks (future)")
        raw.execute("PRAGMA user_version = 99")
    before = database.read_bytes()
    server = LiveServer(tmp_path / "data")
    ends_with(server, "was written by a newer version (schema 99")
    server.client.close()
    assert database.read_bytes()[100:] == before[100:], "all but the header, which says WAL now"


def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "queue.db").write_bytes(b"no database at all, " * 500)
    server = LiveServer(tmp_path / "data")
    ends_with(server, "cannot be used: file is not a database.")
    server.client.close()


def test_a_folder_of_the_first_version_is_taken_over_by_a_real_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_first(tmp_path / "data")
    with LiveServer(tmp_path / "data") as server:
        (task,) = everything(server)
        assert (task["id"], task["status"], task["pages_done"]) == ("old", "partial", 2)
        assert server.client.get("/api/v1/tasks/old").json()["receipt"]["failed_pages"] == ""
        assert server.end(server.submit("new.pdf", text_pdf(1)))["status"] == "completed"
        assert server.client.delete("/api/v1/tasks/old").status_code == 204


# ------------------------------------------------------------ files and connections


@contextmanager
def idle_connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Connections that say nothing; those that are refused do not count."""
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            with contextlib.suppress(OSError):
                held.append(socket.create_connection(("127.0.0.1", port), timeout=5))
        yield held
    finally:
        for one in held:
            one.close()


@pytest.mark.slow
def test_a_thousand_files_and_more_visitors_than_that(tmp_path: Path) -> None:
    """Those who are in are served, and workers start; who comes too much is refused; then all is well."""
    server = LiveServer(tmp_path / "data", "--workers", "2")
    server.prefix = ["prlimit", "--nofile=1024:1024"]
    with server:
        assert server.client.get("/ready").status_code == 200, "this connection stays open"
        with idle_connections(server.port, 1200):
            task_id = server.submit("paper.pdf", paper_pdf(3), use_cache="false")
            until(lambda: server.task(task_id)["status"] != "pending", "it is looked at")
            for pid in children(server):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert server.end(task_id)["status"] == "completed", "new workers were started"
            assert server.process is not None
            assert len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) < 1024
        until(lambda: _answers(server), "new visitors are let in again")
        healthy(server)


def children(server: LiveServer) -> list[int]:
    assert server.process is not None
    listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


def _answers(server: LiveServer) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{server.url}/ready", timeout=5).status_code == 200
    return False
