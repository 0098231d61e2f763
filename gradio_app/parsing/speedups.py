"""Speedups inside MinerU: remembered values, and a late import. The results are the same.

Each patch of docvortex, MinerU's reader of PDF, is left out where a newer version has no such place any more.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

from gradio_app.parsing.plain_tables import plain_table

#: different characters that are remembered
_CHARACTERS = 20_000
#: what an inspection asks of each character, in loops: two thirds of its time for a text PDF
ASKED_IN_INSPECTION = ("_get_cross_script_name", "_is_cjk_text_char")
#: where each character of a page is matched with an expression, several times: 7,000 to 13,000 calls a page
MATCHING_CHARACTERS = ("graphics", "pipeline", "table_filled_grid", "table_materialization")
#: backslashes from the first of them on, and a character that they may escape
_MARKDOWN = re.compile(r"(?<!\\)(\\*)([*_`~$])")

#: MinerU's one module that imports openai, for titles made by a language model elsewhere (off as shipped)
_OPENAI_CLIENT = "mineru.backend.postprocess.llm_client"

_remembered = lru_cache(_CHARACTERS)(re.fullmatch)


def _fullmatch(pattern: Any, string: str, flags: int = 0) -> re.Match[str] | None:
    return _remembered(pattern, string, flags) if len(string) < 2 else re.fullmatch(pattern, string, flags)


def escape(content: str) -> str:
    """Puts a backslash before characters that mean something in Markdown and are not escaped yet.

    Step by step, as docvortex does it, this is a quarter of what joining a long document computes.
    """
    return _MARKDOWN.sub(lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\{found[2]}", content)


@cache
def for_inspection() -> None:
    """Call it before a PDF is inspected."""
    from docvortex.document.pdf import classify

    for name in ASKED_IN_INSPECTION:
        if (plain := getattr(classify, name, None)) is not None:
            setattr(classify, name, lru_cache(_CHARACTERS)(plain))


@cache
def for_pages() -> None:
    """Call it before pages of a PDF are read at tier flash."""
    quick = SimpleNamespace(**{**vars(re), "fullmatch": _fullmatch})
    for name in MATCHING_CHARACTERS:
        try:
            module: Any = import_module(f"docvortex.analyzers.native.pdf.{name}")
        except ImportError:
            continue
        if getattr(module, "re", None) is re:
            module.re = quick


@cache
def for_markdown() -> None:
    """Call it before Markdown is written."""
    from docvortex.render._internal.markdown import blocks, inline, table

    if hasattr(inline, "escape_conservative_markdown_text"):
        inline.escape_conservative_markdown_text = escape
    if hasattr(blocks, "render_html_table") and hasattr(table, "_escape_cell_text"):
        blocks.render_html_table = _quick_table(blocks.render_html_table, table)


def _quick_table(full: Callable[..., str | None], table: Any) -> Callable[..., str | None]:
    """docvortex's way to write a table, but for those that ``plain_table`` knows."""

    def render(content: str, **options: Any) -> str | None:
        return plain_table(content, table._escape_cell_text) or full(content, **options)

    return render


def postpone_openai() -> None:
    """Keeps openai out of this process until MinerU makes a client of it.

    Its import is nearly half of what the first document of a process computes, and 50 MB.
    """
    if _OPENAI_CLIENT in sys.modules or "openai" in sys.modules:
        return
    stand_in: Any = ModuleType("openai")
    stand_in.AsyncOpenAI = _client
    sys.modules["openai"] = stand_in
    try:
        import_module(_OPENAI_CLIENT)
    finally:
        del sys.modules["openai"]


def _client(**options: Any) -> Any:
    return import_module("openai").AsyncOpenAI(**options)
