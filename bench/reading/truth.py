"""How near a result is to the known text of a made page: characters, cells of tables, paragraphs. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.reading.metric import Grid, plain, tables

_HEADING = re.compile(r"^#{1,6}\s+", re.MULTILINE)
_PIPE_RULE = re.compile(r"^\s*\|?[ :|-]*-{3}[ :|-]*$", re.MULTILINE)
_TABLE = re.compile(r"<table.*?</table>", re.DOTALL | re.IGNORECASE)
_WIDE = r"\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
#: blanks beside a Chinese sign say nothing
_BESIDE_WIDE = re.compile(rf"(?<=[{_WIDE}])\s+|\s+(?=[{_WIDE}])")


@dataclass(frozen=True, slots=True)
class Truth:
    """What is on a made page, from top to bottom: its heading, then paragraphs and tables."""

    blocks: Sequence[str | Grid]

    @property
    def text(self) -> str:
        """All of it, cells row by row."""
        return "\n".join(
            block if isinstance(block, str) else "\n".join(" ".join(row) for row in block)
            for block in self.blocks
        )

    @property
    def grids(self) -> list[Grid]:
        """Its tables."""
        return [block for block in self.blocks if not isinstance(block, str)]

    @property
    def paragraphs(self) -> int:
        """How many there are, without the heading."""
        return sum(isinstance(block, str) for block in self.blocks) - 1


@dataclass(frozen=True, slots=True)
class Nearness:
    """Of a result to its truth. ``wrong``: edits for each character; ``cells`` right of ``of_cells``."""

    wrong: float
    cells: int
    of_cells: int
    paragraphs: int
    of_paragraphs: int


def nearness(truth: Truth, markdown: str) -> Nearness:
    """How near Markdown or plain text is."""
    cells = sum(len(row) for grid in truth.grids for row in grid)
    return Nearness(
        wrong(truth.text, markdown),
        cells_right(truth.grids, tables(markdown)),
        cells,
        paragraphs(markdown),
        truth.paragraphs,
    )


def wrong(truth: str, markdown: str) -> float:
    """Edits (Levenshtein) for each character of the truth. A lost blank counts, line ends are blanks."""
    text = plain(_PIPE_RULE.sub(" ", _HEADING.sub("", markdown))).replace("|", " ")
    expected, found = _even(truth), _even(text)
    return distance(expected, found) / max(1, len(expected))


def _even(text: str) -> str:
    """Without differences that nobody sees: kinds of blanks, widths of signs, kinds of quotes and dashes."""
    text = _BESIDE_WIDE.sub("", " ".join(text.split()))
    return unicodedata.normalize("NFKC", text).translate(str.maketrans("–—−‘’“”", "---''\"\""))


def distance(first: str, second: str) -> int:
    """Levenshtein's distance, row by row (Wagner and Fischer, 1974)."""
    if not second:
        return len(first)
    signs = np.array([ord(sign) for sign in second])
    steps = np.arange(len(second) + 1)
    row = steps.copy()
    for number, sign in enumerate(first, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (signs != ord(sign)))
        row = np.concatenate(([number], best))
        # insertions: the best of all places before, and one for each step from there
        row = np.minimum.accumulate(row - steps) + steps
    return int(row[-1])


def cells_right(expected: Sequence[Grid], found: Sequence[Grid]) -> int:
    """Cells with their text in their row and column, in the best table of the result for each."""
    return sum(max((_equal(grid, other) for other in found), default=0) for grid in expected)


def _equal(grid: Grid, other: Grid) -> int:
    return sum(
        _key(cell) == _key(there)
        for row, others in zip(grid, other, strict=False)
        for cell, there in zip(row, others, strict=False)
    )


def _key(cell: str) -> str:
    return "".join(_even(plain(cell)).split())


def paragraphs(markdown: str) -> int:
    """Runs of text between empty lines: no headings, tables or pictures."""
    blocks = re.split(r"\n\s*\n|\f", _TABLE.sub("\n\n", markdown))
    kept = [block for block in blocks if not block.lstrip().startswith(("#", "|"))]
    return sum(any(sign.isalnum() for sign in plain(block)) for block in kept)
