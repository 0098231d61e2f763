"""One long document: how soon it is done, how soon its first page can be read, how much memory that takes."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.documents import Document, texts
from bench.figures import Bar, Row, ratios, row
from bench.measurement import Contestant, Found, Measurement, Plan, take_turns
from bench.ours import our_server, send
from bench.peers import bare_pool, mineru_api
from bench.processes import peak_resident, sampled
from tests.chaos import processes
from tests.live import LiveServer


def _book(plan: Plan) -> Found:
    pages, part = plan.size(600, 66), plan.size(64, 10)
    book, short = texts(1, pages)[0], texts(1, part, seed=1)[0]
    with ExitStack() as stack:
        server = stack.enter_context(our_server(plan.folder / "data"))
        pool = stack.enter_context(bare_pool(plan.folder / "bare", processes=1))
        api = stack.enter_context(mineru_api())
        small = _read(server, short).peak
        for contestant in (pool.convert, api.convert):
            contestant(texts(1, seed=2))
        readings: list[_Reading] = []

        def ours(_: int) -> float:
            readings.append(_read(server, book))
            return readings[-1].seconds

        seconds = take_turns(
            plan,
            {
                "ours": Contestant(ours),
                "one MinerU call": Contestant(lambda _: pool.convert([book])),
                "mineru-api": Contestant(lambda _: api.convert([book])),
            },
        )
        peak_of_call = pool.peak()
    setting = (
        f"A made document of {pages} pages of text, tier flash. The MinerU call runs in a warm process of its"
        " own; mineru-api at --concurrency 1. Neither shows a page before the end. Memory: the greatest"
        f" resident size of any worker, beside that after {part} pages."
    )
    return Found([*_speed(seconds, readings), *_memory(readings, small, peak_of_call)], setting)


class _Reading:
    """What one run of ours took: seconds to the end and to the first page, MB of the largest worker."""

    def __init__(self, seconds: float, first: float, peak: float) -> None:
        self.seconds, self.first, self.peak = seconds, first, peak


def _read(server: LiveServer, document: Document) -> _Reading:
    with sampled(partial(_largest, server.data), every=0.2) as peak:
        began = time.monotonic()
        task_id = send(server, [document])[0]
        while server.client.get(f"/api/v1/tasks/{task_id}/pages/1").status_code != 200:
            assert server.task(task_id)["status"] != "failed"
            time.sleep(0.01)
        first = time.monotonic() - began
        task = server.end(task_id, 600)
        seconds = time.monotonic() - began
    assert task["status"] == "completed", task["error"]
    return _Reading(seconds, first, peak[0])


def _largest(data: Path) -> float:
    return max(map(peak_resident, processes.workers(data)), default=0.0)


def _speed(seconds: dict[str, list[float]], readings: list[_Reading]) -> list[Row]:
    first = [reading.first for reading in readings]
    found = [row(name, values, "s", kind="seconds") for name, values in seconds.items()]
    found.append(row("ours, until the first page can be read", first, "s", kind="seconds"))
    for name, values in seconds.items():
        if name != "ours":
            # how many times as fast: seconds, so the other way round
            found.append(row(f"{name} / ours", ratios(values, seconds["ours"]), bar=Bar(">=", 1.8)))
            sooner = ratios(values, first)
            found.append(row(f"first page, {name} / ours", sooner, bar=Bar(">=", 20)))
    return found


def _memory(readings: list[_Reading], small: float, call: float) -> list[Row]:
    peaks = [reading.peak for reading in readings]
    return [
        row("ours, largest worker", peaks, "MB", kind="memory"),
        row("one MinerU call, its process", [call], "MB", kind="memory"),
        row("largest worker / after a part's pages", [peak / small for peak in peaks], bar=Bar("<=", 1.5)),
    ]


MEASUREMENTS = (Measurement("book", "one document of 600 pages", _book, 13),)
