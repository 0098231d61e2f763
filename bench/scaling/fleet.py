"""Runs a simulation and counts: the same seed gives the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import simpy

from bench.scaling.costs import Costs
from bench.scaling.head import Head
from bench.scaling.outcome import Outcome, percentiles
from bench.scaling.shape import Fleet, Load


@dataclass(frozen=True, slots=True)
class _Mark:
    """How busy everything has been until ``now``."""

    now: float
    used: float
    lost: float
    busy: dict[str, float]

    @classmethod
    def of(cls, head: Head, now: float) -> _Mark:
        busy = {
            "nodes": head.nodes.spent,
            "cores of the head": head.processor.spent,
            "web process": head.web.busy,
            "store": head.store.busy,
            "inspection": head.inspecting,
            "network": head.network.busy,
        }
        return cls(now, head.record.used, head.record.lost, busy)


def simulate(fleet: Fleet, load: Load, costs: Costs, seed: int = 1, warm_up: float = 0.0) -> Outcome:
    """Runs until all documents of ``load`` have ended.

    Figures count from ``warm_up`` (a share of the documents that have ended, below 1) until the last document
    came, where there is a backlog, else until the end.
    """
    env = simpy.Environment()
    head = Head(env, fleet, costs, load, seed)
    head.begin()
    marks = [_Mark.of(head, 0.0)]
    ended = head.record.tasks
    for goal in _goals(load, warm_up):
        while len(ended) < goal:
            env.step()
        marks.append(_Mark.of(head, env.now))
    first = marks[-2]
    while len(ended) < load.documents:
        env.step()
    return _outcome(head, fleet, first, marks[-1])


def _goals(load: Load, warm_up: float) -> Iterator[int]:
    """Documents that have ended when figures begin to count, and when they stop."""
    last = load.documents - load.backlog if load.backlog else load.documents
    yield int(load.documents * warm_up)
    yield max(1, last)


def _outcome(head: Head, fleet: Fleet, first: _Mark, last: _Mark) -> Outcome:
    seconds = last.now - first.now
    record = head.record

    def within(times: list[tuple[float, float]]) -> list[float]:
        return [value for at, value in times if first.now < at <= last.now]

    servers = {"nodes": fleet.nodes, "inspection": fleet.looks, "cores of the head": fleet.head_cores}
    busy = {name: (last.busy[name] - first.busy[name]) / seconds / servers.get(name, 1) for name in last.busy}
    stays, parts = within(record.stays), within([(at, float(pages)) for at, pages in record.pages])
    return Outcome(
        seconds=seconds,
        documents=len(stays),
        pages_per_second=sum(parts) / seconds,
        parts_per_second=len(parts) / seconds,
        documents_per_second=len(stays) / seconds,
        wait=percentiles(within(record.waits)),
        stay=percentiles(stays),
        busy=busy,
        deaths=head.nodes.deaths,
        again=record.again,
        lost=(last.lost - first.lost) / max(1e-9, last.lost - first.lost + last.used - first.used),
        computing=head.processor.spent,
        record=record,
    )
