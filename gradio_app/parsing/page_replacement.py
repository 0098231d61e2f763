"""Replacement of pages: a result with other readings of some of its pages."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gradio_app.base.errors import FileCorrupt
from gradio_app.parsing.error_translation import readable_errors
from gradio_app.parsing.results import write_result


def replace_pages(result: str, out: str, pages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Writes the result in folder ``result`` into ``out``, with other readings of some pages.

    ``pages`` are ``{"page": number from 1, "folder": a result that has it}``. A page that the first result
    lacks is put where it belongs. All other pages keep every byte. Returns what ``parse_document`` returns.
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
        return write_result(middle, Path(out), images)


def _read(folder: Path) -> tuple[Any, dict[str, Path]]:
    """A result's document, and where each of its pictures is."""
    from mineru.parser import ParseResult

    text = (folder / "middle.json").read_text("utf-8")
    images = {f"images/{path.name}": path for path in (folder / "images").iterdir()}
    return ParseResult.from_json(text).middle_json, images


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
