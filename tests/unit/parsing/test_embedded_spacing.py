"""Where words of a line begin and end, and rules of a scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gradio_app.parsing.readers.embedded.image_rules import image_rules
from gradio_app.parsing.readers.embedded.pixels import light, straightened
from gradio_app.parsing.readers.embedded.recognition import HEIGHT, Reading
from gradio_app.parsing.readers.embedded.spacing import spans


def line(
    text: str, gaps: dict[int, int], width: int = 14, blank: float = 0.3
) -> tuple[Reading, NDArray[Any]]:
    """A line with one block of ink for each letter, 3 pixels between them; ``gaps``: more before some.

    ``blank`` is the share of a blank before each letter.
    """
    ink = np.zeros((HEIGHT, 4000), np.bool_)
    places: list[float] = []
    x = 10
    for number, letter in enumerate(text):
        if letter == " ":
            places.append(x + 4)
            continue
        x += gaps.get(number, 3)
        ink[10:38, x : x + width] = True
        places.append(x + width / 2)
        x += width
    return Reading(text, 0.99, tuple(places), (blank,) * len(text)), ink[:, : x + 10]


def words(text: str, gaps: dict[int, int]) -> list[str]:
    return [span.text for span in spans(*line(text, gaps))]


def test_words_begin_and_end_with_their_ink() -> None:
    reading, ink = line("ab cd", {3: 15})
    first, second = spans(reading, ink)
    assert (first.text, first.start, first.end) == ("ab", 13, 44)
    assert (second.text, second.start, second.end) == ("cd", 59, 90)


def test_a_lost_blank_is_found_by_its_width() -> None:
    assert words("per cent peryear", {4: 14, 9: 14, 12: 13}) == ["per", "cent", "per", "year"]
    assert words("peryear", {3: 14}) == ["per", "year"]


def test_space_around_a_narrow_letter_is_no_blank() -> None:
    sure = line("by FutureSkill", {3: 11, 13: 14}, blank=1e-5)
    assert [span.text for span in spans(*sure)] == ["by", "FutureSkill"]
    touching = line("FOR LEADERS", dict.fromkeys(range(11), 0), blank=1e-5)
    assert [span.text for span in spans(*touching)] == ["FOR", "LEADERS"]


@pytest.mark.parametrize("text", ["one two threes", "1,234.5 12.50"])
def test_ordinary_gaps_lose_nothing(text: str) -> None:
    blank = text.index(" ") + 1
    assert words(text, {blank: 14, blank + 4: 14 if text[blank + 3] == " " else 3, 2: 5}) == text.split()


def test_figures_and_chinese_get_no_blank() -> None:
    assert words("a 1234 5", {2: 14, 4: 12, 7: 14}) == ["a", "1234", "5"]
    assert words("报告介绍", {2: 14}) == ["报告介绍"]


def test_a_gap_as_wide_as_the_line_is_high_parts_any_words() -> None:
    assert words("报告12", {2: 60}) == ["报告", "12"]


def test_an_empty_line_has_no_words() -> None:
    assert spans(Reading("", 0.0, (), ()), np.zeros((HEIGHT, 50), np.bool_)) == []
    assert spans(Reading("  ", 0.9, (3, 9), (1.0, 1.0)), np.zeros((HEIGHT, 50), np.bool_)) == []


def drawn(*lines: tuple[int, int, int, int], thick: int = 2) -> NDArray[Any]:
    picture = Image.new("RGB", (800, 600), "white")
    pen = ImageDraw.Draw(picture)
    for each in lines:
        pen.line(each, fill=(40, 40, 40), width=thick)
    return np.asarray(picture)


def test_rules_of_a_grid() -> None:
    grid = [(100, y, 700, y) for y in (100, 200, 300)] + [(x, 100, x, 300) for x in (100, 400, 700)]
    across, down = image_rules(drawn(*grid))
    assert sorted(rule[1] for rule in across) == pytest.approx([100, 200, 300], abs=2)
    assert sorted(rule[0] for rule in down) == pytest.approx([100, 400, 700], abs=2)
    assert all(rule[2] - rule[0] == pytest.approx(600, abs=6) for rule in across)


def test_a_rule_slightly_askew_is_one() -> None:
    across, _ = image_rules(drawn((50, 100, 750, 104)))
    assert len(across) == 1 and across[0][2] - across[0][0] > 680


def test_thick_bars_short_strokes_and_texture_are_no_rules() -> None:
    assert image_rules(drawn((100, 300, 700, 300), thick=40))[0] == []
    assert image_rules(drawn((100, 100, 125, 100), (50, 50, 50, 70))) == ([], [])
    texture = np.random.default_rng(1).integers(0, 255, (600, 800, 3), np.uint8)
    assert image_rules(texture) == ([], [])


def test_a_dark_page_becomes_light() -> None:
    dark = np.full((40, 40, 3), 20, np.uint8)
    assert light(dark).mean() > 200
    assert light(255 - dark).mean() > 200


@pytest.mark.parametrize("slope", [0.05, -0.08])
def test_what_is_askew_is_laid_flat_and_nothing_is_lost(slope: float) -> None:
    picture = drawn((2, 300, 797, round(300 + 795 * slope)), thick=3)
    flat, corner = straightened(picture, slope)
    rows = np.nonzero((flat.max(2) < 128).any(-1))[0]
    assert rows.max() - rows.min() <= 5
    assert rows.mean() == pytest.approx(corner[1] + 300 / np.hypot(1, slope), abs=3)
    assert (255.0 - flat).sum() == pytest.approx((255.0 - picture).sum(), rel=0.1)
