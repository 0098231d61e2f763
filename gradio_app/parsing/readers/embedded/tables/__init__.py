"""Tables of a page from its own words and rules, whatever both were read from.

Method: candidates (regions of the layout model, groups of equal rules, groups of short phrases), then a grid
of each. Columns come from the strips that the fullest rows leave free, or from rules; rows from the lines
that fill most columns; spans of the heading from centring and short rules. Last is the question whether the
grid is a table.
Does not cover: cells that hold pictures, tables that go on over pages (MinerU joins those).
"""

from gradio_app.parsing.readers.embedded.tables.find import find_tables
from gradio_app.parsing.readers.embedded.tables.table import Table, TableCell

__all__ = ["Table", "TableCell", "find_tables"]
