"""Text and ticks drawn into pages: in Helvetica, in a font that only tells its characters, and as boxes.

None of the fonts is embedded: what matters is that readers find the characters at their place. Boxes are
drawn, so that a tick looks like one.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import unicodedata
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name

from gradio_app.parsing.prepare.pdf.cmaps import write_map
from gradio_app.parsing.prepare.symbol_fonts import EMPTY, TICKED
from gradio_app.parsing.readers.embedded.right_to_left import as_drawn

Rect = tuple[float, float, float, float]

#: sizes of text: usual, least, of a line in a box of one line
_USUAL, _LEAST, _OF_HEIGHT = 10.0, 4.0, 0.75
#: distance of lines, and of text from the edge of its box, in sizes
_PITCH, _INDENT = 1.2, 0.2
#: lines of one value
_MOST_LINES = 400
#: glyphs of boxes, in thousandths
_BOX = b"60 w 80 0 700 700 re S"
_CROSS = b" 180 100 m 680 600 l S 180 600 m 680 100 l S"


class Pen:
    """Draws into pages of one document; ``finish`` completes its fonts."""

    def __init__(self, document: pikepdf.Pdf) -> None:
        self._document = document
        self._plain: pikepdf.Object | None = None
        self._marks: pikepdf.Object | None = None
        self._wide: pikepdf.Object | None = None
        self._codes: dict[str, int] = {}

    def text(
        self, page: pikepdf.Page, rect: Rect, value: str, turn: int, size: float = 0, lines: bool = False
    ) -> bytes:
        """Operators that write ``value`` into ``rect``, upright on a page that is shown turned by ``turn``.

        ``size`` 0 chooses one; ``lines``: the box takes several. Text that does not fit becomes smaller.
        """
        matrix, width, height = _frame(rect, turn)
        size = size or (_USUAL if lines else min(_USUAL, max(_LEAST, _OF_HEIGHT * height)))
        rows = _wrapped(value, size, width, height, lines)
        while size > _LEAST and len(rows) * _PITCH * size > max(height, _PITCH * size) + 1:
            size = max(_LEAST, size * 0.9)
            rows = _wrapped(value, size, width, height, lines)
        first = height - size if lines or len(rows) > 1 else (height - 0.7 * size) / 2
        drawn: list[bytes] = []
        for number, row in enumerate(rows):
            font, code = self._encoded(page, as_drawn(row))
            at = f"{_INDENT * size:.2f} {first - number * _PITCH * size:.2f} Td"
            drawn.append(f"BT {font} {size:.2f} Tf {at} <{code.hex()}> Tj ET".encode())
        return b"q 0 g " + matrix + b" cm " + b" ".join(drawn) + b" Q\n"

    def mark(self, page: pikepdf.Page, rect: Rect, ticked: bool, turn: int) -> bytes:
        """Operators that draw a box with or without a cross into ``rect``; it reads as a sign of its own."""
        matrix, width, height = _frame(rect, turn)
        size = max(_LEAST, min(width, height, 14.0))
        if self._marks is None:
            self._marks = self._made_marks()
        font = added(page, self._marks, Name.Font, "Marks")
        x, y = (width - 0.86 * size) / 2, (height - 0.7 * size) / 2
        code = "62" if ticked else "61"
        return (
            b"q 0 g 0 G "
            + matrix
            + f" cm BT {font} {size:.2f} Tf {x:.2f} {y:.2f} Td <{code}> Tj ET Q\n".encode()
        )

    def finish(self) -> None:
        """Writes widths and characters of the font that was made on the way."""
        if self._wide is None:
            return
        self._wide.ToUnicode = self._document.make_stream(
            write_map({code.to_bytes(2): char for char, code in self._codes.items()})
        )
        widths = [round(1000 * _width(char)) for char in self._codes]
        self._wide.DescendantFonts[0].W = Array([1, Array(widths)])

    def _encoded(self, page: pikepdf.Page, row: str) -> tuple[str, bytes]:
        """The name of a font on this page, and the codes of the text in it."""
        try:
            code = row.encode("cp1252")
        except UnicodeEncodeError:
            if self._wide is None:
                self._wide = self._made_wide()
            codes = [self._codes.setdefault(char, len(self._codes) % 0xFFFF + 1) for char in row]
            wide = b"".join(code.to_bytes(2) for code in codes)
            return added(page, self._wide, Name.Font, "Wide"), wide
        if self._plain is None:
            self._plain = self._document.make_indirect(
                Dictionary(
                    Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding
                )
            )
        return added(page, self._plain, Name.Font, "Plain"), code

    def _made_wide(self) -> pikepdf.Object:
        descriptor = Dictionary(
            Type=Name.FontDescriptor, FontName=Name.Helvetica, Flags=4, FontBBox=Array([0, -200, 1000, 900]),
            ItalicAngle=0, Ascent=800, Descent=-200, CapHeight=700, StemV=80,
        )  # fmt: skip
        inner = Dictionary(
            Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name.Helvetica, DW=1000,
            CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
            FontDescriptor=self._document.make_indirect(descriptor),
        )  # fmt: skip
        font = Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name.Helvetica, Encoding=Name("/Identity-H"),
            DescendantFonts=Array([self._document.make_indirect(inner)]),
        )  # fmt: skip
        return self._document.make_indirect(font)

    def _made_marks(self) -> pikepdf.Object:
        stream = self._document.make_stream
        glyphs = Dictionary(
            box=stream(b"860 0 d0 q " + _BOX + b" Q"), cross=stream(b"860 0 d0 q " + _BOX + _CROSS + b" Q")
        )
        font = Dictionary(
            Type=Name.Font, Subtype=Name.Type3, FontBBox=Array([0, 0, 860, 760]),
            FontMatrix=Array([0.001, 0, 0, 0.001, 0, 0]), CharProcs=glyphs, Resources=Dictionary(),
            Encoding=Dictionary(Type=Name.Encoding, Differences=Array([0x61, Name.box, Name.cross])),
            FirstChar=0x61, LastChar=0x62, Widths=Array([860, 860]),
            ToUnicode=stream(write_map({b"\x61": EMPTY, b"\x62": TICKED})),
        )  # fmt: skip
        return self._document.make_indirect(font)


def _frame(rect: Rect, turn: int) -> tuple[bytes, float, float]:
    """The matrix that stands a box of a page shown turned upright, and its width and height then."""
    x0, y0, x1, y1 = rect
    matrix = {
        90: (0, 1, -1, 0, x1, y0),
        180: (-1, 0, 0, -1, x1, y1),
        270: (0, -1, 1, 0, x0, y1),
    }.get(turn % 360, (1, 0, 0, 1, x0, y0))
    width, height = (x1 - x0, y1 - y0) if turn % 180 == 0 else (y1 - y0, x1 - x0)
    return " ".join(f"{value:.3f}" for value in matrix).encode(), width, height


def _wrapped(value: str, size: float, width: float, height: float, lines: bool) -> list[str]:
    """The text in lines that fit the width; a box of one line is left as it is while it fits."""
    room = max(width - 2 * _INDENT * size, size) / size
    rows: list[str] = []
    for line in value.splitlines() or [""]:
        row, used = "", 0.0
        for word in line.split(" "):
            long = sum(map(_width, word)) + 0.28
            if row and used + long > room + 0.28:
                rows.append(row)
                row, used = "", 0.0
            row, used = (f"{row} {word}" if row else word), used + long
        rows.append(row)
    return rows[:_MOST_LINES]


def _width(char: str) -> float:
    """About the width of a character, in sizes of its font."""
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    return 0.28 if char in " ijl.,:;'|!" else 0.7 if char.isupper() else 0.556


def added(page: pikepdf.Page, resource: pikepdf.Object, kind: Name, name: str) -> str:
    """Adds a resource to a page under a name that no file has, and that is the same each time."""
    return str(page.add_resource(resource, kind, Name(f"/MinerUPrepared{name}")))


def boxes(values: Any) -> Rect | None:
    """A rectangle of a PDF with its corners in order; None for what is none or has no area."""
    try:
        x0, y0, x1, y1 = (float(value) for value in values)
    except (TypeError, ValueError):
        return None
    rect = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
    sound = all(abs(value) < 1e6 for value in rect)
    return rect if sound and rect[2] - rect[0] > 0.1 and rect[3] - rect[1] > 0.1 else None
