"""Program code: runs of lines in a font of one width, with their indentation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, median, union
from gradio_app.parsing.readers.embedded.rows import Row, rows_of

#: least lines of a run; widest step between two of them, in heights of the font
_LEAST_LINES, _WIDEST_STEP = 3, 3.2
#: step from which on a line is empty, in usual steps
_EMPTY_LINE = 1.7
#: share of such words from which on the whole page is set that way, and only signs of code tell
_ALL_MONO = 0.9
_SIGNS = re.compile("[{};=]")


@dataclass(frozen=True, slots=True)
class CodeRun:
    """Lines of a program under one another."""

    box: Box
    text: str
    words: tuple[Word, ...]


def code_runs(words: Iterable[Word]) -> list[CodeRun]:
    """Runs of at least three lines in a font of one width. A typewritten letter is none."""
    upright = [word for word in words if not word.angle]
    runs: list[list[Row]] = [[]]
    for row in rows_of(upright):
        if not all(word.mono for word in row.words):
            runs.append([])
        elif runs[-1] and row.cy - runs[-1][-1].cy >= _WIDEST_STEP * row.size:
            runs.append([row])
        else:
            runs[-1].append(row)
    found = [_run(rows) for rows in runs if len(rows) >= _LEAST_LINES]
    if sum(word.mono for word in upright) < _ALL_MONO * len(upright):
        return found
    return found if any("    " in run.text or _SIGNS.search(run.text) for run in found) else []


def _run(rows: Sequence[Row]) -> CodeRun:
    words = tuple(word for row in rows for word in row.words)
    advance = median(((w.x1 - w.x0) / len(w.text) for w in words if len(w.text) > 1), 5.0) or 5.0
    box = union(word.box for word in words)
    step = median((b.cy - a.cy for a, b in pairwise(rows)), 1.0)
    lines: list[str] = []
    for number, row in enumerate(rows):
        if number and row.cy - rows[number - 1].cy > _EMPTY_LINE * step:
            lines.append("")
        lines.append(_line(row, box[0], advance))
    return CodeRun(box, "\n".join(lines), words)


def _line(row: Row, left: float, advance: float) -> str:
    text = ""
    for word in row.words:
        column = min(round((word.x0 - left) / advance), 400)
        text += " " * max(column - len(text), 1 if text else 0) + word.text
    return text
