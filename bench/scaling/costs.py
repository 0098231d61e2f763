"""What one step costs: the parameters of the simulation, as ``calibrate`` measures them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import Any, Self

#: the last calibration that was kept
FILE = Path(__file__).with_name("costs.json")


@dataclass(frozen=True, slots=True)
class Step:
    """One change in the store: seconds of computing on its thread, then seconds that the disk takes."""

    computing: float
    disk: float = 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds on one free core, unless another unit is named.

    The web process computes on one core at a time (Python's lock), so all its parts wait in one line.
    """

    #: the client's own computing for one document, where it runs on the head's machine
    client: float
    #: the web process: taking in one document, what its inspection costs there, beginning and ending it
    accept: float
    look: float
    task: float
    #: ... and one more part of a task
    part: float
    #: ... and one look at who is next, for each slot that is busy (``Lanes.next`` goes through them)
    decide: float
    #: changes in the store
    add: Step
    plan: Step
    begin: Step
    checkpoint: Step
    finish: Step
    #: ... the last two in one, for a document that is read in one go
    whole: Step
    #: what was written is put on the disk, together for all who wait (``Durable``)
    settle: float
    #: workers: a first look at a file, a part, a join; with what each page adds
    inspect: float
    inspect_page: float
    parse: float
    parse_page: float
    #: ... and with the square of the pages: tier flash looks at all pages of a part together
    parse_square: float
    join: float
    join_page: float
    #: how much slower each core is when all are busy than when one is (1: not at all)
    crowding: float = 1.0
    #: what ``meter.pace`` said while they were measured
    pace: float = 1.0

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What ``to_json`` wrote. Raises ``TypeError`` for a name that is not a parameter."""
        values = json.loads(text)
        return cls(**{name: _step_or_number(value) for name, value in values.items()})

    def to_json(self) -> str:
        """One parameter a line, rounded to microseconds."""
        return json.dumps(_rounded(asdict(self)), indent=1) + "\n"

    @classmethod
    def kept(cls) -> Self:
        """The calibration in ``costs.json``."""
        return cls.from_json(FILE.read_text("utf-8"))

    def at(self, pace: float) -> Self:
        """The same on a machine of another pace; what the disk takes stays."""
        factor = pace / self.pace
        values: dict[str, Any] = {"pace": pace}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Step):
                values[item.name] = Step(value.computing * factor, value.disk)
            elif item.name not in ("settle", "crowding", "pace"):
                values[item.name] = value * factor
        return replace(self, **values)

    def parsing(self, pages: int) -> float:
        """Seconds for a part of so many pages at tier flash."""
        return self.parse + pages * self.parse_page + pages**2 * self.parse_square

    def steps(self, parts: int, whole: bool) -> list[Step]:
        """The changes in the store that a document takes; ``whole``: it is read in one go (tier flash)."""
        ends = [self.whole] if whole else [*[self.checkpoint] * parts, self.finish]
        return [self.add, self.plan, self.begin, *ends]

    def web(self, parts: int, whole: bool) -> float:
        """Seconds of the web process for a document, the store's thread included."""
        own = self.accept + self.look + self.task + parts * self.part
        return own + sum(step.computing for step in self.steps(parts, whole))


def median_of(rounds: list[Costs]) -> Costs:
    """Each parameter's median over several calibrations. Raises ``statistics.StatisticsError`` for none."""
    return Costs(
        **{item.name: _middle([getattr(one, item.name) for one in rounds]) for item in fields(Costs)}
    )


def _step_or_number(value: Any) -> Any:
    return Step(**value) if isinstance(value, dict) else value


def _middle(values: list[Any]) -> Any:
    if values and isinstance(values[0], Step):
        return Step(median(step.computing for step in values), median(step.disk for step in values))
    return median(values)


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return round(value, 7) if isinstance(value, float) else value
