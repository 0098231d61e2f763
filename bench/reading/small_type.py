"""Scans of running text in small type: characters that are wrong, paragraphs that are cut or run together.

The text is that of this project's own documents, as made-up words have too few double and narrow letters.
"""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import pypdfium2 as pdfium
from PIL import Image, ImageFilter
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Paragraph, SimpleDocTemplate

from bench.reading.truth import distance
from gradio_app.machine import builtin_models
from gradio_app.parsing.readers.embedded.models import MODELS
from gradio_app.parsing.readers.embedded.page import read_picture
from gradio_app.parsing.readers.embedded.paragraphs import Obstacle, paragraphs
from tests.live import ROOT

FONTS = ("Helvetica", "Times-Roman", "Courier", "Helvetica-Oblique", "Times-Italic")
POINTS = (8, 10, 12)
#: pixels of a scan for each point: 108 and 144 dots an inch
SCALES = (1.5, 2)


@dataclass(frozen=True, slots=True)
class Tried:
    """One page: ``wrong`` of ``letters`` (without blanks), paragraphs there are and were ``found``."""

    font: str
    points: int
    scale: float
    letters: int
    wrong: int
    paragraphs: int
    found: int


def measured(seed: int = 1) -> Iterator[Tried]:
    """Makes a page of each font, size and resolution, and reads it with the built-in models."""
    MODELS.use(builtin_models.folder())
    text = " ".join((ROOT / f"docs/{name}.md").read_text("utf-8") for name in ("faq", "operations"))
    words = re.sub(r"[^A-Za-z0-9 ,.;:%()-]+", " ", text).split()
    for number, (font, points, scale) in enumerate(product(FONTS, POINTS, SCALES)):
        rng = random.Random(seed * 1000 + number)
        truth = [_passage(words, rng) for _ in range(rng.choice((4, 6, 8)))]
        facts = read_picture(_scan(truth, font, points, scale, rng), MODELS)
        read = [each.text for each in paragraphs(facts.words, facts) if not isinstance(each, Obstacle)]
        expected = _letters(truth)
        yield Tried(
            font, points, scale, len(expected), distance(expected, _letters(read)), len(truth), len(read)
        )


def _passage(words: Sequence[str], rng: random.Random) -> str:
    at, length = rng.randrange(len(words) - 100), rng.choice((12, 25, 40, 70))
    return " ".join(words[at : at + length]).strip(" ,;:.-()").capitalize() + "."


def _scan(passages: Sequence[str], font: str, points: int, scale: float, rng: random.Random) -> Image.Image:
    """The first page of the passages: a little askew, soft, and a JPEG."""
    leading = points * rng.choice((1.15, 1.2, 1.35))
    style = ParagraphStyle(
        "body",
        fontName=font,
        fontSize=points,
        leading=leading,
        spaceAfter=leading * rng.choice((0.35, 0.5, 0.75)),
    )
    out = io.BytesIO()
    SimpleDocTemplate(out, pagesize=A4).build([Paragraph(each, style) for each in passages])
    page = pdfium.PdfDocument(out.getvalue())[0]
    picture = page.render(scale=scale).to_pil().convert("L")  # pyright: ignore[reportArgumentType]
    picture = picture.rotate(rng.uniform(-1, 1), Image.Resampling.BICUBIC, fillcolor=255)
    jpeg = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(0.5)).save(jpeg, "JPEG", quality=60, dpi=(72 * scale, 72 * scale))
    return Image.open(jpeg)


def _letters(texts: Sequence[str]) -> str:
    return re.sub(r"\s", "", "".join(texts))


def report(tried: Sequence[Tried]) -> str:
    """A table in Markdown: a row for each size, and one for all."""
    rows = [
        "| points | pages | characters wrong | paragraphs | cut or run together |",
        "|---|---|---|---|---|",
    ]
    for points in (*POINTS, 0):
        some = [each for each in tried if points in (0, each.points)]
        letters, wrong = sum(each.letters for each in some), sum(each.wrong for each in some)
        apart = sum(abs(each.found - each.paragraphs) for each in some)
        there = sum(each.paragraphs for each in some)
        share = f"{100 * wrong / max(1, letters):.2f} % of {letters:,}"
        rows.append(f"| {points or 'all'} | {len(some)} | {share} | {there} | {apart} |")
    return "\n".join(rows)
