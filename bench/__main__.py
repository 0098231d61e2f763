"""``python -m bench [--rounds N] [--corpus FOLDER] [--only NAME] [--quick]``: prints a table in Markdown."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

from bench.equality import split_equality
from bench.idle import idle_figures
from bench.jobs import job_rates
from bench.soak import soak
from bench.vision import vision_rates


def main() -> None:
    """Runs every measurement and prints one table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement")
    parser.add_argument("--corpus", type=Path, help="folder of PDF files for the split equality")
    parser.add_argument("--only", choices=("jobs", "vision", "idle", "soak"), help="this measurement alone")
    parser.add_argument("--documents", type=int, default=2000, help="how many the soak sends")
    parser.add_argument("--quick", action="store_true", help="one small round: does it run at all?")
    arguments = parser.parse_args()
    rounds, files = (1, 4) if arguments.quick else (arguments.rounds, 50)
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {rounds} rounds\n"
    )
    print("| what | figure | spread |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        measurements = {
            "jobs": lambda: job_rates(Path(folder), files, rounds),
            "vision": lambda: vision_rates(Path(folder), rounds),
            "idle": lambda: idle_figures(Path(folder), 3.0 if arguments.quick else 20.0),
            "soak": lambda: soak(Path(folder), 40 if arguments.quick else arguments.documents),
        }
        for name, measure in measurements.items():
            # a soak takes a quarter of an hour: only when asked for
            wanted = arguments.only == name or (arguments.only is None and name != "soak")
            for row in measure() if wanted else ():
                print(row, flush=True)
        if arguments.corpus:
            for row in split_equality(Path(folder), sorted(arguments.corpus.glob("*.pdf"))):
                print(row, flush=True)


if __name__ == "__main__":
    main()
