"""How soon a cancelled document of 600 pages makes room: another long one waits behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.documents import Document, texts
from bench.figures import Bar, Row, row
from bench.measurement import Contestant, Found, Measurement, Plan, take_turns
from bench.ours import empty, our_server, send
from bench.peers import MineruApi, mineru_api
from tests.live import LiveServer

#: longer is not waited for, in seconds
PATIENCE = 240.0


@dataclass
class _Freed:
    """Seconds from asking for the cancel: to its answer, to the next one's start, and to its end."""

    answered: list[float] = field(default_factory=list[float])
    started: list[float] = field(default_factory=list[float])
    done: list[float] = field(default_factory=list[float])


def _cancel(plan: Plan) -> Found:
    # long enough for a quick machine, too: one that ends before the cancel is a conflict
    pages, short, runs = plan.size(600, 400), plan.size(20, 10), plan.size(3.0, 1.0)
    long, next_one = texts(1, pages)[0], texts(1, short, seed=1)[0]
    ours, theirs = _Freed(), _Freed()
    with ExitStack() as stack:
        server = stack.enter_context(our_server(plan.folder / "data"))
        api = stack.enter_context(mineru_api())
        take_turns(
            plan,
            {
                "ours": Contestant(lambda _: _ours(server, long, next_one, runs, ours)),
                "mineru-api": Contestant(lambda _: _theirs(api, long, next_one, runs, theirs), 1),
            },
        )
    setting = (
        f"A document of {pages} pages has run for {runs:g} s and one of {short} pages waits, too long for our"
        " express lane. mineru-api at --concurrency 1, in one round, as it takes long."
    )
    return Found(_rows(ours, theirs), setting)


def _rows(ours: _Freed, theirs: _Freed) -> list[Row]:
    return [
        row("ours, until the next one starts", ours.started, "s", Bar("<=", 1), kind="until it starts"),
        row("mineru-api, until it says that the next one runs", theirs.started, "s", kind="until it starts"),
        row("ours, until the next one is done", ours.done, "s", kind="until it is done"),
        row("mineru-api, until the next one is done", theirs.done, "s", kind="until it is done"),
        row("ours, until the cancel is answered", ours.answered, "s"),
        row("mineru-api, until the cancel is answered", theirs.answered, "s"),
    ]


def _ours(server: LiveServer, long: Document, next_one: Document, runs: float, freed: _Freed) -> float:
    first = send(server, [long])[0]
    _until(lambda: server.task(first)["status"] == "processing")
    second = send(server, [next_one])[0]
    _until(lambda: server.task(second)["status"] == "queued")
    time.sleep(runs)
    began = time.time()  # the server's times are those of the same clock
    server.client.post(f"/api/v1/tasks/{first}/cancel").raise_for_status()
    freed.answered.append(time.time() - began)
    ended = server.end(second)
    assert ended["status"] == "completed", ended["error"]
    # one that had begun before the cancel found its room without it
    assert ended["started_at"] >= began, "the next document did not wait"
    freed.started.append(ended["started_at"] - began)
    freed.done.append(ended["finished_at"] - began)
    empty(server)
    return freed.started[-1]


def _theirs(api: MineruApi, long: Document, next_one: Document, runs: float, freed: _Freed) -> float:
    first = api.send(long)
    _until(lambda: api.status(first) == "running")
    second = api.send(next_one)
    time.sleep(runs)
    began = time.monotonic()
    api.cancel(first)
    freed.answered.append(time.monotonic() - began)
    _until(lambda: api.status(second) != "queued")
    freed.started.append(time.monotonic() - began)
    assert api.end(second, PATIENCE) == "completed"
    freed.done.append(time.monotonic() - began)
    return freed.started[-1]


def _until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing happened in {PATIENCE:.0f} s")
        time.sleep(0.01)


MEASUREMENTS = (Measurement("cancel", "cancel of a running document of 600 pages", _cancel, 2.5),)
