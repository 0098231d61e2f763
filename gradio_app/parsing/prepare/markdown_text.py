"""Markdown and notebooks: the page that they describe; formulas between dollars stay formulas."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, cast

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from gradio_app.base.errors import FileCorrupt
from gradio_app.parsing.prepare.plain_text import code, read, written
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: what stands between two lines of three dashes at the very beginning
_FRONT = re.compile(r"\A---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
#: as pandoc has it: no space inside, no digit behind
_INLINE = re.compile(r"\$(?![\s$])((?:[^$\\\n]|\\.|\n(?!\s*\n)){1,2000}?)(?<![\s\\])\$(?!\d)")
_DISPLAY = re.compile(r"\$\$((?:[^$\\]|\\.){1,20000}?)\$\$")
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def prepare_markdown(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    prepared = Prepared()
    text = read(source, prepared)
    page = page_of(text)
    if _letters(re.sub(r"</?\w+", "", page)) < 0.9 * _letters(text):
        page = code(text, "markdown")  # nested so deeply, or so strange, that parts of it would be lost
    return written(page, out, wanted, prepared)


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def prepare_notebook(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """Cells of a notebook: text, code, and what the code gave. See ``prepare.prepare``."""
    prepared = Prepared()
    try:
        notebook = json.loads(read(source, prepared))
    except (ValueError, RecursionError) as error:
        raise FileCorrupt() from error
    if not isinstance(notebook, dict):
        raise FileCorrupt()
    return written("\n".join(_cells(cast("dict[str, Any]", notebook))), out, wanted, prepared)


def page_of(text: str) -> str:
    """The body of a page that Markdown describes."""
    front = _FRONT.match(text)
    if front is None:
        return _markdown().render(text)
    return f"{code(front[1], 'yaml')}\n{_markdown().render(text[front.end() :])}"


@cache
def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": True, "maxNesting": 100}).enable(["table", "strikethrough"])
    made.inline.ruler.before("escape", "formula", _inline_formula)
    made.block.ruler.before("fence", "formula", _block_formula, {"alt": ["paragraph"]})
    for name in ("formula", "formula_block"):
        made.add_render_rule(name, _rendered)
    return made


def _inline_formula(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "$":
        return False
    found = _DISPLAY.match(state.src, state.pos) or _INLINE.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.meta = found[1].strip(), {"block": found[0].startswith("$$")}
    state.pos = found.end()
    return True


def _block_formula(state: StateBlock, line: int, last: int, silent: bool) -> bool:
    """A formula between two dollars on lines of its own."""
    begin = state.bMarks[line] + state.tShift[line]
    if not state.src.startswith("$$", begin):
        return False
    for end in range(line, last):
        stop = state.eMarks[end]
        text = state.src[begin + 2 : stop].rstrip()
        if (end > line or len(text) > 2) and state.src[state.bMarks[end] : stop].rstrip().endswith("$$"):
            break
        if end > line and state.isEmpty(end):
            return False
    else:
        return False
    if not silent:
        token = state.push("formula_block", "math", 0)
        token.content, token.meta = text.removesuffix("$$").strip(), {"block": True}
        state.line = end + 1
    return True


def _rendered(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    display = "block" if token.meta["block"] else "inline"
    formula = escape(str(token.content).replace("\n", " "))
    shown = f'<math data-docvortex-latex="{formula}" data-formula-display="{display}"'
    return f'{shown} display="{display}"></math>' + ("\n" if token.type == "formula_block" else "")


# ------------------------------------------------------------ notebooks


def _cells(notebook: dict[str, Any]) -> Iterator[str]:
    metadata = _dict(notebook.get("metadata"))
    language = str(
        _dict(metadata.get("language_info")).get("name")
        or _dict(metadata.get("kernelspec")).get("language")
        or "python"
    )
    language = language if re.fullmatch(r"[\w+#.-]{1,20}", language) else ""
    sheets = [_dict(sheet) for sheet in _list(notebook.get("worksheets"))]  # as they were before 2014
    listed = _list(notebook.get("cells")) + [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    for each in listed:
        cell = _dict(each)
        text = _text(cell.get("source") or cell.get("input"))
        kind = cell.get("cell_type")
        if kind == "code":
            if text.strip():
                yield code(text, language)
            for output in _list(cell.get("outputs")):
                yield from _output(_dict(output))
        elif kind == "heading":
            yield page_of(f"{'#' * min(int(cell.get('level') or 1), 6)} {text}")
        elif kind == "raw":
            yield code(text)
        else:
            yield page_of(_with_attachments(text, _dict(cell.get("attachments"))))


def _output(output: dict[str, Any]) -> Iterator[str]:
    """What a cell gave: its best form, as a notebook shows it."""
    if output.get("output_type") == "stream":
        yield code(_COLORS.sub("", _text(output.get("text"))))
        return
    if output.get("output_type") in ("error", "pyerr"):
        yield code(_COLORS.sub("", "\n".join(_text(line) for line in _list(output.get("traceback")))))
        return
    data = _dict(output.get("data"))
    picture = next((name for name in _PICTURES if data.get(name)), "")
    if picture:
        yield f'<p><img src="data:{picture};base64,{"".join(_text(data[picture]).split())}"></p>'
    elif "<table" in (page := _text(data.get("text/html"))):
        yield page
    elif text := _text(data.get("text/markdown")) or _text(data.get("text/latex")):
        yield page_of(text)
    elif text := _text(data.get("text/plain") or output.get("text")):
        yield code(_COLORS.sub("", text))


def _with_attachments(text: str, attachments: dict[str, Any]) -> str:
    """Pictures that are in the cell itself stand where it names them."""
    for name, forms in attachments.items():
        for kind, data in _dict(forms).items():
            if kind in _PICTURES and isinstance(data, str):
                text = text.replace(f"(attachment:{name})", f"(data:{kind};base64,{''.join(data.split())})")
    return text


def _text(value: Any) -> str:
    """Lines, or one text."""
    if isinstance(value, list):
        return "".join(line for line in cast("list[Any]", value) if isinstance(line, str))
    return value if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
