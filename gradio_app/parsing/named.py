"""Reading of pages by a reader that was named: one model on the engine reads each page."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from gradio_app.base.options import format_pages
from gradio_app.base.page_readers import PageReader
from gradio_app.parsing import text_layer
from gradio_app.parsing.readers import flash, page_model
from gradio_app.parsing.readers.vlm import Watch
from gradio_app.parsing.reading import Reading, as_pdf, note

_UNPLACED = (
    "Pictures on these pages were left out, as this reader does not tell where they are. Read the pages "
    "again by another reader to have them."
)


def read(reader: PageReader, source: str, pages: Sequence[int], watch: Watch) -> Reading:
    """Reads ``pages`` (1-based; none: all) of a PDF or picture; ``watch`` learns of those that failed.

    Raises ``EngineUnavailable`` when the model server is to blame.
    """
    import pypdfium2 as pdfium

    with tempfile.TemporaryDirectory() as temporary:
        path = as_pdf(Path(source), Path(temporary))
        document = cast(Any, pdfium.PdfDocument(path))
        try:
            document.init_forms()
            numbers = list(pages) or list(range(1, len(document) + 1))
            made = page_model.read(reader, document, numbers, watch)
            sizes = {number: document.get_page_size(number - 1) for number in numbers}
            parts = [(number - 1, made[number].blocks, sizes[number]) for number in numbers]
            model = flash.model_json(None, str(path), parts, len(document), reader.name)
        finally:
            document.close()
        found = Reading(model, readers={reader.name: format_pages(tuple(numbers))})
        _compare(found, str(path), [(index, blocks) for index, blocks, _ in parts])
    if unplaced := [number for number in numbers if made[number].pictures]:
        left_out = format_pages(tuple(unplaced))
        found.notes.append({"code": "content_left_out", "pages": left_out, "message": _UNPLACED})
    return found


def _compare(found: Reading, path: str, pages: Sequence[tuple[int, list[dict[str, Any]]]]) -> None:
    """Adds what is to be said of the pages, compared with the text layer where there is one."""
    codes: dict[str, list[int]] = {}
    words = delivered = 0.0
    for index, verdict in text_layer.verdicts(path, pages):
        words, delivered = words + verdict.words, delivered + verdict.words * verdict.recall
        for code in verdict.codes:
            codes.setdefault(code, []).append(index + 1)
    silent = [index + 1 for index, blocks in pages if blocks and not any(map(_has_text, blocks))]
    if silent:
        codes["pages_without_text"] = silent
    found.notes = [note(code, numbers) for code, numbers in codes.items()]
    found.coverage, found.words = (delivered / words if words else None), int(words)


def _has_text(block: dict[str, Any]) -> bool:
    return block["type"] != "image" and bool(flash.text_of(block).strip())
