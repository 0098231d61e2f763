"""What a simulation tells: throughput, waits, how busy everything was, what was lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Record:
    """What is written down while it runs. ``parts`` counts how often each part of each task ended."""

    parts: Counter[tuple[int, int]] = field(default_factory=Counter[tuple[int, int]])
    tasks: Counter[int] = field(default_factory=Counter[int])
    #: time, pages: of each part that ended
    pages: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    #: of each task: when its first part began and how long it had waited; when it ended and how long it took
    waits: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    stays: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    again: int = 0
    #: seconds of slots on dead nodes, until the head knew, for parts that were run again
    lost: float = 0.0
    #: ... and on parts that counted
    used: float = 0.0
    #: integral over time of tasks in the system, for Little's law
    inside: float = 0.0
    now_inside: int = 0
    since: float = 0.0

    def end(self, number: int, arrival: float, now: float) -> None:
        """A task has ended."""
        self.enter(now, -1)
        self.tasks[number] += 1
        self.stays.append((now, now - arrival))

    def enter(self, now: float, change: int) -> None:
        """A task came (1) or ended (-1)."""
        self.inside += (now - self.since) * self.now_inside
        self.since = now
        self.now_inside += change


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures of a run, counted after its warm-up. Times in seconds, shares of 1."""

    seconds: float
    documents: int
    pages_per_second: float
    parts_per_second: float
    documents_per_second: float
    wait: Mapping[int, float]
    stay: Mapping[int, float]
    #: share of the time that each was busy: slots, web, store, inspection, network, head
    busy: Mapping[str, float]
    deaths: int
    again: int
    lost: float
    #: core-seconds on the head's machine, from the start to the end
    computing: float
    record: Record

    @property
    def bottleneck(self) -> str:
        """The busiest of all."""
        return max(self.busy, key=lambda name: self.busy[name])


def percentiles(values: list[float], wanted: tuple[int, ...] = (50, 95, 99)) -> dict[int, float]:
    """By nearest rank; ``nan`` when there are no values."""
    ordered = sorted(values)
    return {
        share: ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)] if ordered else math.nan
        for share in wanted
    }
