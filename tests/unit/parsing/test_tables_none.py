"""Pages without tables give none, and pages that were made to cost time end soon."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from gradio_app.parsing.readers.embedded.facts import PageFacts, Region, Word
from gradio_app.parsing.readers.embedded.tables import find_tables
from tests.unit.parsing.pages_of_words import grid, line, page, rules_across, rules_down, text

#: seconds that a hostile page may take: about ten times as long as it does
MOST_SECONDS = 20


def two_columns() -> list[Word]:
    return [*line(150, 40, "On mills and rivers"), *text(50, 80, 235, 50), *text(310, 80, 235, 50, seed=3)]


def three_columns() -> list[Word]:
    return [word for x in (40, 215, 390) for word in text(x, 60, 155, 55, seed=x)]


def letter() -> list[Word]:
    address = ["Berg and Sons", "4 Mill Lane", "8001 Upper Town"]
    date = ["3 May 1921", "No. 14"]
    words = [word for n, part in enumerate(address) for word in line(60, 60 + 14 * n, part)]
    words += [word for n, part in enumerate(date) for word in line(420, 60 + 14 * n, part)]
    return [*words, *text(60, 160, 470, 20), *line(60, 450, "Yours sincerely,"), *line(60, 490, "A. Berg")]


def lists() -> list[Word]:
    words: list[Word] = []
    for number in range(12):
        words += line(60, 80 + 28 * number, ("•", f"{number + 1}.", "(a)")[number % 3])
        words += text(80, 80 + 28 * number, 400, 2, seed=number)
    return words


def short_list() -> list[Word]:
    names = ["oak", "iron", "old leather", "stone from the hill", "rope"]
    return [word for n, name in enumerate(names) for word in line(60, 80 + 14 * n, f"• {name}")]


def contents() -> list[Word]:
    words: list[Word] = []
    for number in range(20):
        words += line(
            60, 80 + 16 * number, f"{number + 1} {' '.join('the river and mills'.split()[: 2 + number % 3])}"
        )
        start = words[-1].x1 + 4
        words.append(Word(start, 80 + 16 * number, 500, 92 + 16 * number, "." * 60, 10))
        words += line(505, 80 + 16 * number, str(3 + 4 * number))
    return words


def addresses() -> list[Word]:
    left, right = ["Anna Berg", "Mill Lane 4", "Upper Town"], ["Karl Keller", "River Road 12", "Lower Town"]
    words = text(60, 140, 470, 30)
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        words += [*line(60, 60 + 14 * number, one), *line(330, 60 + 14 * number, other)]
    return words


PLAIN: list[Callable[[], list[Word]]] = [
    two_columns,
    three_columns,
    letter,
    lists,
    short_list,
    contents,
    addresses,
]


@pytest.mark.parametrize("words", PLAIN, ids=lambda words: words.__name__)
@pytest.mark.parametrize("scan", [False, True], ids=["file", "scan"])
def test_text_is_no_table(words: Callable[[], list[Word]], scan: bool) -> None:
    found = find_tables(page(words(), scan=scan))
    assert [table.html for table in found] == []


def test_a_frame_around_text_is_no_table() -> None:
    across, down = rules_across(50, 545, (70, 400, 750)), rules_down(70, 750, (50, 297, 545))
    facts = page(text(60, 80, 225, 50), text(307, 80, 225, 50), across=across, down=down)
    assert find_tables(facts) == []


def test_a_chart_is_no_table() -> None:
    across, down = rules_across(100, 400, range(100, 301, 40)), rules_down(100, 300, range(100, 401, 50))
    ticks = [word for n in range(6) for word in line(75, 96 + 40 * n, str(50 - 10 * n))]
    ticks += [word for n in range(7) for word in line(97 + 50 * n, 304, str(2020 + n))]
    assert find_tables(page(ticks, across=across, down=down)) == []


@pytest.mark.parametrize("words", [[], line(60, 60, "three words only")])
def test_a_page_with_few_words_has_none(words: list[Word]) -> None:
    assert find_tables(page(words)) == []
    region = Region("table", 1.0, (0, 0, 595, 842))
    assert find_tables(PageFacts(595, 842, tuple(words), regions=(region,))) == []


def box(x: float, y: float, wide: float, high: float, text: str = "1") -> Word:
    return Word(x, y, x + wide, y + high, text, high)


def hostile() -> dict[str, PageFacts]:
    some = random.Random(7)
    tiny = tuple(box(10 + 11 * (n % 50), 8 + 4 * (n // 50), 3, 3) for n in range(10_000))
    thrown = tuple(box(some.uniform(0, 580), some.uniform(0, 830), 3, 3) for _ in range(10_000))
    words = tuple(
        box(some.uniform(0, 500), some.uniform(0, 800), some.uniform(5, 60), 10, "word") for _ in range(5000)
    )
    heap = tuple(box(100 + some.random(), 100 + some.random(), 30, 10) for _ in range(5000))
    row = tuple(box(n / 10, 100, 0.05, 10) for n in range(5000))
    across = tuple(
        (some.uniform(0, 90), y := some.uniform(0, 842), some.uniform(300, 595), y) for _ in range(2000)
    )
    down = tuple(
        (x := some.uniform(0, 595), some.uniform(0, 90), x, some.uniform(300, 842)) for _ in range(2000)
    )
    lattice = (
        rules_across(0, 595, (n * 2.0 for n in range(420))),
        rules_down(0, 842, (n * 2.0 for n in range(300))),
    )
    regions = tuple(
        Region(
            "table",
            0.9,
            (some.uniform(0, 90), some.uniform(0, 90), some.uniform(300, 595), some.uniform(300, 842)),
        )
        for _ in range(40)
    )
    captions = tuple(box(60 * (n % 3), 4 * (n // 3), 20, 3, "1" if n % 3 else "Table 1") for n in range(5000))
    far = tuple(box(-1e9 * (n % 3), 1e9 * n, 1e8, 10) for n in range(500))
    long = tuple(box(60 * (n % 3), 4 * (n // 3), 20, 3, "1," * 2000 + "q") for n in range(200))
    return {
        "tiny": PageFacts(595, 842, tiny),
        "thrown": PageFacts(595, 842, thrown[:5000]),
        "words": PageFacts(595, 842, words),
        "heap": PageFacts(595, 842, heap),
        "row": PageFacts(595, 842, row),
        "rules": PageFacts(595, 842, words[:2000], across, down),
        "lattice": PageFacts(595, 842, tiny[:3000], *lattice),
        "regions": PageFacts(595, 842, captions, regions=regions),
        "far": PageFacts(595, 842, far),
        "long": PageFacts(595, 842, long, regions=regions[:3]),
    }


HOSTILE = hostile()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_ends_soon(name: str) -> None:
    began = time.process_time()
    find_tables(HOSTILE[name])
    assert time.process_time() - began < MOST_SECONDS


def test_a_table_of_many_rows_is_whole() -> None:
    rows = [[f"mill {n}", str(n), str(n * 3)] for n in range(1, 50)]
    [table] = find_tables(page(grid(60, 20, rows, (90, 60, 60))))
    assert (table.rows, table.columns) == (49, 3)
