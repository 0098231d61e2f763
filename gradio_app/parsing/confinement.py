"""Confinement of MinerU: what it does in a way that a confined worker may not is replaced here.

docvortex starts processes to draw pages, and a worker may start none. MinerU locks a file beside its weights,
and a worker writes into its own folder only. Both functions are private ones of pinned versions.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

_OTHER = "This version of {} in another way: parsing/confinement.py has to follow."


@cache
def confine_mineru() -> None:
    """Call it before a document is read."""
    _render_here()
    _lock_here()


def _render_here() -> None:
    import pypdfium2 as pdfium
    from docvortex.document.pdf import images
    from docvortex.document.pdf.pdfium import close_pdfium_document, initialize_pdfium_runtime

    initialize_pdfium_runtime()  # its fonts, as in a process that draws
    os.environ["DOCVORTEX_PDF_RENDER_BACKEND"] = "legacy"  # the other backend has no one place for this
    inside: Any = images
    if not hasattr(inside, "_load_pdf_render_tasks_core"):
        raise RuntimeError(_OTHER.format("docvortex draws pages"))

    def render(
        pdf: bytes,
        dpi: int,
        first: int,
        last: int,
        image_type: str,
        _timeout: int | None,
        _threads: int | None,
        crops: Sequence[Any] | None = None,
    ) -> list[Any]:
        """Pages ``first`` to ``last`` (0-based) as pictures, or the JPEGs of ``crops`` on them."""
        if crops is None:
            return inside.load_images_from_pdf_core(pdf, dpi, first, last, image_type)
        document = pdfium.PdfDocument(pdf)
        try:
            return [_cut_out(document, first + offset, dpi, each) for offset, each in enumerate(crops)]
        finally:
            close_pdfium_document(document)

    inside._load_pdf_render_tasks_core = render


def _cut_out(document: Any, page: int, dpi: int, crops: Any) -> list[tuple[Any, Any]]:
    """The JPEGs of ``crops`` on one page (0-based), by the numbers of their blocks."""
    from docvortex._compute_backend import get_native
    from docvortex.document.pdf import raster, visuals
    from docvortex.document.pdf.pdfium import close_pdfium_child

    inside: Any = visuals
    opened = document[page]
    try:
        bitmap = cast(Any, raster).page_to_owned_bitmap(opened, dpi)
    finally:
        close_pdfium_child(opened)
    inside._attach_owned_bitmap_crops(crops, bitmap, get_native(), page)
    return [(index, block.get("image_base64")) for index, block in crops]


def _lock_here() -> None:
    from mineru.model.download import ModelRepo

    def lock_path(self: ModelRepo) -> Path:
        return Path(os.environ.get("HOME", "."), "weights.lock")

    if not hasattr(ModelRepo, "lock_path"):
        raise RuntimeError(_OTHER.format("MinerU locks weights"))
    ModelRepo.lock_path = lock_path
