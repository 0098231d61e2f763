"""How near a result is to known text, and the pages made from it."""

from __future__ import annotations

import io

import pypdfium2 as pdfium
import pytest
from PIL import Image

from bench.reading import corpus, made, race
from bench.reading.truth import Nearness, Truth, cells_right, distance, nearness, paragraphs, wrong

GRID = [["Name", "Value"], ["Alpha", "1,234"]]
TRUTH = Truth(["The heading", "The first paragraph has words.", GRID, "The second one ends."])
RIGHT = (
    "# The heading\n\nThe first paragraph\nhas words.\n\n"
    "<table><tr><th>Name</th><th>Value</th></tr><tr><td>Alpha</td><td>1,234</td></tr></table>\n\n"
    "The second one ends."
)


def test_a_right_result_has_nothing_wrong() -> None:
    assert nearness(TRUTH, RIGHT) == Nearness(0.0, 4, 4, 2, 2)
    pipes = "|Name|Value|\n|---|---|\n|Alpha|1,234|"
    start, _, end = RIGHT.partition("<table>")
    assert nearness(TRUTH, f"{start}{pipes}\n\n{end.partition('</table>')[2]}") == Nearness(0.0, 4, 4, 2, 2)


def test_nothing_is_all_wrong() -> None:
    assert nearness(TRUTH, "") == Nearness(1.0, 0, 4, 0, 2)


def test_an_edit_for_each_character_and_lost_blanks_count() -> None:
    assert wrong("ten signs.", "ten sings.") == 0.2
    assert wrong("per year 10", "peryear 10") == pytest.approx(1 / 11)
    assert wrong("一年 报告，好", "一年报告,好") == 0.0, (
        "blanks and widths of Chinese signs are nobody's fault"
    )


@pytest.mark.parametrize(
    ("first", "second", "edits"),
    [
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("flaw", "lawn", 2),
        ("ab", "ba", 2),
        ("a", "a", 0),
    ],
)
def test_distances(first: str, second: str, edits: int) -> None:
    assert distance(first, second) == distance(second, first) == edits


def test_a_cell_counts_in_its_place_only() -> None:
    assert cells_right([GRID], [[["Name", "Value"], ["1,234", "Alpha"]]]) == 2
    assert cells_right([GRID], [[["x"]], [["Na me", "Value"], ["Alpha", "1,234"]]]) == 4
    assert cells_right([GRID], []) == 0


def test_paragraphs_are_no_headings_tables_and_pictures() -> None:
    assert paragraphs(RIGHT + "\n\n![](a.png)\n\n---\n\n| a |\n|---|\n") == 2
    assert paragraphs("one\ntwo\n\nthree\f") == 2


# ---------------------------------------------------------------- made pages


def test_made_pages_are_what_their_truth_says() -> None:
    """The text layer of the digital form is the truth; so are the pictures, which are drawn from it."""
    pen = made.Pen(1)
    for language in ("en", "zh"):
        truth = made._mixed(pen, language)
        pdf = made.typeset(truth, language)
        with pdfium.PdfDocument(pdf) as document:
            text = document[0].get_textpage().get_text_range()
        assert wrong(truth.text, text) == 0.0
        assert truth.paragraphs == 5 and len(truth.grids) == 1
    scan, picture = made.photographed(pdf, made.Camera(72, 1.0, 12.0, 0.5, photograph=True), pen)
    with pdfium.PdfDocument(scan) as document:
        assert document[0].get_textpage().get_text_range() == ""
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "JPEG" and image.width > 595


def test_the_table_has_a_row_for_each_and_names_who_is_absent() -> None:
    near = nearness(TRUTH, RIGHT)
    runs = [
        race.Run("a", "scan", "ours, flash", 9.0, 500.0, nearness(TRUTH, "")),
        race.Run("a", "scan", "ours, auto", 2.0, 500.0, near),
        race.Run("b", "scan", "ours, auto", 4.0, 600.0, nearness(TRUTH, "")),
        race.Run("a", "scan", "other", 1.5, 100.0, near),
        race.Run("b", "scan", "other", 0.1, 100.0, near, "exit 1"),
        race.Run("a", "scan", "third", 0.1, 100.0, near, "exit 2"),
    ]
    text = race.report(runs, ["fourth (not installed)"])
    assert (
        "| scan (2) | ours, auto | 3.00 | 1.00 | 600 | 50.00 % (worst 100.00 %) | 4 of 8 | 2 for 4 |" in text
    )
    assert (
        "| scan (2, 1 failed) | other | 1.50 | 0.50 | 100 | 0.00 % (worst 0.00 %) | 4 of 4 | 2 for 2 |"
        in text
    )
    assert "| scan (1) | third | failed: exit 2 |" in text and text.endswith(
        "Not here: fourth (not installed)."
    )


def test_time_a_page_counts_files_that_all_tiers_have_read() -> None:
    costs = [
        corpus.Cost("a.pdf", "auto", 10, 5.0),
        corpus.Cost("a.pdf", "flash", 10, 2.0),
        corpus.Cost("b.pdf", "auto", 1, 4.0),
        corpus.Cost("b.pdf", "flash", 1, 0.1, "models_missing"),
    ]
    assert corpus.report(costs).splitlines()[2:] == [
        "| a.pdf | 10 | 0.50 | 0.20 |",
        "| b.pdf | 1 | 4.00 | models_missing |",
        "| all that every tier has read | 10 | 0.50 | 0.20 |",
    ]
