"""Cases of pictures: scans as PNG, JPEG, TIFF and PDF, straight and tilted; photographs; mixed files."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from bench.quality.case import Block, Case, Truth
from bench.quality.contents import CHINESE, HARBOUR, KITCHEN, LETTER
from bench.quality.writers import typeset
from bench.reading.made import Camera, photographed
from bench.reading.made import typeset as typeset_page
from bench.reading.truth import Truth as PageTruth
from tests import layouts, scans

_STRAIGHT, _POOR = Camera(150), Camera(200, tilt=0.8, noise=8.0)


def cases() -> Iterator[Case]:
    """All of them."""
    for name, blocks in {"harbour": HARBOUR, "kitchen": KITCHEN, "letter": LETTER}.items():
        yield _scan(f"{name}.png", blocks, _STRAIGHT)
        yield _scan(f"{name}-scan.pdf", blocks, _POOR)
    yield _scan("letter-photograph.jpg", LETTER, Camera(200, 0.7, 6.0, 0.5, photograph=True))
    yield _scan("kitchen-photograph.jpg", KITCHEN, Camera(200, -0.5, 4.0, photograph=True))
    yield _scan("chinese-scan.pdf", CHINESE, Camera(200))
    both = [
        layouts.note_sheet("Sheet of 3 May", "The gate is shut at 21:30."),
        layouts.note_sheet("Sheet of 4 May", "The gate was open until 23:05."),
    ]
    said = [
        "Sheet of 3 May",
        "The gate is shut at 21:30.",
        "Sheet of 4 May",
        "The gate was open until 23:05.",
    ]
    yield Case("two-sheets.tiff", "scan, tiff", lambda: layouts.tiff(*both), Truth(said))
    yield Case(
        "courses.tiff",
        "scan, tiff",
        lambda: layouts.tiff(layouts.table_sheet(150)),
        Truth(["Evening courses of this winter", [list(row) for row in layouts.COURSES]]),
    )
    yield Case(
        "layer.pdf",
        "scan, pdf",
        lambda: scans.scan(scans.sheet(scans.ENGLISH), scans.ENGLISH),
        Truth([" ".join(scans.ENGLISH)]),
    )
    yield Case(
        "turned-scan.pdf",
        "scan, pdf",
        lambda: layouts.rotated(scans.scan(scans.sheet(scans.ENGLISH))),
        Truth([" ".join(scans.ENGLISH)]),
    )
    mixed = Truth([*LETTER, *map(str, scans.ENGLISH)])
    yield Case(
        "mixed.pdf",
        "scan, pdf",
        lambda: layouts.joined(typeset(LETTER), scans.scan(scans.sheet(scans.ENGLISH))),
        mixed,
    )
    lines = ("המכתב נשלח בשלושה במאי", "הספרייה פתוחה עד שמונה", "חדר הקריאה סגור בשבת")
    yield Case(
        "hebrew-scan.pdf",
        "scan, pdf",
        lambda: scans.scan(_foreign(lines)),
        Truth(list(lines), loss="a script that the built-in models cannot read"),
    )


def _scan(name: str, blocks: Sequence[Block], camera: Camera) -> Case:
    """Blocks as a picture: a PDF of it, or the picture itself."""
    kind = "pdf" if name.endswith("pdf") else "jpg" if camera.photograph else "png"

    def make() -> bytes:
        if blocks is CHINESE:
            page = typeset_page(PageTruth([str(block) for block in blocks]), "zh")
        else:
            page = typeset(blocks)
        pdf, picture = photographed(page, camera, random.Random(name))
        return pdf if kind == "pdf" else picture

    return Case(name, f"scan, {kind}", make, Truth(blocks))


def _foreign(lines: Sequence[str], dpi: int = 200) -> Image.Image:
    """Lines from right to left, drawn as they are read."""
    paper = Image.new("L", (6 * dpi, 2 * dpi), 255)
    pen, letters = ImageDraw.Draw(paper), _font(dpi * 13 // 72)
    for number, line in enumerate(lines):
        pen.text((5.5 * dpi, (0.3 + 0.45 * number) * dpi), line[::-1], fill=0, font=letters, anchor="ra")
    paper.info["dpi"] = (dpi, dpi)
    return paper


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)
