"""Lines in a font of one width are code, with their indentation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradio_app.parsing.readers.embedded.code import code_runs
from gradio_app.parsing.readers.embedded.facts import Word
from tests.layouts import PROGRAM
from tests.unit.parsing.pages_of_words import text

ADVANCE = 6.0


def typed(x: float, y: float, *lines: str, step: float = 13.0) -> list[Word]:
    """Lines in a font of one width; empty ones leave a gap."""
    words: list[Word] = []
    for number, line in enumerate(lines):
        at = 0
        for part in line.split():
            at = line.index(part, at)
            left, top = x + ADVANCE * at, y + step * number
            words.append(Word(left, top, left + ADVANCE * len(part), top + 12, part, 10, mono=True))
            at += len(part)
    return words


def test_lines_keep_their_indentation() -> None:
    words = [*text(60, 60, 400, 6), *typed(60, 200, *PROGRAM), *text(60, 300, 400, 6)]
    (run,) = code_runs(words)
    assert run.text == "\n".join(PROGRAM)
    assert run.box == (60, 200, 60 + ADVANCE * 30, 200 + 13 * 4 + 12)
    assert len(run.words) == len(" ".join(PROGRAM).split())


def test_an_empty_line_stays() -> None:
    lines = ("first = 1", "second = 2", "", "third = 3", "fourth = 4")
    (run,) = code_runs([*text(60, 60, 400, 6), *typed(60, 200, *lines)])
    assert run.text == "\n".join(lines)


def test_blanks_within_a_line_stay() -> None:
    lines = ("name      = 1", "longer    = 2", "longest   = 3")
    (run,) = code_runs([*text(60, 60, 400, 6), *typed(60, 200, *lines)])
    assert run.text == "\n".join(lines)


@pytest.mark.parametrize("lines", [PROGRAM[:1], PROGRAM[:2]])
def test_a_line_or_two_are_none(lines: tuple[str, ...]) -> None:
    assert code_runs([*text(60, 60, 400, 6), *typed(60, 200, *lines)]) == []


def test_a_word_of_another_font_ends_a_run() -> None:
    words = typed(60, 200, *PROGRAM)
    words[5] = replace(words[5], mono=False)
    assert all(words[5].text not in run.text for run in code_runs([*text(60, 60, 400, 6), *words]))


def test_runs_far_apart_are_two() -> None:
    words = [*text(60, 60, 400, 6), *typed(60, 200, *PROGRAM), *typed(60, 400, *PROGRAM)]
    assert [run.text for run in code_runs(words)] == ["\n".join(PROGRAM)] * 2


def test_a_typewritten_letter_is_none() -> None:
    letter = ("Dear Sir or Madam", "we thank you for the parcel", "and hope to hear from you soon")
    assert code_runs(typed(60, 100, *letter)) == []
    assert len(code_runs(typed(60, 100, *PROGRAM))) == 1


def test_words_on_end_are_none() -> None:
    words = [replace(word, angle=90) for word in typed(60, 100, *PROGRAM)]
    assert code_runs(words) == []


def test_an_endless_indentation_is_cut() -> None:
    words = typed(60, 100, "a = 1", "b = 2", "c = 3")
    words.append(replace(words[0], x0=1e7, x1=1e7 + 6, text="z"))
    assert all(len(run.text) < 2000 for run in code_runs(words))
