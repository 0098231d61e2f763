"""Notes on pages in doubt, and what became of them."""

from __future__ import annotations

import pytest

from gradio_app.base import doubts
from gradio_app.base.notes import Note

ALL = ((1, 100),)


@pytest.mark.parametrize("reason", list(doubts.REASONS))
def test_a_reason_is_found_again_in_each_message(reason: str) -> None:
    phrase = doubts.REASONS[reason]
    note = Note(doubts.CODE, "3", doubts.doubt(reason))
    assert doubts.is_doubt(note) and doubts.phrase_of(note) == phrase
    for outcome in ("read", "kept", "limit", "lost"):
        (told,) = doubts.told([note], ALL, outcome, "It is away.")
        assert not doubts.is_doubt(told) and doubts.phrase_of(told) == phrase


def test_only_these_pages_are_told_another_outcome() -> None:
    notes = [Note(doubts.CODE, "1-9", doubts.doubt("formulas")), Note("handwriting", "4", "Hard to read.")]
    found = {note.pages: note for note in doubts.told(notes, ((4, 5),), "read")}
    assert doubts.is_doubt(found["1-3,6-9"]) and found["4"] == notes[1]
    assert found["4-5"].message == "Read again by the vision model: formulas."


def test_a_reason_with_lines_becomes_one_line() -> None:
    notes = [Note(doubts.CODE, "1", doubts.doubt("table"))]
    (told,) = doubts.told(notes, ALL, "lost", "It\nfell.\n" + "x" * 1000)
    assert "\n" not in told.message and len(told.message) <= 500
