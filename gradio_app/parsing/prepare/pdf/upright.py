"""Rotation of pages, which is baked into their content."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path
from typing import Any, cast


def upright(source: Path, out: Path) -> bool:
    """Bakes ``/Rotate`` of all pages into their content; false when no page has one.

    MinerU takes the words of rotated pages apart (``2,411`` becomes ``2,41 1``), of upright ones it does not.
    """
    import pypdfium2 as pdfium

    document = cast(Any, pdfium.PdfDocument(source))
    try:
        rotated = [n for n in range(len(document)) if document[n].get_rotation() % 360]
        if not rotated:
            return False
        for number in rotated:
            _turn(document[number])
        document.save(out)
        return True
    finally:
        document.close()


def _turn(page: Any) -> None:
    """Turns the content of a page by its ``/Rotate``, which becomes 0. Clips, links and boxes turn too."""
    import pypdfium2.raw as c

    rotation = page.get_rotation() % 360
    left, bottom, right, top = page.get_mediabox()
    crop = page.get_cropbox()
    # where a point (x, y) of the page comes to lie, for a clockwise turn around the media box
    a, b, d, e, f, g = {
        90: (0, -1, 1, 0, -bottom, right),
        180: (-1, 0, 0, -1, right, top),
        270: (0, 1, -1, 0, top, -left),
    }[rotation]
    matrix = c.FS_MATRIX(a, b, d, e, f, g)

    def moved(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        xs, ys = zip(
            *((a * x + d * y + f, b * x + e * y + g) for x in (box[0], box[2]) for y in (box[1], box[3])),
            strict=True,
        )
        return min(xs), min(ys), max(xs), max(ys)

    page.set_rotation(0)
    page.set_mediabox(*moved((left, bottom, right, top)))
    page.set_cropbox(*moved(crop))
    c.FPDFPage_TransFormWithClip(page.raw, matrix, None)
    c.FPDFPage_TransformAnnots(page.raw, *(float(value) for value in (a, b, d, e, f, g)))
