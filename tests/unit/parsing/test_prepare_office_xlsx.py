"""Cells of XLSX hold what a person sees; large sheets are read without MinerU."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment

from gradio_app.base.errors import FileTooLarge
from gradio_app.base.notes import Note
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare import Wanted, prepare
from gradio_app.parsing.prepare.office import large_xlsx
from gradio_app.parsing.prepare.office.sheet_values import shown, shown_text


def book(**sheets: Sequence[Sequence[Any]]) -> Any:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return made


def saved(made: Any) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def read(
    folder: Path, content: bytes, kind: str = "xlsx", wanted: Wanted | None = None
) -> tuple[str, list[Note]]:
    """The Markdown of a prepared file of this type, and its notes."""
    source, out, result = folder / "source.xlsx", folder / "out", folder / "result"
    source.write_bytes(content)
    prepared = prepare(source, "xlsx", out, wanted or Wanted())
    assert prepared.kind == kind
    plain = out.rename(folder / f"plain.{kind}") if kind else source
    parse_document(str(plain), str(result), [], "flash", "")
    return (result / "document.md").read_text("utf-8"), prepared.notes


def rows_of(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


PLAIN = [["port", "depth"], ["Northquay", 7], ["Southquay", 4.5]]


def test_the_only_sheet_has_its_name_as_a_heading(tmp_path: Path) -> None:
    assert read(tmp_path, saved(book(ports=PLAIN)), "")[0].startswith("## ports\n\n| port |")


@pytest.mark.parametrize("name", ["Sheet1", "Tabelle 2", "工作表1"])
def test_a_name_that_says_nothing_is_no_heading(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, saved(book(**{name: PLAIN})), "")[0].startswith("| port |")


def test_a_plain_workbook_is_left_alone(tmp_path: Path) -> None:
    assert rows_of(read(tmp_path, saved(book(ports=PLAIN)), "")[0])[1] == ["Northquay", "7"]


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (0.4755, "0.0%", "47.6%"), (1234.5, '#,##0.00 "€"', "1,234.50 €"), (-2.5, "0.00;(0.00)", "(2.50)"),
        (47_000, "dd.mm.yyyy", "04.09.2028"), (47_000.25, "m/d/yyyy h:mm AM/PM", "9/4/2028 6:00 AM"),
        (1.5, "[h]:mm", "36:00"), (0.0625, "h:mm:ss", "1:30:00"), (0.001, "mm:ss.00", "01:26.40"),
        (42, "00000", "00042"), (0.75, "# ?/?", "3/4"), (0.00012, "0.0E+00", "1.2E-04"),
        (0.1 + 0.2, "General", "0.3"),
        (7.0, "General", "7"), (5551234567, "(000) 000-0000", "(555) 123-4567"), (3, '0 "kg"', "3 kg"),
        (47_000, "mmmm d, yyyy", "September 4, 2028"), (47_000, 'yyyy"年"m"月"d"日"', "2028年9月4日"),
        (1234.5, "[$€-407]#,##0.00", "€1,234.50"), (59, "d/m/yyyy", "28/2/1900"),
        (61, "d/m/yyyy", "1/3/1900"),
        (-1, "d/m/yyyy", "-1"), (1e300, "d/m/yyyy", "1E+300"), (5, "h" * 300, "5"),
    ],
)  # fmt: skip
def test_numbers_are_as_shown(value: float, code: str, text: str) -> None:
    assert shown(value, code) == text


def test_texts_may_have_words_around_them() -> None:
    assert shown_text("17", '"No. "@') == "No. 17"
    assert shown(0, "d/m/yyyy", from_1904=True) == "1/1/1904"


def test_cells_hold_what_is_shown(tmp_path: Path) -> None:
    made = book(
        ports=[["kind", "value"], ["share", 0.25], ["day", date(2031, 3, 9)], ["code", 42], ["open", True]]
    )
    made.worksheets[0]["B2"].number_format = "0%"
    made.worksheets[0]["B3"].number_format = "d.m.yyyy"
    made.worksheets[0]["B4"].number_format = "0000"
    text, notes = read(tmp_path, saved(made))
    assert [row[1] for row in rows_of(text)[1:]] == ["25%", "9.3.2031", "0042", "TRUE"]
    assert notes == []


def test_formulas_without_values_are_shown_and_named(tmp_path: Path) -> None:
    text, notes = read(tmp_path, saved(book(sums=[["a", "b"], [2, "=A2*3"]])))
    assert rows_of(text)[1] == ["2", "=A2*3"]
    assert [note.code for note in notes] == ["formulas_without_values"]
    assert "sums!B2" in notes[0].message


def with_comment() -> bytes:
    made = book(ports=PLAIN)
    made.worksheets[0]["B2"].comment = Comment("Measured at ebb", "Ida Holm")
    return saved(made)


def test_comments_stand_below_the_table(tmp_path: Path) -> None:
    text, _ = read(tmp_path, with_comment())
    assert text.rstrip().endswith("\n\nComment by Ida Holm on B2: Measured at ebb")
    assert rows_of(text) == [["port", "depth"], ["Northquay", "7"], ["Southquay", "4.5"]]


def test_comments_are_left_out_as_asked(tmp_path: Path) -> None:
    text, notes = read(tmp_path, with_comment(), "", Wanted(comments=False))
    assert "ebb" not in text and [note.code for note in notes] == ["comments_left_out"]


# ------------------------------------------------------------ large ones


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten cells are many."""
    monkeypatch.setattr(large_xlsx, "MANY_CELLS", 10)
    monkeypatch.setattr(large_xlsx, "MOST_CELLS", 60)


@pytest.mark.usefixtures("_few")
def test_large_sheets_are_rows_as_shown(tmp_path: Path) -> None:
    rows = [[f"ship {n}", n / 4, datetime(2031, 1, n)] for n in range(1, 5)]
    made = book(
        ships=[["name <b>", "part|s", "day"], *rows, [None], ["below", 1, "=B2+1"]],
        empty=[],
        more=[["x", "y"]],
    )
    for row in made["ships"].iter_rows(min_row=2, max_row=5):
        row[1].number_format, row[2].number_format = "0%", "d mmm"
    made["ships"]["A2"].comment = Comment("Sold", "Ida Holm")
    made["empty"].sheet_state = "hidden"
    text, notes = read(tmp_path, saved(made), "sheets")
    assert rows_of(text.replace("\\|", "!"))[:3] == [
        ["name &lt;b>", "part!s", "day"], ["ship 1", "25%", "1 Jan"], ["ship 2", "50%", "2 Jan"],
    ]  # fmt: skip
    assert [line for line in text.splitlines() if line.startswith("#")] == ["## ships", "## more"]
    assert "| below | 1 | =B2+1 |" in text and "Comment by Ida Holm on A2: Sold" in text
    assert text.index("ship 4") < text.index("below") < text.index("Sold") < text.index("| x | y |")
    assert [note.code for note in notes] == ["formulas_without_values"]
    middle = json.loads((tmp_path / "result" / "middle.json").read_text("utf-8"))
    assert middle["metadata"]["file_suffix"] == "xlsx" and len(middle["pages"]) == 2


@pytest.mark.usefixtures("_few")
def test_too_many_cells_are_refused_with_numbers(tmp_path: Path) -> None:
    source = tmp_path / "source.xlsx"
    source.write_bytes(saved(book(ships=[[1, 2, 3, 4, 5, 6, 7]] * 9)))
    with pytest.raises(FileTooLarge, match="63 cells, and at most 60"):
        prepare(source, "xlsx", tmp_path / "out", Wanted())
