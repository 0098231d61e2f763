"""Results as people read them, a table in Markdown and its place in a document; and as programs do, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.figures import Row

BEGIN = "<!-- measured: written by make bench -->"
END = "<!-- end of what was measured -->"
WHERE = "{cores} cores, {machine}, {memory_gb} GB, Python {python}, MinerU {mineru}, {date}, commit {commit}"
_HEAD = "| what | figure | spread | bar | met |\n|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement as it came out: rows and how they were made, or why there are none."""

    name: str
    title: str
    rows: Sequence[Row] = ()
    setting: str = ""
    failed: str = ""
    seconds: float = 0.0
    where: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        rows = [row.to_json() for row in self.rows]
        return {
            "name": self.name,
            "title": self.title,
            "rows": rows,
            "setting": self.setting,
            "failed": self.failed,
            "seconds": round(self.seconds, 1),
            "where": dict(self.where),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What ``to_json`` wrote."""
        return cls(**{**value, "rows": [Row.from_json(row) for row in value["rows"]]})


def number(value: float) -> str:
    """Three digits that count, thousands with commas: 0.0123, 1.23, 12.3, 1,234."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    size = abs(value)
    if size >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3g}"


def line(title: str, row: Row) -> str:
    """A line of the table; a figure with a bar stands out."""
    unit = f" {row.unit}" if row.unit else ""
    figure, what = f"{number(row.figure)}{unit}", f"{title}: {row.who}"
    spread = f"{number(row.low)} to {number(row.high)}" if row.rounds > 1 else "one round"
    if row.bar is None:
        return f"| {what} | {figure} | {spread} | | |"
    sign = "≥" if row.bar.sign == ">=" else "≤"
    met = "yes" if row.met else "**no**"
    return f"| {what} | **{figure}** | {spread} | {sign} {number(row.bar.value)}{unit} | {met} |"


def table(results: Iterable[Result]) -> str:
    """All rows; one that failed says so where its figures would be."""
    lines = [_HEAD]
    for result in results:
        lines += [line(result.title, row) for row in result.rows]
        if result.failed:
            lines.append(f"| {result.title} | failed: {_one_line(result.failed)} | | | |")
    return "\n".join(lines)


def _one_line(text: str) -> str:
    """Fits into a cell of a table."""
    return " ".join(text.split()).replace("|", "/")[:300]


def summary(results: Sequence[Result]) -> str:
    """How many bars are met, in a sentence, and which are not."""
    barred = [(result, row) for result in results for row in result.rows if row.bar is not None]
    missed = [f"{result.title}: {row.who}" for result, row in barred if not row.met]
    text = f"{len(barred) - len(missed)} of {len(barred)} bars are met."
    if missed:
        text += " Not met: " + "; ".join(missed) + "."
    if failed := [result.title for result in results if result.failed]:
        text += " Failed: " + "; ".join(failed) + "."
    return text


def where(results: Sequence[Result]) -> str:
    """The machine in a sentence; several when not all were measured on the same one."""
    found = [WHERE.format(**result.where) for result in results if result.where]
    return "; ".join(dict.fromkeys(found)) + "."


def section(results: Sequence[Result], pictures: Iterable[str] = ()) -> str:
    """What stands between the markers of a document: machine, table, pictures, how each was measured."""
    parts = [where(results), summary(results)]
    parts += [f"![{Path(picture).stem} of each measurement]({picture})" for picture in pictures]
    parts.append(table(results))
    parts.append("How each was measured:")
    parts.append(
        "\n".join(f"- **{each.title}** (`{each.name}`). {each.setting}" for each in results if each.setting)
    )
    return "\n\n".join(part for part in parts if part)


def between_markers(text: str, new: str) -> str:
    """``text`` with ``new`` between its markers; the rest stays. ``ValueError`` unless each is there once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the document must have {BEGIN!r} once, and {END!r} once after it")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{new.strip()}\n\n{END}{rest.split(END)[1]}"


def save(path: Path, results: Iterable[Result]) -> None:
    """Writes results for programs, and for ``load``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([result.to_json() for result in results], indent=1) + "\n", "utf-8")


def load(path: Path) -> list[Result]:
    """Results that ``save`` wrote. Raises ``ValueError`` for any other file."""
    try:
        return [Result.from_json(value) for value in json.loads(path.read_text("utf-8"))]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} holds no results of make bench: {error}") from error


def merged(*sets: Iterable[Result]) -> list[Result]:
    """Results by name; a later one takes the place of an earlier one."""
    found: dict[str, Result] = {}
    for results in sets:
        found |= {result.name: result for result in results}
    return list(found.values())
