"""Makes documents whose layout a reader must see: columns, tables, code, lists, forms, scans of them."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.scans import font, scan

STORY = (
    "The mill stood at the bend of the river for three hundred years. Its owner kept a diary of the water, "
    "and every morning he wrote down how high it had come. In dry summers the wheel turned for two hours a "
    "day, and people from the villages waited in the yard. When the railway came, most of them took their "
    "grain to the town. Only those who lived on the hills still used the old road. The last miller sold the "
    "stones to a museum and the wheel to a garden, where it can be seen today. Nobody remembers who bought "
    "the bell above the gate, though some say that it hangs in the school. The diary was found behind a wall "
    "when the roof was mended, and a teacher has copied all of it by hand."
)
ADVICE = (
    "Boats are let by the hour from May until the end of autumn. A deposit is paid in advance and given back "
    "when the boat returns without damage. Children under twelve wear a vest on the water. Fires may be lit "
    "at the three marked places only, and wood is sold at the lodge. Dogs are welcome on the path along the "
    "shore but not on the beach. The last ferry leaves at seven in the evening, and there is no other way "
    "back before the next morning."
)
#: date, text, amount, balance
STATEMENT = (
    ("Date", "Description", "Amount", "Balance"),
    ("02 May", "Opening balance", "", "1,204.50"),
    ("04 May", "Grocer on the corner", "-38.20", "1,166.30"),
    ("09 May", "Rent of the garden", "-410.00", "756.30"),
    ("17 May", "Wages for April", "2,150.00", "2,906.30"),
    ("23 May", "Train tickets", "-64.90", "2,841.40"),
    ("30 May", "Interest", "1.15", "2,842.55"),
)
COURSES = (
    ("Course", "Teacher", "Hours"),
    ("Weaving", "Anna Roth", "24"),
    ("Pottery", "Emil Brand", "36"),
    ("Drawing", "Ines Vogel", "18"),
)
PROGRAM = ("def mean(values):", "    total = 0", "    for value in values:", "        total += value",
           "    return total / len(values)")  # fmt: skip
ITEMS = ("a rope of ten metres", "two oars and a spare one", "a lamp with oil for a night")
FORM = (("Name:", "Maria Keller"), ("Born:", "3 July 1961"), ("Town:", "Altdorf"), ("Number:", "88-204-17"))


def pdf(*draw: Callable[[Canvas], object]) -> bytes:
    """A PDF with one page for each."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    for each in draw:
        each(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def paragraph(canvas: Canvas, x: float, y: float, text: str, letters: int) -> float:
    """Lines of about so many letters from ``y`` downwards; where the next paragraph may begin."""
    for line in textwrap.wrap(text, letters):
        canvas.drawString(x, y, line)
        y -= 14
    return y - 10


def title(canvas: Canvas, text: str) -> None:
    canvas.setFont("Helvetica-Bold", 17)
    canvas.drawString(70, 770, text)
    canvas.setFont("Helvetica", 11)


def prose(canvas: Canvas) -> None:
    title(canvas, "The mill")
    y = paragraph(canvas, 70, 730, STORY, 85)
    paragraph(canvas, 70, y, ADVICE, 85)


def columns(canvas: Canvas) -> None:
    """Two columns, drawn line by line across the page, as some programs do."""
    title(canvas, "Two sides")
    sides = textwrap.wrap(STORY, 42), textwrap.wrap(ADVICE, 42)
    for number in range(max(map(len, sides))):
        for x, lines in zip((70, 315), sides, strict=True):
            if number < len(lines):
                canvas.drawString(x, 730 - 14 * number, lines[number])


def grid(
    canvas: Canvas, rows: Sequence[Sequence[str]], widths: Sequence[float], ruled: bool, y: float = 700
) -> float:
    """Cells of text from ``y`` downwards; where the table ends."""
    for number, row in enumerate(rows):
        x = 70.0
        for cell, width in zip(row, widths, strict=True):
            canvas.drawString(x + 4, y - 20 * number - 14, cell)
            x += width
    bottom = y - 20 * len(rows)
    if ruled:
        for number in range(len(rows) + 1):
            canvas.line(70, y - 20 * number, 70 + sum(widths), y - 20 * number)
        x = 70.0
        for width in (0, *widths):
            x += width
            canvas.line(x, y, x, bottom)
    return bottom


def ruled_table(canvas: Canvas) -> None:
    title(canvas, "Courses")
    bottom = grid(canvas, COURSES, (120, 140, 80), ruled=True)
    paragraph(canvas, 70, bottom - 30, ADVICE, 85)


def statement(canvas: Canvas) -> None:
    """A bank statement without lines."""
    title(canvas, "Statement of account")
    canvas.drawString(70, 735, "Account 77-104-5, all amounts in francs")
    grid(canvas, STATEMENT, (80, 190, 90, 90), ruled=False)


def code(canvas: Canvas) -> None:
    title(canvas, "A program")
    y = paragraph(canvas, 70, 730, ADVICE, 85)
    canvas.setFont("Courier", 10)
    for line in PROGRAM:
        canvas.drawString(90 + 6 * (len(line) - len(line.lstrip())), y, line.lstrip())
        y -= 13
    canvas.setFont("Helvetica", 11)
    paragraph(canvas, 70, y - 14, STORY, 85)


def bullets(canvas: Canvas) -> None:
    title(canvas, "What to bring")
    y = paragraph(canvas, 70, 730, STORY, 85)
    for item in ITEMS:
        canvas.drawString(80, y, "\u2022")
        canvas.drawString(95, y, item)
        y -= 16
    paragraph(canvas, 70, y - 10, ADVICE, 85)


def form(canvas: Canvas) -> None:
    title(canvas, "Membership")
    for number, (label, value) in enumerate(FORM):
        canvas.setFont("Helvetica-Bold", 11)
        canvas.drawString(70, 720 - 24 * number, label)
        canvas.setFont("Helvetica", 11)
        canvas.drawString(200, 720 - 24 * number, value)


def rotated(content: bytes, degrees: int = 90) -> bytes:
    """The first page as scanners save it: on its side, with a ``/Rotate`` that sets it upright."""
    writer, out = PdfWriter(), io.BytesIO()
    page = writer.add_page(PdfReader(io.BytesIO(content)).pages[0])
    page.rotate(-degrees)
    page.transfer_rotation_to_content()
    page.rotate(degrees)
    writer.write(out)
    return out.getvalue()


def joined(*contents: bytes) -> bytes:
    """The pages of several PDFs in one."""
    writer, out = PdfWriter(), io.BytesIO()
    for content in contents:
        writer.append(io.BytesIO(content))
    writer.write(out)
    return out.getvalue()


# ------------------------------------------------------------ pictures of pages


def table_sheet(dpi: int = 130) -> Image.Image:
    """A small sheet with two lines and a drawn table: quick to read."""
    paper = Image.new("L", (round(5.2 * dpi), round(2.2 * dpi)), 255)
    pen, letters = ImageDraw.Draw(paper), font(False, dpi * 11 / 72)
    pen.text((0.4 * dpi, 0.2 * dpi), "Evening courses of this winter", fill=0, font=letters)
    lefts = [round(place * dpi) for place in (0.4, 1.7, 3.4, 4.4)]
    tops = [round((0.65 + 0.3 * number) * dpi) for number in range(len(COURSES) + 1)]
    for row, y in zip(COURSES, tops, strict=False):
        for cell, x in zip(row, lefts, strict=False):
            pen.text((x + 0.08 * dpi, y + 0.05 * dpi), cell, fill=0, font=letters)
    for y in tops:
        pen.line((lefts[0], y, lefts[-1], y), fill=0, width=2)
    for x in lefts:
        pen.line((x, tops[0], x, tops[-1]), fill=0, width=2)
    paper.info["dpi"] = (dpi, dpi)
    return paper


def note_sheet(*lines: str, dpi: int = 130) -> Image.Image:
    """A small sheet with some lines of text."""
    paper = Image.new("L", (round(5.2 * dpi), round((0.3 * len(lines) + 0.6) * dpi)), 255)
    pen, letters = ImageDraw.Draw(paper), font(False, dpi * 11 / 72)
    for number, line in enumerate(lines):
        pen.text((0.4 * dpi, (0.3 + 0.3 * number) * dpi), line, fill=0, font=letters)
    paper.info["dpi"] = (dpi, dpi)
    return paper


def tiff(*pictures: Image.Image) -> bytes:
    """One file with all of them."""
    out = io.BytesIO()
    pictures[0].save(out, "TIFF", save_all=True, append_images=pictures[1:], compression="tiff_lzw")
    return out.getvalue()


def png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", dpi=picture.info["dpi"])
    return out.getvalue()


def scans(*pictures: Image.Image) -> bytes:
    """A PDF with each of them as a page."""
    return joined(*map(scan, pictures))
