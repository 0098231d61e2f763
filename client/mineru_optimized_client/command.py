"""The command line: ``mineru-optimized convert PATHS... --server URL --output FOLDER``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from mineru_optimized_client.blocking import Client
from mineru_optimized_client.folders import Outcome, report
from mineru_optimized_client.records import ServerError


def main(words: Sequence[str] | None = None) -> int:
    """0 when all is converted, 1 when a document was not, 2 for wrong words, 130 after Ctrl-C."""
    given = parser().parse_args(words)
    options = {
        name: value
        for name in ("tier", "page_range", "ocr_mode", "keep_headers", "password")
        if (value := getattr(given, name))
    }
    count = 0

    def told(outcome: Outcome) -> None:
        nonlocal count
        count += 1
        if given.json:
            print(json.dumps(report(outcome), ensure_ascii=False), flush=True)
            return
        became = outcome.error.message if outcome.error else outcome.status
        print(f"[{count}] {outcome.path}: {became}", flush=True)
        for note in outcome.task.notes if outcome.task else ():
            pages = f"pages {note['pages']}: " if note.get("pages") else ""
            print(f"      {pages}{note.get('message')}", flush=True)

    try:
        with Client(given.server, given.token or os.environ.get("MINERU_OPTIMIZED_TOKEN", "")) as client:
            outcomes = client.convert_paths(given.paths, given.output, given.concurrency, told, **options)
    except ServerError as error:
        print(error.message, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where it was.", file=sys.stderr)
        return 130
    bad = [outcome for outcome in outcomes if outcome.error]
    if not given.json:
        print(f"{len(outcomes) - len(bad)} of {len(outcomes)} documents are in {given.output}.")
    return 1 if bad else 0


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    words = argparse.ArgumentParser(prog="mineru-optimized", description="Documents in, Markdown out.")
    commands = words.add_subparsers(dest="command", required=True)
    convert = commands.add_parser("convert", help="convert files and folders")
    convert.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder and all in it")
    convert.add_argument("--server", default="http://127.0.0.1:7860", help="default: %(default)s")
    convert.add_argument("--token", default="", help="default: MINERU_OPTIMIZED_TOKEN of the environment")
    convert.add_argument("--output", default="results", help="folder of the results; default: %(default)s")
    convert.add_argument("--concurrency", type=int, default=8, help="documents at once; default: %(default)s")
    convert.add_argument("--tier", default="", help="auto, flash, basic, standard or advanced")
    convert.add_argument("--page-range", default="", help="such as 1-5,8,r2-r1; default: all")
    convert.add_argument("--ocr-mode", default="", help="auto, txt or ocr")
    convert.add_argument("--keep-headers", action="store_true", help="running heads and feet stay")
    convert.add_argument("--password", default="", help="opens encrypted documents")
    convert.add_argument("--json", action="store_true", help="one line of JSON for each document")
    return words


if __name__ == "__main__":
    sys.exit(main())
