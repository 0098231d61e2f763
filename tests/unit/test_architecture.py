"""The picture of the packages is true: all modules stand in it, its arrows are imports and point down."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest

from tests.unit.test_imports import ALLOWED, PATHS, ROOT, SOURCES, imports, part_of


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


def test_it_shows_every_package_and_every_module(drawing: ModuleType) -> None:
    picture = drawing.picture()
    assert re.findall(r'<text class="package"[^>]*>(\w+)<', picture) == list(drawing.Picture().boxes)
    assert drawing.Picture().boxes.keys() == ALLOWED.keys()
    shown = " ".join(re.findall(r"<text x=[^>]*>([^<]*)<", picture)).split()
    inside = {tuple(name.split(".")[1:3]) for name in PATHS if name.count(".") > 1}
    assert sorted(word.rstrip("/") for word in shown) == sorted(module for _, module in inside)


def test_no_box_lies_over_another(drawing: ModuleType) -> None:
    boxes = list(drawing.Picture().boxes.values())
    for number, one in enumerate(boxes):
        assert one.x + one.wide <= drawing.WIDTH
        for other in boxes[number + 1 :]:
            beside = one.x + one.wide <= other.x or other.x + other.wide <= one.x
            assert beside or one.y + one.high <= other.y, (one.package, other.package)


def test_each_arrow_is_an_import_and_points_down(drawing: ModuleType) -> None:
    found = {
        (part_of(module), part_of(target))
        for module, source in SOURCES.items()
        for _, target in imports(module, source)
        if target.startswith("gradio_app")
    }
    # the command line loads modes by their names
    found |= {("__main__", "app"), ("__main__", "commands")}
    assert [arrow for arrow in drawing.ARROWS if arrow not in found] == []
    assert all(drawing.level(start) > drawing.level(end) for start, end in drawing.ARROWS)


def test_the_way_is_told_in_the_order_of_its_numbers(drawing: ModuleType) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    told = re.findall(r"^\d+\. `(\w+)`", text, re.MULTILINE)
    assert told == list(drawing.STEPS)


def test_each_package_is_described(drawing: ModuleType) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)`", text, re.MULTILINE)
    assert set(rows) >= ALLOWED.keys() - {"__main__", "app"}
