"""The rules of the house: who may import whom, which library belongs to which package, how long a file is."""

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

#: package or top module of gradio_app -> those that it may import, beside its own modules
ALLOWED = {
    part: set(others.split())
    for part, others in {
        "__main__": "app commands web base",
        "app": "web",
        "base": "",
        "page_readers": "base",
        "store": "base",
        "machine": "base",
        "parsing": "base",
        "model_server": "machine base",
        "engine": "model_server base",
        "workers": "engine parsing model_server machine base",
        "queue": "workers model_server store base",
        "cleanup": "store base",
        "task_manager": "cleanup queue workers engine store base",
        "web": "task_manager workers engine model_server store machine base",
        "commands": "web queue workers engine model_server parsing machine store base",
    }.items()
}
#: the only modules that may import ``parsing``: the inside of a worker, and the command that fetches weights
IN_WORKERS = ("gradio_app.workers.main", "gradio_app.commands.models")

#: library -> the only packages that may import it
LIBRARIES: dict[str, tuple[str, ...]] = {
    "gradio": ("web.ui",),
    "mineru": ("parsing",),
    "docvortex": ("parsing",),
    "docling_core": ("parsing",),
    "pikepdf": ("parsing",),
    "cryptography": ("store",),
    "msoffcrypto": ("parsing.prepare.office",),
    "pi_heif": ("parsing",),
    "markdown_it": ("parsing", "page_readers"),
    "litserve": ("commands.api",),
    "aiohttp": ("commands.api",),
    "ray": ("workers.cluster",),
    "fastapi": ("web", "commands.api"),
    "starlette": ("web", "commands.api"),
    "uvicorn": ("web", "commands.api"),
    "sglang": (),
    "torch": (),
}


def module_name(path: Path, root: Path = ROOT) -> str:
    """``gradio_app/api/__init__.py`` -> ``gradio_app.api``."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_name(path): path for path in sorted(HOUSE.rglob("*.py"))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in PATHS.items()}


def part_of(module: str) -> str:
    """``gradio_app.web.api.tasks`` -> ``web``: the row of ``ALLOWED`` that a module belongs to."""
    return [*module.split("."), ""][1]


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


def forbidden(module: str, source: str) -> list[str]:
    """Imports of our own that the table does not allow, in words."""
    here = part_of(module)
    return [
        f"{module}, line {line}: {target}"
        for line, target in imports(module, source)
        if target.startswith("gradio_app.")
        and (there := part_of(target)) != here
        and (there not in ALLOWED[here] or (there == "parsing" and module not in IN_WORKERS))
    ]


def strangers(module: str, source: str) -> list[str]:
    """Imports of libraries that belong elsewhere, in words."""
    return [
        f"{module}, line {line}: {target} may be imported by {' and '.join(owners) or 'nobody'} only"
        for line, target in imports(module, source)
        if (owners := LIBRARIES.get(target.split(".")[0])) is not None
        and not any(f"{module}.".startswith(f"gradio_app.{owner}.") for owner in owners)
    ]


def test_every_package_has_a_row() -> None:
    parts = {part_of(module) for module in SOURCES} - {""}
    assert parts == ALLOWED.keys()
    assert len(list(HOUSE.glob("*.py"))) <= 8


def test_imports_are_those_of_the_table() -> None:
    assert [
        fault for module, source in SOURCES.items() if part_of(module) for fault in forbidden(module, source)
    ] == []


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
        "from gradio_app.web.api import show",
        "from ..queue import intake",
        "def late():\n    from gradio_app.cleanup import sweep",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gradio_app.web.ui import mount",
        "import importlib\nimportlib.import_module('gradio_app.workers.pool')",
    ],
)
def test_a_forbidden_import_is_seen(source: str) -> None:
    assert len(forbidden("gradio_app.store.listing", source)) == 1


def test_an_allowed_import_is_fine() -> None:
    source = "from gradio_app.base import clock\nfrom gradio_app import __version__\nfrom .task import Task"
    assert forbidden("gradio_app.store.listing", source) == []


def test_parsing_is_imported_inside_workers_only() -> None:
    assert len(forbidden("gradio_app.workers.pool", "from gradio_app.parsing import JOBS")) == 1
    assert forbidden("gradio_app.workers.main", "from gradio_app import parsing") == []


def test_a_library_in_the_wrong_package_is_seen() -> None:
    source = "import gradio as gr\nfrom mineru.cli import x\nimport torch"
    assert len(strangers("gradio_app.app", source)) == 3
    assert len(strangers("gradio_app.web.server", source)) == 3
    assert strangers("gradio_app.web.ui.page", "import gradio\nimport gradio_app.web.api") == []
