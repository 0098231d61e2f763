"""Measures ``Costs`` on a real server: what each phase of a document computes, and where."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.documents import prose_pdf
from bench.scaling.costs import Costs, Step
from bench.scaling.meter import PATIENCE, Usage, join_share, pace, run_documents, wait_for_quiet
from bench.scaling.store_costs import store_costs
from gradio_app.queue import scheduler
from tests.live import LiveServer

#: pages of a part where a document is cut into many
PART = 8
WARM_UP = 4
_SLOTS = 4096


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: one-page documents; pages of longer ones, and how many of these; pages of the one
    that is cut into many parts.
    """

    short: int = 30
    middle: int = 20
    long: int = 64
    ones: int = 2
    many: int = 128
    patience: float = PATIENCE


#: to see that it runs at all
LITTLE = Effort(short=6, middle=8, long=16, ones=1, many=32, patience=0.0)


def calibrate(folder: Path, effort: Effort = Effort()) -> Costs:
    """The costs on this machine, in about a minute. ``folder`` is on the disk that data shall be on.

    Computing is counted, not the time on the clock; still it takes longer while others use the same memory.
    """
    wait_for_quiet(effort.patience)
    before = pace()
    steps, settle = store_costs(folder / "store")
    with LiveServer(folder / "one", "--workers", "1") as server:
        run_documents(server, _texts(1, WARM_UP))
        short = _phases(server, _texts(1, effort.short))
        middle = _phases(server, _texts(effort.middle, effort.ones))
        long = _phases(server, _texts(effort.long, effort.ones))
        accept = _accept_again(server, effort.short)
    with LiveServer(folder / "two", "--workers", "2") as server:
        run_documents(server, _texts(PART, WARM_UP))
        crowded = _phases(server, _texts(effort.long, 2))
    part, join_page = _of_many_parts(folder / "parts", effort.many, short, long, steps)
    parse = _curve((1, short.parse), (effort.middle, middle.parse), (effort.long, long.parse))
    return Costs(
        client=short.client,
        accept=accept,
        look=max(0.0, short.intake - accept - steps["add"].computing - steps["plan"].computing),
        task=max(0.0, short.rest - part - steps["begin"].computing - steps["whole"].computing),
        part=part,
        decide=_decide(),
        settle=settle,
        inspect=short.inspect,
        inspect_page=max(0.0, (long.inspect - short.inspect) / (effort.long - 1)),
        parse=parse[0],
        parse_page=parse[1],
        parse_square=parse[2],
        join=0.0,
        join_page=join_page,
        crowding=max(1.0, crowded.parse / long.parse),
        pace=(before + pace()) / 2,
        **steps,
    )


def _texts(pages: int, count: int) -> list[bytes]:
    return [prose_pdf(pages, seed=1000 * pages + number) for number in range(count)]


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


def _of_many_parts(
    folder: Path, pages: int, short: _Phases, long: _Phases, steps: Mapping[str, Step]
) -> tuple[float, float]:
    """Seconds of the web process for one more part of a document, and of a worker to join one more page."""
    with LiveServer(folder, "--workers", "1", "--shard-pages-flash", str(PART)) as server:
        run_documents(server, _texts(1, 1))
        ids, used = run_documents(server, _texts(pages, 1))
        join = join_share(server, ids) * max(0.0, used.workers - long.inspect) / pages
    # what the web process does all the time that a worker is busy
    watching = max(0.0, (long.intake + long.rest - short.intake - short.rest) / long.wall)
    parts = pages // PART
    stored = parts * steps["checkpoint"].computing + steps["finish"].computing - steps["whole"].computing
    spent = used.web - watching * used.wall - short.intake - short.rest - stored
    return max(0.0, spent) / (parts - 1), join


def _accept_again(server: LiveServer, times: int) -> float:
    """Seconds of the web process to take in a document that it knows already, under the same key."""
    document, fields = prose_pdf(1, seed=7), {"tier": "flash", "use_cache": "false"}
    server.end(server.submit("a.pdf", document, key="again", **fields))
    before = Usage.now(server)
    for _ in range(times):
        server.submit("a.pdf", document, key="again", **fields)
    return Usage.now(server).since(before).web / times


def _decide() -> float:
    """Seconds of one look at who is next, for each busy slot: our own function, with many slots."""
    lanes = scheduler.Lanes({False: 0, True: _SLOTS + 1})
    busy = [
        scheduler.Entry(0.0, n, str(n), f"owner-{n % 20}", 20, False, "standard", True) for n in range(_SLOTS)
    ]
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
