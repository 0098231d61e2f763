"""Typed text: what a person wrote in place of a line, a list or cells becomes spans and markup of a block.

What stays of the line keeps its formulas, links and styles; what is new is plain text, whatever signs it has.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from gradio_app.base.errors import OptionInvalid

#: cells of one table that are shown for editing; a longer one is corrected in its file
MOST_CELLS = 5000
#: product of the lengths, in words, up to which two texts are compared; beyond, what differs is plain
_MOST_COMPARED = 1_000_000
#: they turn the order of what follows, and hide what a text says
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_PIECE = re.compile(r"\s+|\w+|[^\w\s]")
_BLANKS = re.compile(r"[^\S\n]+")
#: cells with more than text in them
_NOT_TEXT = ("img", "table", "svg", "math", "object")
_OWN_LINE = frozenset({"p", "div", "li", "tr", "br", "h1", "h2", "h3", "h4", "h5", "h6"})


@dataclass(frozen=True, slots=True)
class _Look:
    """How a piece of a line is set: its kind of span, its styles, and which link it is part of."""

    kind: str = "text"
    styles: tuple[str, ...] = ()
    link: int = -1
    url: str = ""


_PLAIN = _Look()
_Piece = tuple[str, _Look]


def cleaned(text: str) -> str:
    """Without control signs and signs that turn the direction of writing; line ends as ``\\n``."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(
        sign
        for sign in text
        if sign in "\n\t"
        or not (
            unicodedata.category(sign) in ("Cc", "Cs") or sign in _TURNING or ord(sign) & 0xFFFE == 0xFFFE
        )
    )


def one_line(text: str) -> str:
    """Typed text as one paragraph: a line of its own stays one only where it begins with a letter.

    Else it would become a heading, an entry of a list or a table in Markdown.
    """
    lines = [" ".join(line.split()) for line in cleaned(text).split("\n")]
    kept = [line for line in lines if line]
    return "".join(
        line if not number else f"\n{line}" if line[0].isalpha() else f" {line}"
        for number, line in enumerate(kept)
    )


# ---------------------------------------------------------------- lines


def text_of(spans: Sequence[dict[str, Any]]) -> str:
    """What is shown for editing of a line: its text, formulas between dollars."""
    return "".join(text for text, _ in _pieces(spans))


def typed_over(spans: Sequence[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """The spans of a line after ``text`` was typed in place of what ``text_of`` says."""
    old = _pieces(spans)
    formulas = {piece for piece, look in old if look.kind == "equation_inline"}
    new = [*_split(text, formulas)]
    first = _common(old, new)
    last = _common(old[first:][::-1], new[first:][::-1])
    before, after = old[:first], old[len(old) - last :]
    changed = _changed(old[first : len(old) - last], new[first : len(new) - last], before, after)
    return _spans([*before, *changed, *after])


def _pieces(spans: Sequence[dict[str, Any]], link: int = -1, url: str = "") -> list[_Piece]:
    found: list[_Piece] = []
    for number, span in enumerate(spans):
        kind, content = span["type"], span["content"]
        if kind == "hyperlink":
            found += _pieces(content, number, span["url"])
            continue
        look = _Look(kind, tuple(span.get("styles", ())), link, url)
        pieces = [f"${content}$"] if kind == "equation_inline" else _PIECE.findall(content)
        found += [(piece, look) for piece in pieces]
    return found


def _split(text: str, formulas: Iterable[str]) -> Iterator[str]:
    known = sorted(formulas, key=len, reverse=True)
    found = re.compile("|".join([*map(re.escape, known), _PIECE.pattern])).finditer(text)
    yield from (piece[0] for piece in found)


def _common(old: Sequence[_Piece], new: Sequence[str]) -> int:
    """How many pieces at the beginning are the same."""
    for number, (piece, other) in enumerate(zip(old, new, strict=False)):
        if piece[0] != other:
            return number
    return min(len(old), len(new))


def _changed(
    old: Sequence[_Piece], new: Sequence[str], before: Sequence[_Piece], after: Sequence[_Piece]
) -> list[_Piece]:
    if len(old) * len(new) > _MOST_COMPARED:
        return [(piece, _PLAIN) for piece in new]
    found: list[_Piece] = []
    compared = SequenceMatcher(None, [piece for piece, _ in old], new, autojunk=False)
    for what, start, end, begin, stop in compared.get_opcodes():
        if what == "equal":
            found += old[start:end]
        else:
            around = old[start:end] or [*(old[:start] or before)[-1:], *(old[end:] or after)[:1]]
            found += [(piece, _look_of(around)) for piece in new[begin:stop]]
    return found


def _look_of(around: Sequence[_Piece]) -> _Look:
    """What stands in place of pieces that look the same, or between them, looks like them."""
    looks = {look for _, look in around}
    [look] = looks if len(looks) == 1 else {_PLAIN}
    return _PLAIN if look.kind == "equation_inline" else look


def _spans(pieces: Iterable[_Piece]) -> list[dict[str, Any]]:
    spans: list[dict[str, Any]] = []
    for (link, url), some in groupby(pieces, lambda piece: (piece[1].link, piece[1].url)):
        inner = [*_unlinked(some)]
        spans += [{"type": "hyperlink", "url": url, "content": inner}] if link >= 0 else inner
    return spans


def _unlinked(pieces: Iterable[_Piece]) -> Iterator[dict[str, Any]]:
    for look, same in groupby(pieces, lambda piece: piece[1]):
        texts = [text for text, _ in same]
        if look.kind == "equation_inline":
            yield from ({"type": look.kind, "content": text[1:-1]} for text in texts)
        else:
            styles = {"styles": list(look.styles)} if look.styles else {}
            yield {"type": look.kind, "content": "".join(texts), **styles}


# ---------------------------------------------------------------- cells


def cells_of(markup: str) -> list[list[dict[str, Any]]] | None:
    """The rows of a table's HTML: ``text``, ``rows`` and ``columns`` that a cell spans, ``head``, ``fixed``.

    None for a table of more than ``MOST_CELLS`` cells, or none. ``fixed``: it holds a picture or a table.
    """
    rows = _rows(BeautifulSoup(markup, "html.parser"))
    if not 0 < sum(map(len, rows)) <= MOST_CELLS:
        return None
    return [[_cell(cell) for cell in row] for row in rows]


def with_cells(markup: str, cells: Sequence[tuple[int, int, str]]) -> str:
    """The table with other texts in some cells: row, cell in that row (both from 0), text.

    Raises ``OptionInvalid`` for a cell that is not there or holds more than text.
    """
    soup = BeautifulSoup(markup, "html.parser")
    rows = _rows(soup)
    for row, number, text in cells:
        if not (0 <= row < len(rows) and 0 <= number < len(rows[row])):
            raise OptionInvalid(f"The table has no cell {number} in row {row}. Both are counted from 0.")
        cell = rows[row][number]
        if cell.find(_NOT_TEXT):
            raise OptionInvalid("A cell with a picture or a table in it cannot be corrected as text.")
        lines = [" ".join(line.split()) for line in cleaned(text).split("\n")]
        text = "\n".join(filter(None, lines))
        if text != _cell_text(cell):
            _fill(soup, cell, text)
    return str(soup)


def _rows(soup: BeautifulSoup) -> list[list[Tag]]:
    table = soup.find("table")
    if not isinstance(table, Tag):
        return []
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    return [row.find_all(["td", "th"], recursive=False) for row in rows]


def _cell(cell: Tag) -> dict[str, Any]:
    return {
        "text": _cell_text(cell),
        "rows": _span(cell, "rowspan"),
        "columns": _span(cell, "colspan"),
        "head": cell.name == "th",
        "fixed": cell.find(_NOT_TEXT) is not None,
    }


def _span(cell: Tag, name: str) -> int:
    text = str(cell.get(name) or "1")
    return max(1, min(int(text), 1000)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _cell_text(cell: Tag) -> str:
    parts: list[str] = []
    for node in cell.descendants:
        if isinstance(node, Tag):
            if node.name in _OWN_LINE:
                parts.append("\n")
            elif node.name == "eq":
                parts.append(f"${node.get_text()}$")
        elif type(node) is NavigableString and not node.find_parent("eq"):
            parts.append(_BLANKS.sub(" ", str(node).replace("\n", " ")))
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(filter(None, lines))


def _fill(soup: BeautifulSoup, cell: Tag, text: str) -> None:
    """Puts ``text`` into a cell; formulas that it had and that are still there stay formulas."""
    formulas = {f"${each.get_text()}$": each.get_text() for each in cell.find_all("eq")}
    cell.clear()
    found = re.compile(
        "|".join([*map(re.escape, sorted(formulas, key=len, reverse=True)), "\n", "[^$\n]+", "."])
    )
    for piece in (each[0] for each in found.finditer(text)):
        if piece == "\n":
            cell.append(soup.new_tag("br"))
        elif piece in formulas:
            formula = soup.new_tag("eq")
            formula.string = formulas[piece]
            cell.append(formula)
        else:
            cell.append(NavigableString(piece))
