"""The simulation beside the real server: the same documents, the seconds predicted and measured."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.documents import prose_pdf
from bench.scaling.costs import Costs
from bench.scaling.fleet import simulate
from bench.scaling.meter import PATIENCE, QUIET, pace, run_documents, wait_for_quiet
from bench.scaling.outcome import Outcome
from bench.scaling.shape import Fleet, Load
from tests.live import LiveServer

#: the last checks that were kept
FILE = Path(__file__).with_name("validation.json")
WARM_UP = 8
#: how often a case is run until the machine was quiet
TRIES = 2
#: the least that others leave, in cores
LEAST = 0.1
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Case:
    """Documents (their pages) that are sent at once to a server with so many workers."""

    name: str
    workers: int
    pages: tuple[int, ...]


CASES = tuple(
    Case(f"{name}, {workers} worker{'s' if workers > 1 else ''}", workers, pages)
    for name, pages in (
        ("60 documents of 1 page", (1,) * 60),
        ("4 documents of 130 pages", (130,) * 4),
        ("1 of 130 pages, then 30 of 1 page and 4 of 20", (130,) + (1,) * 30 + (20,) * 4),
    )
    for workers in (1, 2)
)


@dataclass(frozen=True, slots=True)
class Check:
    """Until all documents of a case were done: seconds, and core-seconds, measured and predicted.

    ``strangers``: cores that other programs took meanwhile.
    """

    case: Case
    measured: float
    predicted: float
    computed: float
    computing: float
    strangers: float

    @property
    def error(self) -> float:
        """Predicted against measured: 0.1 is ten percent too long."""
        return self.predicted / self.measured - 1

    @property
    def computing_error(self) -> float:
        """The same for the computing, which hardly depends on what else runs."""
        return self.computing / self.computed - 1

    @property
    def quiet(self) -> bool:
        """Whether other programs left the machine alone."""
        return self.strangers < QUIET


def kept() -> list[Check]:
    """The checks in ``validation.json``."""
    found = json.loads(FILE.read_text("utf-8"))
    return [
        Check(**{**one, "case": Case(**{**one["case"], "pages": tuple(one["case"]["pages"])})})
        for one in found
    ]


def check(case: Case, costs: Costs, folder: Path, patience: float = PATIENCE) -> Check:
    """Runs a case on a real server, in a quiet moment if one comes in ``patience`` seconds; simulates it.

    It is run again when other programs came between, and kept when they do so each time: the choice is made
    by them, not by how near the prediction was.
    """
    for turn in range(TRIES):
        wait_for_quiet(patience)
        found = _check(case, costs, folder / str(turn))
        if found.quiet or not patience:
            break
    return found


def _check(case: Case, costs: Costs, folder: Path) -> Check:
    folder.mkdir(parents=True)
    with LiveServer(folder / "data", "--workers", str(case.workers)) as server:
        run_documents(server, [prose_pdf(4, seed=seed) for seed in range(WARM_UP)])
        before = pace()
        _, usage = run_documents(server, [prose_pdf(pages, seed=n) for n, pages in enumerate(case.pages)])
        now = (before + pace()) / 2
    found = predict(case, costs.at(now), usage.strangers)
    return Check(case, usage.wall, found.seconds, usage.computing, found.computing, usage.strangers)


def predict(case: Case, costs: Costs, strangers: float = 0.0) -> Outcome:
    """The simulation, with the cores that other programs leave."""
    sizes = iter(case.pages)
    fleet = Fleet(slots=case.workers, cores=CORES, head_cores=max(LEAST, CORES - strangers))
    load = Load(len(case.pages), lambda _: next(sizes), owners=1, local_client=True)
    return simulate(fleet, load, costs)


def summary(checks: Sequence[Check]) -> list[str]:
    """Rows in Markdown: medians over the quiet rounds of each case (all, where none was), and the spread."""
    rows = [
        "| documents sent at once | measured | predicted | error | from, to | error of the computing "
        "| quiet rounds | others took |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in dict.fromkeys(one.case for one in checks):
        every = [one for one in checks if one.case == case]
        quiet = [one for one in every if one.quiet]
        own = quiet or every
        errors = sorted(one.error for one in own)
        rows.append(
            f"| {case.name} | {median(one.measured for one in own):.1f} s "
            f"| {median(one.predicted for one in own):.1f} s | {median(errors):+.0%} "
            f"| {errors[0]:+.0%} to {errors[-1]:+.0%} | {median(one.computing_error for one in own):+.0%} "
            f"| {len(quiet)} of {len(every)} | {median(one.strangers for one in own):.2f} cores |"
        )
    return rows
