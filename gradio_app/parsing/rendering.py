"""Rendering of PDF pages in the worker itself.

docvortex starts processes for that, and a confined worker may start none.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Any


@cache
def render_in_process() -> None:
    """Call it before a PDF is read. It replaces a private function of the pinned docvortex."""
    from docvortex.document.pdf import images

    os.environ["DOCVORTEX_PDF_RENDER_BACKEND"] = "legacy"  # the other backend has no one place for this
    inside: Any = images
    if not hasattr(inside, "_load_pdf_render_tasks_core"):
        raise RuntimeError("This docvortex renders pages in another way: parsing/rendering.py has to follow.")

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
        return inside._load_visual_crops_worker(pdf, dpi, first, last, crops)

    inside._load_pdf_render_tasks_core = render
