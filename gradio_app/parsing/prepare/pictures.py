"""Pictures: several in one file (TIFF) become pages, and those that a camera turned stand upright."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageOps, ImageSequence

from gradio_app.base.errors import FileTooLarge, TooManyPages

#: pixels per inch of a page, where the picture does not say
_RESOLUTION = 200
#: EXIF tag of the orientation
_ORIENTATION = 0x0112
#: pictures in one file
_MOST_PICTURES = 2000
#: largest picture, in pixels
MAX_PICTURE_PIXELS = 100_000_000


def as_pages(source: Path, out: Path) -> bool:
    """Writes a PDF with one page a picture; false for a single picture that stands upright."""
    with Image.open(source) as picture:
        count = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
        if count == 1 and picture.getexif().get(_ORIENTATION, 1) == 1:
            return False
        if count > _MOST_PICTURES:
            raise TooManyPages(f"The file holds {count} pictures, more than {_MOST_PICTURES}. Split it.")
        pages = _pages(picture)
        first = next(pages)
        first.save(
            out,
            "PDF",
            resolution=_RESOLUTION,
            quality=95,
            subsampling=0,
            save_all=True,
            append_images=pages,
        )
        return True


def _pages(picture: Image.Image) -> Iterator[Image.Image]:
    """The pictures of a file one after the other, so that a hundred of them fit into memory."""
    for frame in ImageSequence.Iterator(picture):
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
