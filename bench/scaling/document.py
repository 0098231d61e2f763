"""docs/scaling.md: its tables come from the model and the kept results, each between two marks."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from bench import capacity
from bench.scaling import report, validate
from bench.scaling.costs import Costs, Step
from bench.scaling.scenarios import Results

FILE = Path(__file__).parents[2] / "docs" / "scaling.md"
_PLACE = re.compile(r"<!-- table: (\w+) -->\n.*?<!-- end -->\n", re.DOTALL)


def tables() -> dict[str, list[str]]:
    """Every table by the name that its mark has."""
    given, costs, results = capacity.Assumptions(), Costs.kept(), Results.kept()
    return {
        "assumptions": capacity.assumptions_table(given),
        "cards": capacity.cards_table(given),
        "flash": capacity.flash_table(given),
        "scale": capacity.scale_table(given, costs),
        "head": capacity.head_table(costs),
        "costs": costs_table(costs),
        "validation": validate.summary(validate.kept()),
        "throughput": report.throughput_table(results),
        "waits": report.waits_table(results),
        "deaths": report.deaths_table(results),
        "jobs": report.jobs_table(results),
    }


def costs_table(costs: Costs) -> list[str]:
    """What the calibration measured, in milliseconds."""
    rows = ["| step | computing, ms | disk, ms |", "|---|---|---|"]
    for item in fields(Costs):
        value, name = getattr(costs, item.name), item.name.replace("_", " ")
        if isinstance(value, Step):
            rows.append(f"| store: {name} | {1000 * value.computing:.2f} | {1000 * value.disk:.2f} |")
        elif item.name in ("settle", "crowding", "decide", "pace"):
            continue
        else:
            rows.append(f"| {name} | {1000 * value:.2f} | |")
    return [*rows, f"| settle: all that waits, on the disk | | {1000 * costs.settle:.2f} |"]


def filled(text: str, found: dict[str, list[str]]) -> str:
    """The document with these tables. Raises ``KeyError`` for a mark of a table that is not there."""

    def table(place: re.Match[str]) -> str:
        return f"<!-- table: {place[1]} -->\n" + "\n".join(found[place[1]]) + "\n<!-- end -->\n"

    return _PLACE.sub(table, text)


def update() -> None:
    """Writes the tables into the document."""
    FILE.write_text(filled(FILE.read_text("utf-8"), tables()), "utf-8")
