"""``python -m bench``: measures on this machine and prints a table in Markdown. ``make bench`` runs it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import plots, report
from bench.machine import machine
from bench.measurement import Plan
from bench.suite import MEASUREMENTS, chosen, run
from tests.live import ROOT

RESULTS = ROOT / "bench" / "results"
#: documents that ``--write`` knows, and the folder of their pictures
DOCUMENTS = {"docs": ROOT / "docs" / "benchmarks.md"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what was asked for; 1 when a measurement failed. A bar that is not met is no failure."""
    given = _parser().parse_args(argv)
    earlier = [report.load(path) for path in given.earlier]
    measured: list[report.Result] = []
    if given.only or not given.earlier:
        measured = _measure(given)
    results = report.merged(*earlier, measured)
    print(f"\n{report.where(results)}\n\n{report.table(results)}\n\n{report.summary(results)}", flush=True)
    if measured:
        report.save(given.results, results)
        print(f"\nAs JSON: {given.results}")
    if given.write:
        write(DOCUMENTS[given.write], results)
    return int(any(result.failed for result in measured))


def _measure(given: argparse.Namespace) -> list[report.Result]:
    rounds = 1 if given.quick else given.rounds
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # of everybody who is measured: nothing leaves this machine
    plan = Plan(Path(), rounds, given.quick, given.corpus, 10 if given.quick else given.documents)
    found: list[report.Result] = []
    for result in run(chosen(given.only, given.corpus is not None), plan, machine()):
        print(report.table([result]), flush=True)
        found.append(result)
        report.save(given.results, found)  # so that an end from outside costs only what is running
    return found


def write(document: Path, results: Sequence[report.Result]) -> None:
    """Puts table and pictures into a document, between its markers, and the pictures beside it."""
    folder = document.with_suffix("")
    folder.mkdir(exist_ok=True)
    pictures = {"bars.svg": plots.bars(results), "contestants.svg": plots.contestants(results)}
    for name, picture in pictures.items():
        (folder / name).write_text(picture, "utf-8")
    section = report.section(results, [f"{folder.name}/{name}" for name in pictures])
    document.write_text(report.between_markers(document.read_text("utf-8"), section), "utf-8")
    print(f"Written: {document}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    parser.add_argument("--rounds", type=_at_least_one, default=5, help="rounds of each measurement (5)")
    parser.add_argument("--corpus", type=_folder, help="a folder of documents for the mixed folder")
    parser.add_argument(
        "--only", action="append", choices=list(MEASUREMENTS), default=[], help="this alone; again for more"
    )
    parser.add_argument("--documents", type=_at_least_one, default=2000, help="how many the soak sends")
    parser.add_argument("--quick", action="store_true", help="one small round: does it run at all?")
    parser.add_argument(
        "--results", type=Path, default=RESULTS / f"{stamp}.json", help="where figures go as JSON"
    )
    parser.add_argument(
        "--from",
        dest="earlier",
        type=Path,
        action="append",
        default=[],
        help="results of an earlier run; with --only that one is measured again, else nothing is",
    )
    parser.add_argument(
        "--write", choices=list(DOCUMENTS), help="put table and pictures into docs/benchmarks.md"
    )
    return parser


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _folder(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


if __name__ == "__main__":
    sys.exit(main())
