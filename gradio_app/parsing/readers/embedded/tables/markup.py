"""HTML of a table: rows and cells with their spans, heading in ``thead``. Text is escaped."""

from __future__ import annotations

import html

from gradio_app.parsing.readers.embedded.tables.grid import Cell, Grid


def table_html(grid: Grid) -> str:
    """The grid as one ``table`` element, without blanks between its tags."""
    parts = ["<table>"]
    taken = [0] * len(grid.columns)  # rows from here on that a cell above reaches into
    for number, row in enumerate(grid.rows):
        heading = number < grid.header
        if heading and number == 0:
            parts.append("<thead>")
        parts.append(_row_html(row.ordered(), taken, "th" if heading else "td"))
        taken = [max(0, left - 1) for left in taken]
        if heading and number == grid.header - 1:
            parts.append("</thead><tbody>")
    parts.append("</tbody></table>" if grid.header else "</table>")
    return "".join(parts)


def _row_html(cells: list[Cell], taken: list[int], tag: str) -> str:
    """A row; ``taken`` is told of its cells that reach into rows below."""
    parts = ["<tr>"]
    by_column = {cell.first: cell for cell in cells}
    column = 0
    while column < len(taken):
        cell = by_column.get(column)
        if cell is not None:
            parts.append(_cell_html(cell, tag))
            taken[column : cell.last + 1] = [cell.down] * (cell.last + 1 - column)
            column = cell.last + 1
            continue
        if not taken[column]:
            parts.append(f"<{tag}></{tag}>")
        column += 1
    return "".join([*parts, "</tr>"])


def _cell_html(cell: Cell, tag: str) -> str:
    across = cell.last - cell.first + 1
    spans = f' colspan="{across}"' if across > 1 else ""
    spans += f' rowspan="{cell.down}"' if cell.down > 1 else ""
    return f"<{tag}{spans}>{html.escape(cell.text, quote=False)}</{tag}>"
