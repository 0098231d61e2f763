"""XLSX: what each cell of a sheet shows, read from the XML of the sheet, its styles and shared texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.sheet_values import code_of, shown, shown_text
from gradio_app.parsing.prepare.office.xml import Element, elements

S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that is shown: its name and its part."""

    name: str
    part: str


def sheets(package: Package, main: str) -> list[Sheet]:
    """The sheets with cells that are not hidden, in their order."""
    relations = package.relations(main)
    found = list[Sheet]()
    for sheet in package.tree(main).iter(S + "sheet"):
        relation = relations.get(sheet.get(_R + "id", ""))
        if sheet.get("state", "visible") != "visible" or relation is None:
            continue
        if relation.type == "worksheet" and relation.target in package.names:
            found.append(Sheet(sheet.get("name", ""), relation.target))
    return found


def column_of(letters: str) -> int:
    """A -> 0, Z -> 25, AA -> 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def place_of(reference: str) -> tuple[int, int] | None:
    """``B3`` -> row 2, column 1; None for no reference."""
    found = _PLACE.fullmatch(reference)
    return (int(found[2]) - 1, column_of(found[1])) if found else None


class Formats:
    """The format codes of a workbook's cells, and its texts."""

    def __init__(self, package: Package, main: str) -> None:
        self.from_1904 = any(
            one.get("date1904", "0") in ("1", "true") for one in package.tree(main).iter(S + "workbookPr")
        )
        self._codes: list[str] = []
        styles = package.target(main, "styles")
        if styles in package.names:
            root = package.tree(styles)
            own: Mapping[int, str] = {
                int(one.get("numFmtId", "0")): one.get("formatCode", "") for one in root.iter(S + "numFmt")
            }
            for one in root.iterfind(f"{S}cellXfs/{S}xf"):
                self._codes.append(code_of(int(one.get("numFmtId", "0")), own))

    def code(self, style: str) -> str:
        """The format code of a cell by its style."""
        at = int(style) if style.isdecimal() else 0
        return self._codes[at] if at < len(self._codes) else "General"

    def number(self, raw: str, style: str) -> str:
        """A stored number as it is shown; as it is stored where that is no number."""
        try:
            return shown(float(raw), self.code(style), self.from_1904)
        except (ValueError, OverflowError):
            return raw

    @property
    def are_plain(self) -> bool:
        """Whether all values are shown as they are stored."""
        return all(code in ("General", "@") for code in self._codes)

    def changes_text(self, style: str = "") -> bool:
        """Whether texts of this style, or of any, are shown with words around them."""
        codes = [self.code(style)] if style else self._codes
        return any("@" in code and code != "@" for code in codes)

    def text(self, text: str, style: str) -> str:
        """A text as it is shown."""
        return shown_text(text, self.code(style))


def texts_of(package: Package, main: str) -> list[str]:
    """The texts that cells share, without their looks."""
    part = package.target(main, "sharedStrings")
    if part not in package.names:
        return []
    with package.stream(part) as stream:
        return [string_of(one) for one in elements(cast(BinaryIO, stream), S + "si")]


def string_of(element: Element) -> str:
    """The text of ``si`` or ``is``: of all runs, without what says how it is read aloud."""
    own = [element.find(S + "t"), *(run.find(S + "t") for run in element.findall(S + "r"))]
    return "".join(one.text or "" for one in own if one is not None)


def stored_as(raw: str) -> str:
    """What MinerU shows of a stored number without a format."""
    try:
        return str(float(raw) if "." in raw or "e" in raw.lower() else int(raw))
    except ValueError:
        return raw
