"""XLSX: cells hold what they show, formulas without values are told, and comments stand below their sheet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from gradio_app.base.file_types import SHEETS
from gradio_app.parsing.prepare.office import large_xlsx
from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.steps import Step, finish, run_steps
from gradio_app.parsing.prepare.office.word_xml import plain
from gradio_app.parsing.prepare.office.xlsx_cells import (
    Formats,
    S,
    Sheet,
    sheets,
    stored_as,
    texts_of,
)
from gradio_app.parsing.prepare.office.xlsx_extras import comments_of, formula_of, formulas_note
from gradio_app.parsing.prepare.office.xml import Element, child
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: numbers with the noise of binary fractions, such as 0.30000000000000004
_NOISE = re.compile(rb"<v>-?\d*\.\d{16,}|<v>-?\d+\.0+<|<v>[-\d.]+E", re.I)
#: empty rows between a sheet's cells and its comments, so that MinerU does not take both for one table
_GAP = 3


def prepare(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    prepared = Prepared()
    with Package(source) as package:
        main = package.target("", "officeDocument") or "xl/workbook.xml"
        if main not in package.names:
            return prepared
        book = _Book(package, main, wanted, prepared)
        found = sheets(package, main)
        if large_xlsx.is_large(package, found):
            large_xlsx.write(package, main, found, out, wanted, prepared)
            prepared.kind = SHEETS
            return prepared
        run_steps(package, book.steps(found), prepared)
        finish(package, out, "xlsx", prepared)
    return prepared


@dataclass(slots=True)
class _Book:
    package: Package
    main: str
    wanted: Wanted
    prepared: Prepared
    without_values: list[str] = field(default_factory=list[str])

    def steps(self, found: list[Sheet]) -> list[Step]:
        """What this workbook needs."""
        steps = list[Step]()
        formats = Formats(self.package, self.main)
        parts = {sheet.part: self.package.data(sheet.part) for sheet in found}
        words = (b"<f", b't="b"', b":f>", b":f ")
        changed = [
            sheet
            for sheet in found
            if not formats.are_plain
            or any(word in parts[sheet.part] for word in words)
            or _NOISE.search(parts[sheet.part])
        ]
        if changed:
            steps.append(Step("Formats of cells", lambda: self._values(changed, formats)))
        if any(
            one.type in ("comments", "threadedComment")
            for sheet in found
            for one in self.package.relations(sheet.part).values()
        ):
            steps.append(Step("Comments", lambda: self._comments(found)))
        return steps

    def _values(self, found: list[Sheet], formats: Formats) -> None:
        texts = list[str]()
        if formats.changes_text():
            texts = texts_of(self.package, self.main)
        self.without_values.clear()
        for sheet in found:
            if _Rewriter(self, sheet, formats, texts).run():
                self.package.changed(sheet.part)
        if self.without_values:
            self.prepared.note("formulas_without_values", formulas_note(self.without_values))

    def _comments(self, found: list[Sheet]) -> None:
        count = 0
        for sheet in found:
            comments = comments_of(self.package, sheet.part)
            count += len(comments)
            if self.wanted.comments and comments:
                _below(self.package.tree(sheet.part), comments)
                self.package.changed(sheet.part)
        if count and not self.wanted.comments:
            self.prepared.note("comments_left_out", f"{count} comments on cells were left out, as asked.")


@dataclass(slots=True)
class _Rewriter:
    book: _Book
    sheet: Sheet
    formats: Formats
    texts: list[str]
    shared: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    def run(self) -> bool:
        """Writes into cells what they show; whether any shows something else than it holds."""
        changed = False
        for cell in self.book.package.tree(self.sheet.part).iter(S + "c"):
            text = self._shown(cell)
            if text is not None:
                _put(cell, text)
                changed = True
        return changed

    def _shown(self, cell: Element) -> str | None:
        kind, style = cell.get("t", "n"), cell.get("s", "0")
        value = cell.find(S + "v")
        raw = "" if value is None else value.text or ""
        formula = cell.find(S + "f")
        if formula is not None and not raw and kind != "inlineStr":
            written = formula_of(formula, cell.get("r", ""), self.shared)
            if kind != "str" and written:
                self.book.without_values.append(f"{self.sheet.name}!{cell.get('r', '')}")
                return written
            return None
        if formula is not None and formula.get("t") == "shared":
            formula_of(formula, cell.get("r", ""), self.shared)
        if not raw:
            return None
        if kind == "b":
            return "TRUE" if raw in ("1", "true") else "FALSE"
        if kind == "n":
            text = self.formats.number(raw, style)
            return None if text == stored_as(raw) else text
        if kind in ("s", "str") and self.formats.changes_text(style):
            text = (
                self.texts[int(raw)]
                if kind == "s" and raw.isdecimal() and int(raw) < len(self.texts)
                else raw
            )
            new = self.formats.text(text, style)
            return None if new == text else new
        return None


def _put(cell: Element, text: str) -> None:
    """Makes of a cell one that holds this text."""
    for old in list(cell):
        cell.remove(old)
    cell.set("t", "inlineStr")
    child(child(cell, S + "is"), S + "t").text = plain(text)


# ------------------------------------------------------------ comments


def _below(root: Element, comments: list[str]) -> None:
    """Writes lines below the cells of a sheet, each by itself."""
    data = root.find(S + "sheetData")
    numbers = [row.get("r", "") for row in data.findall(S + "row")]
    last = max((int(number) for number in numbers if number.isdecimal()), default=len(numbers))
    for order, text in enumerate(comments, 1):
        row = child(data, S + "row")
        row.set("r", str(last + order * _GAP))
        cell = child(row, S + "c")
        cell.set("r", f"A{last + order * _GAP}")
        _put(cell, text)
