"""Pictures: several in one file become pages, those of a camera stand upright, HEIC and AVIF can be read."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from PIL import Image, ImageChops, ImageFile, ImageOps

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
#: different pictures of an animation that become pages: a film is no document
_MOST_OF_ANIMATION = 50
#: largest picture, in pixels
MAX_PICTURE_PIXELS = 100_000_000
#: formats whose several pictures are pages; the others (MPO, icons) hold one picture in several sizes
_SEVERAL = ("TIFF", "GIF", "WEBP", "PNG", "HEIF", "AVIF")
_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
#: MinerU does not read them
_FOREIGN = ("HEIF", "AVIF")
#: two pictures are alike whose small copies differ in fewer pixels than one in so many, by more than so much
_ALIKE_SIZE, _ALIKE_SHARE, _ALIKE_BY = 256, 3000, 40
#: what Pillow raises at bytes that are damaged
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error)


def prepare(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    return as_pages(source, out)


@cache
def know_formats() -> None:
    """Call it before a picture is opened: Pillow itself does not read HEIC."""
    import pi_heif

    cast(Any, pi_heif).register_heif_opener(thumbnails=False)


def as_pages(source: Path, out: Path) -> Prepared:
    """Writes a PDF with one page a picture; none for a single sound picture that stands upright.

    Of an animation only pictures that differ from the one before are pages. Pictures that are damaged are
    left out, or end where the damage begins, with a note. Raises what Pillow does where none can be read.
    """
    know_formats()
    prepared = Prepared()
    with Image.open(source) as picture:
        form = picture.format or ""
        count = _count(picture) if form in _SEVERAL else 1
        if count == 1 and form not in _FOREIGN and _plain(picture):
            return prepared
        if count > _MOST_PICTURES and form not in _ANIMATED:
            raise TooManyPages(f"The file holds {count} pictures, more than {_MOST_PICTURES}. Split it.")
        found = _Pictures(source, picture, count)
        pages = _different(found.read()) if form in _ANIMATED and count > 1 else found.read()
        written = _write(pages, out, _MOST_OF_ANIMATION if form in _ANIMATED else _MOST_PICTURES)
        if not written:
            raise found.fault or OSError("The file holds no picture.")
    cut = form in _ANIMATED and written == _MOST_OF_ANIMATION and found.given < found.count
    _tell(prepared, found, cut)
    prepared.kind = "pdf"
    return prepared


def _tell(prepared: Prepared, found: _Pictures, cut: bool) -> None:
    if found.lost:
        prepared.note(
            "content_left_out", f"{found.lost} of the {found.count} pictures in the file are damaged."
        )
    if found.partly:
        prepared.note(
            "content_left_out",
            "A picture is damaged; it is read up to where the damage begins. Send it again.",
        )
    if cut:
        prepared.note(
            "content_left_out",
            f"Of the animation the first {_MOST_OF_ANIMATION} different pictures were read.",
        )


def _count(picture: Image.Image) -> int:
    """How many pictures there are; one more than can be found where their list is damaged."""
    try:
        return int(getattr(picture, "n_frames", 1))
    except _DAMAGED:
        return _MOST_PICTURES


def _plain(picture: Image.Image) -> bool:
    """Whether a picture is whole and stands upright."""
    _check_size(picture)
    try:
        picture.load()
        return picture.getexif().get(_ORIENTATION, 1) == 1
    except _DAMAGED:
        return False


def _check_size(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PICTURE_PIXELS:
        raise FileTooLarge("A picture in the file has more than 100 million pixels. Make it smaller.")


class _Pictures:
    """The pictures of a file one after the other, so that a hundred of them fit into memory."""

    def __init__(self, source: Path, picture: Image.Image, count: int) -> None:
        self._source = source
        #: pictures there are, that were given, that are damaged, of which a part was read
        self._picture = picture
        self.count = count
        self.given = self.lost = self.partly = 0
        self.fault: Exception | None = None

    def read(self) -> Iterator[Image.Image]:
        for number in range(min(self.count, _MOST_PICTURES)):
            frame = self._frame(number)
            if frame is None and number and self.count == _MOST_PICTURES:
                self.count = number + 1  # the list of pictures is damaged from here on
                return
            if frame is not None:
                self.given += 1
                yield frame

    def _frame(self, number: int) -> Image.Image | None:
        try:
            self._picture.seek(number)
            if self._picture.mode != "P" and self._picture.format == "TIFF":
                self._picture.palette = (
                    None  # Pillow keeps that of the picture before: it cannot read this one
                )
            _check_size(self._picture)
            frame = self._loaded(number)
            turned = ImageOps.exif_transpose(frame)
            return turned if turned.mode in ("1", "L", "RGB") else _on_white(turned)
        except _DAMAGED as error:
            self.fault, self.lost = error, self.lost + 1
            return None

    def _loaded(self, number: int) -> Image.Image:
        """The picture, or as much of it as there is."""
        try:
            self._picture.load()
            return self._picture
        except _DAMAGED:
            ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            with Image.open(self._source) as again:  # what has failed once does not begin anew
                again.seek(number)
                picture = again.copy()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        self.partly += 1
        return picture


def _different(pictures: Iterator[Image.Image]) -> Iterator[Image.Image]:
    """Those that do not look like the one before."""
    before: Image.Image | None = None
    for picture in pictures:
        small = picture.convert("RGB").resize((_ALIKE_SIZE, _ALIKE_SIZE), Image.Resampling.BOX)
        if before is not None:
            red, green, blue = ImageChops.difference(before, small).split()
            most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
            changed = sum(most.histogram()[_ALIKE_BY:])
            if changed * _ALIKE_SHARE < _ALIKE_SIZE**2:
                continue
        before = small
        yield picture


def _write(pictures: Iterator[Image.Image], out: Path, most: int) -> int:
    """One page a picture; how many. Only what is compressed stays in memory: Pillow alone keeps them all."""
    import pypdfium2 as pdfium

    document, written = cast(Any, pdfium.PdfDocument.new()), 0
    try:
        for picture in pictures:
            page = io.BytesIO()
            # black and white is written as a fax is, without loss
            options = {} if picture.mode == "1" else {"quality": _QUALITY, "subsampling": 0}
            picture.save(page, "PDF", resolution=_RESOLUTION, **options)
            single = cast(Any, pdfium.PdfDocument(page))
            document.import_pages(single)
            single.close()
            written += 1
            if written == most:
                break
        if written:
            document.save(out)
        return written
    finally:
        document.close()


def _on_white(picture: Image.Image) -> Image.Image:
    """Without transparency, which a PDF page would show as black."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    rgba = picture.convert("RGBA")
    page = Image.new("RGB", rgba.size, "white")
    page.paste(rgba, mask=rgba.getchannel("A"))
    return page
