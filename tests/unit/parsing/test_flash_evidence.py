"""Which of flash's pages need no second thought: running text in one column, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from gradio_app.parsing.readers import flash
from gradio_app.parsing.readers.flash import Evidence, is_plain, text_of
from tests import layouts


def read(tmp_path: Path, *draw: Callable[[Canvas], object]) -> flash.FlashPages:
    source = tmp_path / "source.pdf"
    source.write_bytes(layouts.pdf(*draw))
    return flash.read(str(source), "")


def sideways(canvas: Canvas) -> None:
    layouts.prose(canvas)
    canvas.saveState()
    canvas.translate(30, 300)
    canvas.rotate(90)
    canvas.drawString(0, 0, "A note at the side of the page")
    canvas.restoreState()


def with_picture(canvas: Canvas) -> None:
    layouts.prose(canvas)
    canvas.drawImage(ImageReader(layouts.note_sheet("Fig")), 70, 150, 200, 120)


def with_rules(canvas: Canvas) -> None:
    layouts.prose(canvas)
    for number in range(6):
        canvas.line(70, 300 - 20 * number, 500, 300 - 20 * number)


def empty(canvas: Canvas) -> None:
    canvas.setFont("Helvetica", 11)


PAGES: dict[str, tuple[Callable[[Canvas], object], bool]] = {
    "prose": (layouts.prose, True),
    "columns": (layouts.columns, False),
    "table": (layouts.ruled_table, False),
    "statement": (layouts.statement, False),
    "bullets": (layouts.bullets, False),
    "form": (layouts.form, False),
    "code": (layouts.code, False),
    "sideways": (sideways, False),
    "picture": (with_picture, False),
    "rules": (with_rules, False),
    "empty": (empty, False),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> flash.FlashPages:
    """All of these in one document."""
    return read(tmp_path_factory.mktemp("flash"), *(draw for draw, _ in PAGES.values()))


@pytest.mark.parametrize("name", PAGES)
def test_only_running_text_in_one_column_is_plain(pages: flash.FlashPages, name: str) -> None:
    number = list(PAGES).index(name)
    assert is_plain(pages.evidence[number], pages.blocks[number]) is PAGES[name][1]


def test_the_evidence_is_that_of_the_page(pages: flash.FlashPages) -> None:
    assert pages.indices == tuple(range(len(PAGES)))
    page = pages.evidence[0]
    assert (round(page.width), round(page.height)) == (595, 842)
    assert page.upright and not page.mono and not page.rules and not page.pictures
    assert page.lines[0][0] == "The mill" and page.words == len(("The mill " + layouts.STORY + " "
        + layouts.ADVICE).split())  # fmt: skip
    x0, y0, x1, y1 = page.lines[0][1]
    assert 65 < x0 < 75 and 50 < y0 < y1 < 80 and x1 > 100
    of = dict(zip(PAGES, pages.evidence, strict=True))
    assert of["code"].mono and not of["sideways"].upright and of["rules"].rules >= 6
    assert len(of["picture"].pictures) == 1


def test_a_page_that_flash_delivered_in_part_is_not_plain(pages: flash.FlashPages) -> None:
    page, blocks = pages.evidence[0], pages.blocks[0]
    longest = max(blocks, key=lambda block: len(text_of(block)))
    assert not is_plain(page, [block for block in blocks if block is not longest])


def test_a_page_number_beside_a_line_is_still_plain(pages: flash.FlashPages) -> None:
    page = pages.evidence[0]
    text, box = page.lines[-1]
    one = replace(page, lines=(*page.lines, ("", (540.0, box[1], 550.0, box[3]))))
    assert is_plain(one, pages.blocks[0])
    many = tuple(("", (540.0, box[1], 550.0, box[3])) for _, box in page.lines)
    assert not is_plain(replace(page, lines=(*page.lines, *many)), pages.blocks[0]), text


def test_some_pages_only(tmp_path: Path) -> None:
    source = tmp_path / "source.pdf"
    source.write_bytes(layouts.pdf(layouts.prose, layouts.form, layouts.columns))
    found = flash.read(str(source), "1,3")
    assert found.indices == (0, 2) and len(found.blocks) == len(found.evidence) == 2
    assert found.evidence[1].lines[0][0] == "Two sides"


def test_nothing_of_the_collection_stays_behind(tmp_path: Path) -> None:
    from docvortex.analyzers.native.pdf import pipeline

    before = pipeline._collect_document_sources
    read(tmp_path, layouts.form)
    with pytest.raises(FileNotFoundError):
        flash.read(str(tmp_path / "none.pdf"), "")
    assert pipeline._collect_document_sources is before


def test_a_page_without_lines_is_not_plain() -> None:
    assert not is_plain(Evidence(595, 842, (), 0, (), True, False), [])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        ([{"type": "text", "content": "a"}, {"type": "text", "content": " b"}], "a b"),
        ({"content": ["a", {"content": "b"}]}, "a b"),
        (None, ""),
        (7, ""),
    ],
)
def test_the_text_of_a_block(content: object, text: str) -> None:
    assert text_of({"type": "text", "content": content}) == text


@pytest.mark.parametrize(
    ("font", "size", "kind"),
    [
        ("Helvetica", 11, "header"),
        ("Helvetica-Bold", 11, "paragraph_title"),
        ("Helvetica", 14, "paragraph_title"),
    ],
    ids=["plain", "bold", "large"],
)
def test_a_head_larger_or_bolder_than_the_text_is_a_title(
    tmp_path: Path, font: str, size: float, kind: str
) -> None:
    def page(canvas: Canvas) -> None:
        canvas.setFont(font, size)
        canvas.drawString(70, 800, "Of mills and their owners")
        canvas.setFont("Helvetica", 11)
        for number in range(20):
            canvas.drawString(
                70, 700 - 14 * number, f"Line {number} goes on to the end of the {number + 7}th mile."
            )

    found = read(tmp_path, *[page] * 4)
    heads = [next(b for b in blocks if "owners" in flash.text_of(b)) for blocks in found.blocks]
    assert {head["type"] for head in heads} == {"header"}, "MinerU takes it for a running head"
    for evidence, blocks in zip(found.evidence, found.blocks, strict=True):
        flash.heads_are_titles(evidence, blocks)
    assert {head["type"] for head in heads} == {kind}
