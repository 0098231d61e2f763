"""The table of twins in CONTRIBUTING.md: each long test is there, and beside it a quick one that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import TOGETHER

TESTS = Path(__file__).parents[1]
#: a file, or one test of it, as the table names it
NAME = re.compile(r"`((?:\w+/)+test_\w+\.py)(?:::(test_\w+))?`")


def rows() -> list[tuple[str, list[str], list[str]]]:
    """What must hold, the names beside it that are quick, and those that are long."""
    text = (TESTS.parent / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("| what must hold |")[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert all(len(row) == 3 for row in cells), "three columns"
    return [(what, names(quick), names(long)) for what, quick, long in cells]


def names(cell: str) -> list[str]:
    return [f"{file}::{test}" if test else file for file, test in NAME.findall(cell)]


def is_slow(node: ast.AST) -> bool:
    """Whether the marker is named in it."""
    return any(isinstance(part, ast.Attribute) and part.attr == "slow" for part in ast.walk(node))


@cache
def known_of(file: str) -> dict[str, tuple[bool, bool]]:
    """The tests of a file: whether all of it is long, and whether a part (some parameters) is."""
    body = ast.parse((TESTS / file).read_text("utf-8")).body
    whole = any(
        isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node.targets[0]) and is_slow(node)
        for node in body
    )
    found = dict[str, tuple[bool, bool]]()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            alone = any(ast.unparse(one) == "pytest.mark.slow" for one in node.decorator_list)
            text = "".join(map(ast.unparse, node.decorator_list))
            part = "mark.slow" in text or "first_then_long" in text
            found[node.name] = (whole or alone, whole or part)
    return found


ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_row_names_tests_that_exist_and_are_quick_or_long(row: tuple[str, list[str], list[str]]) -> None:
    what, quick, long = row
    assert what and quick and long
    for name in (*quick, *long):
        file, _, test = name.partition("::")
        assert (TESTS / file).is_file(), name
        assert not test or test in known_of(file), name
    for name in quick:
        file, _, test = name.partition("::")
        chosen = [known_of(file)[test]] if test else list(known_of(file).values())
        assert not chosen or not all(whole for whole, _ in chosen), f"{name} is not in make test"
    for name in long:
        file, _, test = name.partition("::")
        chosen = [known_of(file)[test]] if test else list(known_of(file).values())
        assert any(part for _, part in chosen), f"{name} is not in make test-all"


def test_each_long_test_has_a_row() -> None:
    told = {name for _, _, long in ROWS for name in long}
    missing = [
        f"{file}::{test}"
        for path in sorted(TESTS.rglob("test_*.py"))
        if path.parent.name != "gpu"  # they have a target of their own
        for file in [str(path.relative_to(TESTS))]
        for test, (_, part) in known_of(file).items()
        if part and file not in told and f"{file}::{test}" not in told
    ]
    assert missing == []


def test_files_that_must_not_meet_are_there() -> None:
    assert [file for file in TOGETHER if not (TESTS.parent / file).is_file()] == []
