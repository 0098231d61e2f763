"""Measures ``Costs`` on a real server: what each phase of a document computes, and where."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.scaling.costs import Costs
from bench.scaling.meter import Usage, join_share, run_documents, wait_for_quiet
from bench.scaling.store_costs import store_costs
from gradio_app import schedule
from tests.documents import text_pdf
from tests.live import LiveServer

#: one-page documents of each measurement; pages of longer ones, and how many of these
SHORT, MIDDLE, LONG, LONG_ONES = 30, 20, 64, 2
#: pages of the document that is cut into many parts, and of its parts
MANY, PART = 128, 8
WARM_UP = 4
#: how long one waits for a quiet moment, in seconds
PATIENCE = 60.0
_SLOTS = 4096


def calibrate(folder: Path) -> Costs:
    """The costs on this machine, in about a minute. ``folder`` is on the disk that data shall be on.

    Computing is counted, not the time on the clock; still it takes longer while others use the same memory.
    """
    wait_for_quiet(PATIENCE)
    steps, settle = store_costs(folder / "store")
    with LiveServer(folder / "one", "--workers", "1") as server:
        run_documents(server, _texts(1, WARM_UP))
        short = _phases(server, _texts(1, SHORT))
        middle = _phases(server, _texts(MIDDLE, LONG_ONES))
        long = _phases(server, _texts(LONG, LONG_ONES))
        accept = _accept_again(server)
    with LiveServer(folder / "parts", "--workers", "1", "--shard-pages-flash", str(PART)) as server:
        run_documents(server, _texts(1, 1))
        ids, many = run_documents(server, _texts(MANY, 1))
        join = join_share(server, ids) * (many.workers - long.inspect) / MANY
    with LiveServer(folder / "two", "--workers", "2") as server:
        run_documents(server, _texts(PART, WARM_UP))
        crowded = _phases(server, _texts(LONG, LONG_ONES))
    curve = _curve((1, short.parse), (MIDDLE, middle.parse), (LONG, long.parse))
    watching = max(0.0, (long.intake + long.rest - short.intake - short.rest) / long.wall)
    parts = MANY // PART
    stored = parts * steps["checkpoint"].computing + steps["finish"].computing - steps["whole"].computing
    part = max(0.0, many.web - watching * many.wall - short.intake - short.rest - stored) / (parts - 1)
    return Costs(
        client=short.client,
        accept=accept,
        look=max(0.0, short.intake - accept - steps["add"].computing - steps["plan"].computing),
        task=max(0.0, short.rest - part - steps["begin"].computing - steps["whole"].computing),
        part=part,
        decide=_decide(),
        settle=settle,
        inspect=short.inspect,
        inspect_page=max(0.0, (long.inspect - short.inspect) / (LONG - 1)),
        parse=curve[0],
        parse_page=curve[1],
        parse_square=curve[2],
        join=0.0,
        join_page=join,
        crowding=max(1.0, crowded.parse / long.parse),
        **steps,
    )


def _texts(pages: int, count: int) -> list[bytes]:
    return [text_pdf(pages, seed=1000 * pages + number) for number in range(count)]


def _curve(*points: tuple[int, float]) -> tuple[float, float, float]:
    """Seconds at the start, for each page and for the square of the pages, through three measurements.

    None is below nothing: then it is the straight line through the first and the last of them.
    """
    (one, low), (two, middle), (three, high) = points
    first, last = (middle - low) / (two - one), (high - middle) / (three - two)
    square = (last - first) / (three - one)
    slope = first - square * (one + two)
    if square < 0 or slope < 0:
        square, slope = 0.0, (high - low) / (three - one)
    return max(0.0, low - slope * one - square * one**2), slope, square


@dataclass(frozen=True, slots=True)
class _Phases:
    """Seconds of computing for each document: the client's, the web process' until it is queued and after it,
    the workers' for the inspection and for the parse. ``wall`` is the clock's, after it was queued.
    """

    client: float
    intake: float
    rest: float
    inspect: float
    parse: float
    wall: float


def _phases(server: LiveServer, documents: list[bytes]) -> _Phases:
    """Documents taken in while the queue is paused, then read."""
    _queue(server, "pause")
    before = Usage.now(server)
    ids = [server.submit("a.pdf", data, tier="flash", use_cache="false") for data in documents]
    client = Usage.now(server).since(before).client
    _until(lambda: server.task(ids[-1])["status"] == "queued")
    intake, before = Usage.now(server).since(before), Usage.now(server)
    _queue(server, "resume")
    for task_id in ids:
        assert server.end(task_id)["status"] == "completed"
    rest = Usage.now(server).since(before)
    figures = client, intake.web, rest.web, intake.workers, rest.workers, rest.wall
    return _Phases(*(figure / len(documents) for figure in figures))


def _accept_again(server: LiveServer) -> float:
    """Seconds of the web process to take in a document that it knows already, under the same key."""
    document = text_pdf(1, seed=7)
    for turn in range(1 + SHORT):
        server.submit("a.pdf", document, key="again", tier="flash", use_cache="false")
        if turn == 0:
            server.client.get("/api/v1/tasks").raise_for_status()
            _until(lambda: not server.client.get("/api/v1/queue").json()["counts"].get("processing"))
            before = Usage.now(server)
    return Usage.now(server).since(before).web / SHORT


def _decide() -> float:
    """Seconds of one look at who is next, for each busy slot: our own function, with many slots."""
    lanes = schedule.Lanes({False: 0, True: _SLOTS + 1})
    busy = [schedule.entry(str(n), f"owner-{n % 20}", 20, 0, 0.0, n, "standard", True) for n in range(_SLOTS)]
    lanes.push(replace(busy[0], task_id="next"))
    began = time.process_time()
    for _ in range(20):
        assert lanes.next(busy) is not None
    return (time.process_time() - began) / 20 / _SLOTS


def _queue(server: LiveServer, what: str) -> None:
    server.client.post(f"/api/v1/queue/{what}").raise_for_status()


def _until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "the documents were not inspected in time"
        time.sleep(0.2)
