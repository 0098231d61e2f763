"""``python -m bench.quality``: what becomes of documents whose truth is known, and of a folder's."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.machine import machine
from bench.quality.case import Case, from_folder
from bench.quality.cases import made_cases
from bench.quality.contestants import Answer, Contestant, contestants
from bench.quality.report import Run, report
from bench.quality.score import Score, score
from bench.reading import reference
from bench.reading.metric import words_found
from tests.live import ROOT

RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "quality.md"
MARK = "<!-- measured: written by make quality -->"


def main(argv: Sequence[str] | None = None) -> int:
    """Converts, prints the report and saves all of it. 2 when nothing is left to convert."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, action="append", default=[], help="documents besides the made ones"
    )
    parser.add_argument("--no-made", action="store_true", help="only documents of the folders")
    parser.add_argument("--only", action="append", help="only cases with these words in their name or kind")
    parser.add_argument("--by", action="append", help="only contestants with these words in their names")
    parser.add_argument("--peers", type=Path, help="a Python that has the libraries of the others")
    parser.add_argument("--write", action="store_true", help="put the report into docs/quality.md")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder where results go as JSON")
    given = parser.parse_args(argv)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    made = [] if given.no_made else made_cases()
    cases = [*made, *(case for folder in given.folder for case in from_folder(folder))]
    cases = [
        case for case in cases if any(words in f"{case.name} {case.kind}" for words in given.only or [""])
    ]
    if not cases:
        print("No document is left to convert.", file=sys.stderr)
        return 2
    who, absent = contestants(given.peers)
    who = [each for each in who if any(words in each.name for words in given.by or [""])]
    runs = run(cases, who)
    text = report(runs, absent)
    print(text)
    given.results.mkdir(parents=True, exist_ok=True)
    saved = {"where": machine(), "found": [_told(each) for each in runs]}
    (given.results / "quality.json").write_text(json.dumps(saved, indent=1, ensure_ascii=False), "utf-8")
    if given.write:
        write(PAGE, text, len(cases))
    return 0


def run(cases: Sequence[Case], who: Sequence[Contestant]) -> list[Run]:
    """Each contestant converts all cases, one after the other."""
    found: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="bench-quality-") as name:
        for contestant in who:
            began = time.monotonic()
            answers = contestant.convert(cases, Path(name))
            print(f"    {contestant.name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            found += [
                Run(case, contestant.name, answer, scored(case, answer))
                for case, answer in zip(cases, answers, strict=True)
            ]
    return found


def scored(case: Case, answer: Answer) -> Score | None:
    """By its truth; a PDF without one by the words that ``pdftotext`` or pdfium shows."""
    if case.truth:
        return score(case.truth, answer.text)
    if case.suffix != "pdf":
        return None
    with tempfile.TemporaryDirectory(prefix="bench-quality-") as name:
        path = Path(name) / "source.pdf"
        path.write_bytes(case.make())
        lines = reference.all_lines(path)
    return Score(words_found(lines, answer.text), None, None, None, None) if lines else None


def write(page: Path, text: str, cases: int) -> None:
    """Puts a report and where it was measured below the mark of a page."""
    where = machine()
    told = (
        f"{cases} cases; {where['cores']} cores, {where['machine']}, {where['memory_gb']} GB, Python "
        f"{where['python']}, MinerU {where['mineru']}, {where['date']}, commit {where['commit']}."
    )
    head = page.read_text("utf-8").partition(MARK)[0]
    page.write_text(f"{head}{MARK}\n\n{told}\n\n{text}", "utf-8")


def _told(each: Run) -> dict[str, object]:
    score = asdict(each.score) if each.score else None
    return {"case": each.case.name, "kind": each.case.kind, "who": each.who, "score": score} | asdict(
        each.answer
    )


if __name__ == "__main__":
    sys.exit(main())
