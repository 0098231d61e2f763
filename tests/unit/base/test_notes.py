"""Notes: what is one, and how those of many pages become one list."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_app.base.findings import Findings, dearest, joined
from gradio_app.base.notes import (
    CODES,
    MOST_MESSAGE,
    MOST_NOTES,
    MOST_RANGE,
    Note,
    combined,
    merged,
    notes_from_text,
    notes_to_text,
)
from gradio_app.base.options import READERS, TIERS
from gradio_app.base.page_runs import format_runs, others, runs_in, runs_of, shared, united
from gradio_app.base.versions import CHECK, PREPARE, READER, reading_version

ODD = ",".join(str(page) for page in range(1, 400, 2))


@pytest.mark.parametrize("code", CODES)
def test_each_code_of_the_contract_can_be_noted(code: str) -> None:
    assert Note(code, "3-4", "Look there.").runs == ((3, 4),)


@pytest.mark.parametrize(
    "change",
    [
        {"code": "all_is_well"},
        {"code": ""},
        {"message": ""},
        {"message": "x" * (MOST_MESSAGE + 1)},
        {"message": "two\nlines"},
        {"message": "bell\a"},
        {"message": "half \ud800"},
        {"message": "turned \u202e round"},
        {"pages": "4-3"},
        {"pages": "3,1"},
        {"pages": "1-3,3"},
        {"pages": "1-3,4"},
        {"pages": "0"},
        {"pages": "01"},
        {"pages": "r1"},
        {"pages": "1-"},
        {"pages": "١"},
        {"pages": "1 "},
        {"pages": "3-3"},
        {"pages": "2000000"},
        {"pages": ",".join(str(page) for page in range(1, 1200, 2))},
    ],
)
def test_what_is_no_note_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\."):
        Note(**{"code": "no_text", "pages": "1", "message": "Look there.", **change})


def test_a_note_with_words_of_a_document_is_made_plain() -> None:
    note = Note.plain("layers_left_out", [5, 3, 4], "Layer\u3000“\u202eA\nB”\0 is off. " + "x" * 600)
    assert (note.pages, note.message[:22]) == ("3-5", "Layer “ A B” is off. x") and len(note.message) == 500


def test_equal_remarks_become_one_with_the_pages_of_all() -> None:
    notes = [
        Note("table_doubtful", "3-4", "Compare it."),
        Note("no_text", "", "Nothing to read."),
        Note("table_doubtful", "1,5", "Compare it."),
        Note("table_doubtful", "9", "Another one."),
        Note("table_doubtful", "", "Compare it."),
        Note("no_text", "", "Nothing to read."),
    ]
    assert merged(notes) == (
        Note("table_doubtful", "1,3-5", "Compare it."),
        notes[1],
        notes[3],
        notes[4],
    )
    assert merged(()) == ()


def test_too_many_remarks_are_told_by_their_code() -> None:
    many = [Note(CODES[n % 20], str(n + 1) if n % 3 else "", f"Remark {n}.") for n in range(1000)]
    found = merged(many)
    assert len(found) <= MOST_NOTES and found[:100] == tuple(many[:100])
    told = {page for note in found for first, last in note.runs for page in range(first, last + 1)}
    assert told == {n + 1 for n in range(1000) if n % 3}, "no page is dropped"
    assert {note.code for note in found if not note.pages} == set(CODES)


def test_pages_that_are_too_many_to_list_are_told_from_the_first_to_the_last() -> None:
    notes = [Note("no_text", str(page), "Blank.") for page in range(7, 2000, 2)]
    assert merged(notes) == (Note("no_text", "7-1999", "Blank."),)
    assert all(len(note.pages) <= MOST_RANGE for note in merged(notes[:200]))


def test_notes_come_back_from_their_text() -> None:
    notes = (Note("no_text", "", "Nichts zu lesen: ä, 读."), Note("handwriting", "3", 'He said "no".'))
    assert notes_from_text(notes_to_text(notes)) == notes
    assert notes_to_text(()) == "" and notes_from_text("") == ()


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], None),
        ([(None, 5)], None),
        ([(0.5, 100), (1.0, 300)], 0.875),
        ([(0.5, 100), (None, 300)], 0.5),
        ([(0.0, 0), (1.0, 10)], 1.0),
        ([(1.0, 0), (0.25, 0)], 0.25),
        ([(0.1, 10)] * 3, 0.1),
    ],
)
def test_coverage_is_weighed_by_words(parts: Any, whole: float | None) -> None:
    assert combined(parts) == (whole if whole is None else pytest.approx(whole))


# ---------------------------------------------------------------- runs of pages


def test_runs_are_sets_of_pages() -> None:
    assert runs_in("1-3,8") == ((1, 3), (8, 8)) and runs_in("") == ()
    assert format_runs(runs_in(ODD)) == ODD
    assert united([(5, 9), (1, 2), (3, 3), (7, 20)]) == ((1, 3), (5, 20))
    assert runs_of([1, 2, 4]) == ((1, 2), (4, 4))
    assert shared(((1, 5), (8, 9)), ((3, 8), (9, 9), (12, 12))) == ((3, 5), (8, 8), (9, 9))
    assert shared(((1, 9),), others(((2, 3), (9, 9)))) == ((1, 1), (4, 8))
    assert others(()) == ((1, 10**9),)


# ---------------------------------------------------------------- findings


def test_findings_of_pages_become_those_of_the_document() -> None:
    first = Findings((Note("no_text", "2", "Blank."),), 1.0, 100, {"flash": "1-2"})
    second = Findings((Note("no_text", "4", "Blank."),), 0.5, 300, {"basic": "4", "flash": "3"})
    found = joined([first, second])
    assert found.notes == (Note("no_text", "2,4", "Blank."),)
    assert (found.coverage, found.words) == (0.625, 400)
    assert dict(found.readers) == {"flash": "1-3", "basic": "4"} and found.tier == "basic"
    assert Findings.from_texts(words=400, **found.columns) == found
    assert joined([]) == Findings()


def test_findings_are_cut_to_some_pages() -> None:
    notes = (Note("no_text", "2-4", "Blank."), Note("no_text", "", "All."), Note("no_text", "9", "Blank."))
    found = Findings(notes, 0.5, 100, {"flash": "1-5", "basic": "9"})
    assert found.within(((1, 3),), 0.25) == Findings(
        (Note("no_text", "2-3", "Blank."), notes[1]), 0.5, 25, {"flash": "1-3"}
    )
    assert found.about(((9, 9),)).notes == (notes[2],)


def test_readers_are_the_tiers_that_read_the_cheapest_first() -> None:
    assert ("auto", *READERS) == TIERS
    assert [dearest(names) for names in ((), ("flash",), ("advanced", "basic"))] == ["", "flash", "advanced"]


def test_the_version_of_reading_names_all_that_reads() -> None:
    assert reading_version().endswith(f"/{PREPARE}.{READER}.{CHECK}") and reading_version()[0].isdigit()
