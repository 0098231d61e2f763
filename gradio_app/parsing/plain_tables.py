"""Markdown of plain tables without a tree of HTML: what docvortex gives for the same table, in a hundredth of
the time. It reads each table twice with BeautifulSoup, which takes minutes for a long sheet."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

#: a cell without tags but one paragraph, and without character references but those that MinerU writes
_TEXT = r"[^<&]*(?:&(?:amp|lt|gt|quot|\#x27|\#39);[^<&]*)*"
_CELL = re.compile(rf"\s*<(t[dh])>(?:<p>({_TEXT})</p>|({_TEXT}))</\1>")
_ROW = re.compile(r"\s*<tr>")
_ROW_END = re.compile(r"\s*</tr>")
_BLANKS = re.compile(r"[ \t\r\f\v]+")
_BREAKS = re.compile(r" *\n+ *")


def plain_table(content: str, escape: Callable[[str], str]) -> str | None:
    """The Markdown of a table of rows of plain cells; None for any other HTML.

    ``escape`` is docvortex's way to write the text of a cell.
    """
    if not content.startswith("<table>") or not content.endswith("</table>"):
        return None
    end, at = len(content) - len("</table>"), len("<table>")
    rows: list[list[str]] = []
    header = -1
    while row := _ROW.match(content, at, end):
        cells: list[str] = []
        at, heads = row.end(), 0
        while cell := _CELL.match(content, at, end):
            at = cell.end()
            heads += cell[1] == "th"
            cells.append(_shown(cell[2] if cell[3] is None else cell[3], escape))
        closed = _ROW_END.match(content, at, end)
        if closed is None or not cells:
            return None
        at = closed.end()
        if header < 0 and heads == len(cells):
            header = len(rows)
        rows.append(cells)
    if not rows or content[at:end].strip():
        return None
    return _written(rows, max(header, 0))


def _shown(text: str, escape: Callable[[str], str]) -> str:
    """A cell's text as Markdown may hold it between two bars."""
    text = escape(html.unescape(text) if "&" in text else text) if text else ""
    return _BREAKS.sub(" ", _BLANKS.sub(" ", text)).strip()


def _written(rows: list[list[str]], header: int) -> str:
    width = max(map(len, rows))
    lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in rows]
    rule = f"| {' | '.join(['---'] * width)} |"
    return "\n".join([lines[header], rule, *lines[:header], *lines[header + 1 :]])
