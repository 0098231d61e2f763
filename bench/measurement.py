"""What a measurement is given and what it gives back; how contestants take turns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.figures import Row

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: ``folder`` is empty and goes afterwards; ``quick`` asks only whether it runs."""

    folder: Path
    rounds: int = 5
    quick: bool = False
    corpus: Path | None = None
    documents: int = 2000

    def size(self, full: _T, quick: _T) -> _T:
        """The size of something in a whole and in a quick run."""
        return quick if self.quick else full

    def at_most(self, rounds: int) -> int:
        """Rounds for somebody who is slow."""
        return min(rounds, self.rounds)

    def say(self, text: str) -> None:
        """Progress, for whoever waits."""
        print(f"    {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Found:
    """Rows, and how the contestants were set up, in sentences for the reader of the table."""

    rows: Sequence[Row]
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """``name`` is for ``--only``; ``minutes`` is about what it takes on two quiet cores.

    Those that are not ``usual`` run when they are asked for by name.
    """

    name: str
    title: str
    measure: Callable[[Plan], Found]
    minutes: float
    usual: bool = True


@dataclass(frozen=True, slots=True)
class Contestant:
    """Somebody whose turn comes in each round, or in the first ``rounds`` only; ``run`` gets its number."""

    run: Callable[[int], float]
    rounds: int = field(default=1_000_000)


def take_turns(plan: Plan, contestants: Mapping[str, Contestant]) -> dict[str, list[float]]:
    """What each measured, one value a round. Who begins changes from round to round."""
    values: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(plan.rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            if number < contestants[name].rounds:
                values[name].append(contestants[name].run(number))
        shown = ", ".join(f"{name} {found[-1]:.3g}" for name, found in values.items() if len(found) > number)
        plan.say(f"round {number + 1} of {plan.rounds}: {shown}")
    return values
