"""Finding of tables on a page: candidates by trust, what is built of them, and which of them are tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.geometry import Box, area, intersection, median, union
from gradio_app.parsing.readers.embedded.rows import rows_of
from gradio_app.parsing.readers.embedded.tables.build import build
from gradio_app.parsing.readers.embedded.tables.candidates import Candidate, Source, candidates
from gradio_app.parsing.readers.embedded.tables.drawings import drawings
from gradio_app.parsing.readers.embedded.tables.extent import Surroundings, table_in
from gradio_app.parsing.readers.embedded.tables.grid import Grid
from gradio_app.parsing.readers.embedded.tables.index import WordIndex
from gradio_app.parsing.readers.embedded.tables.lattice import build_lattice
from gradio_app.parsing.readers.embedded.tables.runs import runs_of
from gradio_app.parsing.readers.embedded.tables.table import Table, table_of

#: fewer upright words on a page are no table
_LEAST_WORDS = 6
#: the words of all candidates together that are built from: so many times the page's, and at least so many
_WORK, _LEAST_WORK = 12, 5000
#: heights of a candidate and its only run that differ by less are one; a candidate stands beside its run up
#: to the second
_SAME_HEIGHT, _LIKE_HEIGHT = 0.12, 0.3
#: two tables are views of one, and two results are one, when they share this much of the smaller one's place
_SAME_PLACE, _ONE_PLACE = 0.3, 0.25

#: drawings of a page that are looked at, and the score of one
_MOST_DRAWINGS, _DRAWN_SCORE = 60, 0.3

#: words of a cell that is a line of text
_SENTENCE = 7
#: words of a drawn cell; a longer one is a part of the page in a frame
_MOST_WORDS = 120


@dataclass(slots=True)
class _Found:
    """A table that was built and accepted."""

    candidate: Candidate
    grid: Grid
    words: list[Word]
    drawn: bool = False

    @property
    def box(self) -> Box:
        return union(word.box for word in self.words)


def find_tables(facts: PageFacts) -> list[Table]:
    """The tables of a page, those with most words first; empty when there are none.

    Work is limited: to the largest candidates, and to a number of words that is a multiple of the page's.
    """
    flat = [word for word in facts.words if not word.angle]
    if len(flat) < _LEAST_WORDS:
        return []
    size = median(word.size for word in flat)
    page = Surroundings(
        WordIndex(facts.words), WordIndex(flat), sorted(facts.horizontal), sorted(facts.vertical), size
    )
    found = _drawn_tables(facts, page)
    left = max(_LEAST_WORK, _WORK * len(facts.words))
    for candidate in _with_runs(candidates(facts, rows_of(flat), size), page):
        left -= len(page.words.within(candidate.box)) + 10
        if left < 0:
            break
        _take(candidate, found, page)
    return [
        table_of(each.grid, each.words, _source(each.candidate), each.candidate.score)
        for each in _one_a_place(found)
    ]


def _drawn_tables(facts: PageFacts, page: Surroundings) -> list[_Found]:
    """Tables whose cells are all drawn: nothing tells them better. Where the cells are not, the frame is a
    table by the usual rules, unless the model sees one there."""
    found: list[_Found] = []
    regions = [region.box for region in facts.regions if region.label == "table"]
    for drawing in drawings(facts.horizontal, facts.vertical)[:_MOST_DRAWINGS]:
        candidate = Candidate("rules", _DRAWN_SCORE, drawing.box)
        words = page.words.within(drawing.box, 0)
        grid = build_lattice(words, drawing)
        drawn = grid is not None and is_drawn_table(grid)
        if not drawn:
            if any(_views(region, drawing.box) for region in regions):
                continue
            grid = build(words, page.horizontal, page.vertical, drawing.box)
        framed = grid is not None and max(len(grid.rows), len(grid.columns)) > 2 and is_table(grid, candidate)
        if grid is not None and (drawn or framed):
            found.append(_Found(candidate, grid, words, drawn=True))
    return found


def _source(candidate: Candidate) -> Source:
    return "stream" if candidate.part else candidate.source


def _with_runs(found: Sequence[Candidate], page: Surroundings) -> list[Candidate]:
    """Candidates and their runs, the most trusted first."""
    whole: list[Candidate] = []
    parts: list[Candidate] = []
    for candidate in found:
        runs = runs_of(candidate.box, page.flat, page.vertical, page.size)
        height = candidate.box[3] - candidate.box[1]
        lost = abs(runs[0][3] - runs[0][1] - height) / height if len(runs) == 1 and height else 1.0
        if candidate.loose or lost >= _SAME_HEIGHT:
            parts += (Candidate(candidate.source, candidate.score, run, part=True) for run in runs)
        if not candidate.loose and (not runs or lost < _LIKE_HEIGHT):
            whole.append(candidate)
    return sorted(whole + parts, key=lambda each: each.rank)


def _take(candidate: Candidate, found: list[_Found], page: Surroundings) -> None:
    """Adds what is built of a candidate to the tables found, or makes one of them larger."""
    built = table_in(candidate.box, page)
    if built is None or not is_table(built[0], candidate):
        return
    table = _Found(candidate, *built)
    other = next((each for each in found if _views(each.box, table.box)), None)
    if other is None:
        found.append(table)
    elif not other.drawn and len(table.words) > 1.08 * len(other.words):
        larger = table_in(union([other.box, table.box]), page)
        if larger is not None and _as_orderly(larger[0], other.grid):
            other.grid, other.words = larger


def _views(one: Box, other: Box) -> bool:
    return intersection(one, other) > _SAME_PLACE * min(area(one), area(other))


def _as_orderly(larger: Grid, grid: Grid) -> bool:
    """Whether a larger view of a table is as full, and its cells no longer."""
    return (
        larger.filled > 0.7 * grid.filled
        and larger.words_a_cell < 1.6 * grid.words_a_cell + 1
        and len(larger.columns) >= len(grid.columns)
    )


def _one_a_place(found: Sequence[_Found]) -> list[_Found]:
    kept: list[_Found] = []
    for table in sorted(found, key=lambda each: -len(each.words)):
        if not any(intersection(table.box, each.box) > _ONE_PLACE * area(table.box) for each in kept):
            kept.append(table)
    return kept


def is_drawn_table(grid: Grid) -> bool:
    """Whether drawn fields are a table: enough of them have text, and none a chapter of it."""
    texts = grid.texts()
    if len(texts) < 4 or grid.covered < 0.3 or grid.words_a_cell > 15:
        return False
    if len(grid.rows) == len(grid.columns) == 2 and not all(text[:1].isalnum() for text in texts):
        return False  # a figure
    return max(len(text.split()) for text in texts) <= _MOST_WORDS


def is_table(grid: Grid, candidate: Candidate) -> bool:
    """Whether a grid is a table, and no text: more must hold of a candidate that is less trusted."""
    by_model = candidate.source == "model"
    whole_model = by_model and not candidate.part
    if not whole_model and grid.signs_only > 0.2 and grid.numeric < 0.6:
        return False
    sure = whole_model and candidate.score > 0.8
    if not sure and grid.lower > 0.45 and grid.numeric < 0.3 and len(grid.columns) > 2:
        return False
    source = _source(candidate)
    if source == "model":
        return _is_model_table(grid, candidate.score)
    return _is_ruled_table(grid) if source == "rules" else _is_stream_table(grid)


def _is_model_table(grid: Grid, score: float) -> bool:
    short = grid.words_a_cell <= 8 or (score > 0.8 and grid.words_a_cell < 25)
    return len(grid.rows) >= 2 and short and grid.filled > 0.35 and (grid.single < 0.5 or score > 0.85)


def _is_ruled_table(grid: Grid) -> bool:
    columns, numeric, filled, words = len(grid.columns), grid.numeric, grid.filled, grid.words_a_cell
    return (
        len(grid.rows) >= 2
        and (words <= 6 or numeric > 0.3)
        and filled > 0.5
        and columns <= 25
        and grid.single < 0.35
        and grid.wide < 0.2
        and (numeric > 0.1 or (columns >= 3 and words <= 5) or filled > 0.85)
        and (columns >= 3 or numeric > 0.15 or filled > 0.9)
    )


def _is_stream_table(grid: Grid) -> bool:
    columns, numeric, filled, words = len(grid.columns), grid.numeric, grid.filled, grid.words_a_cell
    if len(grid.rows) < 3 or filled <= 0.5:
        return False
    if numeric < 0.3 and any(len(text.split()) >= _SENTENCE for text in grid.texts()):
        return False  # a formula or a figure within lines of text
    short = (
        (columns >= 3 and words <= 3.6)
        or (columns == 2 and numeric > 0.3 and words <= 4)
        or (columns >= 3 and numeric > 0.35 and words <= 5)
    )
    return short and (numeric > 0.12 or (columns >= 3 and words <= 3 and filled > 0.75))
