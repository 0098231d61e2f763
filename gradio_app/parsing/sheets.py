"""Large sheets in a form of our own: JSON, a line a row. MinerU, which needs minutes for them, is not asked.

The first line is what the file was and how it was made. A line with a text begins a sheet of that name;
with a list it is a row of its cells, with null an end of a table, with ``{"text"}`` a paragraph.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import html
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, cast


def write(out: Path, kind: str, lines: Iterable[str | Sequence[str] | dict[str, str] | None]) -> None:
    """Writes lines as above for a file of type ``kind``."""
    with out.open("w", encoding="utf-8", errors="replace") as file:
        for line in chain([{"kind": kind}], lines, [None]):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read(path: Path) -> Any:
    """MinerU's model of a document: a page a sheet, with its name as a heading."""
    from docvortex.schema import DocumentProperties
    from mineru.backend.analysis.contracts import AnalysisResult
    from mineru.backend.analyze import _build_model_json  # pyright: ignore[reportPrivateUsage]

    with path.open(encoding="utf-8") as file:
        kind = str(json.loads(file.readline())["kind"])
        pages = list(_pages(json.loads(line) for line in file))
    result = AnalysisResult(model_list=pages or [[]], effort="flash", parse_mode="txt", elapsed=0.0)
    return _build_model_json(result, cast(Any, kind), None, DocumentProperties())


def _pages(lines: Iterator[Any]) -> Iterator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] | None = None
    table: io.StringIO | None = None
    for line in lines:
        if isinstance(line, list):
            tag = "td" if table else "th"
            table = table or io.StringIO()
            table.write(_row(cast(list[str], line), tag))
            continue
        if table is not None and page is not None:
            page.append({"type": "table", "content": f"<table>{table.getvalue()}</table>"})
        table = None
        if isinstance(line, str):
            if page is not None:
                yield page
            page = [_text("paragraph_title", line, level=2)] if line else []
        elif isinstance(line, dict) and page is not None:
            page.append(_text("text", str(cast(dict[str, str], line)["text"])))
    if page is not None:
        yield page


def _text(kind: str, text: str, **more: Any) -> dict[str, Any]:
    from docvortex.content.spans import text_spans

    return {"type": kind, "content": text_spans(text), **more}


def _row(cells: Sequence[str], tag: str) -> str:
    inside = "".join(f"<{tag}>{html.escape(cell, quote=False)}</{tag}>" for cell in cells)
    return f"<tr>{inside}</tr>"
