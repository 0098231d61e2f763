"""Forms and lists of terms: rows of a label and its value, which a reader of columns would take apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, union
from gradio_app.parsing.readers.embedded.rows import Row, phrases, rows_of

#: gap between label and value at least, and between two such rows at most, in heights of the font
_GAP, _APART = 1.5, 4.0
#: words of a label at most; rows of a form at least
_LABEL, _LEAST = 5, 3
#: points that the left edges of labels, and of values, may differ where no colon tells labels
_ALIGNED = 3.0
#: rows of columns of text, such as two addresses, are nearer than this many heights
_SPACED = 2.2
#: words of a value, where no colon tells labels: so many in the mean, and so many times a label's
_WORDS, _LONGER = 3.0, 1.3
#: dots that lead from an entry of a table of contents to its page
_LEADERS = re.compile(r"(?:\. ?){3}")


@dataclass(frozen=True, slots=True)
class Form:
    """Rows under one another, each a label and its value."""

    rows: tuple[Row, ...]

    @property
    def words(self) -> list[Word]:
        """All words of the rows."""
        return [word for row in self.rows for word in row.words]

    @property
    def box(self) -> Box:
        """The smallest box around all rows."""
        return union(word.box for word in self.words)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A row that may be one of a form. ``at``: where the value begins."""

    row: Row
    label: tuple[Word, ...]
    value: tuple[Word, ...]

    @property
    def at(self) -> float:
        return self.value[0].x0

    @property
    def colon(self) -> bool:
        return self.label[-1].text.endswith(":")


def forms(words: Iterable[Word]) -> list[Form]:
    """The forms of a page, from top to bottom.

    A colon tells labels, or two columns with aligned edges of which the right one is text.
    """
    runs: list[list[_Pair]] = [[]]
    for row in rows_of(word for word in words if not word.angle):
        before = runs[-1][-1] if runs[-1] else None
        pair = _pair(row, before)
        far = before is not None and row.cy - before.row.cy > _APART * row.size
        if pair is None or far:
            runs.append([])
        if pair is not None:
            runs[-1].append(pair)
    return [Form(tuple(pair.row for pair in run)) for run in runs if _is_form(run)]


def _pair(row: Row, before: _Pair | None) -> _Pair | None:
    """Label and value of a row: apart by a wide gap, or where those of the row ``before`` are."""
    parts = phrases(row.words, _GAP)
    leaders = any(_LEADERS.match(part.text) for part in parts[1:])
    if len(parts) == 2 or (len(parts) > 2 and leaders):
        label = parts[0].words
        return _Pair(row, label, row.words[len(label) :]) if len(label) <= _LABEL else None
    if before is None or len(parts) != 1 or abs(row.words[0].x0 - before.label[0].x0) > _ALIGNED:
        return None
    for number, word in enumerate(row.words[1 : _LABEL + 1], start=1):
        if abs(word.x0 - before.at) <= _ALIGNED:
            pair = _Pair(row, row.words[:number], row.words[number:])
            # text below a form may have a word where the values stand
            return pair if pair.colon or not before.colon else None
    return None


def _is_form(run: Sequence[_Pair]) -> bool:
    if len(run) < _LEAST:
        return False
    if all(pair.colon for pair in run):
        return True
    for edges in ([pair.label[0].x0 for pair in run], [pair.at for pair in run]):
        if max(edges) - min(edges) > _ALIGNED:
            return False
    if all(b.row.cy - a.row.cy > _SPACED * max(a.row.size, b.row.size) for a, b in pairwise(run)):
        return True
    labels = sum(len(pair.label) for pair in run) / len(run)
    values = sum(len(pair.value) for pair in run) / len(run)
    return values >= _WORDS and values >= _LONGER * labels
