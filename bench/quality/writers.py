"""Writes blocks of a truth as documents of many kinds: web pages, Office, text, PDF."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from typing import Any

import docx
from pptx import Presentation
from pptx.util import Inches, Pt
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from bench.quality.case import Block, Heading
from bench.reading.metric import Grid
from tests.office import odf


def web_page(blocks: Sequence[Block], head: str = "") -> str:
    """A page of HTML."""
    title = next((html.escape(block) for block in blocks if isinstance(block, Heading)), "")
    body = web_body(blocks)
    return f"<!doctype html><html><head>{head}<title>{title}</title></head><body>{body}</body></html>"


def web_body(blocks: Sequence[Block]) -> str:
    """The body of such a page."""
    return "".join(_html(block) for block in blocks)


def _html(block: Block) -> str:
    if not isinstance(block, str):
        tags = ("td" if number else "th" for number in range(len(block)))
        rows = (
            "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
            for tag, row in zip(tags, block, strict=True)
        )
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
    tag = "h2" if isinstance(block, Heading) else "p"
    return f"<{tag}>{html.escape(block)}</{tag}>"


def markdown(blocks: Sequence[Block]) -> str:
    """Markdown with tables of pipes."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _markdown(block: Block) -> str:
    if not isinstance(block, str):
        rows = [f"| {' | '.join(row)} |" for row in block]
        return "\n".join([rows[0], f"|{'---|' * len(block[0])}", *rows[1:]])
    return f"## {block}" if isinstance(block, Heading) else block


def word(blocks: Sequence[Block]) -> Any:
    """A document of python-docx, to be changed and then saved by ``saved``."""
    made: Any = docx.Document()
    for block in blocks:
        if not isinstance(block, str):
            table = made.add_table(len(block), len(block[0]))
            for row, cells in zip(table.rows, block, strict=True):
                for cell, text in zip(row.cells, cells, strict=True):
                    cell.text = text
        elif isinstance(block, Heading):
            made.add_heading(block, 1)
        else:
            made.add_paragraph(block)
    return made


def deck(blocks: Sequence[Block]) -> Any:
    """A presentation: a slide for each heading, with what follows it."""
    made: Any = Presentation()
    slide, top = None, 0.0
    for block in blocks:
        if isinstance(block, Heading) or slide is None:
            slide, top = made.slides.add_slide(made.slide_layouts[5]), 1.6
            slide.shapes.title.text = str(block)
        elif isinstance(block, str):
            frame = slide.shapes.add_textbox(Inches(0.5), Inches(top), Inches(9), Inches(1.5)).text_frame
            frame.word_wrap, frame.text = True, block
            frame.paragraphs[0].font.size, top = Pt(16), top + 1.7
        else:
            size = (Inches(0.5), Inches(top), Inches(8), Inches(1.6))
            table = slide.shapes.add_table(len(block), len(block[0]), *size).table
            for number, row in enumerate(block):
                for column, text in enumerate(row):
                    table.cell(number, column).text = text
            top += 2.0
    return made


def saved(made: Any) -> bytes:
    """What a library's document is as a file."""
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def open_text(blocks: Sequence[Block]) -> bytes:
    """An ODT."""
    return odf("odt", "".join(_odt(block) for block in blocks))


def _odt(block: Block) -> str:
    if isinstance(block, Heading):
        return f'<text:h text:outline-level="1">{html.escape(block)}</text:h>'
    if isinstance(block, str):
        return f"<text:p>{html.escape(block)}</text:p>"
    return open_table(block)


def open_table(grid: Grid, name: str = "T") -> str:
    """A table of ODF, of a text or a workbook."""
    cells = (
        "".join(
            f'<table:table-cell office:value-type="string"><text:p>{html.escape(cell)}</text:p>'
            "</table:table-cell>"
            for cell in row
        )
        for row in grid
    )
    rows = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
    return f'<table:table table:name="{name}">{rows}</table:table>'


def rich_text(blocks: Sequence[Block]) -> bytes:
    """An RTF; headings are of the built-in style."""
    head = (
        r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fnil Arial;}}"
        r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}}"
    )
    return (head + "".join(_rtf(block) for block in blocks) + "}").encode("ascii")


def _rtf(block: Block) -> str:
    if not isinstance(block, str):
        ends = "".join(rf"\cellx{2000 * (number + 1)}" for number in range(len(block[0])))
        cells = ("".join(rf"{cell}\cell " for cell in row) for row in block)
        rows = (rf"\trowd{ends}\pard\intbl {row}\row" for row in cells)
        return "\n".join(rows) + "\n\\pard\n"
    style = r"\s1\outlinelevel0\b\fs32 " if isinstance(block, Heading) else r"\s0\plain\fs22 "
    return rf"\pard{style}{block}\par\pard\plain" + "\n"


def typeset(blocks: Sequence[Block], ruled: bool = True, breaks: bool = False) -> bytes:
    """A PDF of A4. Without ``ruled`` tables have no lines; with ``breaks`` each heading begins a page."""
    out, styles = io.BytesIO(), getSampleStyleSheet()
    look: list[Any] = [("GRID", (0, 0), (-1, -1), 0.7, colors.black)] if ruled else []
    story: list[Flowable] = []
    for block in blocks:
        if not isinstance(block, str):
            story += [Table(block, colWidths=[105] * len(block[0]), style=TableStyle(look)), Spacer(1, 14)]
        elif isinstance(block, Heading):
            story += [PageBreak()] if breaks and story else []
            story.append(Paragraph(block, styles["Heading1"]))
        else:
            story += [Paragraph(block, styles["BodyText"]), Spacer(1, 6)]
    SimpleDocTemplate(out, pagesize=A4, invariant=1).build(story)
    return out.getvalue()
