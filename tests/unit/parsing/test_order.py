"""Reading order of boxes: columns, bands, cards, and that hostile pages end."""

from __future__ import annotations

import random
import time

import pytest

from gradio_app.parsing.readers.embedded.geometry import Box
from gradio_app.parsing.readers.embedded.order import reading_order


def stack(x: float, y: float, width: float, count: int, height: float = 40, pitch: float = 50) -> list[Box]:
    return [(x, y + pitch * n, x + width, y + pitch * n + height) for n in range(count)]


def test_the_left_column_is_read_before_the_right_one() -> None:
    left, right = stack(50, 100, 200, 5), stack(300, 103, 200, 5)
    mixed = [box for pair in zip(right, left, strict=True) for box in pair]
    assert [mixed[i] for i in reading_order(mixed)] == left + right


def test_a_heading_over_columns_is_read_first_and_one_between_divides_them() -> None:
    heading, middle, end = (50, 60, 500, 80), (50, 260, 500, 280), (50, 500, 500, 520)
    upper = stack(50, 100, 200, 3), stack(300, 100, 200, 3)
    lower = stack(50, 300, 200, 3), stack(300, 300, 200, 3)
    expected: list[Box] = [heading, *upper[0], *upper[1], middle, *lower[0], *lower[1], end]
    mixed = random.Random(3).sample(expected, len(expected))
    assert [mixed[i] for i in reading_order(mixed)] == expected


def test_three_columns() -> None:
    expected = stack(40, 100, 150, 6) + stack(220, 100, 150, 6) + stack(400, 100, 150, 6)
    mixed = random.Random(5).sample(expected, len(expected))
    assert [mixed[i] for i in reading_order(mixed)] == expected


def test_a_date_beside_a_long_column_is_read_at_its_height() -> None:
    column, date = stack(50, 100, 350, 8), (440, 202, 500, 214)
    found = [[*column, date][i] for i in reading_order([*column, date])]
    assert found == [*column[:3], date, *column[3:]] or found == [*column[:2], date, *column[2:]]


def test_a_sidebar_is_a_column() -> None:
    sidebar, column = stack(40, 100, 100, 8), stack(180, 100, 350, 8)
    mixed = [box for pair in zip(column, sidebar, strict=True) for box in pair]
    assert [mixed[i] for i in reading_order(mixed)] == sidebar + column


def test_numbers_of_cards_tell_rows_from_columns() -> None:
    boxes = [box for row in range(3) for x in (50, 300) for box in stack(x, 100 + 150 * row, 200, 1, 90)]
    by_rows = [f"{n}. card" for n in range(1, 7)]
    by_columns = [f"{n}. card" for n in (1, 4, 2, 5, 3, 6)]
    assert reading_order(boxes, by_rows) == [0, 1, 2, 3, 4, 5]
    assert reading_order(boxes, by_columns) == [0, 2, 4, 1, 3, 5]
    assert reading_order(boxes) == [0, 2, 4, 1, 3, 5]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_boxes(count: int) -> None:
    assert reading_order(stack(50, 100, 100, count)) == list(range(count))


def tangled(name: str, count: int) -> list[Box]:
    chance = random.Random(name)
    if name == "scattered":
        corners = [(chance.random() * 600, chance.random() * 800) for _ in range(count)]
        return [(x, y, x + chance.random() * 60, y + chance.random() * 20) for x, y in corners]
    if name == "nested":
        return [(n, n, 6000 - n, 6000 - n) for n in range(count)]
    if name == "peeled":
        return [(n * 10, n * (15 if n % 2 else 20), n * 10 + 6, 800 * n) for n in range(count)]
    if name == "columns":
        return [(n % 2 * 300, n // 2 * 20, n % 2 * 300 + 250, n // 2 * 20 + 10) for n in range(count)]
    return [(float("nan"), n, float("inf"), -n) for n in range(count)]


@pytest.mark.parametrize("name", ["scattered", "nested", "peeled", "columns", "no numbers"])
@pytest.mark.parametrize("count", [150, 5000])
def test_hostile_pages_end_and_lose_nothing(name: str, count: int) -> None:
    texts = [f"{n % 97}. text" for n in range(count)]
    begun = time.process_time()
    assert sorted(reading_order(tangled(name, count), texts)) == list(range(count))
    assert time.process_time() - begun < 3
