"""``python -m bench.simulate``: from one card to a thousand, by simulation; calibrated and checked here.

Without flags it simulates with the costs that were kept, writes the picture and the figures, and prints the
tables of docs/scaling.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.scaling import costs, report, scenarios, validate
from bench.scaling.calibrate import calibrate
from bench.scaling.costs import Costs, median_of
from bench.scaling.scenarios import Results, run_all
from bench.scaling.validate import CASES, Check


def main(argv: Sequence[str] | None = None) -> None:
    """Does what the flags say."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    parser.add_argument(
        "--calibrate", action="store_true", help="measure the costs on this machine, keep them"
    )
    parser.add_argument(
        "--validate", action="store_true", help="calibrate, then predict real runs, and keep both"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds of these (default: 3)")
    parser.add_argument(
        "--quick", action="store_true", help="one small round, kept nowhere: does it run at all?"
    )
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="simulate-") as folder:
        if given.quick:
            _quick(Path(folder))
        elif given.calibrate or given.validate:
            _measure(Path(folder), given.rounds, CASES if given.validate else ())
        else:
            _simulate(Costs.kept())


def _measure(folder: Path, rounds: int, cases: Sequence[validate.Case]) -> None:
    """Costs are measured and checked in the same minutes, in turns: the machine may be busier in others."""
    found: list[Costs] = []
    checks: list[Check] = []
    for number in range(rounds):
        found.append(calibrate(folder / f"costs-{number}"))
        _tell(f"round {number + 1}: calibrated")
        for place, case in enumerate(cases):
            checks.append(validate.check(case, found[-1], folder / f"check-{number}-{place}"))
            _tell(f"round {number + 1}: {case.name}: {checks[-1].error:+.0%}")
    costs.FILE.write_text(median_of(found).to_json())
    if checks:
        validate.FILE.write_text(json.dumps([asdict(check) for check in checks], indent=1) + "\n")
        print("\n".join(validate.summary(checks)))


def _simulate(found: Costs) -> None:
    rows: list[scenarios.Row] = []
    for row in run_all(found):
        rows.append(row)
        _tell(f"{row.group}: {row.cards} cards, {row.heads} heads: {row.pages_per_second:.0f} pages/s")
    results = Results(rows)
    scenarios.FILE.write_text(results.to_json())
    report.draw(results)
    for table in report.tables(results):
        print("\n".join(table) + "\n")


def _quick(folder: Path) -> None:
    found = calibrate(folder / "costs")
    print("\n".join(validate.summary([validate.check(CASES[1], found, folder / "check")])))
    row = scenarios.Scenario("one head", 3).run(found)
    print(f"3 cards: {row.pages_per_second:.1f} pages/s")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
