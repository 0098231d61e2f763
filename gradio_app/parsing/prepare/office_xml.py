"""Office's XML of 2003, often named .xls or .doc: its sheets become tables of a page, its text paragraphs."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from gradio_app.base.errors import FileTooLarge
from gradio_app.parsing.prepare.text import MOST_CELLS

_SPACE = "{urn:schemas-microsoft-com:office:spreadsheet}"
_WORDS = "{http://schemas.microsoft.com/office/word/2003/wordml}"
_MARKS = (_SPACE[1:-1], _WORDS[1:-1])
#: columns of a sheet
_WIDEST = 16_384


def page(text: str) -> str | None:
    """A workbook or a document as HTML; None for other XML. Raises ``FileTooLarge`` for too many cells."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    if not any(mark in text[:10_000] for mark in _MARKS):
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if root is None or root.tag not in (f"{_SPACE}Workbook", f"{_WORDS}wordDocument"):
        return None
    return _sheets(root) if root.tag == f"{_SPACE}Workbook" else _paragraphs(root)


def _paragraphs(root: Any) -> str:
    texts = ("".join(each.text or "" for each in one.iter(f"{_WORDS}t")) for one in root.iter(f"{_WORDS}p"))
    return "\n".join(f"<p>{escape(text, quote=False)}</p>" for text in texts if text.strip())


def _sheets(root: Any) -> str:
    cells, sheets = 0, list[str]()
    for sheet in root.iter(f"{_SPACE}Worksheet"):
        rows: list[str] = []
        for row in sheet.iter(f"{_SPACE}Row"):
            values = list(_cells(row))
            cells += len(values)
            if cells > MOST_CELLS:
                raise FileTooLarge(
                    f"The file has more than {MOST_CELLS:,} cells, as many as can be converted. "
                    "Split it, and send the parts."
                )
            rows.append(f"<tr>{''.join(values)}</tr>")
        name = escape(sheet.get(f"{_SPACE}Name") or "")
        sheets.append(f"<h2>{name}</h2>\n<table>\n" + "\n".join(rows) + "\n</table>")
    return "\n".join(sheets)


def _cells(row: Any) -> Iterator[str]:
    """The cells of a row, with those that are left out in the file."""
    place = 1
    for cell in row.iter(f"{_SPACE}Cell"):
        index = _number(cell.get(f"{_SPACE}Index"))
        while place < min(index, _WIDEST):
            yield "<td></td>"
            place += 1
        spans = ""
        for name, meaning in (("MergeAcross", "colspan"), ("MergeDown", "rowspan")):
            if more := min(_number(cell.get(f"{_SPACE}{name}")), 999):
                spans += f' {meaning}="{more + 1}"'
                place += more if meaning == "colspan" else 0
        yield f"<td{spans}>{_value(cell)}</td>"
        place += 1


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else 0


def _value(cell: Any) -> str:
    data = next((each for each in cell if each.tag == f"{_SPACE}Data"), None)
    if data is None:
        return ""
    value = "".join(data.itertext())
    kind = data.get(f"{_SPACE}Type")
    if kind == "DateTime":
        value = value.removesuffix(".000").removesuffix("T00:00:00").replace("T", " ")
    elif kind == "Boolean":
        value = "TRUE" if value.strip() == "1" else "FALSE"
    return escape(value, quote=False).replace("\n", "<br>")
