"""Regular expressions of the web process: none takes more than linear time, whatever text it is given.

A pattern that must be slow belongs into a worker (``parsing``), which has a time limit. One that the analysis
does not understand is written into ``ALLOWED``, with the reason why its text is short.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gradio_app
from tests.patterns import slow

HOUSE = Path(gradio_app.__file__).parent
#: packages that run elsewhere: in workers, or by hand
ELSEWHERE = ("parsing", "commands", "workers/main.py", "__main__.py")
FUNCTIONS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
#: module and pattern as they are written -> why it may stay
ALLOWED: dict[tuple[str, str], str] = {
    (
        "gradio_app.web.watch_folder.beneath",
        "f'{re.escape(_PRIVATE)}[0-9a-f]{{16}}'",
    ): "letters, for a whole name of a file",
    ("gradio_app.store.search_text", "f'[{_RUN}]'"): "one character",
    ("gradio_app.store.search_text", "re.escape(self.run)"): "characters",
    (
        "gradio_app.store.search_text",
        "f'[{_RUN}]+|[^\\\\W_{_RUN}]+'",
    ): "two sets that share no character, each taken as far as it goes",
    (
        "gradio_app.store.search_text",
        "f'(?<![^\\\\W_]){words}' + ('' if self.open else '(?![^\\\\W_])')",
    ): "words of a query as they are, of 64 letters at most, with other signs between them",
    **dict.fromkeys(
        (
            ("gradio_app.web.compat.json_check", written)
            for written in (
                "_SPACE + b'(?:' + _PLAIN + b'|' + _LIST + b')' + _SPACE",
                "_SPACE + _STRING + _SPACE + b':'",
                "_SPACE + b'([\\\\[\\\\]{},])' + _SPACE",
                "_SPACE",
            )
        ),
        "possessive: nothing is given back, and each is matched at one place",
    ),
}
#: the same -> the table of the module that the pattern comes from
TABLES = {("gradio_app.model_server.log_diagnosis", "pattern"): "_CAUSES"}


@pytest.mark.parametrize(
    "pattern",
    [
        r"!\[[^\]]*\]\([^)]*\)",  # what searching used: 240 KB of ``![](`` stopped the server for 8 s
        r"(a+)+$",
        r"(a|a)*b",
        r"(a|ab|b)*c",
        r"(\w+\s?)*;",
        r"(a?b?)*c",
        r"(.*,){2,}x",
        r".*a.*b",
        r"\s+$",
        r"\s*\n",
        r"<!--.*?-->",
        r"(?s)\$\$.*?\$\$",
        r"^\s*\s*x",
        r"[ab]*[bc]*d",
        r"(?=a*b)a",
        r"(\d+\.?)+x",
        r"\d+\b",
        r"a+(?=b)",
        r"a{1,2000}a{1,2000}b",
    ],
)
def test_slow_patterns_are_known(pattern: str) -> None:
    assert slow(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"</?[a-zA-Z][^<>]*>",
        r"(?m)^\|.*\|$",
        r"\d+",
        r"[\\/]",
        r"^\s*(?:\w+\.)*\w*(?:Error|Exception)\b: .+",
        r"[A-Za-z0-9._-]{1,64}",
        r"KEY|TOKEN",
        r"=\?([A-Za-z0-9_-]{1,40})\?([BbQq])\?([^? ]*)\?=",
        r"\$\{(\w+)(?::-([^${}]*))?\}",
    ],
)
def test_linear_patterns_are_known(pattern: str) -> None:
    assert not slow(pattern)


@pytest.mark.parametrize("pattern", [r"\s*(\d+)\s*", r"(-?\d+)|(\d+)([KM]i)", r"(?:,\d)*,", r"[a-z]+"])
def test_a_pattern_for_a_whole_text_begins_once(pattern: str) -> None:
    assert not slow(pattern, searched=False)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Calls of ``re`` in a file, with the name of the function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = node.func
            if isinstance(called.value, ast.Name) and called.value.id == "re" and called.attr in FUNCTIONS:
                yield called.attr, node


def patterns_of(module: Any, node: ast.expr) -> list[Any]:
    """The patterns that an expression stands for; empty when only running the program could tell."""
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, ast.Name) and isinstance(found := getattr(module, node.id, None), str | bytes):
        return [found]
    return []


def used_whole(module: Any, path: Path, found: str) -> bool:
    """Whether a compiled pattern is only ever asked for at the beginning of a text."""
    compiled = {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}
    names = [name for name, value in compiled.items() if value.pattern == found]
    text = path.read_text("utf-8")
    uses = {use for name in names for use in re.findall(rf"\b{name}\.(\w+)", text)}
    passed = any(re.search(rf"\b{name}\b(?!\.| =)", text) for name in names)
    return bool(names) and not passed and bool(uses) and uses <= {"match", "fullmatch"}


def files() -> list[Path]:
    names = {path: path.relative_to(HOUSE).as_posix() for path in HOUSE.rglob("*.py")}
    return sorted(path for path, name in names.items() if not name.startswith(ELSEWHERE))


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_every_pattern_is_linear(path: Path) -> None:
    found = list(calls(path))
    if not found:
        return
    name = ".".join(("gradio_app", *path.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__")
    module = importlib.import_module(name)
    for function, call in found:
        written = ast.unparse(call.args[0])
        if (name, written) in ALLOWED:
            continue
        table = TABLES.get((name, written))
        patterns = list(getattr(module, table)) if table else patterns_of(module, call.args[0])
        assert patterns, f"{name}: re.{function}({written}): no constant; see ALLOWED"
        flags = 0
        for extra in [*call.args[1:], *(each.value for each in call.keywords)]:
            if "re." in ast.unparse(extra):
                flags |= eval(ast.unparse(extra), {"re": re})
        for pattern in patterns:
            whole = function in ("match", "fullmatch") or (
                function == "compile" and used_whole(module, path, pattern)
            )
            reason = slow(pattern, flags, searched=not whole)
            assert not reason, f"{name}: {pattern!r}: {reason}"
