"""The simulation beside the real server: the same documents, the seconds predicted and measured."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.scaling.costs import Costs
from bench.scaling.fleet import simulate
from bench.scaling.meter import QUIET, run_documents, wait_for_quiet
from bench.scaling.shape import Fleet, Load
from tests.documents import text_pdf
from tests.live import LiveServer

#: the last checks that were kept
FILE = Path(__file__).with_name("validation.json")
WARM_UP = 8
#: how often a case is run until the machine was quiet, and how long one waits for that before, in seconds
TRIES, PATIENCE = 2, 60.0
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
    """Seconds until all documents of a case were done; ``strangers``: cores that other programs took."""

    case: Case
    measured: float
    predicted: float
    strangers: float

    @property
    def error(self) -> float:
        """Predicted against measured: 0.1 is ten percent too long."""
        return self.predicted / self.measured - 1

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


def check(case: Case, costs: Costs, folder: Path) -> Check:
    """Runs a case on a real server, in a quiet moment where there is one, then in the simulation.

    It is run again when other programs came between, and kept when they do so each time: the choice is made
    by them, not by how near the prediction was.
    """
    for turn in range(TRIES):
        found = _check(case, costs, folder / str(turn))
        if found.quiet:
            break
    return found


def _check(case: Case, costs: Costs, folder: Path) -> Check:
    wait_for_quiet(PATIENCE)
    folder.mkdir(parents=True)
    with LiveServer(folder / "data", "--workers", str(case.workers)) as server:
        run_documents(server, [text_pdf(4, seed=seed) for seed in range(WARM_UP)])
        _, usage = run_documents(server, [text_pdf(pages, seed=n) for n, pages in enumerate(case.pages)])
    return Check(case, usage.wall, predict(case, costs, usage.strangers), usage.strangers)


def predict(case: Case, costs: Costs, strangers: float = 0.0) -> float:
    """Seconds of the simulation, while other programs take so many cores."""
    sizes = iter(case.pages)
    fleet = Fleet(slots=case.workers, cores=CORES, head_cores=CORES, strangers=strangers)
    load = Load(len(case.pages), lambda _: next(sizes), owners=1, local_client=True)
    return simulate(fleet, load, costs).seconds


def summary(checks: Sequence[Check]) -> list[str]:
    """Rows in Markdown: medians over the quiet rounds of each case (all, where none was), and the spread."""
    rows = [
        "| documents sent at once | measured | predicted | error | from, to | quiet rounds | others took |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in dict.fromkeys(one.case for one in checks):
        every = [one for one in checks if one.case == case]
        own = [one for one in every if one.quiet] or every
        errors = sorted(one.error for one in own)
        measured, predicted = (_median(own, pick) for pick in (lambda c: c.measured, lambda c: c.predicted))
        rows.append(
            f"| {case.name} | {measured:.1f} s | {predicted:.1f} s | {median(errors):+.0%} "
            f"| {errors[0]:+.0%} to {errors[-1]:+.0%} | {len(own)} of {len(every)} "
            f"| {_median(own, lambda c: c.strangers):.2f} cores |"
        )
    return rows


def _median(checks: Sequence[Check], pick: Callable[[Check], float]) -> float:
    return median(map(pick, checks))
