"""How well the doubt parts pages that a better reader should see from those that the cheap ones read well.

50 good pages and 50 bad ones are made from known text. ``climbs``: the reading is in doubt. ``right``: the
share of the known words that are in its text, so that the labels can be checked; None where nothing is known.
"""

from __future__ import annotations

import io
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bench.reading.made import Pen, digital, typeset
from bench.reading.truth import Truth
from gradio_app.base import doubts
from gradio_app.machine import builtin_models
from gradio_app.parsing import check, page_doubts, parse, reading
from gradio_app.parsing.readers.embedded.page import read_page
from gradio_app.parsing.readers.embedded.tables import find_tables
from gradio_app.parsing.readers.flash import text_of
from tests import layouts
from tests.scans import CHINESE, ENGLISH, font, noisy, scan, sheet

#: pages of each kind of bad ones
_OF_A_KIND = 10
_CYRILLIC = (
    "Комитет собрался в марте и утвердил годовой отчёт общества.",
    "Доходы выросли на двенадцать процентов, расходы снизились.",
    "Совет предлагает выплатить дивиденды всем акционерам.",
    "Следующее заседание состоится в июне в большом зале.",
)
_GREEK = (
    "Η επιτροπή συνεδρίασε τον Μάρτιο και ενέκρινε τον προϋπολογισμό.",
    "Τα έσοδα αυξήθηκαν κατά δώδεκα τοις εκατό φέτος.",
    "Η επόμενη συνεδρίαση θα γίνει τον Ιούνιο στην Αθήνα.",
    "Παρακαλούνται όλοι οι εκπρόσωποι να προσέλθουν εγκαίρως.",
)
_FORMULAS = (
    r"$E=\sum_{i=1}^{n} \frac{p_i^2}{2m} + \int_0^1 \sqrt{x^2+1}\,dx$",
    r"$\frac{\partial u}{\partial t} = \alpha \nabla^2 u + \beta_{ij} \phi(x)$",
    r"$\lim_{n \to \infty} \left( 1 + \frac{1}{n} \right)^n = e$",
    r"$P(A|B) = \frac{P(B|A)\,P(A)}{\sum_k P(B|A_k)\,P(A_k)}$",
    r"$\hat{f}(\xi) = \int_{-\infty}^{\infty} f(x)\, e^{-2\pi i x \xi}\,dx$",
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page with a known text; ``bad``: a better reader should see it."""

    name: str
    kind: str
    bad: bool
    truth: str
    pdf: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a page."""

    name: str
    kind: str
    bad: bool
    climbs: bool
    why: str
    right: float | None


def measured() -> list[Seen]:
    """All pages, read as tier ``auto`` reads them before the vision model is asked."""
    os.environ[reading.MODELS_VARIABLE] = str(builtin_models.folder())
    parse.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        return [*(_seen(page, Path(folder)) for page in pages()), *_damaged(Path(folder))]


def _seen(page: Page, folder: Path) -> Seen:
    path = folder / f"{page.name}.pdf"
    path.write_bytes(page.pdf)
    found = reading.read(str(path), [], "auto", every=False, climb=True)
    why = [each["message"] for each in found.notes if each["code"] == doubts.CODE]
    text = " ".join(map(text_of, found.model.to_dict(skip_defaults=False)["pages"][0]))
    right = check.share_of(page.truth.split(), text)[0] if page.truth else None
    return Seen(page.name, page.kind, page.bad, bool(why), " ".join(why), right)


def pages() -> Iterator[Page]:
    """The good ones, then the bad ones but for those whose result is damaged."""
    for page in digital():
        yield Page(page.name, page.kind, False, page.truth.text, page.pdf)
    drawn = (layouts.prose, layouts.columns, layouts.ruled_table, layouts.statement, layouts.code,
             layouts.bullets, layouts.form)  # fmt: skip
    for draw in drawn:
        yield Page(draw.__name__, "digital, drawn", False, "", layouts.pdf(draw))
    for number in range(13):
        truth = Truth([prose(Pen(f"good{number}"), 9)])
        yield Page(f"prose-{number}", "digital", False, truth.text, typeset(truth, "en"))
    for number in range(2 * _OF_A_KIND):
        yield _sound_scan(number)
    for number in range(_OF_A_KIND):
        pen = Pen(f"bad{number}")
        yield Page(f"formulas-{number}", "formulas", True, "", formula_page(pen))
        lines = pen.sample(ENGLISH, 6)
        coarse = noisy(sheet(lines, dpi=48 + 2 * number, tilt=0.4), 18.0)
        yield Page(f"coarse-{number}", "coarse scan", True, " ".join(lines), scan(coarse))
        lines = pen.sample(_CYRILLIC if number % 2 else _GREEK, 4)
        yield Page(f"script-{number}", "another script", True, " ".join(lines), scan(_sheet(lines)))
        lines = [prose(pen, 1)[:45] for _ in range(4)]
        yield Page(f"shaky-{number}", "as by hand", True, " ".join(lines), scan(by_hand(lines, pen)))


def _sound_scan(number: int) -> Page:
    """English or Chinese, 150 or 200 dpi, some tilted, some noisy."""
    chinese, dpi = bool(number % 2), 150 if number % 4 < 2 else 200
    pen = Pen(f"scan{number}")
    lines = pen.sample(CHINESE, 4) if chinese else pen.sample(ENGLISH, 6)
    picture = sheet(lines, dpi=dpi, chinese=chinese, tilt=pen.choice((0.0, 1.0, -1.0)))
    picture = noisy(picture) if number % 3 else picture
    return Page(f"scan-{number}", "scan", False, "" if chinese else " ".join(lines), scan(picture))


def _damaged(folder: Path) -> Iterator[Seen]:
    """Results of good pages without a paragraph or a table, judged as a reading is."""
    import pypdfium2 as pdfium

    for number in range(_OF_A_KIND):
        pen = Pen(f"damaged{number}")
        ruled = bool(number % 2)
        content = layouts.pdf(layouts.ruled_table) if ruled else typeset(_long(pen), "en")
        path = folder / f"damaged-{number}.pdf"
        path.write_bytes(content)
        found = reading.read(str(path), [], "auto", every=False)
        blocks: list[Any] = found.model.to_dict(skip_defaults=False)["pages"][0]
        gone = pen.choice([b for b in blocks if b["type"] == "table" or len(text_of(b).split()) > 30])
        left = [block for block in blocks if block is not gone]
        document: Any = pdfium.PdfDocument(path)
        document.init_forms()
        facts = read_page(document[0], "auto", None)
        verdict = check.judge(left, facts, find_tables(facts))
        why = set[str]().union(
            *map(page_doubts.of_code, verdict.codes), page_doubts.of_page(facts, left, verdict)
        )
        yield Seen(f"damaged-{number}", "a part is missing", True, bool(why), ", ".join(sorted(why)), None)


def _long(pen: Pen) -> Truth:
    return Truth([prose(pen, 5) for _ in range(5)])


def prose(pen: random.Random, sentences: int) -> str:
    """So many sentences, no two alike."""
    some = [*layouts.STORY.split(". "), *layouts.ADVICE.split(". ")]
    return ". ".join(each.rstrip(".") for each in pen.sample(some, sentences)) + "."


def formula_page(pen: random.Random) -> bytes:
    """A page of text with formulas set apart, by the typesetter of matplotlib."""
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    sheet, out, y = Figure(figsize=(8.27, 11.69)), io.BytesIO(), 0.93
    kind: dict[Any, Any] = {
        "pdf.fonttype": pen.choice((3, 42)),
        "mathtext.fontset": pen.choice(("cm", "stix", "dejavusans")),
    }
    with mpl.rc_context(kind):
        for formula in pen.sample(_FORMULAS, 3):
            for text in (prose(pen, 1)[:85], formula):
                sheet.text(0.1, y, text, fontsize=12)
                y -= 0.05
        FigureCanvasPdf(sheet).print_pdf(out)
    return out.getvalue()


def _sheet(lines: Sequence[str]) -> Image.Image:
    """Lines in a font that has most scripts."""
    paper = Image.new("L", (1300, 90 * (len(lines) + 1)), 255)
    for number, line in enumerate(lines):
        ImageDraw.Draw(paper).text((60, 60 + 80 * number), line, fill=20, font=font(True, 30))
    made = paper.convert("RGB")
    made.info["dpi"] = (200, 200)
    return made


def by_hand(lines: Sequence[str], pen: random.Random) -> Image.Image:
    """Letters that lean, hop and run into each other on a line that is not straight."""
    paper = np.full((110 * (len(lines) + 1), 1700), 255, np.uint8)
    for number, line in enumerate(lines):
        x, y = 60.0, 60.0 + 105 * number
        for letter in line:
            size = pen.uniform(30, 46)
            tile = Image.new("L", (90, 90), 0)
            ImageDraw.Draw(tile).text((22, 20), letter, fill=200, font=font(False, size))
            tile = tile.transform(tile.size, Image.Transform.AFFINE, (1, pen.uniform(0.2, 0.7), -15, 0, 1, 0))
            tile = tile.rotate(pen.uniform(-22, 22), Image.Resampling.BICUBIC)
            left, top = int(x), int(y + pen.uniform(-9, 9))
            if left + 90 < paper.shape[1]:
                spot = paper[top : top + 90, left : left + 90]
                np.minimum(spot, 255 - np.asarray(tile)[: spot.shape[0]], out=spot)
            x += size * (0.32 if letter in "il,.' " else 0.5) * pen.uniform(0.75, 1.05)
    made = Image.fromarray(paper).filter(ImageFilter.GaussianBlur(1.0)).convert("RGB")
    made.info["dpi"] = (200, 200)
    return made


def report(found: Sequence[Seen]) -> str:
    """A table in Markdown, and the pages that are on the wrong side."""
    lines = ["| pages | number | climb | words right, mean |", "|---|---|---|---|"]
    for bad in (False, True):
        for kind in dict.fromkeys(each.kind for each in found if each.bad is bad):
            lines.append(_row(kind, [each for each in found if each.kind == kind and each.bad is bad]))
        lines.append(_row("**all bad**" if bad else "**all good**", [e for e in found if e.bad is bad]))
    wrong = [each for each in found if each.bad is not each.climbs]
    return "\n".join([*lines, "", *(f"- {each.kind}: {each.name} {each.why}" for each in wrong)])


def _row(name: str, some: Sequence[Seen]) -> str:
    known = [each.right for each in some if each.right is not None]
    right = f"{sum(known) / len(known):.3f}" if known else ""
    return f"| {name} | {len(some)} | {sum(each.climbs for each in some)} | {right} |"
