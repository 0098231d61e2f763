"""One short document at a time, from sending it to holding its result."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from bench.documents import Document, texts
from bench.figures import Bar, Row, percentile, pooled, row
from bench.measurement import Found, Measurement, Plan
from bench.ours import our_server, send
from bench.peers import bare_pool, mineru_api, mineru_webui
from tests.live import LiveServer

#: documents of each round for MinerU's page, which takes over a second for each
FEW = 4


def _latency(plan: Plan) -> Found:
    count = plan.size(20, 3)
    with ExitStack() as stack:
        server = stack.enter_context(our_server(plan.folder / "data"))
        pool = stack.enter_context(bare_pool(plan.folder / "bare", processes=1))
        api = stack.enter_context(mineru_api())
        page = stack.enter_context(mineru_webui())
        contestants: dict[str, Callable[[Document], float]] = {
            "ours": lambda document: _round_trip(server, document),
            "warm MinerU call": lambda document: pool.convert([document]),
            "mineru-api": lambda document: api.convert([document]),
            "mineru-webui": lambda document: page.convert([document]),
        }
        for convert in contestants.values():
            for document in texts(2, seed=500):
                convert(document)
        found: dict[str, list[list[float]]] = {name: [] for name in contestants}
        for number in range(plan.rounds):
            plan.say(f"round {number + 1} of {plan.rounds}")
            # document by document: whatever slows the machine down meets all of them
            for name in contestants:
                found[name].append([])
            for place, document in enumerate(texts(count, seed=100 * number)):
                for name, convert in contestants.items():
                    if name != "mineru-webui" or place < FEW:
                        found[name][-1].append(1000 * convert(document))
    setting = (
        f"{count} one-page text documents in each round, one after the other, {plan.rounds} rounds together."
        " Ours: POST, one long poll, GET of the Markdown. The MinerU call runs in a warm process, parses and"
        " saves. mineru-api is asked every 10 ms;"
        f" mineru-webui is given {FEW} of the documents."
    )
    return Found(_rows(found), setting)


def _round_trip(server: LiveServer, document: Document) -> float:
    began = time.monotonic()
    task_id = send(server, [document])[0]
    task = server.end(task_id)
    assert task["status"] == "completed", task["error"]
    assert server.result(task_id)
    return time.monotonic() - began


def _rows(found: dict[str, list[list[float]]]) -> list[Row]:
    rows: list[Row] = []
    for name, rounds in found.items():
        rows.append(pooled(f"{name}, p50", rounds, 0.5, "ms", kind="p50"))
        rows.append(pooled(f"{name}, p95", rounds, 0.95, "ms", kind="p95"))
    pairs = list(zip(found["ours"], found["warm MinerU call"], strict=True))
    for label, q in (("p50", 0.5), ("p95", 0.95)):
        more = [percentile(ours, q) - percentile(call, q) for ours, call in pairs]
        rows.append(row(f"ours more than the warm call, {label}", more, "ms", Bar("<=", 50)))
    together = [a - b for ours, call in pairs for a, b in zip(ours, call, strict=True)]
    rows.append(row("ours more than the warm call, by document", [median(together)], "ms"))
    return rows


MEASUREMENTS = (Measurement("latency", "one one-page PDF, submit to result", _latency, 1.5),)
