"""Assembly: joins parsed shards into one result; puts other readings of pages, and corrections, into one."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gradio_app.base.errors import FileCorrupt
from gradio_app.base.options import format_pages
from gradio_app.parsing import marginals, speedups
from gradio_app.parsing.corrections import (
    Edit,
    carry_over,
    edits_in,
    find_block,
    shown_for_editing,
    with_edit,
)
from gradio_app.parsing.error_translation import readable_errors
from gradio_app.parsing.results import write_result
from gradio_app.parsing.text_layer import better_first


def assemble(
    shards: Sequence[Mapping[str, Any]],
    out: str,
    pages_in_file: int,
    redone: Sequence[Mapping[str, Any]] = (),
    heads: marginals.Heads = "unusual",
    earlier: str = "",
    firsts: Sequence[Mapping[str, Any]] = (),
    source: str = "",
) -> dict[str, Any]:
    """Joins parsed shards into the document's result in ``out``.

    ``shards`` are ``{"folder", "pages"}`` in page order, failed ones left out. Paragraphs and tables
    that run across pages are merged over the whole document, as in an unsplit parse. ``redone`` are second
    readings that were kept (see ``replace_pages``): they stay when the document is joined again.
    ``heads``: which heads and feet of pages stand in its text. ``earlier`` is the result that this one
    replaces: its corrections are made again. ``firsts`` are readings of pages in doubt of the file
    ``source`` that ``shards`` have from a better reader: the better one of both is taken, and ``kept`` names
    the pages where that is the first.
    """
    with readable_errors():
        speedups.postpone_openai()
        from docvortex.schema import ModelJson, PageInfo
        from mineru.backend.postprocess.document import model_json_to_middle_json
        from mineru.config import config

        kept = _kept(shards, firsts, source) if firsts else frozenset[int]()
        if kept:
            shards = [*_only(shards, lambda page: page not in kept), *_only(firsts, kept.__contains__)]
        said = {"kept": format_pages(sorted(kept))} if kept else {}
        joined, images = _join_models(shards)
        indices = joined["page_index_map"]
        marginals.bring_back(joined["pages"], indices, heads)
        if indices == list(range(pages_in_file)):
            joined["page_index_map"] = []
        middle = model_json_to_middle_json(ModelJson.from_dict(joined), llm_aided_config=config.llm_aided)
        # pages that pdfium cannot copy have no model output; MinerU shows them as empty pages
        wanted = {page - 1 for shard in shards for page in shard["pages"]}
        empty = [PageInfo(page_idx=index) for index in sorted(wanted - set(indices))]
        if empty:
            middle.pages = sorted([*middle.pages, *empty], key=lambda page: page.page_idx)
        edits = edits_in(Path(earlier)) if earlier else []
        if not redone and not edits:
            return write_result(middle, Path(out), images) | said
        first = Path(out).with_name("first")
        write_result(middle, first, images, edits)
        return replace_pages(str(first), out, redone) | said


def _kept(
    shards: Sequence[Mapping[str, Any]], firsts: Sequence[Mapping[str, Any]], source: str
) -> frozenset[int]:
    """The pages (from 1) whose first reading is better than that of ``shards``."""
    first = _blocks_of(firsts)
    second = _blocks_of(_only(shards, first.__contains__))
    return frozenset(better_first(source, first, second))


def _blocks_of(shards: Sequence[Mapping[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Page (from 1) -> its blocks."""
    if not shards:
        return {}
    model, _ = _join_models(shards)
    return {index + 1: page for index, page in zip(model["page_index_map"], model["pages"], strict=True)}


def _only(shards: Sequence[Mapping[str, Any]], wanted: Callable[[int], bool]) -> list[dict[str, Any]]:
    """The shards with those of their pages alone."""
    cut = [{**shard, "pages": [page for page in shard["pages"] if wanted(page)]} for shard in shards]
    return [shard for shard in cut if shard["pages"]]


def _join_models(shards: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Path]]:
    """One model of all shards (MinerU's ModelJson as a dict) and where each picture file is.

    Of a shard only the ``pages`` that it is asked for count: another may have read the rest better.
    """
    from docvortex.document.pdf.layout import LAYOUT_EXTENSION

    joined: dict[str, Any] | None = None
    found: dict[int, tuple[Any, Any]] = {}
    images: dict[str, Path] = {}
    for shard in shards:
        folder = Path(shard["folder"])
        model = json.loads((folder / "model.json").read_text("utf-8"))
        indices: list[int] = model["page_index_map"] or list(range(len(model["pages"])))
        images |= _pictures(folder)
        layout: dict[str, Any] = model["extensions"].get(LAYOUT_EXTENSION) or {"pages": []}
        sizes: dict[int, Any] = {entry["page_idx"]: entry for entry in layout["pages"]}
        wanted = {page - 1 for page in shard["pages"]}
        for index, page in zip(indices, model["pages"], strict=True):
            if index in wanted:
                found[index] = (page, sizes.get(index))
        joined = joined or model
    if joined is None:
        raise FileCorrupt("No page of this document could be read.")
    order = sorted(found)
    joined["pages"] = [found[index][0] for index in order]
    joined["page_index_map"] = order
    if LAYOUT_EXTENSION in joined["extensions"]:
        entries = [found[index][1] for index in order]
        joined["extensions"][LAYOUT_EXTENSION]["pages"] = [entry for entry in entries if entry]
    return joined, images


def replace_pages(result: str, out: str, pages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Writes the result in folder ``result`` into ``out``, with other readings of some pages.

    ``pages`` are ``{"page": number from 1, "folder": a result that has it}``. A page that the first result
    lacks is put where it belongs. All other pages keep every byte. Corrections stay where their page says
    what it said before, else they are set aside. Returns what ``parse_document`` returns.
    """
    with readable_errors():
        middle, images = _read(Path(result))
        for reading in pages:
            second, others = _read(Path(reading["folder"]))
            index = int(reading["page"]) - 1
            mark = f"images/page_{index}_"  # MinerU's names of pictures begin with their page
            kept = {path: file for path, file in images.items() if not path.startswith(mark)}
            images = kept | {path: file for path, file in others.items() if path.startswith(mark)}
            _put(middle, second, index)
        edits = edits_in(Path(result))
        return write_result(middle, Path(out), images, carry_over(middle, edits) if edits else None)


def read_block(result: str, page: int, block: int) -> dict[str, Any]:
    """What of a block (its index on ``page``, from 1) can be corrected, now and as it was read.

    Raises ``NotFound``.
    """
    with readable_errors():
        middle, _ = _read(Path(result))
        place, at = find_block(middle, page, block)
        before = _edit_of(edits_in(Path(result)), page, block)
        return {
            "type": str(place.blocks[at].type),
            **shown_for_editing(place.blocks[at].to_dict()),
            "original": shown_for_editing(before.was) if before else None,
        }


def correct_block(
    result: str, out: str, page: int, block: int, change: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Writes the result in folder ``result`` into ``out`` with one block corrected; None: as it was read.

    ``change`` has ``text``, ``level`` or ``cells`` (row, cell, text). All other pages keep every byte. Raises
    ``NotFound`` and ``OptionInvalid``. Returns what ``parse_document`` returns.
    """
    with readable_errors():
        middle, images = _read(Path(result))
        edits = with_edit(middle, edits_in(Path(result)), page, block, change)
        return write_result(middle, Path(out), images, edits)


def _edit_of(edits: Sequence[Edit], page: int, block: int) -> Edit | None:
    return next((each for each in edits if not each.aside and (each.page, each.block) == (page, block)), None)


def _read(folder: Path) -> tuple[Any, dict[str, Path]]:
    """A result's document, and where each of its pictures is."""
    from mineru.parser import ParseResult

    text = (folder / "middle.json").read_text("utf-8")
    return ParseResult.from_json(text).middle_json, _pictures(folder)


def _pictures(folder: Path) -> dict[str, Path]:
    return {f"images/{path.name}": path for path in (folder / "images").iterdir()}


def _put(middle: Any, second: Any, index: int) -> None:
    """Page ``index`` (from 0) of ``second`` takes the place of that of ``middle``."""
    from docvortex.document.pdf.layout import LAYOUT_EXTENSION

    new = next((page for page in second.pages if page.page_idx == index), None)
    if new is None:
        raise FileCorrupt(f"Page {index + 1} could not be read this time either.")
    old = next((page for page in middle.pages if page.page_idx == index), None)
    if old is not None:
        _go_on(old.blocks, new.blocks)
    others = [page for page in middle.pages if page.page_idx != index]
    middle.pages = sorted([*others, new], key=lambda page: page.page_idx)
    extension = {"pages": list[dict[str, Any]]()}
    layout, sizes = (each.extensions.get(LAYOUT_EXTENSION) or extension for each in (middle, second))
    entries = [entry for entry in layout["pages"] if entry["page_idx"] != index]
    entries += [entry for entry in sizes["pages"] if entry["page_idx"] == index]
    layout["pages"][:] = sorted(entries, key=lambda entry: entry["page_idx"])


def _go_on(old: Sequence[Any], new: Sequence[Any]) -> None:
    """A paragraph that came from the page before still does. Read alone, a page cannot know."""
    first, second = (
        next((block for block in blocks if hasattr(block, "continues_prev")), None) for blocks in (old, new)
    )
    if first is not None and second is not None and first.continues_prev and first.type == second.type:
        second.continues_prev = True
