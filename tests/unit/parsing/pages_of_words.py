"""Pages for the tests of the embedded reader, made of words without a file: tables, text, rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.geometry import Box

#: of the words below, in points: width of a character, of a blank, height of a line
CHAR, BLANK, HIGH = 5.0, 3.0, 12.0
SENTENCE = "the river was low that year and the mills along it stood still until the autumn rain came back"


def line(x: float, y: float, text: str, bold: bool = False, size: float = 10.0) -> list[Word]:
    """Words of a text that begins at ``x``, ``y``."""
    words: list[Word] = []
    for part in text.split():
        end = x + CHAR * len(part) * size / 10
        words.append(Word(x, y, end, y + HIGH * size / 10, part, size, bold=bold))
        x = end + BLANK * size / 10
    return words


def centred(middle: float, y: float, text: str) -> list[Word]:
    """The same around ``middle``."""
    words = line(0, y, text)
    return line(middle - words[-1].x1 / 2, y, text)


def grid(
    x: float, y: float, rows: Sequence[Sequence[str]], widths: Sequence[float], pitch: float = 16.0
) -> list[Word]:
    """Cells of text in columns of these widths; empty ones are left out. Cells may have lines."""
    words: list[Word] = []
    for row in rows:
        left = x
        high = max((cell.count("\n") for cell in row), default=0)
        for cell, width in zip(row, widths, strict=True):
            for number, text in enumerate(cell.split("\n")):
                words += line(left, y + HIGH * number, text)
            left += width
        y += pitch + HIGH * high
    return words


def text(x: float, y: float, width: float, lines: int, seed: int = 0) -> list[Word]:
    """A column of plain text, ragged at its right."""
    supply = SENTENCE.split()
    words: list[Word] = []
    at = seed
    for number in range(lines):
        left = x
        while True:
            part = supply[at * 7 % len(supply)]
            if left + CHAR * len(part) > x + width:
                break
            words += line(left, y + 13 * number, part)
            left += CHAR * len(part) + BLANK
            at += 1
    return words


def rules_across(x0: float, x1: float, heights: Iterable[float]) -> tuple[Box, ...]:
    """Horizontal rules."""
    return tuple((x0, y, x1, y) for y in heights)


def rules_down(y0: float, y1: float, places: Iterable[float]) -> tuple[Box, ...]:
    """Vertical rules."""
    return tuple((x, y0, x, y1) for x in places)


def page(
    *words: Sequence[Word], across: Sequence[Box] = (), down: Sequence[Box] = (), scan: bool = False
) -> PageFacts:
    """A page of 595 × 842 points."""
    found = tuple(word for part in words for word in part)
    return PageFacts(595, 842, found, tuple(across), tuple(down), scan=scan)
