"""Which pages of a file may be kept for the bench: by the file alone, never by what a converter makes of it.

``python -m bench.reading.eligible FILE`` prints pages in their order of choice as JSON. Each file has a
process of its own, as public test files may crash or stall what opens them.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import math
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image

from bench.reading.metric import letters
from bench.reading.reference import poppler_lines

#: visible upright words in Latin letters that a page must have
WORDS = 40
#: visible upright words among all words of the page
UPRIGHT = 0.95
#: words in which poppler and pdfium agree
AGREEMENT = 0.95
#: a picture with this share of the page makes it a scan
PICTURE = 0.8
#: pages of a document that are looked at before it is passed by
TRIES = 20
#: grey levels between paper and ink of a word that can be seen
INK = 32
#: pixels a point of the drawn page
SCALE = 1.5
#: the unit of the device in which boxes are worked out, in pixels a point
_FINE = 10

_INVISIBLE = (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)


@dataclass(slots=True)
class Word:
    """A word as pdfium has it; its box in points of the page as shown, y down."""

    text: str = ""
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    upright: bool = True
    drawn: bool = True

    @property
    def latin(self) -> bool:
        """Whether it has letters, and Latin ones only."""
        signs = [sign for sign in unicodedata.normalize("NFKC", self.text) if sign.isalpha()]
        return bool(signs) and all(unicodedata.name(sign, "").startswith("LATIN") for sign in signs)


def eligible(path: Path) -> Iterator[tuple[int, str]]:
    """Numbers of pages that may be kept, the first is 1, with their words, in the order of a hash."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pdfium.PdfDocument(path) as document:
        pages = sorted(range(1, len(document) + 1), key=lambda page: order_of(digest, page))
        for page in pages[:TRIES]:
            if words := _may_be_kept(path, document, page):
                yield page, words


def order_of(digest: str, page: int) -> str:
    """What the pages of a file are ordered by."""
    return hashlib.sha256(f"{digest}:{page}".encode()).hexdigest()


def _may_be_kept(path: Path, document: Any, number: int) -> str:
    """Its words, folded, when a page fulfils the rule; else nothing."""
    page = document[number - 1]
    if _largest_picture(page) >= PICTURE:
        return ""
    words = [word for word in _words(page) if letters(word.text)]
    drawn = page.render(scale=SCALE, grayscale=True).to_pil()
    good = [word for word in words if word.upright and word.drawn and _has_ink(word, drawn)]
    if sum(word.latin for word in good) < WORDS or len(good) < UPRIGHT * len(words):
        return ""
    ours = Counter(letters(word.text) for word in words)
    theirs = Counter(letters(word) for line in poppler_lines(path, number) for word in line.text.split())
    theirs.pop("", None)
    agreed = (ours & theirs).total()
    if agreed < AGREEMENT * max(ours.total(), theirs.total()):
        return ""
    return " ".join(letters(word.text) for word in words)


def _largest_picture(page: Any) -> float:
    """The share of the page that its largest picture covers."""
    width, height = page.get_size()
    areas = [0.0]
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]):
        left, bottom, right, top = item.get_bounds()
        areas.append((right - left) * (top - bottom))
    return max(areas) / max(1.0, width * height)


def _words(page: Any) -> Iterator[Word]:
    text = page.get_textpage()
    word = Word()
    for index in range(text.count_chars()):
        sign = chr(raw.FPDFText_GetUnicode(text, index))
        if sign.isspace() or raw.FPDFText_IsGenerated(text, index) == 1:
            if word.text:
                yield word
            word = Word()
            continue
        word.text += sign
        word.boxes.append(_box(page, text, index))
        word.upright &= _is_upright(page, raw.FPDFText_GetCharAngle(text, index))
        item = raw.FPDFText_GetTextObject(text, index)
        word.drawn &= not item or raw.FPDFTextObj_GetTextRenderMode(item) not in _INVISIBLE
    if word.text:
        yield word


def _shown(page: Any, x: float, y: float) -> tuple[float, float]:
    """A place of the page's own space in points of the page as shown, y down."""
    width, height = page.get_size()
    right, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, int(width * _FINE), int(height * _FINE), 0, x, y, right, down)
    return right.value / _FINE, down.value / _FINE


def _box(page: Any, text: Any, index: int) -> tuple[float, float, float, float]:
    left, bottom, right, top = text.get_charbox(index)
    (x0, y0), (x1, y1) = _shown(page, left, bottom), _shown(page, right, top)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _is_upright(page: Any, angle: float) -> bool:
    """Whether a sign with ``angle`` (radians, clockwise, in the page's own space) is shown upright."""
    x, y = _shown(page, 0, 0)
    right, down = _shown(page, 100 * math.cos(angle), -100 * math.sin(angle))
    return right - x > 0 and abs(down - y) < 0.05 * (right - x)


def _has_ink(word: Word, drawn: Image.Image) -> bool:
    left = min(box[0] for box in word.boxes)
    top = min(box[1] for box in word.boxes)
    right = max(box[2] for box in word.boxes)
    bottom = max(box[3] for box in word.boxes)
    place = (int(left * SCALE) - 1, int(top * SCALE) - 1, int(right * SCALE) + 2, int(bottom * SCALE) + 2)
    if place[0] < -2 or place[1] < -2 or place[2] > drawn.width + 2 or place[3] > drawn.height + 2:
        return False
    darkest, lightest = drawn.crop(place).getextrema()
    return lightest - darkest >= INK


if __name__ == "__main__":
    for kept in eligible(Path(sys.argv[1])):
        print(json.dumps(kept), flush=True)
