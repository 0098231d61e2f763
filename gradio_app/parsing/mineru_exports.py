"""Exports for clients of MinerU: middle JSON (``pdf_info``) and content list of 2 and 3, a list of 4.

Boxes are points from the top left corner, as they had them. A block is one line of spans here, as MinerU 4
keeps no lines.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gradio_app.parsing.error_translation import readable_errors

_Block = dict[str, Any]
#: what they kept apart from the text of a page; in their content list it came last
_ASIDE = frozenset({"header", "footer", "page_number", "aside_text", "page_footnote"})
_TITLES = frozenset({"doc_title", "paragraph_title"})
#: blocks of blocks: a body, captions and footnotes
_VISUAL = frozenset({"image", "table", "chart", "code"})
#: sides of a page of unknown size, which gives them the same thousandths as the content list has
_UNKNOWN = (1000.0, 1000.0)


def export_for_mineru(result: str, out: str, form: str, title: str) -> dict[str, Any]:
    """Writes the result folder ``result`` to ``out`` as ``middle2``, ``list2`` or ``structured`` (JSON)."""
    with readable_errors():
        name, made = _FORMS[form]
        found = made((Path(result) / name).read_text("utf-8"))
        return {"bytes": Path(out).write_text(json.dumps(found, ensure_ascii=False), "utf-8", "replace")}


def _structured(middle: str) -> Any:
    """MinerU 4's structured content, of its middle JSON as text."""
    from mineru.parser import ParseResult

    return ParseResult.from_json(middle).structured_content()


def middle_of(middle: dict[str, Any]) -> dict[str, Any]:
    """Their middle JSON for ours."""
    about, version = middle["metadata"], middle["metadata"]["producer"]["version"]
    layout: dict[str, Any] = middle.get("extensions", {}).get("docvortex_layout", {})
    sizes = {each["page_idx"]: (each["width_pt"], each["height_pt"]) for each in layout.get("pages", ())}
    return {
        "pdf_info": [_page(page, sizes.get(page["page_idx"])) for page in middle["pages"]],
        "_backend": "pipeline",
        "_version_name": version,
        "file_suffix": about["file_suffix"],
    }


def _page(page: dict[str, Any], size: tuple[float, float] | None) -> dict[str, Any]:
    wide, high = size or _UNKNOWN
    blocks = [(block["type"], _Maker(wide, high).block(block)) for block in page.get("blocks", ())]
    text = [block for kind, block in blocks if kind not in _ASIDE]
    return {
        # before and after paragraphs were joined: here they are
        "preproc_blocks": text,
        "para_blocks": text,
        "page_idx": page["page_idx"],
        "page_size": [round(wide), round(high)],
        "discarded_blocks": [block for kind, block in blocks if kind in _ASIDE],
    }


class _Maker:
    """Blocks of a page with such sides, in points."""

    def __init__(self, wide: float, high: float) -> None:
        self._sides = (wide, high, wide, high)

    def block(self, block: _Block) -> _Block:
        kind, place = block["type"], self._place(block)
        made: _Block = {"type": kind, "index": block.get("index", 0), **place}
        if kind in _TITLES:
            made |= {"type": "title", "level": block.get("level", 1)}
        made |= {name: block[name] for name in ("sub_type", "guess_lang") if block.get(name)}
        if kind in _VISUAL:
            return made | {"blocks": [self._part(kind, part) for part in block["content"]]}
        if kind in ("list", "index"):
            lines = [self._line(leaf, is_list_start_line=True) for leaf in _leaves(block)]
            return made | {"lines": lines}
        if kind == "equation":
            made["type"] = "interline_equation"
            return made | {"lines": [self._line_of([self._drawn("interline_equation", block, place)], place)]}
        return made | {"lines": [self._line(block)]}

    def _part(self, kind: str, part: _Block) -> _Block:
        place = self._place(part)
        made: _Block = {"type": part["type"], "index": part.get("index", 0), **place}
        if part["type"] == f"{kind}_body" and kind != "code":
            span = self._drawn(kind, part, place)
            if kind == "table":
                span["html"] = span.pop("content")
            return made | {"lines": [self._line_of([span], place)]}
        if part["type"] == "code_body":
            rows = str(part.get("content", "")).split("\n")
            return made | {"lines": [self._line_of([_span(row, place)], place) for row in rows]}
        if part["type"] == "algorithm_body":
            made["type"] = "code_body"
        return made | {"lines": [self._line(part)]}

    def _line(self, block: _Block, **more: bool) -> _Block:
        place = self._place(block)
        spans = [span | place for span in _spans(block.get("content") or ())]
        return self._line_of(spans, place) | more

    def _line_of(self, spans: Sequence[_Block], place: _Block) -> _Block:
        return {**place, "spans": list(spans)}

    def _drawn(self, kind: str, block: _Block, place: _Block) -> _Block:
        """A span with a picture, beside or instead of what is in it."""
        content = block.get("content")
        span = {"type": kind, "content": content if isinstance(content, str) else "", **place}
        if path := block.get("image_path"):
            span["image_path"] = str(path).removeprefix("images/")
        return span

    def _place(self, block: _Block) -> _Block:
        box = block.get("bbox")
        return {"bbox": [round(at * side) for at, side in zip(box, self._sides, strict=True)]} if box else {}


def _leaves(block: _Block) -> Iterator[_Block]:
    """Entries of a list in order, those of inner lists among them."""
    for entry in block.get("content") or ():
        yield from _leaves(entry) if entry["type"] in ("list", "index") else (entry,)


def _spans(content: Sequence[_Block] | str) -> Iterator[_Block]:
    if isinstance(content, str):
        content = [{"type": "text", "content": content}]
    for span in content:
        kind, inner = span["type"], span["content"]
        if kind == "hyperlink":  # they had its words only
            yield from _spans(inner)
        elif kind == "equation_inline":
            yield {"type": "inline_equation", "content": inner}
        elif inner:
            yield {"type": "text", "content": inner}


def _span(text: str, place: _Block) -> _Block:
    return {"type": "text", "content": text, **place}


def content_list_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Their content list for MinerU 4's: kinds that they knew, and what is beside the text of a page last."""
    pages: dict[int, list[dict[str, Any]]] = {}
    for item in map(_item, items):
        pages.setdefault(item.get("page_idx", 0), []).append(item)
    return [
        item
        for _, some in sorted(pages.items())
        for item in sorted(some, key=lambda item: item["type"] in _ASIDE)
    ]


def _item(item: dict[str, Any]) -> dict[str, Any]:
    kind = item["type"]
    if kind == "chart":
        rest = {name.replace("chart_", "image_"): value for name, value in item.items()}
        return rest | {"type": "image"}
    if kind == "index":
        return item | {"type": "list", "sub_type": "text"}
    if kind == "equation":
        return {"text": "", "text_format": "latex", **item}
    return {"table_body": "", **item} if kind == "table" else item


_FORMS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "middle2": ("middle.json", lambda text: middle_of(json.loads(text))),
    "list2": ("content_list.json", lambda text: content_list_of(json.loads(text))),
    "structured": ("middle.json", _structured),
}
