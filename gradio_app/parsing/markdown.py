"""Markdown as MinerU writes it, mended: signs of a document stay signs, and anchors are those of links.

Each patch of docvortex, which writes it, is left out where a newer version has no such place any more.
"""

# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, cast

from gradio_app.parsing import speedups

_ANCHOR = re.compile(r'^<a id="([^"]*)"></a>\n', re.M)
_LINK = re.compile(r'(?:\]\(|href=")#([^)"\s]+)[)"]')
#: signs that act in pairs; a single one in a cell stays as it is, as in $5 or 5*
_PAIRED = re.compile(r"(?<!\\)((?:\\\\)*)([*`~$]|\b_|_\b)")
_QUOTE = re.compile(r"^([ \t]{0,3})>")


def without_idle_anchors(text: str, linked: frozenset[str] | None = None) -> str:
    """Without the anchors before headings that no link of the text, or of ``linked``, leads to."""
    if '<a id="' not in text:
        return text
    wanted = links_in(text) if linked is None else linked
    return _ANCHOR.sub(lambda found: found[0] if found[1] in wanted else "", text)


def links_in(text: str) -> frozenset[str]:
    """The anchors that links of a text lead to."""
    return frozenset(_LINK.findall(text))


@cache
def keep_signs() -> None:
    """Call it before Markdown is written: ``$5 and $6`` in a cell, ``[x](y)`` and ``> x`` stay literal."""
    from docvortex.render._internal.markdown import blocks, inline, table

    speedups.for_markdown()  # it puts its own functions there: first those, then what goes around them
    modules = cast("tuple[Any, Any, Any]", (blocks, inline, table))
    if escape_cell := getattr(table, "_escape_cell_text", None):
        modules[2]._escape_cell_text = _in_cells(escape_cell)
        modules[2]._render_inline_code = _of_code(escape_cell)
    if escape := getattr(inline, "escape_conservative_markdown_text", None):
        modules[1].escape_conservative_markdown_text = _then(escape, _without_links)
    if prefix := getattr(blocks, "escape_text_block_markdown_prefix", None):
        modules[0].escape_text_block_markdown_prefix = _then(prefix, _without_quote)


def _in_cells(escape: Callable[[str], str]) -> Callable[[str], str]:
    def escaped(text: str) -> str:
        found = escape(text)
        signs = [sign[2] for sign in _PAIRED.finditer(found)]
        acting = {sign for sign in signs if signs.count(sign) > 1} if len(signs) < 1000 else set(signs)
        if acting:
            found = _PAIRED.sub(lambda sign: f"{sign[1]}\\{sign[2]}" if sign[2] in acting else sign[0], found)
        return _without_links(found)

    return escaped


def _of_code(escape: Callable[[str], str]) -> Callable[[str], str]:
    """Code in cells as docvortex writes it: backslashes would be shown there."""

    def rendered(text: str) -> str:
        fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
        return f"{fence}{escape(text)}{fence}"

    return rendered


def _then(first: Callable[[str], str], second: Callable[[str], str]) -> Callable[[str], str]:
    @wraps(first)
    def both(text: str) -> str:
        return second(first(text))

    return both


def _without_quote(text: str) -> str:
    return _QUOTE.sub(r"\1\\>", text)


def _without_links(text: str) -> str:
    """``[x](y)`` that is text does not become a link."""
    return text.replace("](", "\\](") if "](" in text else text
