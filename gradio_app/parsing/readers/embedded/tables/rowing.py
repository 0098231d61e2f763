"""Rows of a table out of its lines: wrapped cells belong to the line that fills most columns.

A line that fills at least half of the columns is an anchor. The others belong to the nearer neighbour.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from gradio_app.parsing.readers.embedded.geometry import Box, median
from gradio_app.parsing.readers.embedded.tables.grid import Cell, GridRow
from gradio_app.parsing.readers.embedded.tables.heading import Separators
from gradio_app.parsing.readers.embedded.tables.lines import Line

#: height of a line in heights of its font
LEADING = 1.17
#: an anchor has this share of the pieces of the fullest line
_ANCHOR = 0.5
#: a wrapped line is nearer than this share of the distance of anchors, and than so many heights of a line
_WRAPPED, _TIGHT = 0.78, 1.6
#: lines of a heading nearer than this are one row
_TIGHT_HEADING = 1.45
#: every row is ruled off: rules between this share of the lines, and at least so many rules
_RULED, _LEAST_RULES = 0.3, 4


def rows_of_lines(lines: Sequence[Line], heading: int, separators: Separators) -> list[list[int]]:
    """Numbers of the lines of each row below the heading."""
    most = max(len(line.cells) for line in lines)
    body = range(heading, len(lines))
    anchors = [n for n in body if len(lines[n].cells) >= max(2, _ANCHOR * most)]
    cuts = sum(separators.between(lines[n], lines[n + 1]) for n in body[:-1])
    if cuts >= _RULED * max(1, len(body) - 1) and len(separators.heights) >= _LEAST_RULES:
        return _ruled_rows(lines, body, anchors, separators)
    return _nearest_rows(lines, body, anchors, separators)


def _ruled_rows(
    lines: Sequence[Line], body: range, anchors: Sequence[int], separators: Separators
) -> list[list[int]]:
    """Lines between two rules are a row, unless several of them are full of figures."""
    between: list[list[int]] = []
    for number in body:
        if between and not separators.between(lines[number - 1], lines[number]):
            between[-1].append(number)
        else:
            between.append([number])
    known = set(anchors)
    found: list[list[int]] = []
    for row in between:
        full = [number for number in row if number in known]
        if len(full) > 1 and sum(lines[number].numbers >= 2 for number in full) > 1:
            found += [[number] for number in row]
        else:
            found.append(row)
    return found


def _nearest_rows(
    lines: Sequence[Line], body: range, anchors: Sequence[int], separators: Separators
) -> list[list[int]]:
    """Each line that is no anchor goes to its nearer neighbour, if that is near; chains end at an anchor."""
    pitch = median((lines[b].cy - lines[a].cy for a, b in itertools.pairwise(anchors)), 99.0)
    known, last = set(anchors), anchors[-1] if anchors else -1
    owner = {number: number for number in body}
    for number in body:
        if number not in known:
            target = _neighbour(lines, number, body, pitch, number < last)
            if target is not None and not separators.between(
                lines[min(number, target)], lines[max(number, target)]
            ):
                owner[number] = target
    rows: dict[int, list[int]] = {}
    for number in body:
        rows.setdefault(_root(owner, number), []).append(number)
    return sorted(rows.values(), key=lambda row: row[0])


def _neighbour(
    lines: Sequence[Line], number: int, body: range, pitch: float, anchor_below: bool
) -> int | None:
    """The line that a wrapped line belongs to; none when it is a row of its own."""
    line = lines[number]
    above = line.cy - lines[number - 1].cy if number > body.start else 1e9
    below = lines[number + 1].cy - line.cy if number + 1 < body.stop else 1e9
    nearest = min(above, below)
    if nearest >= _WRAPPED * pitch or nearest >= _TIGHT * line.size * LEADING:
        return None
    label = line.bold and all(cell.first == 0 for cell in line.cells)
    if label and anchor_below and above >= below:
        return None
    return number - 1 if above <= 1.08 * below else number + 1


def _root(owner: dict[int, int], number: int) -> int:
    seen: set[int] = set()
    while owner[number] != number and number not in seen:
        seen.add(number)
        number = owner[number]
    return number


def heading_rows(lines: Sequence[Line], heading: int, columns: int, rules: Sequence[Box]) -> list[list[int]]:
    """Numbers of the lines of each row of the heading: tight lines of equal cells are one row."""
    found: list[list[int]] = []
    for number in range(heading):
        if found and _same_heading(lines[number - 1], lines[number], columns, rules):
            found[-1].append(number)
        else:
            found.append([number])
    return found


def _same_heading(above: Line, below: Line, columns: int, rules: Sequence[Box]) -> bool:
    if any(cell.first != cell.last for cell in above.cells):
        return False
    if below.cy - above.cy >= _TIGHT_HEADING * max(above.size, below.size) * LEADING:
        return False
    if any(above.cy < rule[1] < below.cy for rule in rules):
        return False
    return len(below.cells) <= 1.5 * len(above.cells) or len(above.cells) >= 0.6 * columns


def grid_row(lines: Sequence[Line], numbers: Sequence[int], heading: bool) -> GridRow:
    """Lines as one row: pieces in the same columns are one cell. Cells of a heading keep the columns of
    their first line."""
    cells: list[Cell] = []
    for number in numbers:
        for piece in lines[number].cells:
            other = next((cell for cell in cells if cell.meets(piece.first, piece.last)), None)
            if other is None:
                cells.append(Cell(piece.first, piece.last, piece.x0, piece.x1, list(piece.words)))
                continue
            if not heading or len(numbers) == 1:
                other.first, other.last = min(other.first, piece.first), max(other.last, piece.last)
            other.x0, other.x1 = min(other.x0, piece.x0), max(other.x1, piece.x1)
            other.words += piece.words
    return GridRow(
        without_overlaps(cells), min(lines[n].y0 for n in numbers), max(lines[n].y1 for n in numbers)
    )


def without_overlaps(cells: Sequence[Cell]) -> list[Cell]:
    """Cells from left to right; those that came to share columns are one."""
    found: list[Cell] = []
    for cell in sorted(cells, key=lambda cell: cell.first):
        if found and cell.first <= found[-1].last:
            before = found[-1]
            before.last = max(before.last, cell.last)
            before.x0, before.x1 = min(before.x0, cell.x0), max(before.x1, cell.x1)
            before.words += cell.words
        else:
            found.append(cell)
    return found
