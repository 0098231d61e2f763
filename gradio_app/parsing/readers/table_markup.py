"""Tables as models write them (HTML, OTSL, Markdown) as plain rows and cells of HTML."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

#: cells of a table, and rows or columns that one cell spans: more is no table of a page
MOST_CELLS, MOST_SPAN = 20_000, 200
#: marks of OTSL: a cell, an empty one, one that goes on from the left, from above, from both; end of a row
_OTSL = re.compile(r"<(fcel|ecel|lcel|ucel|xcel|ched|rhed|srow|nl)>")
_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*")
_BLANKS = re.compile(r"\s+")


@dataclass(slots=True, eq=False)
class _Cell:
    text: list[str] = field(default_factory=list[str])
    tag: str = "td"
    across: int = 1
    down: int = 1


def table_of(text: str) -> str:
    """The table in ``text`` as one ``table`` element of plain cells; empty where there is none."""
    if _OTSL.search(text):
        rows = _of_otsl(text)
    elif "<t" in text.lower():
        rows = _of_html(text)
    else:
        rows = _of_markdown(text)
    rows = [row for row in rows if row]
    if not any("".join(cell.text).strip() for row in rows for cell in row):
        return ""
    lines = ("".join(map(_written, row)) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _written(cell: _Cell) -> str:
    spans = f' colspan="{cell.across}"' if cell.across > 1 else ""
    spans += f' rowspan="{cell.down}"' if cell.down > 1 else ""
    text = html.escape(_BLANKS.sub(" ", "".join(cell.text)).strip(), quote=False)
    return f"<{cell.tag}{spans}>{text}</{cell.tag}>"


# ---------------------------------------------------------------- HTML


class _Rows(HTMLParser):
    """Collects the cells of the first table; a table inside a cell is text of the cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[_Cell]] = []
        self.cells = 0
        self._depth = 0
        self._cell: _Cell | None = None
        self._unseen = 0
        self._over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._unseen += 1
        elif tag == "table":
            self._depth += 1
        elif self._over or self._depth > 1 or self._unseen:
            self.handle_data(" ")
        elif tag == "tr":
            self._cell = None
            self.rows.append([])
        elif tag in ("td", "th") and self.cells < MOST_CELLS:
            self.cells += 1
            known = dict(attrs)
            self._cell = _Cell(
                tag=tag, across=_count(known.get("colspan")), down=_count(known.get("rowspan"))
            )
            if not self.rows:
                self.rows.append([])
            self.rows[-1].append(self._cell)
        else:
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._unseen = max(0, self._unseen - 1)
        elif tag == "table":
            self._depth -= 1
            self._over = self._over or (self._depth <= 0 and bool(self.rows))
        elif tag in ("td", "th", "tr") and self._depth <= 1:
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._unseen and not self._over:
            self._cell.text.append(data)


def _count(given: str | None) -> int:
    number = int(given) if given and len(given) < 5 and given.isascii() and given.isdecimal() else 1
    return min(MOST_SPAN, max(1, number))


def _of_html(text: str) -> list[list[_Cell]]:
    parser = _Rows()
    parser.feed(text)
    parser.close()
    return parser.rows


# ---------------------------------------------------------------- OTSL and Markdown


def _of_otsl(text: str) -> list[list[_Cell]]:
    """Rows with spans: a cell that goes on from the left or from above widens the one it goes on from."""
    rows: list[list[_Cell]] = [[]]
    grid: list[list[_Cell]] = [[]]  # the cell that stands at each place
    parts = _OTSL.split(text)
    for mark, content in list(zip(parts[1::2], parts[2::2], strict=True))[:MOST_CELLS]:
        if mark == "nl":
            rows.append([])
            grid.append([])
            continue
        above = grid[-2][len(grid[-1])] if len(grid) > 1 and len(grid[-2]) > len(grid[-1]) else None
        left = grid[-1][-1] if grid[-1] else None
        if mark == "lcel" and left is not None and left.across < MOST_SPAN:
            if rows[-1] and rows[-1][-1] is left:  # else it reaches down from a row above
                left.across += 1
            grid[-1].append(left)
        elif mark == "ucel" and above is not None and above.down < MOST_SPAN:
            if above is not left:
                above.down += 1
            grid[-1].append(above)
        elif mark == "xcel" and left is not None:
            grid[-1].append(left)
        else:
            cell = _Cell([content], "th" if mark in ("ched", "rhed") else "td")
            rows[-1].append(cell)
            grid[-1].append(cell)
    return rows


def _of_markdown(text: str) -> list[list[_Cell]]:
    """Rows between bars; without a rule of dashes it is no table."""
    lines = [line.strip() for line in text.splitlines() if "|" in line]
    rules = [line for line in lines if _RULE.fullmatch(line)]
    if not rules:
        return []
    cells = (
        re.split(r"(?<!\\)\|", line.removeprefix("|").removesuffix("|"))
        for line in lines
        if not _RULE.fullmatch(line)
    )
    return [[_Cell([cell.replace("\\|", "|")]) for cell in row] for row in cells]
