"""Makes pictures of pages with a known text: as a scanner gives them, tilted, noisy, dark."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pypdfium2
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from reportlab.pdfgen.canvas import Canvas

from gradio_app.parsing.readers.embedded.facts import PageFacts

ENGLISH = (
    "The committee met on 14 March 2019 and approved the budget.",
    "Revenue rose by 12.5 % to 3,482 million, while costs fell;",
    "the board therefore proposes a dividend of 0.85 per share.",
    "Several members asked whether the figures had been audited.",
    "Mr. Quayle replied that the auditors (Jones & Webb) had signed",
    "the report without reservations, and that copies were available.",
    "Questions about the warehouse in Oxford were put off until June.",
    "Nobody knew exactly why the older machines had been sold so late.",
)
CHINESE = (
    "本报告介绍了公司在过去一年中的主要业务情况。",
    "营业收入比上年增长百分之十二,成本有所下降。",
    "董事会建议向全体股东派发现金红利,每股零点八五元。",
    "审计机构已经出具了标准无保留意见的审计报告。",
    "下一次会议将于六月在北京举行,请各位代表准时参加。",
)


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def font(chinese: bool, size: float) -> ImageFont.FreeTypeFont:
    """A font that comes with a package of the installation."""
    file = "resources/fonts/DroidSansFallbackFull.ttf" if chinese else "fonts/Vera.ttf"
    return ImageFont.truetype(_package("docvortex" if chinese else "reportlab") / file, size)


def sheet(
    lines: Sequence[str], *, dpi: int = 200, chinese: bool = False, width: float = 6.3, tilt: float = 0.0
) -> Image.Image:
    """Lines in 11 points on white paper ``width`` inches wide; ``tilt`` turns it by degrees."""
    step = dpi * 0.26
    paper = Image.new("L", (round(width * dpi), round((len(lines) + 3) * step)), 255)
    pen, letters = ImageDraw.Draw(paper), font(chinese, dpi * 11 / 72)
    for number, line in enumerate(lines):
        pen.text((0.5 * dpi, (number + 1) * step), line, fill=20, font=letters)
    if tilt:
        paper = paper.rotate(tilt, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    paper = paper.convert("RGB")
    paper.info["dpi"] = (dpi, dpi)
    return paper


def noisy(picture: Image.Image, spread: float = 12.0) -> Image.Image:
    """As from a poor scanner: a little blurred, every pixel off by chance."""
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.6)), np.float32)
    chance = np.random.default_rng(1).normal(0, spread, pixels.shape)
    changed = Image.fromarray(np.clip(pixels + chance, 0, 255).astype(np.uint8))
    changed.info.update(picture.info)
    return changed


def scan(picture: Image.Image, hidden: Sequence[str] = (), turned: int = 0) -> bytes:
    """A PDF with the picture over the whole page, and ``hidden`` lines as an invisible layer."""
    dpi = picture.info["dpi"][0]
    width, height = picture.width * 72 / dpi, picture.height * 72 / dpi
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width, height), invariant=1)
    canvas.setPageRotation(turned)
    canvas.drawInlineImage(picture, 0, 0, width, height)
    for number, line in enumerate(hidden):
        text = canvas.beginText(36, height - 20 * (number + 2))
        text.setTextRenderMode(3)
        text.textOut(line)
        canvas.drawText(text)
    canvas.save()
    return out.getvalue()


def page_of(content: bytes) -> pypdfium2.PdfPage:
    return pypdfium2.PdfDocument(content)[0]


def text_page(draw: Callable[[Canvas], object], width: float = 400, height: float = 300) -> bytes:
    """A PDF of one page that ``draw`` drew on."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width, height), invariant=1)
    draw(canvas)
    canvas.save()
    return out.getvalue()


def text_of(facts: PageFacts) -> str:
    """The words line by line, as a person reads them."""
    lines: list[list[tuple[float, float, float, str]]] = []
    for word in sorted(facts.words, key=lambda word: word.cy):
        if not lines or word.cy - lines[-1][0][0] > 0.6 * word.size:
            lines.append([])
        lines[-1].append((word.cy, word.x0, word.size, word.text))
    return "\n".join(" ".join(word[3] for word in sorted(line, key=lambda word: word[1])) for line in lines)


def wrong(read: str, truth: str) -> float:
    """Characters to change, of those in ``truth`` (Levenshtein), blanks among them."""
    before = list(range(len(truth) + 1))
    for row, letter in enumerate(read, 1):
        here = [row]
        for column, other in enumerate(truth, 1):
            here.append(min(before[column] + 1, here[-1] + 1, before[column - 1] + (letter != other)))
        before = here
    return before[-1] / len(truth)
