"""The watch folder of a running server: results appear, once, whatever happens in between."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.documents import encrypted_pdf, paper_pdf, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.integration


def receipt(path: Path, seconds: float = 60) -> dict[str, Any]:
    """What the result of a file says, as soon as there is one for the file as it is now."""
    deadline, info = time.monotonic() + seconds, path.stat()
    while time.monotonic() < deadline:
        try:
            told = json.loads((path.with_name(path.name + ".result") / "receipt.json").read_text())
            if (told["size"], told["mtime_ns"]) == (info.st_size, info.st_mtime_ns):
                return told
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{path.name} has no result")


def until(what: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def hidden_in(folder: Path) -> list[str]:
    """Hidden names at any depth; a folder that goes away meanwhile has none."""
    return [name for _, folders, files in os.walk(folder) for name in folders + files if name[0] == "."]


def names(server: LiveServer) -> list[str]:
    return sorted(task["name"] for task in server.client.get("/api/v1/tasks").json()["tasks"])


def test_results_appear_beside_documents(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    (inbox / "deep").mkdir(parents=True, mode=0o755)
    inbox.chmod(0o750)
    (inbox / "deep" / "paper.pdf").write_bytes(paper_pdf(2))
    (inbox / "locked.pdf").write_bytes(encrypted_pdf())
    with LiveServer(tmp_path / "data", "--watch-dir", str(inbox)) as server:
        assert receipt(inbox / "deep" / "paper.pdf")["status"] == "completed"
        result = inbox / "deep" / "paper.pdf.result"
        assert "marker 2" in (result / "document.md").read_text() and list((result / "images").iterdir())
        assert (
            result.stat().st_mode & 0o777 == 0o750
            and (result / "document.md").stat().st_mode & 0o777 == 0o640
        )
        assert receipt(inbox / "locked.pdf")["status"] == "failed"
        assert "file_encrypted" in (inbox / "locked.pdf.result" / "error.txt").read_text()
        assert all(task["mine"] for task in server.client.get("/api/v1/tasks").json()["tasks"])
        (inbox / "locked.pdf").write_bytes(text_pdf(1))
        assert receipt(inbox / "locked.pdf")["status"] == "completed", "a file that is replaced is done anew"
        assert not (inbox / "locked.pdf.result" / "error.txt").exists()
        until(lambda: not hidden_in(inbox))  # nothing half-made is left
        assert server.leftovers() == []


@pytest.mark.slow
def test_strange_names_and_a_folder_that_goes_and_comes_back(tmp_path: Path) -> None:
    inbox, data = tmp_path / "inbox", text_pdf(1)
    inbox.mkdir()
    long, odd, last = inbox / f"{'報' * 82}.pdf", inbox / os.fsdecode(b"caf\xe9\n.pdf"), inbox / "zz.pdf"
    for path in (long, odd, last):
        path.write_bytes(data)
    with LiveServer(tmp_path / "data", "--watch-dir", str(inbox)) as server:
        assert receipt(last)["status"] == receipt(odd)["status"] == "completed"
        until(lambda: list(inbox.glob("報*.result/receipt.json")))
        (shortened,) = inbox.glob("報*.result")
        assert json.loads((shortened / "receipt.json").read_text())["name"] == long.name
        inbox.rename(tmp_path / "away")
        wanted = {"degraded": ["watch_folder"]}
        until(lambda: wanted.items() <= server.client.get("/ready").json().items())
        assert server.client.get("/ready").status_code == 200, "all other work goes on"
        (told,) = server.client.get("/api/v1/queue").json()["problems"]
        assert str(inbox) in told
        assert 'mineru_app_watch_problems{kind="folder"} 1.0' in server.client.get("/metrics").text
        (tmp_path / "away").rename(inbox)
        until(lambda: "degraded" not in server.client.get("/ready").json())
        (inbox / "new.pdf").write_bytes(data)
        assert receipt(inbox / "new.pdf")["status"] == "completed"
        assert 'mineru_app_watch_problems{kind="folder"} 0.0' in server.client.get("/metrics").text
        assert server.client.get("/api/v1/queue").json()["problems"] == []
        assert len(names(server)) == 4
    log = server.log.read_text()
    assert log.count(told) == 1 and log.count("can be used again") == 1 and "Traceback" not in log


@pytest.mark.slow
def test_a_file_that_is_still_copied_waits(tmp_path: Path) -> None:
    inbox, data = tmp_path / "inbox", text_pdf(3)
    inbox.mkdir()
    with LiveServer(tmp_path / "data", "--watch-dir", str(inbox)) as server:
        deadline = time.monotonic() + 8
        with (inbox / "slow.pdf").open("wb") as file:
            while time.monotonic() < deadline:
                file.write(data[file.tell() : file.tell() + 100])
                file.flush()
                os.utime(inbox / "slow.pdf")
                assert names(server) == []
                time.sleep(0.5)
            file.write(data[file.tell() :])
        assert receipt(inbox / "slow.pdf")["status"] == "completed"
        assert names(server) == ["slow.pdf"]


@pytest.mark.slow
def test_a_restart_does_nothing_twice(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for index in range(5):
        (inbox / f"{index}.pdf").write_bytes(text_pdf(40, seed=index))
    flags = ("--watch-dir", str(inbox), "--workers", "1", "--shard-pages-flash", "8")
    with LiveServer(tmp_path / "data", *flags) as server:
        while len(names(server)) < 5:
            time.sleep(0.05)
        for _ in range(2):
            server.kill()
            server.start()
        for index in range(5):
            assert receipt(inbox / f"{index}.pdf", 120)["status"] == "completed"
        assert names(server) == [f"{index}.pdf" for index in range(5)]
        server.stop()
        server.start()
        (inbox / "last.pdf").write_bytes(text_pdf(1, seed=9))
        assert receipt(inbox / "last.pdf")["status"] == "completed"
        assert len(names(server)) == 6, "what has a result is not looked at again"


@pytest.mark.slow
def test_where_people_sign_in_a_folder_is_its_owners(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    (inbox / "alice").mkdir(parents=True)
    (inbox / "alice" / "a.pdf").write_bytes(text_pdf(1))
    (inbox / "b.pdf").write_bytes(text_pdf(1, seed=1))
    with LiveServer(tmp_path / "data", "--watch-dir", str(inbox), "--token", "t", token="t") as server:
        for path in (inbox / "alice" / "a.pdf", inbox / "b.pdf"):
            assert receipt(path)["status"] == "completed"
        assert names(server) == []
    with sqlite3.connect(tmp_path / "data" / "queue.db") as database:
        assert dict(database.execute("SELECT name, owner FROM tasks")) == {"a.pdf": "alice", "b.pdf": "watch"}
    database.close()


@pytest.mark.slow
def test_a_deleted_task_does_not_come_back(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with LiveServer(tmp_path / "data", "--watch-dir", str(inbox)) as server:
        server.client.post("/api/v1/queue/pause").raise_for_status()
        (inbox / "a.pdf").write_bytes(text_pdf(1))
        while not (tasks := server.client.get("/api/v1/tasks").json()["tasks"]):
            time.sleep(0.05)
        assert server.client.delete(f"/api/v1/tasks/{tasks[0]['id']}").status_code == 204
        assert receipt(inbox / "a.pdf")["status"] == "deleted"
        assert names(server) == []
