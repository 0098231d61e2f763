"""The picture of the floors is true: its modules stand where they are, its arrows are imports."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest

from tests.unit.test_floors import FLOORS, ROOT, SOURCES, imports, part_of


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    """The script that draws it."""
    spec = importlib.util.spec_from_file_location("make_architecture", ROOT / "docs" / "make_architecture.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_up_to_date(drawing: ModuleType) -> None:
    assert drawing.TARGET.read_text("utf-8") == drawing.picture(), "modules have changed: make architecture"


def test_it_shows_every_module(drawing: ModuleType) -> None:
    shown = re.findall(r'<text class="module"[^>]*>(\w+)<', drawing.picture())
    assert sorted(shown) == sorted(FLOORS.keys() - {"__init__"})
    named = " ".join(drawing.COLUMNS.values()).split()
    assert sorted(set(named) - FLOORS.keys()) == [], "these are gone: take them out of COLUMNS"


def test_nothing_sticks_out_of_its_column(drawing: ModuleType) -> None:
    picture = drawing.Picture({name: floor for name, floor in FLOORS.items() if name != "__init__"})
    for name, (x, _, wide) in picture.chips.items():
        place = drawing.column(name)
        assert x + wide <= drawing.STARTS[place] + drawing.WIDTHS[place], name


def test_each_arrow_is_an_import_and_points_down(drawing: ModuleType) -> None:
    found = {
        (part_of(module), part_of(target))
        for module, source in SOURCES.items()
        for _, target in imports(module, source)
        if target.startswith("gradio_app")
    }
    assert [arrow for arrow in drawing.ARROWS if arrow not in found] == []
    assert all(FLOORS[start] > FLOORS[end] for start, end in drawing.ARROWS)


def test_the_way_is_told_in_the_order_of_its_numbers(drawing: ModuleType) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    told = re.findall(r"^\d+\. `(\w+)`", text, re.MULTILINE)
    assert told == list(drawing.STEPS)
