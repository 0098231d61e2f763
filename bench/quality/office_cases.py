"""Cases of Office: Word, workbooks, slides, OpenDocument, RTF; with what stands beside the main text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import openpyxl
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from bench.quality.case import Case, Heading, Truth
from bench.quality.contents import CHINESE, HARBOUR, KITCHEN, LETTER
from bench.quality.writers import deck, open_table, open_text, rich_text, saved, word
from bench.reading.metric import Grid
from tests.office import docx, odf, p, r, word_xml

_CONTENTS = {"harbour": HARBOUR, "kitchen": KITCHEN, "letter": LETTER}


def cases() -> Iterator[Case]:
    """All of them."""
    for name, blocks in (_CONTENTS | {"chinese": CHINESE}).items():
        yield Case(f"{name}.docx", "docx", lambda blocks=blocks: saved(word(blocks)), Truth(blocks))
    yield from _word_files()
    yield from _workbooks()
    for name, blocks in _CONTENTS.items():
        yield Case(f"{name}.pptx", "pptx", lambda blocks=blocks: saved(deck(blocks)), Truth(blocks))
        yield Case(f"{name}.odt", "odt", lambda blocks=blocks: open_text(blocks), Truth(blocks))
        yield Case(f"{name}.rtf", "rtf", lambda blocks=blocks: rich_text(blocks), Truth(blocks))
    yield Case("chart.pptx", "pptx", _chart, Truth([Heading("Boats by quay"), "Calls of 2024", _CHART]))
    yield Case("spoken.pptx", "pptx", _spoken, Truth([*KITCHEN[:2], "Thank the cook of room 204."]))
    gone = Truth(["The mast is new since 1987."], absent=["zanzibarhidden"])
    deleted = rb"{\rtf1\ansi The mast {\deleted zanzibarhidden }is new since 1987.\par}"
    yield Case("deleted.rtf", "rtf", lambda: deleted, gone)
    yield Case(
        "sheet.ods",
        "ods",
        lambda: odf("ods", open_table(_grid(HARBOUR[3]), "Quays")),
        Truth([Heading("Quays"), HARBOUR[3]]),
    )


def _grid(block: Grid | str) -> Grid:
    assert not isinstance(block, str)
    return block


def _word_files() -> Iterator[Case]:
    note = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    separator = '<w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
    inside = f'{separator}<w:footnote w:id="1">{p("Felled in the north in 1874.")}</w:footnote>'
    yield _word(
        "footnote",
        p("The mast", note, " is of oak.") + p("The keel is older."),
        Truth(["The mast is of oak.", "The keel is older.", "Felled in the north in 1874."]),
        {"footnotes.xml": word_xml("footnotes", inside)},
    )
    box = '<w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val="1"/></w14:checkbox></w:sdtPr><w:sdtContent>'
    yield _word(
        "ticked",
        p(f"{box}{r('☒')}</w:sdtContent></w:sdt>", " Insured up to 5,000"),
        Truth(["☒ Insured up to 5,000"]),
    )
    levels = "".join(
        f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for level, (form, text) in enumerate((("upperRoman", "Article %1"), ("lowerLetter", "(%2)")))
    )
    numbering = f'<w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
    numbering += '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    items = p("Lease of the boathouse", num="1") + p("paid in May", num="1", level=1)
    items += p("paid in October", num="1", level=1) + p("End of the lease", num="1")
    labels = [
        "Article I Lease of the boathouse",
        "(a) paid in May",
        "(b) paid in October",
        "Article II End of the lease",
    ]
    yield _word("labels", items, Truth(labels), {"numbering.xml": word_xml("numbering", numbering)})
    vanish = r("zanzibarhidden", "<w:vanish/>")
    yield _word(
        "hidden",
        p("The quay is 412 metres long.", vanish),
        Truth(["The quay is 412 metres long."], absent=["zanzibarhidden"], loss="text that nobody can see"),
    )
    comment = f'<w:comment w:id="0" w:author="Ida Holm">{p("Ask again in 2027.")}</w:comment>'
    body = p("The price is high.", '<w:r><w:commentReference w:id="0"/></w:r>')
    yield _word(
        "comment",
        body,
        Truth(["The price is high.", "Ask again in 2027."]),
        {"comments.xml": word_xml("comments", comment)},
    )


def _word(name: str, body: str, truth: Truth, more: dict[str, str | bytes] | None = None) -> Case:
    return Case(f"{name}.docx", "docx", lambda: docx(body, more), truth)


def _workbooks() -> Iterator[Case]:
    grid = _grid(KITCHEN[2])
    plain = Truth([Heading("Prices"), grid])
    yield Case(
        "prices.xlsx", "xlsx", _book({"Prices": [(cell, "") for row in grid for cell in row]}, 3), plain
    )
    shown = [
        ["Item", "Value"],
        ["Share", "47.6%"],
        ["Number", "00042"],
        ["Day", "04.09.2028"],
        ["Sum", "1,234.50 €"],
        ["Time", "36:00"],
    ]
    cells = [
        ("Item", ""),
        ("Value", ""),
        ("Share", ""),
        (0.4755, "0.0%"),
        ("Number", ""),
        (42, "00000"),
        ("Day", ""),
        (dt.date(2028, 9, 4), "dd.mm.yyyy"),
        ("Sum", ""),
        (1234.5, '#,##0.00 "€"'),
        ("Time", ""),
        (1.5, "[h]:mm"),
    ]
    yield Case("formats.xlsx", "xlsx", _book({"Formats": cells}, 2), Truth([Heading("Formats"), shown]))
    two = {"East": [("Ships", ""), (214, "")], "West": [("Ships", ""), (187, "")]}
    truth = Truth([Heading("East"), [["Ships", "214"]], Heading("West"), [["Ships", "187"]]])
    yield Case("two-sheets.xlsx", "xlsx", _book(two, 2), truth)
    said = Truth([Heading("Prices"), grid, "Ask again in 2027."])
    yield Case(
        "commented.xlsx",
        "xlsx",
        _book({"Prices": [(c, "") for row in grid for c in row]}, 3, "Ask again in 2027."),
        said,
    )
    formula = [("Ships", ""), (214, ""), ("Twice", ""), ("=B1*2", "")]
    lost = Truth([Heading("Sums"), [["Ships", "214"], ["Twice", "428"]]], loss="a formula without a value")
    yield Case("formula.xlsx", "xlsx", _book({"Sums": formula}, 2), lost)
    long = [[f"Name {n}", str(n), f"{n * 3:05}"] for n in range(1, 301)]
    yield Case(
        "long.xlsx",
        "xlsx",
        _book({"Long": [(cell, "") for row in long for cell in row]}, 3),
        Truth([Heading("Long"), long]),
    )


def _book(sheets: dict[str, list[tuple[Any, str]]], columns: int, comment: str = "") -> Callable[[], bytes]:
    """A workbook: values with their formats, row by row."""

    def make() -> bytes:
        made: Any = openpyxl.Workbook()
        made.remove(made.worksheets[0])
        for name, cells in sheets.items():
            sheet = made.create_sheet(name)
            for number, (value, code) in enumerate(cells):
                cell = sheet.cell(number // columns + 1, number % columns + 1, value)
                if code:
                    cell.number_format = code
            if comment:
                sheet["A2"].comment = Comment(comment, "Ida Holm")
        return saved(made)

    return make


_CHART: Grid = [["", "Ships"], ["East", "214"], ["West", "187"]]


def _chart() -> bytes:
    """A slide whose figures stand in a chart."""
    made = deck([Heading("Boats by quay")])
    data: Any = CategoryChartData()
    data.categories = [row[0] for row in _CHART[1:]]
    data.add_series("Ships", [int(row[1]) for row in _CHART[1:]])
    place = (Inches(1), Inches(2), Inches(6), Inches(4))
    drawn = made.slides[0].shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
    drawn.has_title = True
    drawn.chart_title.text_frame.text = "Calls of 2024"
    return saved(made)


def _spoken() -> bytes:
    made = deck(KITCHEN[:2])
    made.slides[0].notes_slide.notes_text_frame.text = "Thank the cook of room 204."
    return saved(made)
