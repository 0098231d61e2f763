"""Pictures: several in one file (TIFF) become pages, and those that a camera turned stand upright."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from PIL import Image, ImageOps, ImageSequence

from gradio_app.base.errors import FileTooLarge, TooManyPages
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: pixels per inch of a page, where the picture does not say
_RESOLUTION = 200
#: of the JPEG in a page
_QUALITY = 95
#: EXIF tag of the orientation
_ORIENTATION = 0x0112
#: pictures in one file
_MOST_PICTURES = 2000
#: largest picture, in pixels
MAX_PICTURE_PIXELS = 100_000_000


def prepare(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    return Prepared("pdf" if as_pages(source, out) else "")


def as_pages(source: Path, out: Path) -> bool:
    """Writes a PDF with one page a picture; false for a single picture that stands upright."""
    with Image.open(source) as picture:
        count = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
        if count == 1 and picture.getexif().get(_ORIENTATION, 1) == 1:
            return False
        if count > _MOST_PICTURES:
            raise TooManyPages(f"The file holds {count} pictures, more than {_MOST_PICTURES}. Split it.")
        _write(_pages(picture), out)
        return True


def _write(pictures: Iterator[Image.Image], out: Path) -> None:
    """One page a picture. Only what is compressed stays in memory: Pillow alone would keep all pictures."""
    import pypdfium2 as pdfium

    document = cast(Any, pdfium.PdfDocument.new())
    try:
        for picture in pictures:
            page = io.BytesIO()
            # black and white is written as a fax is, without loss
            options = {} if picture.mode == "1" else {"quality": _QUALITY, "subsampling": 0}
            picture.save(page, "PDF", resolution=_RESOLUTION, **options)
            single = cast(Any, pdfium.PdfDocument(page))
            document.import_pages(single)
            single.close()
        document.save(out)
    finally:
        document.close()


def _pages(picture: Image.Image) -> Iterator[Image.Image]:
    """The pictures of a file one after the other, so that a hundred of them fit into memory."""
    for frame in ImageSequence.Iterator(picture):
        if frame.mode != "P":
            frame.palette = None  # Pillow keeps that of the picture before, and then cannot read this one
        if frame.width * frame.height > MAX_PICTURE_PIXELS:
            raise FileTooLarge("A picture in the file has more than 100 million pixels. Make it smaller.")
        turned = ImageOps.exif_transpose(frame)
        yield turned if turned.mode in ("1", "L", "RGB") else _on_white(turned)


def _on_white(picture: Image.Image) -> Image.Image:
    """Without transparency, which a PDF page would show as black."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    rgba = picture.convert("RGBA")
    page = Image.new("RGB", rgba.size, "white")
    page.paste(rgba, mask=rgba.getchannel("A"))
    return page
