"""Many documents through one server: do memory, open files, threads and the disk stay flat?"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import astuple, dataclass

import httpx
import psutil

from bench.documents import made, prose_pdf
from bench.figures import Row, row, slope
from bench.measurement import Found, Measurement, Plan
from bench.processes import room
from tests.live import LiveServer

#: documents that are on their way at the same time
IN_FLIGHT = 12
#: ended tasks that are kept before the script deletes them; every tenth is left to the retention
KEPT = 50
RETENTION = 60
READERS = 3


@dataclass(frozen=True)
class Sample:
    """What the server holds after so many documents. Sizes in MB."""

    documents: int
    web_memory: float
    worker_memory: float
    open_files: int
    threads: int
    processes: int
    disk: float


NAMES = (
    ("memory of the web process", "MB"),
    ("memory of all workers together", "MB"),
    ("open files of the web process", ""),
    ("threads of the web process", ""),
    ("processes", ""),
    ("data folder", "MB"),
)


def _soak(plan: Plan) -> Found:
    documents = plan.documents
    began = time.monotonic()
    with LiveServer(plan.folder / "soak", "--retention", f"{RETENTION}s") as server:
        found = _run(server, documents, max(1, documents // plan.size(40, 5)))
    seconds = time.monotonic() - began
    rows = [row(f"{documents:,} documents in {seconds:.0f} s", [documents / seconds], "documents/s")]
    later = found[len(found) // 4 :]
    for index, (name, unit) in enumerate(NAMES, 1):
        values = [float(astuple(sample)[index]) for sample in later]
        rows.append(Row(f"{name}, at the end", values[-1], min(values), max(values), len(values), unit))
        change = 1000 * slope([sample.documents for sample in later], values)
        rows.append(row(f"{name}, slope", [change], f"{unit} per 1,000 documents".strip()))
    return Found(rows, "Slopes are those of the best straight line through the last three quarters.")


def _documents() -> list[tuple[str, bytes]]:
    """One of each kind, short ones oftener; longer ones in parts."""
    notes = [(f"note-{seed}.pdf", prose_pdf(1 + seed % 3, seed=seed)) for seed in range(5)]
    make = made()
    papers = [(f"paper-{seed}.pdf", make.paper_pdf(1, seed=seed)) for seed in range(2)]
    others = [("table.csv", make.table_csv()), ("letter.docx", make.word()), ("page.html", make.web_page())]
    return [*notes, *papers, *others]


def _run(server: LiveServer, documents: int, every: int) -> list[Sample]:
    kinds, found = _documents(), list[Sample]()
    waiting, ended = deque[str](), deque[str]()
    stop = threading.Event()
    readers = [threading.Thread(target=_read, args=(server.url, stop)) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        for number in range(documents):
            name, data = kinds[number % len(kinds)]
            if number % 200 == 199:
                name, data = "book.pdf", prose_pdf(70, seed=number)
            waiting.append(server.submit(name, data, key=f"soak-{number}", use_cache="false"))
            if len(waiting) >= IN_FLIGHT:
                _finish(server, waiting.popleft(), ended, number)
            if number % every == every - 1:
                found.append(_sample(server, number + 1))
        while waiting:
            _finish(server, waiting.popleft(), ended, 1)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    return found


def _finish(server: LiveServer, task_id: str, ended: deque[str], number: int) -> None:
    """Waits for a document and reads it; takes an older one away."""
    assert server.end(task_id)["status"] == "completed"
    assert server.result(task_id)
    ended.append(task_id)
    if len(ended) > KEPT:
        oldest = ended.popleft()
        if number % 10:  # 404: the retention was quicker
            assert server.client.delete(f"/api/v1/tasks/{oldest}").status_code in (204, 404)


def _read(url: str, stop: threading.Event) -> None:
    """What open pages and monitors ask."""
    rev, turn = 0, 0
    with httpx.Client(base_url=url, timeout=60) as client:
        while not stop.wait(1.0):
            answer = client.get("/api/v1/tasks", params={"since": rev})
            rev = answer.json()["rev"] if answer.status_code == 200 else rev
            turn += 1
            path = ("/api/v1/queue", "/metrics", "/gpu/status", "/api/v1/tasks", "/")[turn % 5]
            client.get(path).raise_for_status()


def _sample(server: LiveServer, documents: int) -> Sample:
    assert server.process is not None
    web = psutil.Process(server.process.pid)
    workers = [memory for child in web.children(recursive=True) if (memory := _memory(child))]
    return Sample(
        documents,
        _memory(web),
        sum(workers),
        web.num_fds(),
        web.num_threads(),
        1 + len(workers),
        room(server.data) / 2**20,
    )


def _memory(process: psutil.Process) -> float:
    try:
        return process.memory_info().rss / 2**20
    except psutil.Error:
        return 0.0


MEASUREMENTS = (Measurement("soak", "soak", _soak, 40, usual=False),)
