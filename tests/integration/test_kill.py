"""SIGKILL of the web process at bad moments: nothing lost, nothing twice, nothing parsed again."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from tests.documents import paper_pdf, text_pdf
from tests.live import ENDED, LiveServer

pytestmark = pytest.mark.integration


def shard_files(data: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each finished shard: unchanged means not parsed again."""
    found = data.glob("tasks/*/shards/*/model.json")
    return {path.parent.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def workers_of(data: Path) -> list[int]:
    """Live worker processes that work for this data folder."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"TMPDIR={data}/run/worker-".encode() in environment:
                found.append(int(entry.name))
    return found


def assert_no_workers(data: Path) -> None:
    """Workers end with the web process; one that was just being started a moment later."""
    deadline = time.monotonic() + 5
    while (left := workers_of(data)) and time.monotonic() < deadline:
        os.sched_yield()
    assert left == []


@pytest.mark.slow
def test_a_300_page_document_goes_on_after_a_kill(server: LiveServer, tmp_path: Path) -> None:
    data = text_pdf(300)
    wanted = server.result(server.end(server.submit("long.pdf", data))["id"])
    with LiveServer(tmp_path / "data") as killed:
        task_id = killed.submit("long.pdf", data)
        killed.until(task_id, pages_done=60)
        before = shard_files(killed.data)
        killed.kill()
        assert before, "at least one part was finished"
        killed.start()
        task = killed.task(task_id)
        assert task["status"] in ("queued", "processing") and task["pages_done"] >= 60
        seen = dict(before)
        while task["status"] not in ENDED:
            now = shard_files(killed.data)
            assert all(now[name] == file for name, file in before.items() if name in now)
            seen |= now
            task = killed.client.get(f"/api/v1/tasks/{task_id}", params={"wait": 0.3}).json()
        assert (task["status"], task["attempt"]) == ("completed", 2)
        assert killed.result(task_id) == wanted
        assert killed.leftovers() == []


@pytest.mark.slow
def test_twenty_kills_during_forty_jobs(tmp_path: Path) -> None:
    """All end, once each, with the right result; accepted means it survives."""
    rng = random.Random(20)
    documents = {f"{index:02}.pdf": text_pdf(1 + index % 3, seed=index) for index in range(40)}
    waiting, accepted = list(documents), dict[str, str]()
    server = LiveServer(tmp_path / "data")
    with server:
        for _ in range(20):
            deadline = time.monotonic() + rng.uniform(0.05, 1.0)
            while waiting and time.monotonic() < deadline:
                name = waiting[-1]
                try:
                    # the key makes a repeat after a broken answer harmless
                    accepted[name] = server.submit(name, documents[name], key=name, use_cache="false")
                    waiting.pop()
                except httpx.TransportError:
                    break
            while time.monotonic() < deadline:
                server.client.get("/health")
            server.kill()
            assert_no_workers(server.data)
            server.start()
        for name in waiting:
            accepted[name] = server.submit(name, documents[name], key=name, use_cache="false")
        for name, task_id in accepted.items():
            task = server.end(task_id)
            assert (task["status"], task["name"]) == ("completed", name)
            text = server.result(task_id).decode()
            assert all(f"marker {page} " in text for page in range(1, 2 + int(name[:2]) % 3))
        listed = server.client.get("/api/v1/tasks", params={"limit": 1000}).json()["tasks"]
        assert sorted(task["name"] for task in listed) == sorted(documents), "none twice"
        assert server.leftovers() == []
    with sqlite3.connect(server.data / "queue.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM tasks").fetchone() == (40,)
    database.close()


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data") as server:
        task_id = server.submit("paper.pdf", paper_pdf(30))
        while server.task(task_id)["status"] in ("pending", "queued"):
            os.sched_yield()
        for pid in workers_of(server.data):
            os.kill(pid, 9)
        assert server.end(task_id)["status"] == "completed"


@pytest.mark.slow
def test_sigterm_gives_work_back_in_under_five_seconds(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data")
    with server:
        long = server.submit("long.pdf", text_pdf(200))
        others = [server.submit(f"{index}.pdf", text_pdf(1, seed=index)) for index in range(10)]
        server.until(long, pages_done=1)
        with httpx.stream("GET", f"{server.url}/api/v1/events", timeout=30) as events:
            next(events.iter_lines())
            assert server.stop() < 5
            assert server.process is not None and server.process.returncode == 0
        assert_no_workers(server.data)
        server.start()
        for task_id in (long, *others):
            assert server.end(task_id)["status"] == "completed"
        assert server.leftovers() == []


def test_a_second_server_on_the_same_folder_is_refused(server: LiveServer, tmp_path: Path) -> None:
    second = LiveServer(server.data)
    second.log = tmp_path / "second.log"
    second.start(wait=False)
    assert second.process is not None and second.process.wait(30) != 0
    second.client.close()
    assert "already uses this data folder" in second.log.read_text()
    assert server.client.get("/ready").status_code == 200
