"""The same document again: what the cache of results saves."""

from __future__ import annotations

import time

from bench.documents import Document, papers
from bench.figures import Bar, ratios, row
from bench.measurement import Found, Measurement, Plan
from bench.ours import convert, our_server
from tests.live import LiveServer


def _again(plan: Plan) -> Found:
    pages = plan.size(20, 2)
    first: list[float] = []
    again: list[float] = []
    with our_server(plan.folder / "data") as server:
        convert(server, papers(4, seed=900))
        for number in range(plan.rounds):
            document = papers(1, pages, seed=number)[0]
            first.append(_once(server, document, cached=False))
            again.append(_once(server, document, cached=True))
            plan.say(f"round {number + 1} of {plan.rounds}: {first[-1]:.3g}, again {again[-1]:.3g}")
    rows = [
        row("first time", first, "s", kind="seconds"),
        row("again", again, "s", kind="seconds"),
        row("first time / again", ratios(first, again), bar=Bar(">=", 50)),
    ]
    return Found(rows, f"A paper of {pages} pages with figures and tables, tier flash, submit to result.")


def _once(server: LiveServer, document: Document, cached: bool) -> float:
    began = time.monotonic()
    task_id = server.submit(document.name, document.data, tier="flash")
    task = server.end(task_id)
    assert server.result(task_id)
    seconds = time.monotonic() - began
    assert task["status"] == "completed" and task["receipt"]["cached"] is cached, task
    return seconds


MEASUREMENTS = (Measurement("again", "the same document again", _again, 0.5),)
