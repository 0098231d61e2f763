"""Words of a page from pdfium's text: characters without a gap, with box, size, angle and looks.

pdfium is asked through functions bound here without conversion of pointers, and three times a character only;
font, angle and visibility are asked once for each text object.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, cast

import pypdfium2
import pypdfium2.raw as pdfium

from gradio_app.parsing.readers.embedded.accents import over_letters
from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box
from gradio_app.parsing.readers.embedded.right_to_left import RTL
from gradio_app.parsing.readers.embedded.typography import MARKS

#: height of pdfium's loose box of a character, in sizes of its font
_LOOSE = 1.17
#: characters of a page; those beyond are not read
MOST_CHARACTERS = 200_000
#: a hyphen at the end of a line as pdfium tells it, and soft ones
_HYPHENS = frozenset((0x02, 0xFFFE, 0xAD))
#: what names of fonts say of their looks
_BOLD_NAMES = (b"bold", b"black", b"heavy")
_MONO_NAMES = (b"courier", b"mono", b"consol", b"typewriter", b"cmtt")
_BOLD_FLAG, _MONO_FLAG, _BOLD_WEIGHT, _INVISIBLE = 1 << 18, 1, 600, 3
#: gaps that end a word, in sizes of the font: forwards, and back
_GAP, _BACK = 0.28, 0.9
#: words of two characters share less of their height than this
_SAME_LINE = 0.35
#: letters before this one run from left to right
_FIRST_RTL = "\u0590"
#: a large initial is this many times as large as the word that it belongs to
_INITIAL = 1.7


@dataclass(frozen=True, slots=True)
class _Looks:
    angle: float
    size: float  # of the font, where it can be told
    bold: bool
    visible: bool
    mono: bool


_NONE = _Looks(0.0, 0.0, False, True, False)


class _Run:
    """A word that is being put together."""

    __slots__ = ("letters", "looks", "right_to_left", "size", "x0", "x1", "y0", "y1")

    def __init__(self, x0: float, y0: float, x1: float, y1: float, size: float, looks: _Looks) -> None:
        self.x0, self.y0, self.x1, self.y1 = x0, y0, x1, y1
        self.size, self.looks = size, looks
        self.letters: list[str] = []
        self.right_to_left = False

    def ends_before(self, box: Box, size: float, looks: _Looks, letter: str) -> bool:
        """Whether a character at this place begins a new word."""
        x0, y0, x1, y1 = box
        if abs(looks.angle - self.looks.angle) > 4:
            return True
        if looks.angle:
            return False
        if len(self.letters) == 1 and size < 0.55 * self.size and self.letters[0].isupper():
            return True  # after a large initial
        gap, high = x0 - self.x1, max(size, self.size)
        if self.right_to_left or (letter >= _FIRST_RTL and RTL.match(letter)):
            gap = self.x0 - x1
        if gap > _GAP * high or gap < -_BACK * high:
            return True
        return min(y1, self.y1) - max(y0, self.y0) < _SAME_LINE * min(y1 - y0, self.y1 - self.y0)

    def goes_on(self, x0: float, y0: float, y1: float, looks: _Looks) -> bool:
        """Whether a character is surely of this word: as high as it, on its line, behind it. Most are."""
        return (
            y0 == self.y0
            and y1 == self.y1
            and looks is self.looks
            and not looks.angle
            and -0.5 * self.size < x0 - self.x1 < _GAP * self.size
            and x0 >= self.x0
        )

    def add(self, letter: str, x0: float, y0: float, x1: float, y1: float, size: float) -> None:
        self.letters.append(letter)
        self.right_to_left = self.right_to_left or (letter >= _FIRST_RTL and RTL.match(letter) is not None)
        self.x0, self.x1 = min(self.x0, x0), max(self.x1, x1)
        if size > 0.8 * self.size:  # not the height of an index
            self.y0, self.y1 = min(self.y0, y0), max(self.y1, y1)

    def word(self) -> Word:
        looks = self.looks
        return Word(
            self.x0, self.y0, self.x1, self.y1, "".join(self.letters), self.size,
            angle=looks.angle, bold=looks.bold, visible=looks.visible, mono=looks.mono,
        )  # fmt: skip


def page_words(page: pypdfium2.PdfPage) -> list[Word]:
    """All words on the page, in the order of the file; ``visible`` is false for render mode 3."""
    text = page.get_textpage()
    try:
        runs = _runs(page, text.raw)
    finally:
        text.close()
    width, height = cast(tuple[float, float], page.get_size())
    words = [run.word() for run in runs if run.x1 > 0 and run.y1 > 0 and run.x0 < width and run.y0 < height]
    return _with_initials(words)


def to_upright(page: pypdfium2.PdfPage) -> Callable[[float, float], tuple[float, float]]:
    """From the coordinates of the file to those of the page as it is shown: y downwards, turned."""
    xx, xy, x_, yx, yy, y_ = _upright(page)
    return lambda x, y: (xx * x + xy * y + x_, yx * x + yy * y + y_)


def _upright(page: pypdfium2.PdfPage) -> tuple[float, float, float, float, float, float]:
    """The same as factors: ``x' = xx x + xy y + x_`` and ``y' = yx x + yy y + y_``."""
    left, bottom, right, top = cast(Box, page.get_bbox())
    turned = {
        90: (0, 1, -bottom, 1, 0, -left),
        180: (-1, 0, right, 0, 1, -bottom),
        270: (0, -1, top, -1, 0, right),
    }
    return turned.get(page.get_rotation() % 360, (1, 0, -left, 0, -1, top))


@cache
def _bound(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of pdfium that takes and gives plain numbers for pointers: half the time of a call."""
    address = ctypes.cast(getattr(pdfium, name), ctypes.c_void_p).value
    assert address
    return ctypes.CFUNCTYPE(result, *arguments)(address)


def _runs(page: pypdfium2.PdfPage, raw: Any, instead: Mapping[int, str] = MappingProxyType({})) -> list[_Run]:
    """The words; ``instead``: what some characters are, by number, empty for those that are none."""
    handle, number = ctypes.c_void_p, ctypes.c_int
    letter_of = _bound("FPDFText_GetUnicode", ctypes.c_uint, handle, number)
    box_of = _bound("FPDFText_GetLooseCharBox", number, handle, number, handle)
    object_of = _bound("FPDFText_GetTextObject", handle, handle, number)
    text = ctypes.cast(raw, handle).value
    xx, xy, x_, yx, yy, y_ = _upright(page)
    turn = page.get_rotation() % 360
    sides = (ctypes.c_float * 4)()  # left, top, right, bottom
    pointer = ctypes.addressof(sides)
    seen: dict[int | None, _Looks] = {}
    last, looks = -1, _NONE
    found: list[_Run] = []
    run: _Run | None = None
    high = 0
    marks: list[int] = []
    count: int = cast(Any, pdfium).FPDFText_CountChars(raw)
    for index in range(min(count, MOST_CHARACTERS)):
        code = letter_of(text, index)
        if 0xD800 <= code < 0xE000:  # two halves of one character
            if code < 0xDC00:
                high = code
                continue
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
        high = 0
        letter = "-" if code in _HYPHENS else chr(code) if 32 < code < 0x110000 else ""
        if letter in MARKS and not instead:
            marks.append(index)
        if index in instead and not (letter := instead[index]):
            continue
        if not letter or letter.isspace():
            run = None
            continue
        if not box_of(text, index, pointer):
            continue
        left, top, right, bottom = sides
        x0, y0 = xx * left + xy * top + x_, yx * left + yy * top + y_
        x1, y1 = xx * right + xy * bottom + x_, yx * right + yy * bottom + y_
        if x1 < x0:
            x0, x1 = x1, x0
        if y1 < y0:
            y0, y1 = y1, y0
        key = object_of(text, index)
        if key != last:
            last = key
            looks = seen.get(key) or seen.setdefault(key, _looks(raw, index, turn))
        if run is not None and run.goes_on(x0, y0, y1, looks):
            run.letters.append(letter)
            run.x1 = max(run.x1, x1)
            continue
        size = _size(looks, x1 - x0, y1 - y0)
        if run is None or run.ends_before((x0, y0, x1, y1), size, looks, letter):
            run = _Run(x0, y0, x1, y1, size, looks)
            found.append(run)
        run.add(letter, x0, y0, x1, y1, size)
    if marks and (instead := _accented(marks, min(count, MOST_CHARACTERS), letter_of, box_of, text)):
        return _runs(page, raw, instead)
    return found


def _accented(
    marks: list[int], count: int, letter_of: Callable[..., Any], box_of: Callable[..., Any], text: Any
) -> dict[int, str]:
    """Accents that are characters of their own, and the letters that they stand over, by their places."""
    sides = (ctypes.c_float * 4)()
    letters: list[str] = []
    boxes: list[Box] = []
    for index in range(count):
        code = letter_of(text, index)
        box_of(text, index, ctypes.addressof(sides))
        left, top, right, bottom = sides
        letters.append(chr(code) if 0x20 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " ")
        boxes.append((left, bottom, right, top))
    return over_letters(marks, letters, boxes)


def _size(looks: _Looks, width: float, height: float) -> float:
    """Of the font: from the box across the line, or what the file says where the line is askew."""
    if looks.angle == 0:
        return height / _LOOSE
    if abs(looks.angle - 90) < 3 or abs(looks.angle - 270) < 3:
        return width / _LOOSE
    return looks.size


def _looks(raw: Any, index: int, turn: int) -> _Looks:
    """What all characters of a text object share."""
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    known = pdfium.FPDFText_GetFontInfo(raw, index, name, 128, ctypes.byref(flags))
    font = name.value.lower() if known else b""
    weight = pdfium.FPDFText_GetFontWeight(raw, index)
    bold = any(part in font for part in _BOLD_NAMES) or font.endswith(b"-bd")
    angle = (math.degrees(pdfium.FPDFText_GetCharAngle(raw, index)) + turn) % 360
    inner: Any = pdfium
    mode: int = inner.FPDFTextObj_GetTextRenderMode(inner.FPDFText_GetTextObject(raw, index))
    return _Looks(
        angle=0.0 if angle < 3 or angle > 357 else angle,
        size=pdfium.FPDFText_GetFontSize(raw, index),
        bold=bold or bool(flags.value & _BOLD_FLAG) or weight >= _BOLD_WEIGHT,
        visible=mode != _INVISIBLE,
        mono=bool(flags.value & _MONO_FLAG) or any(part in font for part in _MONO_NAMES),
    )


def _with_initials(words: list[Word]) -> list[Word]:
    """A large initial becomes part of the word at its right; its other lines keep their words."""
    initials = [word for word in words if len(word.text) == 1 and word.text.isupper() and not word.angle]
    if not initials or max(word.size for word in initials) <= _INITIAL * min(word.size for word in words):
        return words
    found = list(words)
    for initial in initials:
        near = [word for word in found if _beside(initial, word)]
        first = next((word for word in near if not _lower_line(initial, word, found)), None)
        if first is not None:
            found[found.index(first)] = replace(first, text=initial.text + first.text, x0=initial.x0)
            found.remove(initial)
    return found


def _beside(initial: Word, word: Word) -> bool:
    """Whether ``word`` begins right of the initial, in the upper part of it."""
    return (
        word is not initial
        and not word.angle
        and initial.size > _INITIAL * word.size
        and word.text[:1].isalpha()
        and 0 <= word.x0 - initial.x1 + 0.6 * word.size < 1.2 * word.size
        and initial.y0 - 0.5 * initial.size <= word.cy <= initial.y0 + 0.62 * (initial.y1 - initial.y0)
    )


def _lower_line(initial: Word, word: Word, words: list[Word]) -> bool:
    """Whether a word of the same size is beside the initial above ``word``."""
    return any(
        other is not word
        and not other.angle
        and initial.x1 - 0.6 * other.size < other.x0 < word.x0 + 0.5
        and initial.y0 - 0.3 * initial.size <= other.cy < word.cy - 0.3 * word.size
        and abs(other.size - word.size) < 0.2 * word.size
        for other in words
    )
