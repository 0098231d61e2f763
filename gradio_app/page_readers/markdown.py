"""Markdown of a whole page as what is on it: for models that tell of no boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gradio_app.base.page_readers import LOST, Found

#: a formula in lines of its own; markdown-it takes its backslashes for escapes
_FORMULA = re.compile(r"^[ \t]*(?:\$\$|\\\[)[ \t]*$")
_FORMULA_END = re.compile(r"^[ \t]*(?:\$\$|\\\])[ \t]*$")
_ONE_LINE = re.compile(r"^[ \t]*(?:\$\$[^$]{1,5000}\$\$|\\\[.{1,5000}\\\])[ \t]*$")
_PICTURE = re.compile(r"^[ \t]*!\[[^\]]{0,500}\]\([^)]{0,500}\)[ \t]*$")
_TABLE = re.compile(r"<table\b", re.IGNORECASE)
#: tokens of a page, and how deep lists may stand in one another
_MOST_TOKENS = 20_000


def blocks_of(text: str) -> list[Found]:
    """Headings, items, tables, formulas, code and paragraphs, in their order, and pictures without a box."""
    return list(_blocks(text))


def _blocks(text: str) -> Iterator[Found]:
    lines = text.splitlines()
    plain: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if _ONE_LINE.match(line):
            yield from _parsed(plain)
            plain = []
            yield Found("equation", line.strip())
        elif _FORMULA.match(line):
            end = next((n for n in range(at + 1, len(lines)) if _FORMULA_END.match(lines[n])), len(lines))
            yield from _parsed(plain)
            plain = []
            yield Found("equation", "\n".join(lines[at + 1 : end]))
            at = end
        else:
            plain.append(line)
        at += 1
    yield from _parsed(plain)


def _parsed(lines: list[str]) -> Iterator[Found]:
    """Plain Markdown, by a parser that knows tables and HTML."""
    if not any(line.strip() for line in lines):
        return
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table").parse("\n".join(lines))
    end = 0
    items: list[str] = []
    if len(tokens) > _MOST_TOKENS:
        yield LOST
    for token in tokens[:_MOST_TOKENS]:
        if token.type == "list_item_open":
            items.append(f"{token.info}. " if token.info else "- ")
        elif token.type == "list_item_close" and items:
            items.pop()
        if token.map is None or token.map[0] < end:
            continue
        found = _found(token, lines, items)
        if found is not None:
            end = token.map[1]
            yield found


def _found(token: Any, lines: list[str], items: list[str]) -> Found | None:
    source = "\n".join(lines[token.map[0] : token.map[1]])
    if token.type == "heading_open":
        return Found("doc_title" if token.tag == "h1" else "paragraph_title", source.strip())
    if token.type == "table_open":
        return Found("table", source)
    if token.type in ("fence", "code_block"):
        return Found("code", token.content)
    if token.type == "html_block":
        return Found("table" if _TABLE.search(source) else "text", source)
    if token.type == "inline":
        if _PICTURE.match(token.content):
            return Found("image")
        return Found("list_item", items[-1] + token.content) if items else Found("text", token.content)
    return None
