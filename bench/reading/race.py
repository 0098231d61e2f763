"""The made pages, by us and by other programs in one run: time, memory, and how near each is to the truth."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from bench.reading.made import Made
from bench.reading.peers import Contestant, Reader, reading
from bench.reading.truth import Nearness, nearness

#: with so many edits for each character nothing was read
NO_READING = 0.9


@dataclass(frozen=True, slots=True)
class Run:
    """A page by a contestant."""

    page: str
    kind: str
    who: str
    seconds: float
    megabytes: float
    near: Nearness
    failed: str = ""


def race(pages: Sequence[Made], who: Sequence[Contestant], folder: Path) -> list[Run]:
    """Each contestant reads a page of each kind to be warm, then all pages, one after the other."""
    found: list[Run] = []
    for contestant in who:
        mine = [page for page in pages if page.picture is not None or not contestant.pictures_only]
        print(f"    {contestant.name}: {len(mine)} pages", file=sys.stderr, flush=True)
        with reading(contestant) as read:
            for page in {(page.kind, page.language): page for page in mine}.values():
                read(page, folder)
            runs = [_run(contestant.name, read, page, folder) for page in mine]
        # a run takes a quarter of an hour: whoever ends it keeps what was measured until then
        print(report(runs, []), file=sys.stderr, flush=True)
        found += runs
    return found


def _run(name: str, read: Reader, page: Made, folder: Path) -> Run:
    answer = read(page, folder)
    near = nearness(page.truth, answer.text)
    return Run(page.name, page.kind, name, answer.seconds, answer.megabytes, near, answer.failed)


def report(runs: Sequence[Run], absent: Sequence[str]) -> str:
    """A table in Markdown: a row for each kind of page and contestant, in the order of the run."""
    lines = [
        "| pages | by | processor s | x ours | memory, MB | characters wrong | cells right | paragraphs |",
        "|---" * 8 + "|",
    ]
    for kind in dict.fromkeys(run.kind for run in runs):
        some = [run for run in runs if run.kind == kind]
        mine = _ours(some)
        lines += [_row(kind, who, some, mine) for who in dict.fromkeys(run.who for run in some)]
    if absent:
        lines += ["", f"Not here: {', '.join(absent)}."]
    return "\n".join(lines)


def _ours(runs: Sequence[Run]) -> float:
    """Seconds of our first tier that has read these pages; 0 where none has (a picture is no reading)."""
    for who in dict.fromkeys(run.who for run in runs if run.who.startswith("ours")):
        if mean(run.near.wrong for run in runs if run.who == who) < NO_READING:
            return _seconds(runs, who)
    return 0.0


def _seconds(runs: Sequence[Run], who: str) -> float:
    """The mean; 0 where nothing was read."""
    found = [run.seconds for run in runs if run.who == who and not run.failed]
    return mean(found) if found else 0.0


def _row(kind: str, who: str, runs: Sequence[Run], mine: float) -> str:
    some = [run for run in runs if run.who == who]
    good = [run for run in some if not run.failed]
    if not good:
        return f"| {kind} ({len(some)}) | {who} | failed: {some[0].failed} | | | | | |"
    near = [run.near for run in good]
    of_cells = sum(each.of_cells for each in near)
    seconds = _seconds(some, who)
    ratio = f"{seconds / mine:.2f}" if mine else "–"
    cells = f"{sum(each.cells for each in near)} of {of_cells}" if of_cells else "–"
    errors = [100 * each.wrong for each in near]
    wrong = f"{mean(errors):.2f} % (worst {max(errors):.2f} %)"
    paragraphs = f"{sum(each.paragraphs for each in near)} for {sum(each.of_paragraphs for each in near)}"
    count = f"{len(some)}" if len(good) == len(some) else f"{len(some)}, {len(some) - len(good)} failed"
    memory = max(run.megabytes for run in good)
    row = [f"{kind} ({count})", who, f"{seconds:.2f}", ratio, f"{memory:.0f}", wrong, cells, paragraphs]
    return f"| {' | '.join(row)} |"
