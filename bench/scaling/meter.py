"""A real server under measurement: processor time of its processes, and what other programs take."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from io import BytesIO
from statistics import fmean
from typing import Self

import psutil

from bench.documents import prose_pdf
from tests.live import LiveServer

#: cores that other programs may take in a quiet moment, and how long one looks, in seconds
QUIET, LOOK = 0.15, 2.0
#: how long one waits for it, in seconds
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds: on the clock, and of computing by the web process, its workers, this client, and others."""

    wall: float
    web: float
    workers: float
    client: float
    others: float

    @classmethod
    def now(cls, server: LiveServer) -> Self:
        """Since some moment in the past; only differences mean something."""
        assert server.process is not None
        web = psutil.Process(server.process.pid)
        own, client = _computing(web), time.process_time()
        workers = sum(map(_computing, web.children(recursive=True)))
        return cls(time.monotonic(), own, workers, client, _machine() - own - workers - client)

    def since(self, before: Usage) -> Usage:
        """What was used since then."""
        pairs = zip(astuple(self), astuple(before), strict=True)
        return Usage(*(now - then for now, then in pairs))

    @property
    def computing(self) -> float:
        """Core-seconds of ours, the client included."""
        return self.web + self.workers + self.client

    @property
    def strangers(self) -> float:
        """Cores that other programs took."""
        return max(0.0, self.others / self.wall)


def wait_for_quiet(patience: float) -> None:
    """Returns when other programs leave the machine alone, or after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before, began = _machine() - time.process_time(), time.monotonic()
        time.sleep(LOOK)
        used = _machine() - time.process_time() - before
        if used / (time.monotonic() - began) < QUIET:
            return


def pace(rounds: int = 80) -> float:
    """Seconds that this machine takes just now for a fixed piece of computing, the mean over about four.

    A shared machine is a third faster in one minute than in another, and shows nobody who takes it. As it
    changes every few seconds, a shorter look, or a median, sees one of two machines.
    """
    from pypdf import PdfReader  # which takes a while, and who reads kept figures needs none

    found: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        reader = PdfReader(BytesIO(prose_pdf(6, seed=1)))
        zlib.compress("".join(page.extract_text() for page in reader.pages).encode() * 200, 9)
        found.append(time.process_time() - began)
    return fmean(found)


def _machine() -> float:
    """Seconds of computing by all that runs on this machine."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


def _computing(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


@dataclass(frozen=True, slots=True)
class Part:
    """What the store keeps of a part: its pages, and the seconds that a worker took."""

    pages: int
    seconds: float


def run_documents(server: LiveServer, documents: Sequence[bytes], **fields: str) -> tuple[list[str], Usage]:
    """Sends documents one after the other, waits until all are done; their ids and what it took."""
    before = Usage.now(server)
    fields = {"tier": "flash", "use_cache": "false", **fields}
    ids = [server.submit(f"{number}.pdf", data, **fields) for number, data in enumerate(documents)]
    for task_id in ids:
        status = server.end(task_id)["status"]
        assert status == "completed", status
    return ids, Usage.now(server).since(before)


def parts_of(server: LiveServer, ids: Sequence[str]) -> list[Part]:
    """The parts of ended tasks."""
    marks = ", ".join("?" * len(ids))
    query = f"SELECT json_array_length(pages), seconds FROM shards WHERE task_id IN ({marks})"
    with closing(sqlite3.connect(f"file:{server.data / 'queue.db'}?mode=ro", uri=True)) as db:
        return [Part(*row) for row in db.execute(query, list(ids))]


def join_share(server: LiveServer, ids: Sequence[str]) -> float:
    """The share of joining in the time that workers spent on these tasks after their inspection."""
    receipts = [server.task(task_id)["receipt"] for task_id in ids]
    spent = sum(receipt["parsed_seconds"] for receipt in receipts)
    return max(0.0, 1 - sum(part.seconds for part in parts_of(server, ids)) / spent)
