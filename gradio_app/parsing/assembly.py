"""Assembly: joins parsed shards into one result; paragraphs and tables go over the edges of shards."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gradio_app.base.errors import FileCorrupt
from gradio_app.parsing import speedups
from gradio_app.parsing.error_translation import readable_errors
from gradio_app.parsing.page_replacement import replace_pages
from gradio_app.parsing.results import write_result


def assemble(
    shards: Sequence[Mapping[str, Any]],
    out: str,
    pages_in_file: int,
    redone: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Joins parsed shards into the document's result in ``out``.

    ``shards`` are ``{"folder", "pages"}`` in page order, failed ones left out. Paragraphs and tables
    that run across pages are merged over the whole document, as in an unsplit parse. ``redone`` are second
    readings that were kept (see ``replace_pages``): they stay when the document is joined again.
    """
    with readable_errors():
        speedups.postpone_openai()
        speedups.for_markdown()
        from docvortex.schema import ModelJson, PageInfo
        from mineru.backend.postprocess.document import model_json_to_middle_json
        from mineru.config import config

        joined, images = _join_models(shards)
        indices = joined["page_index_map"]
        if indices == list(range(pages_in_file)):
            joined["page_index_map"] = []
        middle = model_json_to_middle_json(ModelJson.from_dict(joined), llm_aided_config=config.llm_aided)
        # pages that pdfium cannot copy have no model output; MinerU shows them as empty pages
        wanted = {page - 1 for shard in shards for page in shard["pages"]}
        empty = [PageInfo(page_idx=index) for index in sorted(wanted - set(indices))]
        if empty:
            middle.pages = sorted([*middle.pages, *empty], key=lambda page: page.page_idx)
        if not redone:
            return write_result(middle, Path(out), images)
        first = Path(out).with_name("first")
        write_result(middle, first, images)
        return replace_pages(str(first), out, redone)


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
        images |= {f"images/{path.name}": path for path in (folder / "images").iterdir()}
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
