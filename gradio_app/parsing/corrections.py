"""Corrections: blocks of a finished result that a person has edited, and what they were before.

Covers: reading a block for editing, writing the result with it, bringing the original back, and carrying
corrections over when pages are read again. They are kept in ``edits.json`` in the result's folder, so both
change in one step. See: docs/adr/0023.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, cast

from gradio_app.base.data_folder import EDITS_FILE
from gradio_app.base.errors import NotFound, OptionInvalid
from gradio_app.base.files import read_beneath
from gradio_app.parsing.typed_text import cells_of, one_line, text_of, typed_over, with_cells

#: corrections of one document
MOST_EDITS = 5000
#: blocks that can be paragraphs or headings; and those whose text is one line of spans, too
_LEVELLED = ("text", "doc_title", "paragraph_title")
_LINES = (*_LEVELLED, "ref_text", "header", "footer", "page_number", "aside_text", "page_footnote")
#: what of a block is not what it says
_PLACE = frozenset({"index", "bbox", "continues_prev", "anchor", "image_base64", "image_path", "image_url"})
_Dict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """Block ``block`` (its index) of ``page`` (from 1) as it was read, and as it is now: MinerU's JSON.

    ``aside``: its page was read again and says something else there, so that it is not part of the result.
    """

    page: int
    block: int
    was: _Dict
    now: _Dict
    aside: bool = False


def edits_in(folder: Path) -> list[Edit]:
    """The corrections of a result."""
    with suppress(NotFound):
        return [Edit(**each) for each in json.loads(read_beneath(folder, EDITS_FILE))["edits"]]
    return []


def write_edits(folder: Path, edits: Sequence[Edit], sha256: str) -> None:
    """Keeps them beside a result whose Markdown has this digest."""
    text = json.dumps({"sha256": sha256, "edits": [asdict(each) for each in edits]}, ensure_ascii=False)
    (folder / EDITS_FILE).write_text(text, "utf-8", "replace")


def carry_over(middle: Any, edits: Sequence[Edit]) -> list[Edit]:
    """Corrects ``middle``, some pages of which were read again, as before; returns what became of the edits.

    One whose page says something else now is set aside; when the page says the same again, it counts again.
    """
    pages = {page.page_idx + 1: page for page in middle.pages}
    kept: list[Edit] = []
    for edit in edits:
        page = pages.get(edit.page)
        kept.append(_again(page, edit) if page else replace(edit, aside=True))
    return kept


def _again(page: Any, edit: Edit) -> Edit:
    same: list[tuple[int, _Dict]] = []
    wanted = _says(edit.was)
    for at, block in enumerate(page.blocks):
        shown = block.to_dict()
        if block.index == edit.block and shown == edit.now and not edit.aside:
            return edit
        if block.index is not None and _says(shown) == wanted:
            same.append((at, shown))
    # a block that says the same elsewhere is the one only if it is the only one
    found = [each for each in same if each[1]["index"] == edit.block] or same
    if len(found) != 1:
        return replace(edit, aside=True)
    [(at, was)] = found
    now = {**_at(edit.now, was), **{name: was[name] for name in ("continues_prev", "anchor") if name in was}}
    if now["type"] != was["type"] or "continues_prev" not in was:
        now.pop("continues_prev", None)
    page.blocks[at] = parsed(now)
    return Edit(edit.page, was["index"], was, page.blocks[at].to_dict())


def _says(block: Any) -> Any:
    if isinstance(block, dict):
        named = cast("_Dict", block)
        return {name: _says(value) for name, value in named.items() if name not in _PLACE}
    return [*map(_says, cast("list[Any]", block))] if isinstance(block, list) else block


def _at(block: _Dict, place: _Dict) -> _Dict:
    """A block with the index and the box of another; the children of a table have them, too."""
    moved = {**block, "index": place["index"]}
    moved.pop("bbox", None)
    if "bbox" in place:
        moved["bbox"] = place["bbox"]
    if block["type"] == "table":
        moved["content"] = [
            _at(child, other) if "index" in other else child
            for child, other in zip(block["content"], place["content"], strict=True)
        ]
    return moved


def parsed(block: _Dict) -> Any:
    """A block of its JSON."""
    from docvortex import schema

    return cast(Any, schema).BLOCK_ADAPTER.validate_json(json.dumps(block))


# ---------------------------------------------------------------- one block


def find_block(middle: Any, page: int, block: int) -> tuple[Any, int]:
    """The page (from 1) and the place of a block in it, by its index; else ``NotFound``."""
    for each in middle.pages:
        if each.page_idx + 1 == page:
            found = [at for at, one in enumerate(each.blocks) if one.index == block]
            if len(found) == 1:
                return each, found[0]
    raise NotFound("This page has no such block. Blocks are counted as in the page's record.")


def shown_for_editing(block: _Dict) -> _Dict:
    """What of a block can be corrected: ``text``, ``level`` (0 to 6), ``cells``; None where it cannot."""
    kind = block["type"]
    text = cells = level = None
    if kind in _LINES:
        text = text_of(block["content"])
    elif _is_flat(block):
        text = "\n".join(" ".join(text_of(item["content"]).split()) for item in block["content"])
    elif kind == "table":
        cells = cells_of(_body(block)["content"])
    if kind in _LEVELLED:
        level = block.get("level", 0)
    return {"text": text, "level": level, "cells": cells}


def corrected(block: _Dict, change: Mapping[str, Any]) -> _Dict:
    """The block with another ``text``, ``level`` or other ``cells`` (row, cell, text).

    Raises ``OptionInvalid`` for what a block of this kind does not have.
    """
    able = shown_for_editing(block)
    for name in change:
        if able[name] is None:
            raise OptionInvalid(f"The {name} of a block of this kind cannot be corrected: {block['type']}.")
    made = json.loads(json.dumps(block))
    if (text := change.get("text")) is not None and text != able["text"]:
        if _is_flat(block):
            made["content"] = [*_items(block["content"], text)]
        else:
            made["content"] = typed_over(block["content"], one_line(text))
    if (level := change.get("level")) is not None:
        made = _levelled(made, level)
    if cells := change.get("cells"):
        body = _body(made)
        body["content"] = with_cells(body["content"], cells)
    if not made["content"] and (made["type"] in ("doc_title", "paragraph_title") or made["type"] == "list"):
        raise OptionInvalid("A heading or a list without words cannot be. Make it a paragraph first.")
    return made


def _levelled(block: _Dict, level: int) -> _Dict:
    if not 0 <= level <= 6:
        raise OptionInvalid("Levels of headings are 1 to 6; 0 is a paragraph.")
    if level == block.get("level", 0):
        return block
    made = {name: value for name, value in block.items() if name not in ("level", "continues_prev")}
    if not level:
        return made | {"type": "text"}
    return made | {"type": "doc_title" if level == 1 else "paragraph_title", "level": level}


def _is_flat(block: _Dict) -> bool:
    """A list without a list in it: a line an item."""
    return block["type"] == "list" and all(item["type"] != "list" for item in block["content"])


def _items(items: Sequence[_Dict], text: str) -> Iterator[_Dict]:
    lines = list(filter(None, (one_line(line) for line in text.split("\n"))))
    old = [" ".join(text_of(item["content"]).split()) for item in items]
    if len(old) == len(lines):
        pairs: list[int | None] = [*range(len(old))]
    else:
        pairs = [None] * len(lines)
        for start, begin, size in SequenceMatcher(None, old, lines, autojunk=False).get_matching_blocks():
            pairs[begin : begin + size] = range(start, start + size)
    for line, number in zip(lines, pairs, strict=True):
        if number is None:
            yield {"type": items[0]["type"] if items else "text", "content": typed_over([], line)}
        elif line == old[number]:
            yield items[number]
        else:
            yield {**items[number], "content": typed_over(items[number]["content"], line)}


def _body(table: _Dict) -> _Dict:
    return next(child for child in table["content"] if child["type"] == "table_body")


def with_edit(
    middle: Any, edits: Sequence[Edit], page: int, block: int, change: Mapping[str, Any] | None
) -> list[Edit]:
    """Corrects a block of ``middle``, or brings its original back (None); returns all edits then.

    Raises ``NotFound`` and ``OptionInvalid``.
    """
    place, at = find_block(middle, page, block)
    old = place.blocks[at].to_dict()
    others = [each for each in edits if each.aside or (each.page, each.block) != (page, block)]
    before = next((each for each in edits if each not in others), None)
    if change is None:
        if before is None:
            raise NotFound("This block was not corrected.")
        place.blocks[at] = parsed(before.was)
        return others
    if len(others) >= MOST_EDITS:
        raise OptionInvalid(f"A document has at most {MOST_EDITS} corrections. Bring some originals back.")
    made = parsed(corrected(old, change))
    was = before.was if before else old
    place.blocks[at] = made
    now = made.to_dict()
    return others if now == was else [*others, Edit(page, block, was, now)]
