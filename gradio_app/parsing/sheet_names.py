"""Names of sheets as headings, also where a workbook has one sheet only: MinerU names sheets of several.

Each patch of docvortex, which reads them, is left out where a newer version has no such place any more.
"""

# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

#: words that programs name sheets with, before a number
_DEFAULT = frozenset(
    {
        *("sheet", "tabelle", "feuil", "feuille", "hoja", "foglio", "planilha", "plan", "лист", "blad"),
        *("ark", "arkusz", "list", "taul", "munka", "sayfa", "工作表", "シート", "시트", "ورقة"),
    }
)


def is_default(name: str) -> bool:
    """Whether a sheet has the name that a program gave it, which says nothing."""
    return not name.strip() or name.rstrip("0123456789 ").lower() in _DEFAULT


@cache
def name_single_sheets() -> None:
    """Call it before a workbook is read: its only sheet has its name as a heading, if it was given one."""
    from docvortex.analyzers.native.office.odf import converters
    from docvortex.analyzers.native.office.spreadsheet import projector

    sheets: Any = projector.SpreadsheetProjector
    if hasattr(sheets, "_should_emit_sheet_titles") and hasattr(sheets, "_prepend_sheet_titles"):
        sheets._should_emit_sheet_titles = staticmethod(any)
        sheets._prepend_sheet_titles = _named(sheets._prepend_sheet_titles)
    read: Any = getattr(converters, "_parse_ods_pages", None)
    if read is not None:
        setattr(converters, "_parse_ods_pages", _ods(read, sheets))  # noqa: B010


def _named(prepend: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def name(self: Any, pages: list[tuple[str, list[Any]]]) -> None:
        filled = [title for title, page in pages if page]
        if len(filled) > 1 or not is_default(filled[0]):
            prepend(self, pages)

    return name


def _ods(read: Callable[[Any], list[list[Any]]], sheets: Any) -> Callable[[Any], list[list[Any]]]:
    def pages_of(context: Any) -> list[list[Any]]:
        pages = read(context)
        filled = [page for page in pages if page]
        names = [one.get(_NAME, "") for one in context.body if one.tag == _TABLE]
        if len(filled) == 1 and len(names) == 1 and not is_default(names[0]):
            filled[0].insert(0, sheets._build_sheet_title_block(names[0]))
        return pages

    return pages_of


_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}table"
_NAME = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}name"
