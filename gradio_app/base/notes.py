"""Notes: remarks on a result that are stored with its task, their codes, and how several become one list.

A worker's answer holds notes that a hostile document may have written: a note is checked when it is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self

from gradio_app.base.options import MOST_PAGES
from gradio_app.base.page_runs import Runs, format_runs, runs_in, runs_of, shared, united

CODES = (
    "no_text",
    "pages_without_text",
    "text_left_out",
    "hidden_text",
    "attachments_not_converted",
    "formulas_without_values",
    "script_unsupported",
    "encoding_guessed",
    "content_left_out",
    "comments_left_out",
    "read_again",
    "not_prepared",
    "table_doubtful",
    "order_doubtful",
    "digits_doubtful",
    "formulas_not_read",
    "handwriting",
    "option_without_effect",
    "layers_left_out",
    "parts_queued",
)
#: the file of a result that lists its notes, where there are any
NOTES_FILE = "notes.json"
#: notes of one task, and of one answer of a worker
MOST_NOTES = 200
#: characters of a message, and of the pages of a note
MOST_MESSAGE, MOST_RANGE = 500, 1000


@dataclass(frozen=True, slots=True)
class Note:
    """One remark: ``code`` is one of ``CODES``, ``pages`` a range such as ``3-4`` or empty for the document.

    Raises ``ValueError`` for what is no note.
    """

    code: str
    pages: str
    message: str

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError("There is no such note.")
        if not 0 < len(self.message) <= MOST_MESSAGE or not self.message.isprintable():
            raise ValueError("A note has a message: one line of plain text.")
        check_range(self.pages)

    @classmethod
    def plain(cls, code: str, pages: Iterable[int], message: str) -> Self:
        """A note whose message may hold a name or other text of a document: made one line, and cut."""
        line = " ".join("".join(char if char.isprintable() else " " for char in message).split())
        return cls(code, range_of(runs_of(pages)), line[:MOST_MESSAGE])

    @property
    def runs(self) -> Runs:
        """Its pages as runs; none for the whole document."""
        return runs_in(self.pages)


def check_range(text: str) -> str:
    """The range as it was given. Raises ``ValueError`` for one that ``format_pages`` does not write."""
    if len(text) > MOST_RANGE:
        raise ValueError("These pages are too many to list.")
    runs = runs_in(text)
    if runs and runs[-1][1] > MOST_PAGES:
        raise ValueError("No document has these pages.")
    return text


def merged(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes of one code and message become one with the pages of all; the rest keep their order.

    A note on the whole document stays beside one on some of its pages. When there are more than a task
    takes, the last of them become one note for each code.
    """
    found = _united(notes, lambda note: (note.code, note.message, bool(note.pages)))
    if len(found) <= MOST_NOTES:
        return found
    kept = MOST_NOTES - 2 * len(CODES)
    return found[:kept] + _united(found[kept:], lambda note: (note.code, bool(note.pages)))


def _united(notes: Iterable[Note], key: Callable[[Note], Hashable]) -> tuple[Note, ...]:
    groups: dict[Hashable, list[Note]] = {}
    for note in notes:
        groups.setdefault(key(note), []).append(note)
    return tuple(
        replace(group[0], pages=range_of(run for note in group for run in note.runs))
        for group in groups.values()
    )


def range_of(runs: Iterable[tuple[int, int]]) -> str:
    """The pages of these runs as text; from the first to the last page where there are too many to list."""
    found = united(runs)
    text = format_runs(found)
    return text if len(text) <= MOST_RANGE else format_runs([(found[0][0], found[-1][1])])


def notes_within(notes: Iterable[Note], pages: Runs) -> tuple[Note, ...]:
    """Notes on the whole document, and the others as far as they are on these pages."""
    cut = [(note, shared(note.runs, pages)) if note.pages else (note, ()) for note in notes]
    return tuple(replace(note, pages=range_of(runs)) for note, runs in cut if runs or not note.pages)


def combined(coverages: Iterable[tuple[float | None, float]]) -> float | None:
    """The coverage of several parts of a document from each one's coverage and its number of words.

    Parts whose coverage cannot be said do not count; without any other the answer is None. Where no part
    has a word, it is the least.
    """
    known = [(coverage, words) for coverage, words in coverages if coverage is not None]
    if not known:
        return None
    total = sum(words for _, words in known)
    if not total:
        return min(coverage for coverage, _ in known)
    return min(1.0, sum(coverage * words for coverage, words in known) / total)


def notes_to_json(notes: Iterable[Note]) -> list[dict[str, str]]:
    """Notes as they are shown everywhere."""
    return [asdict(note) for note in notes]


def notes_to_text(notes: Sequence[Note]) -> str:
    """How notes are stored: JSON, empty without any."""
    return json.dumps(notes_to_json(notes), ensure_ascii=False) if notes else ""


def notes_from_text(text: str) -> tuple[Note, ...]:
    """The notes that ``notes_to_text`` wrote."""
    return tuple(Note(**row) for row in json.loads(text)) if text else ()
