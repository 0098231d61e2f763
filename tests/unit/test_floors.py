"""The house rules: imports point down, libraries stay where they belong, files stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "gradio_app"
MOST_LINES = 400

#: module or package of gradio_app -> its floor; an import goes to a lower one, or stays in its package
FLOORS = {
    "__init__": 0,
    "errors": 0,
    "settings": 1,
    "sglang_flags": 1,
    "states": 1,
    "limits": 1,
    "origin": 1,
    "users": 1,
    "audit": 1,
    "credentials": 2,
    "sign_in_page": 2,
    "sign_in": 3,
    "tether": 1,
    "backend": 1,
    "child": 1,
    "clock": 1,
    "quick_start": 1,
    "jail": 1,
    "sglang_install": 2,
    "sglang_log": 2,
    "model_api": 2,
    "backoff": 2,
    "leases": 2,
    "model_server": 3,
    "engine": 4,
    "recovery": 7,
    "remote_server": 3,
    "mps": 3,
    "sglang_server": 4,
    "backends": 5,
    "card_watch": 5,
    "archive": 2,
    "gpu": 2,
    "weights": 2,
    "folders": 2,
    "logs": 2,
    "profiles": 2,
    "schedule": 2,
    "schema": 2,
    "task": 2,
    "parsing": 3,
    "store": 4,
    "workers": 6,
    "cleanup": 5,
    "database": 3,
    "history": 3,
    "listing": 3,
    "store_reading": 3,
    "durable": 3,
    "joining": 8,
    "second_reading": 9,
    "trouble": 2,
    "fetch_models": 4,
    "jobs": 7,
    "seen": 8,
    "ledger": 5,
    "worker": 4,
    "dispatch": 9,
    "intake": 9,
    "looking": 9,
    "task_manager": 10,
    "auth": 8,
    "metrics": 11,
    "uploads": 11,
    "watch_folder": 12,
    "connections": 8,
    "api": 12,
    "ui": 13,
    "server": 14,
    "app": 15,
    "__main__": 16,
    "doctor": 15,
    "monitor": 15,
    "serve_sglang": 15,
    "join_cluster": 15,
    "multi_gpu": 15,
}

#: parts of several modules, which may import each other
PACKAGES = ("api", "multi_gpu", "parsing", "ui", "workers")

#: library -> the only part that may import it
LIBRARIES: dict[str, str | None] = {
    "gradio": "ui",
    "mineru": "parsing",
    "docvortex": "parsing",
    "litserve": "multi_gpu",
    "aiohttp": "multi_gpu",
    "ray": "workers",
    "sglang": None,
    "torch": None,
}


def module_name(path: Path, root: Path = ROOT) -> str:
    """``gradio_app/api/__init__.py`` -> ``gradio_app.api``."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_name(path): path for path in sorted(HOUSE.rglob("*.py"))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in PATHS.items()}


def part_of(module: str) -> str:
    """``gradio_app.api.tasks`` -> ``api``: the row of ``FLOORS`` that a module belongs to."""
    return [*module.split("."), "__init__"][1]


@cache
def imports(module: str, source: str) -> list[tuple[int, str]]:
    """Line and full name of everything a module imports, also inside functions and by name."""
    return list(_imports(module, source))


parsed = cache(ast.parse)


def nodes(source: str) -> Iterator[ast.AST]:
    """Whatever may import: all statements, and all expressions where a name for that is in them."""
    if "import_module" in source or "__import__" in source:
        yield from ast.walk(parsed(source))
        return
    waiting: list[ast.AST] = [parsed(source)]
    while waiting:
        node = waiting.pop()
        yield node
        for blocks in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, blocks, [])
            waiting += inner if isinstance(inner, list) else []


def _imports(module: str, source: str) -> Iterator[tuple[int, str]]:
    package = module if PATHS.get(module, Path()).name == "__init__.py" else module.rpartition(".")[0]
    for node in nodes(source):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if inner in PATHS else base
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "importlib.import_module",
            "import_module",
            "__import__",
        ):
            target = node.args[0] if node.args else None
            if isinstance(target, ast.Constant) and isinstance(target.value, str):
                yield node.lineno, target.value


def upward(module: str, source: str) -> list[str]:
    """Imports of our own that do not point down, in words."""
    here = part_of(module)
    found: list[str] = []
    for line, target in imports(module, source):
        there = part_of(target)
        inside = there == here and target != module and here in PACKAGES
        if target.split(".")[0] != "gradio_app" or inside:
            continue
        if there in FLOORS and here in FLOORS and FLOORS[there] >= FLOORS[here]:
            found.append(
                f"{module}, line {line}: {target} (floor {FLOORS[there]}) is not below floor {FLOORS[here]}"
            )
    return found


def strangers(module: str, source: str) -> list[str]:
    """Imports of libraries that belong elsewhere, in words."""
    return [
        f"{module}, line {line}: {target} may be imported by {LIBRARIES[library] or 'nobody yet'} only"
        for line, target in imports(module, source)
        if (library := target.split(".")[0]) in LIBRARIES and LIBRARIES[library] != part_of(module)
    ]


def test_every_module_has_a_floor() -> None:
    parts = {part_of(module) for module in SOURCES}
    assert sorted(parts - FLOORS.keys()) == [], "new modules: give them a floor in FLOORS"
    assert sorted(FLOORS.keys() - parts) == [], "these modules are gone: take them out of FLOORS"


def test_imports_point_down() -> None:
    assert [fault for module, source in SOURCES.items() for fault in upward(module, source)] == []


def test_no_import_leads_back_to_where_it_began() -> None:
    graph = {
        module: {target for _, target in imports(module, source) if target in PATHS and target != module}
        for module, source in SOURCES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports run in a circle: {' <- '.join(error.args[1])}")


def test_libraries_stay_in_their_part() -> None:
    assert [fault for module, source in SOURCES.items() for fault in strangers(module, source)] == []


def test_every_module_says_what_it_owns() -> None:
    assert [name for name, source in SOURCES.items() if not ast.get_docstring(parsed(source))] == []


def test_files_stay_small() -> None:
    paths = [*HOUSE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in paths}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import gradio_app.app",
        "from gradio_app import task_manager",
        "from gradio_app.api import show",
        "from gradio_app.store import Store",
        "from .store import Store",
        "from . import ledger",
        "def late():\n    from gradio_app.cleanup import sweep",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gradio_app.ui import mount",
        "import importlib\nimportlib.import_module('gradio_app.jobs')",
    ],
)
def test_an_import_that_points_up_is_seen(source: str) -> None:
    assert len(upward("gradio_app.store", source)) == 1


def test_an_import_that_points_down_or_stays_in_its_package_is_fine() -> None:
    assert upward("gradio_app.store", "from gradio_app import schedule, __version__\nimport gradio") == []
    assert upward("gradio_app.api.tasks", "from gradio_app.api.access import show") == []


def test_a_library_in_the_wrong_part_is_seen() -> None:
    assert (
        len(strangers("gradio_app.app", "import gradio as gr\nfrom mineru.cli import x\nimport torch")) == 3
    )
    assert strangers("gradio_app.ui.page", "import gradio\nimport gradio_app.api") == []
