"""Pages and pictures of unusual shapes are read within bounds of time and memory."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from reportlab.pdfgen.canvas import Canvas

from gradio_app.machine import builtin_models as installed
from gradio_app.parsing.readers.embedded.models import Models
from gradio_app.parsing.readers.embedded.page import read_page, read_picture
from tests.live import ROOT
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


def read_a_dense_page() -> tuple[float, int]:
    """The share of wrong characters, and the most memory that this process ever held, in kilobytes."""
    lines = [ENGLISH[number % len(ENGLISH)] for number in range(45)]
    facts = read_picture(sheet(lines, width=8.3), Models(installed.folder()))
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return wrong(text_of(facts), "\n".join(lines)), int(peak)


def test_a_dense_page_stays_far_below_the_limit_of_a_worker() -> None:
    """In a process of its own, as this one has read other pages. ``ru_maxrss`` would count its parent too."""
    code = f"import {__name__} as tests; print(*tests.read_a_dense_page())"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    share, peak = ran.stdout.split()
    assert float(share) <= 0.005
    assert int(peak) < 1_100_000
