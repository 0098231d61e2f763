"""Large XLSX: rows are streamed into ``parsing.sheets``, as MinerU takes 0.2 ms and 2 KB a cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from gradio_app.base.errors import FileTooLarge
from gradio_app.parsing import sheets as form
from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.xlsx_cells import (
    Formats,
    S,
    Sheet,
    place_of,
    string_of,
    texts_of,
)
from gradio_app.parsing.prepare.office.xlsx_extras import comments_of, formula_of, formulas_note
from gradio_app.parsing.prepare.office.xml import Element, elements
from gradio_app.parsing.prepare.prepared import Prepared, Wanted
from gradio_app.parsing.sheet_names import is_default

#: cells from which a workbook is read here, and those that are too many for a worker's memory
MANY_CELLS, MOST_CELLS = 20_000, 2_000_000
#: columns of a row that are kept, as Excel has them
_MOST_COLUMNS = 16_384
#: the least bytes that a cell takes
_CELL_BYTES = 12


def is_large(package: Package, found: list[Sheet]) -> bool:
    """Whether a workbook has too many cells for MinerU. Raises ``FileTooLarge`` for too many at all."""
    if sum(package.size(sheet.part) for sheet in found) < MANY_CELLS * _CELL_BYTES:
        return False
    cells = sum(_count(package, sheet.part) for sheet in found)
    if cells > MOST_CELLS:
        raise FileTooLarge(
            f"The sheets have {cells:,} cells, and at most {MOST_CELLS:,} are read. "
            "Split the file by sheets or rows."
        )
    return cells > MANY_CELLS


def _count(package: Package, part: str) -> int:
    count, end = 0, b""
    with package.stream(part) as stream:
        while block := stream.read(2**20):
            joined = end + block
            count += joined.count(b"<c ") + joined.count(b":c ")
            end = joined[-2:]
    return count


def write(
    package: Package, main: str, found: list[Sheet], out: Path, wanted: Wanted, prepared: Prepared
) -> None:
    """Writes the rows of all sheets, their comments, and notes on what is not there."""
    rows = _Rows(Formats(package, main), texts_of(package, main))

    def lines() -> Iterator[str | list[str] | dict[str, str] | None]:
        for sheet in found:
            yield sheet.name if len(found) > 1 or not is_default(sheet.name) else ""
            yield from rows.of(package, sheet)
            comments = comments_of(package, sheet.part)
            if comments and not wanted.comments:
                prepared.note(
                    "comments_left_out", f"{len(comments)} comments on cells were left out, as asked."
                )
            yield from ({"text": text} for text in comments if wanted.comments)

    form.write(out, "xlsx", lines())
    if rows.without_values:
        prepared.note("formulas_without_values", formulas_note(rows.without_values))
    if any(one.type == "drawing" for sheet in found for one in package.relations(sheet.part).values()):
        prepared.note(
            "content_left_out", "Pictures and charts of large sheets are not in the result. Split the sheets."
        )


class _Rows:
    """Rows of sheets as they are shown."""

    def __init__(self, formats: Formats, texts: list[str]) -> None:
        self._formats, self._texts = formats, texts
        self._sheet = ""
        self._shared: dict[str, tuple[str, str]] = {}
        self.without_values: list[str] = []

    def of(self, package: Package, sheet: Sheet) -> Iterator[list[str] | None]:
        """The rows of a sheet; None where rows are empty, which parts tables."""
        self._sheet, self._shared = sheet.name, {}
        last = -1
        with package.stream(sheet.part) as stream:
            for order, row in enumerate(elements(cast(BinaryIO, stream), S + "row")):
                number = row.get("r", "")
                at = int(number) if number.isdecimal() else order + 1
                cells = self._cells(row)
                if not any(cells):
                    continue
                if 0 <= last < at - 1:
                    yield None
                last = at
                yield cells

    def _cells(self, row: Element) -> list[str]:
        cells: list[str] = []
        for cell in row:
            place = place_of(cell.get("r", ""))
            column = place[1] if place else len(cells)
            if column >= _MOST_COLUMNS or cell.tag != S + "c":
                continue
            while len(cells) <= column:
                cells.append("")
            cells[column] = self._shown(cell)
        return cells

    def _shown(self, cell: Element) -> str:
        kind, style, raw, formula = cell.get("t", "n"), cell.get("s", "0"), "", None
        for part in cell:
            if part.tag == S + "v":
                raw = part.text or ""
            elif part.tag == S + "f":
                formula = part
            elif part.tag == S + "is":
                return string_of(part)
        if formula is not None and (not raw or formula.get("t") == "shared"):
            written = formula_of(formula, cell.get("r", ""), self._shared)
            if not raw and kind != "str" and written:
                self.without_values.append(f"{self._sheet}!{cell.get('r', '')}")
                return written
        if not raw:
            return ""
        if kind == "n":
            return self._formats.number(raw, style)
        if kind == "s":
            text = self._texts[int(raw)] if raw.isdecimal() and int(raw) < len(self._texts) else ""
            return self._formats.text(text, style)
        if kind == "b":
            return "TRUE" if raw in ("1", "true") else "FALSE"
        return self._formats.text(raw, style) if kind == "str" else raw
