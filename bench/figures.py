"""What a measurement finds: figures with their spread, and whether a bar is met. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal, Self


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach (``>=``) or may not pass (``<=``), in the unit of the figure."""

    sign: Literal[">=", "<="]
    value: float

    def holds(self, figure: float) -> bool:
        """Whether the figure meets it."""
        return figure >= self.value if self.sign == ">=" else figure <= self.value

    def reached(self, figure: float) -> float:
        """How far a figure gets: 1 is the bar itself, more is better. Infinite where 0 is reached."""
        top, bottom = (figure, self.value) if self.sign == ">=" else (self.value, figure)
        return top / bottom if bottom > 0 else float("inf") if top > 0 or figure == self.value else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: whose figure, the median of ``rounds`` rounds, the least and the greatest.

    ``unit`` is empty for a ratio. ``kind`` joins rows that are drawn beside each other; empty: not drawn.
    """

    who: str
    figure: float
    low: float
    high: float
    rounds: int
    unit: str = ""
    bar: Bar | None = None
    kind: str = ""

    @property
    def met(self) -> bool | None:
        """Whether its bar is met; None without one."""
        return None if self.bar is None else self.bar.holds(self.figure)

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """What ``to_json`` wrote."""
        bar = Bar(**value["bar"]) if value["bar"] else None
        return cls(**{**value, "bar": bar})


def row(who: str, values: Sequence[float], unit: str = "", bar: Bar | None = None, kind: str = "") -> Row:
    """The median of ``values``, one a round. Raises ``ValueError`` when there is none."""
    if not values:
        raise ValueError(f"nothing was measured for {who}")
    return Row(who, median(values), min(values), max(values), len(values), unit, bar, kind)


def pooled(
    who: str, rounds: Sequence[Sequence[float]], q: float, unit: str, bar: Bar | None = None, kind: str = ""
) -> Row:
    """The quantile of the values of all rounds together; its spread is that of the rounds' own quantiles."""
    each = [percentile(values, q) for values in rounds]
    together = percentile([value for values in rounds for value in values], q)
    return Row(who, together, min(each), max(each), len(rounds), unit, bar, kind)


def percentile(values: Sequence[float], q: float) -> float:
    """The quantile ``q`` (0 to 1), between neighbours in proportion (method 7 of Hyndman and Fan, 1996)."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    lower = int(place)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (place - lower)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours by theirs, round by round. Who had fewer rounds counts in all of them with the median."""
    if len(ours) == len(theirs):
        return [mine / other for mine, other in zip(ours, theirs, strict=True)]
    if len(ours) > len(theirs):
        return [mine / median(theirs) for mine in ours]
    return [median(ours) / other for other in theirs]


def slope(places: Sequence[float], values: Sequence[float]) -> float:
    """Of the straight line that fits best (least squares)."""
    count = len(places)
    middle, mean = sum(places) / count, sum(values) / count
    spread = sum((place - middle) ** 2 for place in places)
    if not spread:
        return 0.0
    return (
        sum((place - middle) * (value - mean) for place, value in zip(places, values, strict=True)) / spread
    )
