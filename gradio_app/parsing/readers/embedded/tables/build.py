"""Building of a table from the words in a box: columns, lines, heading, rows, spans."""

from __future__ import annotations

from collections.abc import Sequence

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, median
from gradio_app.parsing.readers.embedded.rows import phrases, rows_of
from gradio_app.parsing.readers.embedded.tables import adjust, heading, rowing, spans
from gradio_app.parsing.readers.embedded.tables.columns import (
    MOST_COLUMNS,
    Gutters,
    drawn_columns,
    free_strips,
)
from gradio_app.parsing.readers.embedded.tables.grid import Grid
from gradio_app.parsing.readers.embedded.tables.lines import table_line

#: gaps that part phrases, in heights of the font: in a table of few lines, and in one with more
_GAP_FEW, _GAP, _FEW_LINES = 0.75, 0.6, 6
#: fewer words are no table
LEAST_WORDS = 4


def build(words: Sequence[Word], horizontal: Sequence[Box], vertical: Sequence[Box], box: Box) -> Grid | None:
    """The grid of ``words`` within the rules around them; none when they have no two columns."""
    flat = [word for word in words if not word.angle]
    if len(flat) < LEAST_WORDS:
        return None
    rows = rows_of(flat)
    size = median(word.size for word in flat)
    gap = _GAP_FEW if len(rows) < _FEW_LINES else _GAP
    columns = free_strips([phrases(row.words, gap) for row in rows], size)
    if not 2 <= len(columns) <= MOST_COLUMNS:
        return None
    columns = drawn_columns(columns, vertical, box, size)
    if not 2 <= len(columns) <= MOST_COLUMNS:
        return None
    gutters = Gutters(columns, size)
    lines = [table_line(row, gap, gutters) for row in rows]
    rules = [
        rule
        for rule in horizontal
        if rule[0] < box[2] and rule[2] > box[0] and box[1] - 4 <= rule[1] <= box[3] + 4
    ]
    separators = heading.Separators(rules, columns[0][0], columns[-1][1])
    above = heading.heading_lines(lines, separators, len(columns))
    head = rowing.heading_rows(lines, above, len(columns), rules)
    body = rowing.rows_of_lines(lines, above, separators)
    grid = Grid(
        columns,
        [
            *(rowing.grid_row(lines, row, heading=True) for row in head),
            *(rowing.grid_row(lines, row, heading=False) for row in body),
        ],
        header=len(head),
    )
    tilted = [word for word in words if word.angle]
    if tilted:
        adjust.add_tilted(grid, tilted, size)
    adjust.join_signs(grid)
    spans.spread_heading(grid, rules, size)
    spans.raise_heading(grid)
    spans.join_wrapped_heading(grid, rules, size)
    return grid
