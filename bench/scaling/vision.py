"""The simulation beside the real server where the vision model reads: a stand-in for it, with slots."""

from __future__ import annotations

from pathlib import Path

from bench.scaling.costs import Costs
from bench.scaling.fleet import simulate
from bench.scaling.meter import Usage, pace, parts_of, run_documents, wait_for_quiet
from bench.scaling.outcome import Outcome
from bench.scaling.shape import Fleet, Load, of_pages
from bench.scaling.validate import CORES, LEAST, Case, Check
from tests.documents import scan_pdf
from tests.fakes.sglang import FakeSglang
from tests.live import LiveServer
from tests.stub_weights import write_small_models

SLOTS, DELAY = 8, 0.5
#: scans that are sent at once, and pages of each: one part
SCANS, PAGES = 6, 8
#: parts that are read with the model at the same time (the setting's default)
AT_ONCE = 4
WORKERS = 2
CASE = Case(
    f"{SCANS} scans of {PAGES} pages, tier standard, a model of {SLOTS} slots", CORES, (PAGES,) * SCANS
)


def check_vision(costs: Costs, folder: Path, patience: float) -> Check:
    """Measures the computing beside a model that answers at once, then runs with one that takes its time."""
    models = folder / "models"
    write_small_models(models)
    with FakeSglang(slots=SLOTS, delay=0.0) as fake:
        flags = ("--sglang-url", fake.url, "--model-dir", str(models), "--workers-vlm", str(AT_ONCE))
        flags += ("--workers", str(WORKERS))
        with LiveServer(folder / "vision", *flags) as server:
            _together(server, 900)  # models are loaded, processes warm
            before = fake.stats()["requests"]
            first = _one_by_one(server, 0)
            requests = (fake.stats()["requests"] - before) / (SCANS * PAGES)
            fake.set(delay=DELAY)
            wait_for_quiet(patience)
            early = pace()
            used = _together(server, 100)
            late = pace()
            fake.set(delay=0.0)
            # on both sides, as the machine may be faster in one minute than in the next
            second = _one_by_one(server, 200)
    now = costs.at((early + late) / 2)
    computing, alone = (sum(both) / 2 for both in zip(first, second, strict=True))
    found = predict(now, computing - now.inspect / PAGES, alone, requests, used.strangers)
    return Check(CASE, used.wall, found.seconds, used.computing, found.computing, used.strangers)


def _scan(seed: int) -> bytes:
    return scan_pdf(PAGES, seed=seed, lines=24)


def _together(server: LiveServer, seed: int) -> Usage:
    scans = [_scan(seed + number) for number in range(SCANS)]
    return run_documents(server, scans, tier="standard")[1]


def _one_by_one(server: LiveServer, seed: int) -> tuple[float, float]:
    """For each page: core-seconds of the workers, and seconds of the part, with nobody beside it."""
    computing = seconds = 0.0
    for number in range(SCANS):
        ids, usage = run_documents(server, [_scan(seed + number)], tier="standard")
        computing += usage.workers
        seconds += sum(part.seconds for part in parts_of(server, ids))
    return computing / (SCANS * PAGES), seconds / (SCANS * PAGES)


def predict(costs: Costs, computing: float, alone: float, requests: float, strangers: float) -> Outcome:
    """The simulation: ``computing`` core-seconds, ``alone`` seconds and ``requests`` for each page.

    A window of pages asks for more than the slots at once, so that one part fills them.
    """
    fleet = Fleet(
        cores=CORES,
        slots=WORKERS,
        head_cores=max(LEAST, CORES - strangers),
        cards=1,
        card_rate=SLOTS / (requests * DELAY),
        card_full=1.0,
        card_parts=AT_ONCE,
        page_computing=computing,
        page_alone=alone,
    )
    load = Load(SCANS, of_pages(PAGES), owners=1, shard_pages=PAGES, local_client=True)
    return simulate(fleet, load, costs)
