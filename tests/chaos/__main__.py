"""``python -m tests.chaos [--kills N] [--seed N] [--folder FOLDER]``: kills, checks, a table in Markdown."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.harness import run, summary


def main() -> int:
    """The exit code: 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=int(os.environ.get("CHAOS_KILLS") or 500))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("CHAOS_SEED") or 1))
    parser.add_argument("--folder", type=Path, help="keep everything here, in place of a temporary folder")
    arguments = parser.parse_args()
    folder: Path = arguments.folder or Path(tempfile.mkdtemp(prefix="mineru-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    _say(f"{arguments.kills} kills, seed {arguments.seed}, in {folder}")
    report = run(folder.resolve(), arguments.seed, arguments.kills, _say)
    _say(summary(report, arguments.kills, folder / "journal.jsonl"))
    if not report.violations and not arguments.folder:
        shutil.rmtree(folder)
    return 1 if report.violations else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
