"""Pages and pictures are read by the real models: which words, where, which way up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageOps
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from gradio_app.parsing.readers.embedded import ocr
from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.models import Models
from gradio_app.parsing.readers.embedded.page import read_page, read_picture
from gradio_app.parsing.readers.embedded.pixels import upright
from gradio_app.parsing.readers.embedded.tables import find_tables
from tests.documents import text_pdf
from tests.layouts import COURSES, table_sheet
from tests.live import ROOT
from tests.scans import CHINESE, ENGLISH, noisy, page_of, scan, sheet, text_of, text_page, wrong

EXAMPLE = ROOT / "gradio_app/web/ui/assets/intake/example.pdf"
#: what is enough where not the reading is the subject
FEW = ENGLISH[:4]


def assert_reads(facts: PageFacts, lines: Sequence[str], most: float = 0.005) -> None:
    truth = "\n".join(lines)
    assert wrong(text_of(facts), truth) <= most, text_of(facts)


def test_an_english_scan(builtin_models: Models) -> None:
    facts = read_page(page_of(scan(sheet(ENGLISH))), "auto", builtin_models)
    assert_reads(facts, ENGLISH)
    assert facts.scan and not facts.layer and facts.turned == 0 and facts.skew == 0
    assert facts.confidence > 0.95 and not facts.unread and not facts.left_out
    assert all(0 < word.x0 < word.x1 < facts.width and word.score > 0.9 for word in facts.words)
    first = min(facts.words, key=lambda word: (round(word.cy / 8), word.x0))
    assert first.text == "The" and first.x0 == pytest.approx(36, abs=3)
    assert first.size == pytest.approx(11, rel=0.25)


def test_a_chinese_picture(builtin_models: Models) -> None:
    facts = read_picture(sheet(CHINESE, chinese=True), builtin_models, need_regions=False)
    read = text_of(facts).replace(",", ",")
    assert wrong(read, "\n".join(CHINESE).replace(",", ",")) <= 0.01, read


def test_a_noisy_tilted_scan_is_laid_flat(builtin_models: Models) -> None:
    picture = noisy(sheet(FEW, dpi=150, tilt=1.2))
    facts = read_page(page_of(scan(picture)), "auto", builtin_models, need_regions=False)
    assert_reads(facts, FEW, 0.015)
    assert facts.skew == pytest.approx(-np.tan(np.radians(1.2)), abs=0.004)
    first = [word.x0 for word in facts.words if word.text in ("The", "Revenue", "Several")]
    assert len(first) == 3 and max(first) - min(first) < 4


def test_narrow_letters_that_stand_twice_stay_two(builtin_models: Models) -> None:
    """On the scanned page of the example "layer of glass will" was once read as "layer of glas wil"."""
    page = pypdfium2.PdfDocument(EXAMPLE)[1]
    read = text_of(read_page(page, "auto", builtin_models, need_regions=False)).replace("\n", " ")
    for words in (
        "the second layer of glass will halve that",
        "Water came from the roof",
        "spent 1,240 euros",
    ):
        assert words in read, read


@pytest.mark.parametrize(
    "quarters", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_a_turned_scan(builtin_models: Models, quarters: int) -> None:
    picture = sheet(FEW)
    turned = Image.fromarray(np.rot90(np.asarray(picture), -quarters))
    turned.info["dpi"] = (200, 200)
    assert upright(turned, builtin_models)[0] == 90 * quarters
    facts = read_page(page_of(scan(turned)), "auto", builtin_models, need_regions=False)
    assert facts.turned == 90 * quarters and facts.width > facts.height
    assert_reads(facts, FEW)


def test_light_text_on_a_dark_page(builtin_models: Models) -> None:
    facts = read_picture(ImageOps.invert(sheet(ENGLISH[:3])), builtin_models, need_regions=False)
    assert_reads(facts, ENGLISH[:3])


def test_a_digital_page_is_not_read_by_ocr(builtin_models: Models) -> None:
    facts = read_page(page_of(text_pdf()), "auto", builtin_models)
    assert not facts.scan and not facts.layer and facts.regions and facts.picture is not None
    assert all(word.score == 1 for word in facts.words)
    plain = read_page(page_of(text_pdf()), "auto", None)
    assert [word.text for word in plain.words] == [word.text for word in facts.words]
    assert not plain.regions and plain.picture is None


def test_ocr_can_be_asked_for(builtin_models: Models) -> None:
    page = page_of(text_page(lambda canvas: canvas.drawString(20, 50, "Hello world")))
    facts = read_page(page, "ocr", builtin_models, need_regions=False)
    assert facts.scan and [word.text for word in facts.words] == ["Hello", "world"]
    assert all(word.score < 1 for word in facts.words)


def test_an_old_layer_is_read_anew_and_stays_without_models(builtin_models: Models) -> None:
    content = scan(
        sheet(FEW), hidden=["Tbe c0mmittee rnet on l4 Marcb 20l9", "and appr0ved tbe budget today"]
    )
    anew = read_page(page_of(content), "auto", builtin_models, need_regions=False)
    assert anew.scan and not anew.layer
    assert_reads(anew, FEW)
    for facts in (
        read_page(page_of(content), "auto", None),
        read_page(page_of(content), "txt", builtin_models),
    ):
        assert facts.layer and not facts.scan and "c0mmittee" in [word.text for word in facts.words]


def test_an_old_layer_stays_where_the_picture_cannot_be_read(builtin_models: Models) -> None:
    layer = ["a layer that says much more than the picture does", "as its script is one that nobody reads"]
    facts = read_page(page_of(scan(sheet(["42"]), hidden=layer)), "auto", builtin_models)
    assert facts.layer and "script" in [word.text for word in facts.words]


def test_a_stamp_does_not_hide_the_scan(builtin_models: Models) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(sheet(FEW)), 0, 20, 450, 130)
        canvas.drawString(300, 5, "RECEIVED")

    facts = read_page(page_of(text_page(draw, 450, 150)), "auto", builtin_models, need_regions=False)
    texts = [word.text for word in facts.words]
    assert facts.scan and texts.count("RECEIVED") == 1 and {"committee", "dividend"} <= set(texts)


def test_a_sideways_text_page_is_turned() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rotate(90)
        for number, line in enumerate(ENGLISH[:3]):
            canvas.drawString(20, -100 - 30 * number, line[:40])

    facts = read_page(page_of(text_page(draw)), "auto", None)
    assert (facts.width, facts.height) == (300, 400) and facts.turned == 270 and facts.layer
    assert text_of(facts).split("\n") == [line[:40].strip() for line in ENGLISH[:3]]


def test_small_type_is_brought_to_ten_points() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 4)
        canvas.drawString(20, 200, ENGLISH[0])
        canvas.line(20, 190, 200, 190)

    facts = read_page(page_of(text_page(draw)), "auto", None)
    assert facts.words[0].size == pytest.approx(10, abs=0.1)
    assert facts.width == pytest.approx(1000, rel=0.1) and facts.horizontal[0][2] > 450


def test_a_script_that_is_not_in_the_dictionary_is_counted(builtin_models: Models) -> None:
    korean = ["안녕하세요 반갑습니다 오늘 날씨가 좋습니다", "이 문서는 한국어로 작성되었습니다 감사합니다"]
    facts = read_picture(sheet(korean, chinese=True), builtin_models, need_regions=False)
    assert len(facts.unread) == 2


def test_rules_of_a_scan(builtin_models: Models) -> None:
    picture = sheet(["Item          Amount", "Paper            12.50", "Ink                 3.75"])
    pen = ImageDraw.Draw(picture)
    for y in (45, 97, 149, 201):
        pen.line((80, y, 700, y), fill=0, width=3)
    for x in (80, 250, 700):
        pen.line((x, 45, x, 201), fill=0, width=3)
    facts = read_picture(picture, builtin_models, need_regions=False)
    assert (len(facts.horizontal), len(facts.vertical)) == (4, 3)
    assert {"Item", "Amount", "12.50", "3.75"} <= {word.text for word in facts.words}


def test_blank_pages_have_nothing(builtin_models: Models) -> None:
    blank = Image.new("RGB", (800, 1000), "white")
    assert not read_picture(blank, builtin_models).words
    blank.info["dpi"] = (100, 100)
    assert not read_page(page_of(scan(blank)), "auto", builtin_models).words
    page = page_of(text_page(lambda canvas: canvas.showPage()))
    assert read_page(page, "auto", builtin_models) == PageFacts(400, 300)


def test_lines_are_bounded_and_those_left_out_are_told(
    builtin_models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "MOST_BOXES", 3)
    facts = read_picture(sheet(FEW), builtin_models, need_regions=False)
    assert facts.left_out == len(FEW) - 3
    assert_reads(facts, ENGLISH[:3])


@pytest.mark.parametrize("dpi", [100, 200])
def test_stems_of_letters_are_no_rules_on_a_small_sheet(builtin_models: Models, dpi: int) -> None:
    """A small sheet is enlarged to be read, and its letters are as high as the rows of a large one."""
    facts = read_page(page_of(scan(table_sheet(dpi))), "auto", builtin_models, need_regions=False)
    assert (len(facts.horizontal), len(facts.vertical)) == (5, 4)
    (table,) = find_tables(facts)
    assert [[cell.text for cell in row] for row in table.cells] == [list(row) for row in COURSES]
    assert all(cell.across == cell.down == 1 for row in table.cells for cell in row)
