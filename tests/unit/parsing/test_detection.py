"""Lines of text in a picture: all of them are found, and what their slopes say of the page."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gradio_app.parsing.readers.embedded.detection import fan_of, quadrilaterals, slope_of
from gradio_app.parsing.readers.embedded.lines import lines_of
from gradio_app.parsing.readers.embedded.models import Models
from gradio_app.parsing.readers.embedded.page import read_picture
from gradio_app.parsing.readers.embedded.pixels import unfanned
from tests.scans import ENGLISH, sheet, text_of, wrong


def fanned(fan: float, level: float, slope: float = 0.0, count: int = 20) -> np.ndarray:
    """Corners of long lines on a page of 1000 x 1400, whose slopes grow from top to bottom."""
    found: list[list[tuple[float, float]]] = []
    for number in range(count):
        y = 60 + number * 65.0
        fall = slope + fan * (y - level)
        low, high = y + fall * -400, y + fall * 400
        found.append([(100, low - 10), (900, high - 10), (900, high + 10), (100, low + 10)])
    return np.array(found)


@pytest.mark.parametrize(("fan", "level"), [(3e-5, 700.0), (-6e-5, 200.0), (2e-5, -300.0)])
def test_a_fan_is_measured(fan: float, level: float) -> None:
    assert fan_of(fanned(fan, level)) == pytest.approx((fan, level), rel=0.02)


@pytest.mark.parametrize(
    "corners",
    [fanned(0, 0), fanned(0, 0, slope=0.03), fanned(3e-5, 700, count=7), np.zeros((0, 4, 2))],
    ids=["flat", "tilted", "few", "none"],
)
def test_no_fan(corners: np.ndarray) -> None:
    assert fan_of(corners) == (0, 0)


def test_some_odd_lines_do_not_make_a_fan() -> None:
    corners = fanned(0, 0)
    corners[3, 1:3, 1] += 40
    corners[17, 1:3, 1] -= 40
    assert fan_of(corners) == (0, 0) and abs(slope_of(corners)) < 0.001


def aside(picture: Image.Image, share: float) -> Image.Image:
    """The picture as taken from aside: its right edge is shorter by twice ``share`` of it."""
    width, height = picture.size
    drop = share * height
    return picture.transform(
        (width, height),
        Image.Transform.QUAD,
        (0, 0, 0, height, width, height - drop, width, drop),
        Image.Resampling.BICUBIC,
        fillcolor="white",
    )


def test_a_page_seen_from_aside_is_read_in_order(builtin_models: Models) -> None:
    truth = [*ENGLISH, *ENGLISH[:4]]
    seen = aside(sheet(truth, dpi=150), -0.2)
    facts = read_picture(seen, builtin_models, need_regions=False)
    assert wrong(text_of(facts), "\n".join(truth)) <= 0.01, text_of(facts)
    rows = lines_of(facts.words, 2.0)
    assert len(rows) == len(truth) and all(len(row.words) > 4 for row in rows), "each is a row of words"


def test_the_fan_is_taken_out_of_the_picture(builtin_models: Models) -> None:
    seen = np.asarray(aside(sheet([*ENGLISH, *ENGLISH[:4]], dpi=150), -0.2))
    fan, level = fan_of(quadrilaterals(seen, builtin_models))
    flat = quadrilaterals(unfanned(seen, fan, level)[0], builtin_models)
    assert abs(fan) > 1e-5 and fan_of(flat) == (0, 0)


def test_low_lines_are_looked_at_again(builtin_models: Models) -> None:
    picture = np.asarray(sheet((ENGLISH * 9)[:66], dpi=150))
    found = quadrilaterals(picture, builtin_models)
    middles = np.sort(found[..., 1].mean(1))
    rows = 1 + int((np.diff(middles) > 15).sum())
    assert rows == 66
    heights = np.ptp(found[..., 1], axis=1)
    assert np.median(heights) < 36, "boxes are tight as they were looked at in a larger picture"
