"""Tables of a DoclingDocument: rows and cells with spans and header flags, out of a result's table HTML."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lxml import html

from gradio_app.base.errors import FileTooLarge

if TYPE_CHECKING:
    from docling_core.types.doc import TableData

#: cells of all tables of a document, spans counted; each takes about a kilobyte as an object, and JSON has
#: it twice
MOST_CELLS = 200_000
#: as browsers have it
_MOST_SPAN = 1000
_BLANKS = re.compile(r"[ \t\r\f\v\n]+")
_OWN_LINE = frozenset({"p", "div", "li", "tr", "ul", "ol", "table", "br", "h1", "h2", "h3", "h4", "h5", "h6"})


class TooManyCells(FileTooLarge):
    """The tables of this document have too many cells for a DoclingDocument. Ask for Markdown or HTML."""


def table_data(markup: str, used: int = 0) -> TableData:
    """The first table of ``markup``; ``used`` cells of the document's are taken already.

    Without any ``th`` the first row counts as the header, as it does in Markdown. Raises ``TooManyCells``.
    """
    from docling_core.types.doc import TableCell, TableData

    rows = _rows(markup)
    free_from: dict[int, int] = {}
    cells: list[TableCell] = []
    any_heads = any(cell.tag == "th" for row in rows for cell in row)
    leading, width = True, 0
    for number, row in enumerate(rows):
        heads = all(cell.tag == "th" for cell in row) if any_heads else number == 0 and len(rows) > 1
        leading = leading and heads
        at = 0
        for cell in row:
            while free_from.get(at, 0) > number:
                at += 1
            wide, high = _span(cell, "colspan"), min(_span(cell, "rowspan"), len(rows) - number)
            used += wide * high
            if used > MOST_CELLS:
                raise TooManyCells()
            free_from.update(dict.fromkeys(range(at, at + wide), number + high))
            cells.append(
                TableCell(
                    text=cell_text(cell),
                    row_span=high,
                    col_span=wide,
                    start_row_offset_idx=number,
                    end_row_offset_idx=number + high,
                    start_col_offset_idx=at,
                    end_col_offset_idx=at + wide,
                    column_header=leading,
                    row_header=not leading and cell.tag == "th" and at == 0,
                )
            )
            at += wide
            width = max(width, at)
    if used + len(rows) * width > 2 * MOST_CELLS:  # rows of very different length
        raise TooManyCells()
    return TableData(table_cells=cells, num_rows=len(rows), num_cols=width)


def pictures_in(markup: str) -> list[str]:
    """The paths of pictures in a table's cells, in order."""
    if "<img" not in markup:
        return []
    return [
        str(image.get("src") or "")
        for image in html.fragment_fromstring(markup, create_parent=True).iter("img")
    ]


def _rows(markup: str) -> list[list[Any]]:
    found = html.fragment_fromstring(markup, create_parent=True).find(".//table")
    rows: list[list[Any]] = []
    if found is None:
        return rows
    groups = [found, *found.iterchildren("thead", "tbody", "tfoot")]
    loose: list[Any] = []
    for group in groups:
        for child in group:
            if child.tag == "tr":
                rows.append([*child.iterchildren("td", "th")])
            elif child.tag in ("td", "th"):
                loose.append(child)
    return [*filter(None, [loose]), *filter(None, rows)]


def _span(cell: Any, name: str) -> int:
    text = cell.get(name) or "1"
    return max(1, min(int(text), _MOST_SPAN)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def cell_text(cell: Any) -> str:
    """The text of a cell, lines apart, formulas between dollars."""
    if not len(cell):
        return _BLANKS.sub(" ", cell.text or "").strip()
    parts: list[str] = []
    for event, element in _events(cell):
        if element is not cell and element.tag in _OWN_LINE:
            parts.append("\n")
        if element.tag == "eq":
            parts.append("$")
        if element is not cell and event == "end" and element.tag in ("td", "th"):
            parts.append(" ")
        text = element.text if event == "start" else element.tail if element is not cell else ""
        parts.append(_BLANKS.sub(" ", text or ""))
    lines = (_BLANKS.sub(" ", line).strip() for line in "".join(parts).split("\n"))
    return "\n".join(filter(None, lines))


def _events(root: Any) -> list[tuple[str, Any]]:
    """Elements below ``root`` and it, at their start and at their end, without recursion."""
    found: list[tuple[str, Any]] = []
    waiting: list[tuple[str, Any]] = [("start", root)]
    while waiting:
        event, element = waiting.pop()
        if not isinstance(element.tag, str):  # a comment: only what follows it
            found.append(("end", element))
            continue
        found.append((event, element))
        if event == "start":
            waiting.append(("end", element))
            waiting.extend(("start", child) for child in reversed(element))
    return found
