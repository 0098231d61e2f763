"""Our server as a contestant: as a user would start it, asked over REST."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.documents import Document
from tests.chaos import processes
from tests.live import ENDED, LiveServer

#: files in one request: the default of ``max_files``
AT_ONCE = 100
#: no hub is asked for models, which costs 22 s where there is no network; the same for every contestant
NO_HUB = {"MINERU_MODEL_SOURCE": "local"}


@contextmanager
def our_server(data: Path, *flags: str, env: Mapping[str, str] | None = None) -> Generator[LiveServer]:
    """Our server with its default settings and ``flags``, warm: all its workers have come up."""
    server = LiveServer(data, *flags, env=NO_HUB | dict(env or {}))
    with server:
        wait_for_workers(server)
        yield server


def wait_for_workers(server: LiveServer, seconds: float = 30) -> None:
    """Returns when its worker processes are there; the first ones may still be importing."""
    deadline = time.monotonic() + seconds
    while not processes.workers(server.data) and time.monotonic() < deadline:
        time.sleep(0.05)


def send(server: LiveServer, documents: Sequence[Document], tier: str = "flash") -> list[str]:
    """Sends documents, many in one request; the ids of their tasks. Nothing comes from the cache."""
    found: list[str] = []
    for start in range(0, len(documents), AT_ONCE):
        files = [("files", (each.name, each.data)) for each in documents[start : start + AT_ONCE]]
        fields = {"tier": tier, "use_cache": "false"}
        answer = server.client.post("/api/v1/tasks", files=files, data=fields)
        assert answer.status_code == 201, answer.text
        found += [task["id"] for task in answer.json()["tasks"]]
    return found


def convert(server: LiveServer, documents: Sequence[Document], tier: str = "flash") -> float:
    """Seconds from sending documents until the last one is done. All must be completed."""
    began = time.monotonic()
    ids = send(server, documents, tier)
    server.end(ids[-1], 900)
    while active(server):  # those before it, as a rule none
        time.sleep(0.02)
    seconds = time.monotonic() - began
    for task_id in ids:
        task = server.task(task_id)
        assert task["status"] == "completed", f"{task['name']}: {task['error']}"
    return seconds


def active(server: LiveServer) -> int:
    """How many tasks have not ended."""
    query = {"limit": "0", "status": "pending,queued,processing,cancelling"}
    return int(server.client.get("/api/v1/tasks", params=query).json()["total"])


def empty(server: LiveServer) -> None:
    """Cancels and deletes all tasks, so that the next round begins with an empty queue."""
    for action, statuses in (("cancel", "pending,queued,processing"), ("delete", ",".join(ENDED))):
        found = server.client.get("/api/v1/tasks/ids", params={"status": statuses}).json()["ids"]
        ids = [task_id for some in found.values() for task_id in some]
        if ids:
            body = {"action": action, "ids": ids}
            server.client.post("/api/v1/tasks/bulk", json=body).raise_for_status()
