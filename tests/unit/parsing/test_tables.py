"""Tables are found and built: ruled or not, side by side, with spans and wrapped cells."""

from __future__ import annotations

import pytest

from gradio_app.parsing.readers.embedded.facts import PageFacts, Region, Word
from gradio_app.parsing.readers.embedded.tables import Table, find_tables
from tests.unit.parsing.pages_of_words import centred, grid, line, page, rules_across, rules_down, text

RIVERS = [
    ["River", "Length", "Flow", "Basin"],
    ["Aar", "295", "560", "17.8"],
    ["Inn", "518", "735", "26.1"],
    ["Thur", "135", "47", "1.7"],
    ["Reuss", "164", "140", "3.4"],
]
WIDTHS = (90, 80, 80, 80)


def only(tables: list[Table]) -> Table:
    assert len(tables) == 1, [table.html for table in tables]
    return tables[0]


def texts(table: Table) -> list[list[str]]:
    """Cells with their text where they stand; nothing where a cell is empty or another reaches."""
    found = [[""] * table.columns for _ in range(table.rows)]
    for row in table.cells:
        for cell in row:
            found[cell.row][cell.column] = cell.text
    return found


def spans(table: Table) -> dict[str, tuple[int, int]]:
    """Text of cells over several columns or rows -> how many."""
    wide = [cell for row in table.cells for cell in row if (cell.across, cell.down) != (1, 1)]
    return {cell.text: (cell.across, cell.down) for cell in wide}


def test_a_table_without_rules() -> None:
    table = only(find_tables(page(grid(60, 100, RIVERS, WIDTHS))))
    assert texts(table) == RIVERS
    assert (table.source, table.rows, table.columns, table.header) == ("stream", 5, 4, 1)
    assert table.numeric == 12 / 20
    assert table.filled == 1
    assert table.count == 20
    assert table.box == (60, 100, 60 + 250 + 25, 164 + 12)
    assert table.html.startswith(
        "<table><thead><tr><th>River</th><th>Length</th><th>Flow</th><th>Basin</th></tr></thead>"
        "<tbody><tr><td>Aar</td><td>295</td>"
    )
    assert table.html.endswith("<td>3.4</td></tr></tbody></table>")


def test_a_table_between_three_rules() -> None:
    rows = [
        ["Mill", "Owner", "State"],
        ["North", "Berg and sons", "sold"],
        ["South", "Keller", ""],
        ["East", "", "lost"],
    ]
    across = rules_across(55, 300, (96, 114, 162))
    table = only(find_tables(page(grid(60, 100, rows, (70, 110, 60)), across=across)))
    assert texts(table) == rows
    assert table.header == 1


def test_text_around_a_table_stays_out_of_it() -> None:
    facts = page(text(60, 40, 460, 8), grid(60, 200, RIVERS, WIDTHS), text(60, 320, 460, 20))
    assert texts(only(find_tables(facts))) == RIVERS


def test_a_caption_stays_out_of_a_table() -> None:
    facts = page(line(60, 84, "Table 3: Rivers"), grid(60, 100, RIVERS, WIDTHS))
    assert texts(only(find_tables(facts))) == RIVERS


def test_two_tables_side_by_side() -> None:
    left = [row[:3] for row in RIVERS]
    right = [
        ["Lake", "Area", "Depth"],
        ["Zug", "38", "198"],
        ["Thun", "48", "217"],
        ["Biel", "39", "74"],
        ["Sils", "4", "71"],
    ]
    down = (*rules_down(96, 180, (55, 125, 185, 245)), *rules_down(96, 180, (335, 395, 455, 515)))
    heights = (96, 114, 130, 146, 162, 180)
    facts = page(
        grid(60, 100, left, (70, 60, 50)),
        grid(340, 100, right, (60, 60, 50)),
        across=(*rules_across(55, 245, heights), *rules_across(335, 515, heights)),
        down=down,
    )
    found = sorted(find_tables(facts), key=lambda table: table.box)
    assert [texts(table) for table in found] == [left, right]


def test_a_heading_over_several_columns() -> None:
    body = [
        ["", "low", "high", "low", "high"],
        ["Aar", "1", "2", "3", "4"],
        ["Inn", "5", "6", "7", "8"],
        ["Thur", "9", "10", "11", "12"],
    ]
    words = grid(60, 116, body, (80, 60, 60, 60, 60))
    facts = page(centred(180, 100, "Spring"), centred(300, 100, "Autumn"), words)
    table = only(find_tables(facts))
    assert spans(table) == {"Spring": (2, 1), "Autumn": (2, 1)}
    assert table.header == 2
    assert texts(table)[0] == ["", "Spring", "", "Autumn", ""]


def test_names_of_columns_on_two_lines_are_one_row() -> None:
    heads = [*line(300, 84, "Basin of"), *grid(60, 96, [["River", "Length", "Flow", "all water"]], WIDTHS)]
    across = rules_across(55, 390, (80, 110, 182))
    table = only(find_tables(page(heads, grid(60, 116, RIVERS[1:], WIDTHS), across=across)))
    assert texts(table) == [["River", "Length", "Flow", "Basin of all water"], *RIVERS[1:]]


def test_a_short_rule_tells_how_far_a_heading_reaches() -> None:
    body = [
        ["Name", "a", "b", "c"],
        ["Aar", "1", "2", "3"],
        ["Inn", "5", "6", "7"],
        ["Thur", "9", "10", "11"],
    ]
    across = ((138, 114, 320, 114), *rules_across(55, 330, (96, 132, 182)))
    facts = page(line(142, 100, "Levels"), grid(60, 118, body, (80, 60, 60, 60)), across=across)
    assert spans(only(find_tables(facts)))["Levels"] == (3, 1)


def test_wrapped_cells_are_one_row() -> None:
    rows = [
        ["Item", "Notes", "Cost"],
        ["Wheel", "oak with an\niron tyre", "40"],
        ["Stone", "from the\nquarry", "75"],
        ["Belt", "leather", "12"],
    ]
    table = only(find_tables(page(grid(60, 100, rows, (80, 120, 60), pitch=20))))
    assert texts(table) == [[cell.replace("\n", " ") for cell in row] for row in rows]


def test_a_hyphen_at_the_end_of_a_line_of_a_cell_goes() -> None:
    rows = [
        ["Item", "Notes", "Cost"],
        ["Wheel", "water-\nproof", "40"],
        ["Stone", "North-\nSide", "75"],
        ["Belt", "leather", "12"],
    ]
    table = only(find_tables(page(grid(60, 100, rows, (80, 120, 60), pitch=20))))
    assert [row[1] for row in texts(table)] == ["Notes", "waterproof", "North- Side", "leather"]


def test_signs_of_money_join_their_figures() -> None:
    words = grid(
        60,
        100,
        [["Wheel", "$", "40"], ["Stone", "$", "75"], ["Belt", "$", "12"], ["Shaft", "$", "19"]],
        (90, 20, 50),
    )
    assert texts(only(find_tables(page(words)))) == [
        ["Wheel", "$ 40"],
        ["Stone", "$ 75"],
        ["Belt", "$ 12"],
        ["Shaft", "$ 19"],
    ]


def test_words_on_end_are_the_heading() -> None:
    tilted = [
        Word(x, 60, x + 12, 95, name, 10, angle=270)
        for x, name in ((150, "Length"), (230, "Flow"), (310, "Basin"))
    ]
    table = only(find_tables(page(tilted, grid(60, 100, RIVERS[1:], WIDTHS))))
    assert texts(table) == [["", "Length", "Flow", "Basin"], *RIVERS[1:]]
    assert table.header == 1


def test_text_is_escaped() -> None:
    rows = [["<b>", "1", "2"], ["a&b", "3", "4"], ["c", "5", "6"]]
    assert "<td>a&amp;b</td>" in (html := only(find_tables(page(grid(60, 100, rows, (90, 60, 60))))).html)
    assert "&lt;b&gt;" in html


def test_a_table_beside_a_column_takes_none_of_its_lines() -> None:
    column = text(60, 100, 220, 30)
    table = grid(330, 126, [row[:3] for row in RIVERS], (70, 60, 50))
    found = only(find_tables(page(column, table)))
    assert texts(found) == [row[:3] for row in RIVERS]


def test_a_region_of_the_model_is_a_candidate() -> None:
    rows = [["Berg and sons of the valley", "sold in spring"], ["Keller", "lost to the flood"]]
    facts = page(grid(60, 100, rows, (220, 120)))
    assert find_tables(facts) == []
    region = Region("table", 0.9, (55, 98, 400, 131))
    table = only(find_tables(PageFacts(595, 842, facts.words, regions=(region,))))
    assert (table.source, table.score) == ("model", 0.9)
    assert texts(table) == rows


RULED = [
    ["Site", "Spring", "", "Autumn", ""],
    ["", "low", "high", "low", "high"],
    ["Upper\nvalley", "1", "", "3", "4"],
    ["", "5", "6", "", "8"],
    ["Lower\nvalley", "", "10", "closed for repair", ""],
]


def ruled(gap: float = 0.0) -> dict[str, tuple[tuple[float, float, float, float], ...]]:
    """Rules of a table with cells over rows and columns; each ends ``gap`` before the next."""
    ys, xs = (96, 114, 132, 160, 188, 216), (55, 135, 195, 255, 315, 375)
    across: list[tuple[float, float, float, float]] = []
    down: list[tuple[float, float, float, float]] = []
    for row, y in enumerate(ys):
        for column in range(5):
            if (row, column) not in ((1, 0), (3, 0)):
                across.append((xs[column] + gap, y, xs[column + 1] - gap, y))
    for column, x in enumerate(xs):
        for row in range(5):
            if (row, column) not in ((0, 2), (0, 4), (4, 4)):
                down.append((x, ys[row] + gap, x, ys[row + 1] - gap))
    return {"across": tuple(across), "down": tuple(down)}


def ruled_words() -> list[Word]:
    places = [
        (60, 108, "Site"), (60, 150, "Upper"), (60, 162, "valley"), (140, 140, "1"), (260, 140, "3"),
        (320, 140, "4"), (140, 168, "5"), (200, 168, "6"), (320, 168, "8"), (60, 190, "Lower"),
        (60, 202, "valley"), (200, 196, "10"), (265, 196, "closed for repair"),
    ]  # fmt: skip
    heads = [*centred(195, 100, "Spring"), *centred(315, 100, "Autumn")]
    names = grid(140, 117, [["low", "high", "low", "high"]], (60, 60, 60, 60))
    return [*heads, *names, *(word for place in places for word in line(*place))]


@pytest.mark.parametrize("gap", [0.0, 2.0])
def test_drawn_cells_are_the_cells(gap: float) -> None:
    table = only(find_tables(page(text(60, 300, 400, 12), ruled_words(), **ruled(gap), scan=gap > 0)))
    assert texts(table) == [[cell.replace("\n", " ") for cell in row] for row in RULED]
    assert spans(table) == {
        "Site": (1, 2),
        "Spring": (2, 1),
        "Autumn": (2, 1),
        "Upper valley": (1, 2),
        "closed for repair": (2, 1),
    }
    assert (table.source, table.header) == ("rules", 2)


def test_lines_of_a_drawn_cell_are_one_cell() -> None:
    rows = [
        ["Item", "Notes"],
        ["Wheel", "oak with an iron tyre\nand brass fittings\nmade in town"],
        ["Stone", ""],
    ]
    across, down = rules_across(55, 320, (96, 114, 154, 170)), rules_down(96, 170, (55, 135, 320))
    table = only(find_tables(page(grid(60, 99, rows, (80, 180)), across=across, down=down)))
    assert texts(table) == [[cell.replace("\n", " ") for cell in row] for row in rows]


def test_a_frame_with_drawn_columns_has_a_row_a_line() -> None:
    across, down = rules_across(55, 390, (96, 114, 182)), rules_down(96, 182, (55, 145, 225, 305, 390))
    table = only(find_tables(page(grid(60, 100, RIVERS, WIDTHS), across=across, down=down)))
    assert texts(table) == RIVERS


def test_lines_between_drawn_columns_are_rows_where_nothing_forced_them_down() -> None:
    rows = [["Mill", "Owner"], ["North", "Berg"], ["South", "Keller"], ["East", "Frei"]]
    across, down = rules_across(55, 240, (96, 114, 164)), rules_down(96, 164, (55, 135, 240))
    table = only(find_tables(page(grid(60, 100, rows, (80, 80)), across=across, down=down)))
    assert texts(table) == rows


def test_a_heading_without_drawn_columns_keeps_its_cells_apart() -> None:
    across = rules_across(55, 390, (96, 114, 130, 146, 162, 180))
    down = rules_down(114, 180, (55, 145, 225, 305, 390))
    table = only(find_tables(page(grid(60, 100, RIVERS, WIDTHS), across=across, down=down)))
    assert texts(table) == RIVERS


def test_a_title_over_a_table_is_no_cell_of_it() -> None:
    region = Region("table", 0.9, (55, 70, 400, 185))
    words = [*line(60, 72, "Measured", size=12), *grid(60, 100, RIVERS, WIDTHS)]
    facts = PageFacts(595, 842, tuple(words), regions=(region,))
    assert texts(only(find_tables(facts))) == RIVERS


@pytest.mark.parametrize("scan", [False, True], ids=["file", "scan"])
@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
@pytest.mark.parametrize("seed", range(4))
def test_short_lines_of_a_column_stay_out_of_the_table_beside_it(seed: int, left: bool, scan: bool) -> None:
    column, table = (50, 310) if left else (300, 60)
    words: list[Word] = []
    for number in range(8):  # paragraphs of four lines, the last one short
        words += text(column, 80 + 60 * number, 220, 3, seed=seed + number)
        words += line(
            column, 119 + 60 * number, ("until then", "mills", "it came back then")[(seed + number) % 3]
        )
    facts = page(words, grid(table, 130 + 11 * seed, RIVERS, (60, 50, 50, 40)), scan=scan)
    assert texts(only(find_tables(facts))) == RIVERS
