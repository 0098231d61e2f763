"""``python -m bench.reading``: words and order on the kept pages, and pages made from known text."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.machine import machine
from bench.reading import climb, corpus, damage, kept, made, pages, peers, race, reference, small_type
from tests.live import ROOT

RESULTS = ROOT / "bench" / "results"


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints tables in Markdown and saves all figures. 2 when files of the list are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder where figures go as JSON")
    parts = parser.add_subparsers(dest="part", required=True)
    public = parts.add_parser("pages", help="the kept pages: words, order, false tables")
    public.add_argument(
        "--files", type=Path, required=True, help="a folder with OWNER+NAME/PATH of each file"
    )
    public.add_argument("--tier", action="append", help="auto and flash where none is named; may be repeated")
    public.add_argument("--list", type=Path, default=kept.LIST, help="another list of the same form")
    public.add_argument("--first", type=int, default=kept.PAGES, help="only so many of the pages")
    own = parts.add_parser("made", help="pages made from known text, beside other programs")
    own.add_argument("--tier", action="append", help="auto and flash where none is named; may be repeated")
    own.add_argument("--quick", action="store_true", help="one page of each kind")
    own.add_argument("--peers", type=Path, help="a Python that has rapidocr and pymupdf4llm")
    own.add_argument("--only", action="append", help="only contestants with these words in their names")
    folder = parts.add_parser("corpus", help="processor seconds a page of the PDF files of a folder")
    folder.add_argument("folder", type=Path)
    folder.add_argument("--tier", action="append", help="auto and flash where none is named; may be repeated")
    broken = parts.add_parser("damage", help="whether the check tells damaged results from sound ones")
    broken.add_argument("folder", type=Path)
    parts.add_parser("small", help="scans in small type: characters wrong, paragraphs cut or run together")
    parts.add_parser("climb", help="whether pages in doubt are those that a better reader should see")
    given = parser.parse_args(argv)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    tiers: list[str] = getattr(given, "tier", None) or ["auto", "flash"]
    if given.part == "pages":
        chosen = kept.load(given.list)[: given.first]
        if missing := kept.missing(chosen, given.files):
            print("\n".join(["Missing, or not the file that was chosen:", *missing]), file=sys.stderr)
            return 2
        text, found = _pages(chosen, given.files, sorted(tiers, reverse=True))
    elif given.part == "corpus":
        costs = corpus.measured(given.folder, tiers)
        text, found = corpus.report(costs), [asdict(each) for each in costs]
    elif given.part == "damage":
        tries = damage.tried(given.folder)
        text, found = damage.report(tries), [asdict(each) for each in tries]
    elif given.part == "small":
        type_tries = list(small_type.measured())
        text, found = small_type.report(type_tries), [asdict(each) for each in type_tries]
    elif given.part == "climb":
        seen = climb.measured()
        text, found = climb.report(seen), [asdict(each) for each in seen]
    else:
        text, found = _made(tiers, given.quick, given.peers, given.only or [""])
    print(text)
    given.results.mkdir(parents=True, exist_ok=True)
    saved = json.dumps({"where": machine(), "found": found}, indent=1, ensure_ascii=False)
    (given.results / f"reading-{given.part}.json").write_text(saved, "utf-8")
    return 0


def _pages(chosen: Sequence[kept.Kept], files: Path, tiers: Sequence[str]) -> tuple[str, list[Any]]:
    with tempfile.TemporaryDirectory(prefix="bench-reading-") as folder:
        found = pages.read_all(chosen, files, tiers, Path(folder) / "data")
    text = f"Words and lines of the pages by {reference.name()}.\n\n{pages.report(found)}"
    return text, pages.to_json(found)


def _made(tiers: list[str], quick: bool, python: Path | None, only: Sequence[str]) -> tuple[str, list[Any]]:
    with tempfile.TemporaryDirectory(prefix="bench-reading-") as name:
        folder = Path(name)
        who, absent = peers.contestants(tiers, folder, python)
        who = [each for each in who if any(words in each.name for words in only)]
        found = race.race(made.made_pages(quick), who, folder)
    return race.report(found, absent), [asdict(each) for each in found]


if __name__ == "__main__":
    sys.exit(main())
