"""Pages and pictures of unusual shapes are read within bounds of time and memory."""

from __future__ import annotations

import resource

import pytest
from PIL import Image, ImageDraw
from reportlab.pdfgen.canvas import Canvas

from gradio_app.parsing.readers.embedded.models import Models
from gradio_app.parsing.readers.embedded.page import read_page, read_picture
from tests.scans import ENGLISH, font, page_of, sheet, text_of, text_page, wrong

pytestmark = pytest.mark.slow


def test_a_fax_of_one_bit_with_pixels_that_are_not_square(builtin_models: Models) -> None:
    fax = sheet(ENGLISH[:3], width=6.5)
    fax = fax.resize((fax.width, fax.height // 2)).convert("1")
    fax.info["dpi"] = (204, 98)
    facts = read_picture(fax, builtin_models, need_regions=False)
    assert wrong(text_of(facts), "\n".join(ENGLISH[:3])) < 0.1
    assert facts.width / facts.height == pytest.approx((fax.width / 204) / (fax.height / 98), rel=0.01)


@pytest.mark.parametrize("size", [(150, 6000), (6000, 150), (1, 1), (3, 900), (9000, 9000)])
def test_pictures_of_any_shape_are_bounded(builtin_models: Models, size: tuple[int, int]) -> None:
    picture = Image.new("L", size, 255)
    ImageDraw.Draw(picture).text((20, 20), "Some text", fill=0, font=font(False, 40))
    facts = read_picture(picture, builtin_models, need_regions=False)
    assert facts.picture is None or facts.picture.size <= 3 * 12_500_000


def test_a_page_of_many_metres_is_bounded(builtin_models: Models) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 400)
        canvas.drawString(200, 7000, "ENORMOUS")

    facts = read_page(page_of(text_page(draw, 5669, 14400)), "ocr", builtin_models, need_regions=False)
    assert [word.text for word in facts.words] == ["ENORMOUS"]
    assert facts.picture is not None and facts.picture.shape[0] * facts.picture.shape[1] <= 6_300_000


def test_a_till_receipt_is_read_from_top_to_bottom(builtin_models: Models) -> None:
    lines = [f"Article {number:03} at {number}.50" for number in range(100, 125)]
    facts = read_picture(sheet(lines, width=2.6), builtin_models, need_regions=False)
    assert wrong(text_of(facts), "\n".join(lines)) <= 0.005, text_of(facts)


def test_a_dense_page_stays_far_below_the_limit_of_a_worker(builtin_models: Models) -> None:
    lines = [ENGLISH[number % len(ENGLISH)] for number in range(45)]
    facts = read_picture(sheet(lines, width=8.3), builtin_models)
    assert wrong(text_of(facts), "\n".join(lines)) <= 0.005
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_100_000  # kilobytes
