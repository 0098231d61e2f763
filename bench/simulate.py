"""``python -m bench.simulate``: from one card to a thousand, by simulation; calibrated and checked here.

Without flags it simulates with the costs that were kept, and writes the figures, the picture and the tables
of docs/scaling.md. Its tests are in tests/models/bench; what takes long there runs in ``make test-all``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.scaling import costs, document, report, scenarios, validate
from bench.scaling.calibrate import LITTLE, Effort, calibrate
from bench.scaling.costs import Costs, median_of
from bench.scaling.meter import PATIENCE
from bench.scaling.scenarios import Results, run_all
from bench.scaling.validate import CASES, Check
from bench.scaling.vision import check_vision


def main(argv: Sequence[str] | None = None) -> None:
    """Does what the flags say."""
    given = _parser().parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="simulate-") as folder:
        if given.quick:
            _quick(Path(folder))
            return
        if given.calibrate or given.validate or given.vision:
            _measure(Path(folder), given)
    _simulate(Costs.kept())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    for name, text in (
        ("calibrate", "measure the costs on this machine, keep them"),
        ("validate", "calibrate, predict real runs, and keep both"),
        ("vision", "calibrate, predict a run with a stand-in for the vision model, and keep both"),
        ("quick", "one small round, kept nowhere: does it run at all?"),
    ):
        parser.add_argument(f"--{name}", action="store_true", help=text)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the measurements (default: 3)")
    text = "how many seconds to wait for a quiet moment before each measurement (default: 60)"
    parser.add_argument("--patience", type=float, default=PATIENCE, help=text)
    return parser


def _measure(folder: Path, given: argparse.Namespace) -> None:
    """Costs are measured and checked in the same minutes, in turns: the machine may be busier in others."""
    found: list[Costs] = []
    checks: list[Check] = []
    for number in range(given.rounds):
        own = folder / str(number)
        own.mkdir()
        found.append(calibrate(own, Effort(patience=given.patience)))
        _tell(f"round {number + 1}: calibrated")
        for check in _checks(own, found[-1], given):
            checks.append(check)
            _tell(f"round {number + 1}: {check.case.name}: {check.error:+.0%}")
    costs.FILE.write_text(median_of(found).to_json())
    if checks:
        validate.FILE.write_text(json.dumps([asdict(check) for check in checks], indent=1) + "\n")
        print("\n".join(validate.summary(checks)))


def _checks(folder: Path, found: Costs, given: argparse.Namespace) -> Iterator[Check]:
    for number, case in enumerate(CASES if given.validate else ()):
        yield validate.check(case, found, folder / f"check-{number}", given.patience)
    if given.vision:
        yield check_vision(found, folder, given.patience)


def _simulate(found: Costs) -> None:
    rows: list[scenarios.Row] = []
    for row in run_all(found):
        rows.append(row)
        _tell(f"{row.group}: {row.cards} cards, {row.heads} heads: {row.pages_per_second:.0f} pages/s")
    results = Results(rows)
    scenarios.FILE.write_text(results.to_json())
    report.draw(results)
    document.update()
    _tell(f"written: {document.FILE} and {report.PICTURE}")


def _quick(folder: Path) -> None:
    found = calibrate(folder / "costs", LITTLE)
    print("\n".join(validate.summary([validate.check(CASES[1], found, folder / "check")])))
    row = scenarios.Scenario("one head", 3).run(found)
    print(f"3 cards: {row.pages_per_second:.1f} pages/s")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
