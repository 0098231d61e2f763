"""Makes the document of the button "Try an example": a page of text and a table, and the same kind as a scan.

Its words are written here, so that nobody's document is shipped. Run it again after a change: the file is the
same, byte for byte, while the libraries are.
"""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
import pypdfium2
from PIL import Image, ImageFilter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

TARGET = Path(__file__).resolve().parent.parent / "gradio_app/web/ui/assets/intake/example.pdf"
TITLE = "The greenhouse, a year in figures"
#: dots of the scan for each point of the page (144 an inch), and degrees by which it lay askew
SCALE, ASKEW = 2, 0.7

TYPED = [
    ("Heading1", TITLE),
    (
        "BodyText",
        "The greenhouse behind the library was opened in March. Forty volunteers look after it, in shifts of "
        "two hours. This report says what was grown, what it cost, and what we would do otherwise.",
    ),
    ("Heading2", "What was grown"),
    (
        "BodyText",
        "Tomatoes did best. The cucumbers suffered from mildew in June, and were sown again in July. Herbs "
        "were given away for nothing, so they have no price in the table.",
    ),
]
HARVEST = [
    ["Crop", "Sown", "Harvest, kg", "Price, a kg"],
    ["Tomatoes", "12 March", "184.5", "2.80"],
    ["Cucumbers", "3 July", "61.0", "1.90"],
    ["Peppers", "20 March", "47.2", "3.40"],
    ["Herbs", "1 April", "8.8", ""],
]
SCANNED = [
    ("Heading1", "A letter from the gardener"),
    (
        "BodyText",
        "Dear friends of the greenhouse, this page was printed, signed and scanned, as letters are. It has "
        "no text of its own, only a picture; the words that you read beside it were found in that picture.",
    ),
    (
        "BodyText",
        "Heating was our largest expense. We spent 1,240 euros on gas between November and February, and "
        "hope that the second layer of glass will halve that. Water came from the roof and cost nothing.",
    ),
]
COSTS = [
    ["Expense", "Planned", "Spent"],
    ["Heating", "900", "1,240"],
    ["Seeds", "150", "132"],
    ["Tools", "300", "315"],
]


def story(words: list[tuple[str, str]], rows: list[list[str]], end: str) -> list[Flowable]:
    """Paragraphs, a ruled table and a last sentence."""
    styles = getSampleStyleSheet()
    rules = TableStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.6, colors.black),
            ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
            ("ALIGN", (-2, 1), (-1, -1), "RIGHT"),
        ]
    )
    table = Table(rows, colWidths=[38 * mm] * len(rows[0]), style=rules, hAlign="LEFT")
    flow: list[Flowable] = [Paragraph(text, styles[style]) for style, text in words]
    return [*flow, Spacer(1, 10), table, Spacer(1, 10), Paragraph(end, styles["BodyText"])]


def typed(flow: list[Flowable]) -> bytes:
    """A PDF with a text layer."""
    out = io.BytesIO()
    SimpleDocTemplate(out, pagesize=A4, title=TITLE, invariant=1).build(flow)
    return out.getvalue()


def scanned(page: bytes) -> Image.Image:
    """A picture of a page as a scanner would have taken it: grey, a little askew and soft."""
    picture = pypdfium2.PdfDocument(page)[0].render(scale=SCALE).to_pil().convert("L")
    return picture.rotate(ASKEW, Image.Resampling.BICUBIC, fillcolor=255).filter(
        ImageFilter.GaussianBlur(0.5)
    )


def example() -> bytes:
    """Both pages as one PDF."""
    first = typed(story(TYPED, HARVEST, "All weights were taken on the day of the harvest."))
    letter = typed(story(SCANNED, COSTS, "With kind regards, and thanks for your patience in a cold spring."))
    picture, out = io.BytesIO(), io.BytesIO()
    scanned(letter).save(picture, "JPEG", quality=55)
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.drawImage(ImageReader(picture), 0, 0, *A4)
    canvas.showPage()
    canvas.save()
    made = io.BytesIO()
    with pikepdf.open(io.BytesIO(first)) as whole, pikepdf.open(io.BytesIO(out.getvalue())) as scan:
        whole.pages.extend(scan.pages)
        whole.save(made, deterministic_id=True)
    return made.getvalue()


if __name__ == "__main__":
    TARGET.write_bytes(example())
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")
