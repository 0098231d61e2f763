"""The fleets of docs/scaling.md: what is simulated, and the figures of each that are kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from bench.capacity import CARDS, MEASURED, Assumptions
from bench.scaling.costs import Costs
from bench.scaling.fleet import simulate
from bench.scaling.outcome import Outcome
from bench.scaling.shape import Fleet, Load, papers

#: the last results that were kept
FILE = Path(__file__).with_name("results.json")
CARD = CARDS[-1]
#: one H200 a machine, with 8 cores; everything is on a network of 10 Gbit/s
NODE = Fleet(
    cores=8,
    slots=8,
    cards=1,
    card_rate=CARD.pages_per_second,
    page_computing=MEASURED.vision_computing,
    head_cores=8,
    head_computes=False,
    bytes_in=Assumptions().bytes_in,
    bytes_out=MEASURED.bytes_out,
    head_network=1.25e9,
    node_network=1.25e9,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One simulated fleet of ``cards`` below ``heads``. Rates are of all heads together, waits in seconds."""

    group: str
    cards: int
    heads: int
    #: documents inspected at the same time, by one head
    looks: int
    #: share of the cards' own speed at which documents come; 0: there is always a backlog
    pressure: float
    #: mean days until a machine dies; 0: they live for ever
    lifetime: float
    pages_per_second: float
    parts_per_second: float
    documents_per_second: float
    wait: dict[str, float]
    busy: dict[str, float]
    bottleneck: str
    deaths: int
    lost: float

    @property
    def share(self) -> float:
        """Of what the cards could read."""
        return self.pages_per_second / (self.cards * CARD.pages_per_second)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One of ``heads`` heads with its share of the cards is simulated: they know nothing of each other."""

    group: str
    cards: int
    heads: int = 1
    looks: int = 1
    pressure: float = 0.0
    lifetime: float = 0.0
    #: how many documents, times what fills the cards
    length: float = 3.0

    def run(self, costs: Costs) -> Row:
        """Simulates it; the same costs give the same row."""
        cards = math.ceil(self.cards / self.heads)
        lifetime = self.lifetime * 86_400 if self.lifetime else math.inf
        fleet = replace(NODE, nodes=cards, looks=self.looks, lifetime=lifetime)
        # twice as many parts as fit at the same time, at two and a half parts a document
        backlog = 30 + math.ceil(2 * cards * fleet.card_parts / 2.5)
        documents = math.ceil(self.length * backlog)
        rate = math.inf
        if self.pressure:
            backlog, rate = 0, self.pressure * fleet.pages_per_second / Assumptions().pages
        load = Load(documents, papers, rate=rate, backlog=backlog, shard_pages=MEASURED.shard_vision)
        return self._row(simulate(fleet, load, costs, warm_up=1 / 3))

    def _row(self, found: Outcome) -> Row:
        return Row(
            self.group,
            self.cards,
            self.heads,
            self.looks,
            self.pressure,
            self.lifetime,
            round(found.pages_per_second * self.heads, 3),
            round(found.parts_per_second * self.heads, 3),
            round(found.documents_per_second * self.heads, 3),
            {str(share): round(seconds, 3) for share, seconds in found.wait.items()},
            {name: round(share, 4) for name, share in found.busy.items()},
            found.bottleneck,
            found.deaths,
            round(found.lost, 6),
        )


SCENARIOS = (
    *(Scenario("one head", cards, length=max(3.0, 60 / cards)) for cards in (1, 3, 10, 30, 100, 1000)),
    *(Scenario("four looks", cards, looks=4, length=max(3.0, 60 / cards)) for cards in (30, 100, 1000)),
    *(Scenario("heads", 1000, heads, looks=4) for heads in (4, 8, 16, 32)),
    *(Scenario("waits", 10, pressure=pressure, length=30) for pressure in (0.5, 0.7, 0.8, 0.9, 0.95)),
    *(Scenario("deaths", 10, lifetime=days, length=40) for days in (0.0, 0.25, 1 / 24, 1 / 144)),
)


@dataclass(frozen=True, slots=True)
class Results:
    """All rows of one run."""

    rows: list[Row]

    @classmethod
    def kept(cls) -> Self:
        """Those in ``results.json``."""
        return cls([Row(**row) for row in json.loads(FILE.read_text("utf-8"))])

    def to_json(self) -> str:
        return json.dumps([asdict(row) for row in self.rows], indent=1) + "\n"

    def of(self, group: str) -> list[Row]:
        return [row for row in self.rows if row.group == group]


def run_all(costs: Costs, scenarios: tuple[Scenario, ...] = SCENARIOS) -> Iterator[Row]:
    """The rows one by one: the largest takes about half a minute."""
    for scenario in scenarios:
        yield scenario.run(costs)
