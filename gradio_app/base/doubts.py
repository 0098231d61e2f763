"""Doubts about pages: why a better reader should read a page, and the notes on what became of it.

A worker names them in notes of code ``read_again``, the queue decides, and each note gets another message.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gradio_app.base.notes import Note, merged, range_of
from gradio_app.base.page_runs import Runs, others, shared

CODE = "read_again"
#: why a page is in doubt -> how people read it; the worst first, which are read again before the others
REASONS = {
    "unread": "text that could not be read",
    "handwriting": "handwriting, or a picture that is hard to read",
    "script": "a script that the built-in models cannot read",
    "formulas": "formulas",
    "table": "a table that may not be complete",
    "text": "lines that may be missing",
    "order": "text that may be out of order",
    "digits": "numbers that may be in pieces",
    "unjudged": "a scan that could not be judged",
}
#: what can become of a page in doubt -> its message
_DOUBT = "In doubt: {}."
_MESSAGES = {
    "read": "Read again by the vision model: {}.",
    "kept": "Read again by the vision model: {}. The first reading was more complete, and was kept.",
    "limit": "Not read again by the vision model, as too many pages are in doubt (setting climb_share): {}. "
    "Tier standard reads all pages with it.",
}
_DOUBTS = {_DOUBT.format(phrase): phrase for phrase in REASONS.values()}


def doubt(reason: str) -> str:
    """The message of a worker's note."""
    return _DOUBT.format(REASONS[reason])


def message(outcome: str, phrase: str, why: str = "") -> str:
    """What is said of a page: ``read``, ``kept``, ``limit``, or ``lost`` with a sentence ``why``."""
    if outcome == "lost":
        return f"Not read again by the vision model: {phrase}. {why}".strip()
    return _MESSAGES[outcome].format(phrase)


def is_doubt(note: Note) -> bool:
    """Whether nobody has decided on these pages yet."""
    return note.code == CODE and note.message in _DOUBTS


def phrase_of(note: Note) -> str:
    """Why its pages are in doubt; empty for another note."""
    if note.code != CODE:
        return ""
    return _DOUBTS.get(note.message) or next((each for each in REASONS.values() if each in note.message), "")


def told(notes: Iterable[Note], pages: Runs, outcome: str, why: str = "") -> tuple[Note, ...]:
    """The notes, with this outcome in what they say of the doubts about these pages."""
    found: list[Note] = []
    for note in notes:
        phrase = phrase_of(note)
        inside = shared(note.runs, pages) if phrase else ()
        if not inside:
            found.append(note)
            continue
        if outside := shared(note.runs, others(pages)):
            found.append(replace(note, pages=range_of(outside)))
        found.append(Note.plain(note.code, (), message(outcome, phrase, why)))
        found[-1] = replace(found[-1], pages=range_of(inside))
    return merged(found)
