"""How busy the vision model is kept: a stand-in with 8 slots and half a second a request as the limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from bench.documents import Document, scans
from bench.figures import Bar, Row, ratios, row
from bench.measurement import Contestant, Found, Measurement, Plan, take_turns
from bench.ours import convert, our_server
from bench.peers import mineru_api
from tests.fakes.sglang import FakeSglang

SLOTS, DELAY = 8, 0.5
CONCURRENCIES = (1, 4, 8)
#: the stand-in's pace while processes warm up, in seconds a request
QUICK = 0.02

Convert = Callable[[Sequence[Document]], float]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Who takes part, whether with long scans; shares of the limit as they come."""

    convert: Convert
    takes_long: bool
    shares: dict[str, list[float]] = field(default_factory=dict[str, list[float]])


def _vision(tier: str, plan: Plan) -> Found:
    from tests.stub_weights import write_small_models  # which imports onnx and mineru

    models = plan.folder / "models"
    write_small_models(models)
    with ExitStack() as stack:
        fake = stack.enter_context(FakeSglang(slots=SLOTS, delay=QUICK))
        entries = _enter(plan, stack, fake, models, tier)
        rows: list[Row] = []
        for what, count, pages in (
            ("six short scans", plan.size(6, 2), plan.size(8, 2)),
            ("a long scan", 1, plan.size(100, 9)),
        ):
            rows += _contest(plan, fake, entries, what, count, pages)
    setting = (
        f"Tier {tier}; six scans of {plan.size(8, 2)} pages at once, then one of {plan.size(100, 9)}. A"
        f" stand-in server with {SLOTS} slots and {DELAY} s a request, stand-in weights for the small models."
        " The share is the time that the slots alone would take for the same requests, by that which it"
        " took. mineru-api with --concurrency 1, 4 and 8; the long scan is one job, so there only at 1. Each"
        f" is warmed up by {plan.size(6, 2)} other scans of {plan.size(4, 2)} pages before each of its turns."
    )
    return Found(rows, setting)


def _enter(plan: Plan, stack: ExitStack, fake: FakeSglang, models: Path, tier: str) -> dict[str, _Entry]:
    server = stack.enter_context(
        our_server(plan.folder / "data", "--sglang-url", fake.url, "--model-dir", str(models))
    )
    found = {"ours": _Entry(partial(convert, server, tier=tier), True)}
    env = {"MINERU_MODEL_BASE_DIR": str(models), "MINERU_MODEL_VLM_SERVER_URL": fake.url}
    for concurrency in plan.size(CONCURRENCIES, (1,)):
        api = stack.enter_context(mineru_api(concurrency, tier, env))
        found[f"mineru-api at {concurrency}"] = _Entry(partial(api.convert, tier=tier), concurrency == 1)
    return found


def _contest(
    plan: Plan, fake: FakeSglang, entries: dict[str, _Entry], what: str, count: int, pages: int
) -> list[Row]:
    contestants = {
        name: Contestant(partial(_one_round, plan, fake, entry, what, count, pages))
        for name, entry in entries.items()
        if entry.takes_long or count > 1
    }
    seconds = take_turns(plan, contestants)
    rows = [row(f"{what}, {name}", values, "s", kind=f"{what}, seconds") for name, values in seconds.items()]
    for name in contestants:
        bar = Bar(">=", 0.9) if name == "ours" else None
        shares = entries[name].shares[what]
        rows.append(row(f"{what}, {name}, share of what {SLOTS} slots allow", shares, bar=bar))
    best = min((name for name in seconds if name != "ours"), key=lambda name: median(seconds[name]))
    faster = ratios(seconds[best], seconds["ours"])
    rows.append(row(f"{what}, {best} (its best) / ours", faster, bar=Bar(">=", 1.5)))
    return rows


def _one_round(
    plan: Plan, fake: FakeSglang, entry: _Entry, what: str, count: int, pages: int, number: int
) -> float:
    documents = scans(count, pages, 10 * number)
    # models loaded, processes warm: nobody pays for others' long turns
    fake.set(delay=QUICK)
    entry.convert(scans(plan.size(6, 2), plan.size(4, 2), 900 + number))
    fake.set(delay=plan.size(DELAY, QUICK))
    before = fake.stats()["requests"]
    seconds = entry.convert(documents)
    limit = (fake.stats()["requests"] - before) * plan.size(DELAY, QUICK) / SLOTS
    entry.shares.setdefault(what, []).append(limit / seconds)
    return seconds


MEASUREMENTS = (
    Measurement("vision", "the vision model kept busy", partial(_vision, "standard"), 14),
    Measurement(
        "vision-advanced", "the vision model kept busy", partial(_vision, "advanced"), 25, usual=False
    ),
)
