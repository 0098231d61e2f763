"""The check of a page: recall of its words, continuity of its lines, and the choice between two readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from string import ascii_lowercase

import pytest

from gradio_app.parsing import check
from gradio_app.parsing.check import Verdict
from gradio_app.parsing.readers.embedded.anew import read_anew
from gradio_app.parsing.readers.embedded.blocks import Block
from gradio_app.parsing.readers.embedded.choose import page_blocks
from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.tables import find_tables
from tests.unit.parsing.pages_of_words import grid, page, rules_across, text
from tests.unit.parsing.test_mend import RIVERS, block


def column(x: float, seed: int) -> list[Word]:
    """Lines of words that stand nowhere else."""
    random = Random(seed)
    words = text(x, 100, 200, 14)
    return [replace(word, text="".join(random.choices(ascii_lowercase, k=len(word.text)))) for word in words]


LEFT, RIGHT = column(60, 1), column(320, 2)


def interleaved() -> Block:
    """Both columns in one block, as a reader gives them that goes from left to right."""
    rows = sorted([*LEFT, *RIGHT], key=lambda word: (word.y0, word.x0))
    return block("text", rows)


def judged(blocks: Sequence[Block], facts: PageFacts) -> Verdict:
    return check.judge(blocks, facts, find_tables(facts))


def test_a_page_that_is_delivered() -> None:
    facts = page(LEFT, RIGHT)
    verdict = judged([block("text", LEFT), block("text", RIGHT)], facts)
    assert verdict == Verdict(1.0, 1.0, len(facts.words))
    assert verdict.coverage == 1.0
    assert not check.in_doubt(verdict, facts)


def test_a_column_that_is_missing() -> None:
    facts = page(LEFT, RIGHT)
    verdict = judged([block("text", LEFT)], facts)
    assert verdict.coverage == pytest.approx(len(LEFT) / len(facts.words), abs=0.05)
    assert check.in_doubt(verdict, facts)


def test_a_word_that_stands_twice_must_come_twice() -> None:
    words = text(60, 100, 200, 3)
    assert judged([block("text", words)], page(words, text(60, 400, 200, 3))).recall == 0.5


def test_columns_that_are_interleaved() -> None:
    facts = page(LEFT, RIGHT)
    verdict = judged([interleaved()], facts)
    assert verdict.recall == 1.0 and verdict.continuity < 0.2
    assert check.in_doubt(verdict, facts)


def test_cells_of_a_table_need_not_follow_one_another() -> None:
    rows = grid(72, 200, RIVERS, (90, 80, 80, 80))
    facts = page(rows, across=rules_across(72, 400, (196, 212, 280)))
    verdict = judged(read_anew(facts, find_tables(facts)), facts)
    assert verdict.coverage == 1.0 and verdict.continuity == 1.0


def test_a_page_without_words_is_delivered() -> None:
    assert judged([], page()).coverage == 1.0


def test_a_page_that_runs_from_right_to_left_is_not_in_doubt() -> None:
    words = [replace(word, text="נהר") for word in LEFT]
    assert not check.in_doubt(judged([], page(words)), page(words))


@pytest.mark.parametrize(
    ("recall", "continuity", "better"),
    [(0.98, 0.9, True), (0.96, 0.9, False), (1.0, 0.8, False), (1.07, 0.66, True), (1.07, 0.6, False)],
)
def test_the_second_reading_must_win_more_than_it_loses(
    recall: float, continuity: float, better: bool
) -> None:
    assert check.better(Verdict(recall, continuity, 100), Verdict(1.0, 0.7, 100)) is better


def test_a_page_in_doubt_is_read_anew() -> None:
    reading = page_blocks([interleaved()], page(LEFT, RIGHT), ())
    assert reading.anew and reading.verdict.continuity == 1.0
    assert [each["type"] for each in reading.blocks] == ["text", "text"]


def test_a_page_that_passes_is_flashs() -> None:
    blocks = [block("text", LEFT), block("text", RIGHT)]
    reading = page_blocks(blocks, page(LEFT, RIGHT), ())
    assert not reading.anew and reading.blocks == blocks


@pytest.mark.parametrize("why", ["scan", "layer"])
def test_words_that_flash_cannot_know_are_read_anew(why: str) -> None:
    facts = replace(page(LEFT), **{why: True})
    reading = page_blocks([block("text", text(60, 500, 200, 2))], facts, ())
    assert reading.anew and reading.verdict.coverage == 1.0


def test_a_page_of_very_many_words_is_judged_soon() -> None:
    words = [Word(9 * x, 12 * y, 9 * x + 8, 12 * y + 10, "ab", 9) for x in range(66) for y in range(75)]
    facts = page(words)
    reading = page_blocks([block("text", words)], facts, ())
    assert reading.verdict.coverage == 1.0


def test_scripts_without_blanks_are_compared_sign_by_sign() -> None:
    """OCR gives words of another length than the text that is made of them."""
    words = [Word(70, 100, 200, 110, "物的有用性", 10), Word(200, 100, 330, 110, "使物成为", 10)]
    facts = PageFacts(600, 800, tuple(words))
    verdict = check.judge([{"type": "text", "content": "物的有用性使物成为"}], facts, [])
    assert (verdict.recall, verdict.words) == (1.0, 9)
    lost = check.judge([{"type": "text", "content": "物的有用性"}], facts, [])
    assert lost.recall == pytest.approx(5 / 9)


# ------------------------------------------------------------ what is missing

PARAGRAPH = [
    "The ferry leaves the northern pier at half past",
    "six and returns before the evening bell; of its",
    "sailors four have served for eleven winters.",
]
ROWS = ["Harbour 1,204 17.5 2019", "Lighthouse 866 3.25 2021", "Boathouse 95 41.0 1998"]
SHORT = ["Fares", "Total", "x = y + z", "a b c d"]
PAGE = [*PARAGRAPH, *ROWS, *SHORT]


def test_nothing_is_lost_of_a_sound_result() -> None:
    cells = [f"<tr><td>{'</td><td>'.join(row.split())}</td></tr>" for row in ROWS]
    delivered = " ".join([*PARAGRAPH, "Fares Total", check.plain("".join(cells))])
    assert check.lost(PAGE, delivered) == []
    hyphenated = delivered.replace("northern", "north ern")
    assert check.lost(PAGE, hyphenated) == []


@pytest.mark.parametrize("line", [*PARAGRAPH, *ROWS])
def test_each_line_that_is_missing_is_named(line: str) -> None:
    assert check.lost(PAGE, " ".join(each for each in PAGE if each != line)) == [line]


def test_a_line_that_stands_twice_must_come_twice() -> None:
    once = " ".join(PAGE)
    assert check.lost([*PAGE, PARAGRAPH[0]], once) == [PARAGRAPH[0]]
    assert check.lost([*PAGE, PARAGRAPH[0]], f"{once} {PARAGRAPH[0]}") == []


def test_words_that_stand_elsewhere_do_not_hide_a_lost_line() -> None:
    other = "winters of the northern sailors"
    assert check.lost([other, *PARAGRAPH], " ".join(PARAGRAPH)) == [other]


def test_formulas_and_single_words_are_not_judged() -> None:
    assert check.lost(SHORT, "nothing") == []


def test_very_many_lines_are_counted_by_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_MOST_SEARCHED", 0)
    assert check.lost(PAGE, " ".join(PAGE)) == []
    assert check.lost(PAGE, " ".join(PAGE[1:])) == [PAGE[0]]


def test_numbers_in_pieces_are_found() -> None:
    words = ["2,411", "(1,204.50)", "2019", "77", "12", "A4"]
    assert check.broken(words, "2,411 (1,204.50) 2019 77 12") == []
    assert check.broken(words, "2,41 1 and ( 1,204.5 0) in 20 19") == ["(1,204.50)", "2,411", "2019"]
    assert check.broken(["2,411"], "nothing like it") == []


def test_the_codes_of_a_verdict() -> None:
    assert Verdict(1, 1, 10).codes == []
    assert Verdict(0.9, 0.5, 100, lost=2, broken=1, tables=1).codes == [
        "text_left_out",
        "digits_doubtful",
        "table_doubtful",
        "order_doubtful",
    ]


def test_a_line_that_a_vision_model_left_out_is_told() -> None:
    facts = page(LEFT, RIGHT)
    whole = check.compare_with_layer(facts, [block("text", RIGHT), block("text", LEFT)])
    assert whole is not None and (whole.lost, whole.coverage) == (0, 1.0)
    half = check.compare_with_layer(facts, [block("text", LEFT)])
    assert half is not None and half.lost >= 10 and half.coverage < 0.6
    assert half.codes == ["text_left_out"]


def test_formulas_and_figures_of_a_vision_model_are_not_compared() -> None:
    facts = page(LEFT, RIGHT)
    for kind in ("image", "chart", "equation"):
        shown = [block("text", LEFT), {**block("text", RIGHT), "type": kind, "content": ""}]
        verdict = check.compare_with_layer(facts, shown)
        assert verdict is not None and verdict.lost == 0 and verdict.coverage == 1.0


def test_hidden_text_says_nothing_of_what_a_vision_model_reads() -> None:
    assert check.compare_with_layer(replace(page(LEFT), layer=True), []) is None
    hidden = [replace(word, visible=False) for word in LEFT]
    assert check.compare_with_layer(page(hidden), []) is None
