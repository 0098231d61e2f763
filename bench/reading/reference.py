"""What stands on a page, as poppler's ``pdftotext`` shows it; without that program, as pdfium does."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from bench.reading.metric import Line

SECONDS = 60
_PAGE = "{http://www.w3.org/1999/xhtml}"
#: words further apart than this many heights are not of one line
_BLANK = 1.0


def name() -> str:
    """Who says what stands on a page."""
    return "pdftotext" if shutil.which("pdftotext") else "pdfium"


def lines_of(path: Path, page: int) -> list[Line]:
    """The lines of a page (the first is 1). Raises ``ValueError`` when the page cannot be read."""
    return poppler_lines(path, page) if shutil.which("pdftotext") else pdfium_lines(path, page)


def poppler_lines(path: Path, page: int) -> list[Line]:
    """The lines of ``pdftotext -bbox-layout``."""
    command = ["pdftotext", "-bbox-layout", "-f", str(page), "-l", str(page), "-enc", "UTF-8", str(path), "-"]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS)
    text = "".join(sign for sign in done.stdout.decode("utf-8", "replace") if sign >= " " or sign in "\t\n")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"pdftotext cannot read page {page}: {error}") from error
    found: list[Line] = []
    for line in root.iter(f"{_PAGE}line"):
        words = [word.text or "" for word in line.iter(f"{_PAGE}word")]
        box = (float(line.get(side, 0)) for side in ("xMin", "yMin", "xMax", "yMax"))
        found.append(Line(" ".join(words), *box))
    return found


def pdfium_lines(path: Path, page: int) -> list[Line]:
    """pdfium's own rectangles of text, joined where they are of one height and near to each other."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        raise ValueError(f"pdfium cannot read page {page}: {error}") from error
    with document:
        sheet = document[page - 1]
        text, height = sheet.get_textpage(), sheet.get_height()
        runs: list[Line] = []
        for number in range(text.count_rects()):
            left, bottom, right, top = text.get_rect(number)
            words = " ".join(text.get_text_bounded(left, bottom, right, top).split())
            if words:
                runs.append(Line(words, left, height - top, right, height - bottom))
        return _joined(runs)


def _joined(runs: list[Line]) -> list[Line]:
    """Runs of one line as one, from left to right; in the order of their tops."""
    lines: list[Line] = []
    for run in sorted(runs, key=lambda run: (run.left, run.top)):
        for number, line in enumerate(lines):
            middle = (run.top + run.bottom) / 2
            near = run.left - line.right <= _BLANK * max(line.height, run.height)
            if line.top <= middle <= line.bottom and near and run.left > line.left:
                blank = "" if run.left - line.right < 0.1 * line.height else " "
                lines[number] = Line(
                    f"{line.text}{blank}{run.text}",
                    line.left,
                    min(line.top, run.top),
                    max(line.right, run.right),
                    max(line.bottom, run.bottom),
                )
                break
        else:
            lines.append(run)
    return sorted(lines, key=lambda line: (line.top, line.left))


def all_lines(path: Path) -> list[Line]:
    """The lines of all pages in their order; none of a file or a page that cannot be opened."""
    import pypdfium2 as pdfium

    try:
        with pdfium.PdfDocument(path) as document:
            count = len(document)
    except pdfium.PdfiumError:
        return []
    found: list[Line] = []
    for page in range(1, count + 1):
        with contextlib.suppress(ValueError):
            found += lines_of(path, page)
    return found
