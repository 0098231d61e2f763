"""Cases of digital PDF: text, columns, tables, forms, turned pages, annotations, signs, right to left."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pikepdf
from matplotlib import get_data_path
from pikepdf import Array, Dictionary, Name, String
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from bench.quality.case import Block, Case, Heading, Truth
from bench.quality.contents import CHINESE, HARBOUR, KITCHEN, LETTER
from bench.quality.writers import typeset
from bench.reading.made import typeset as typeset_page
from bench.reading.truth import Truth as PageTruth
from gradio_app.parsing.prepare.pdf.cmaps import write_map
from tests import layouts
from tests.documents import text_pdf

_TABLE: list[Block] = [Heading("Courses"), [list(row) for row in layouts.COURSES], layouts.ADVICE]
_STATEMENT: list[Block] = [
    Heading("Statement of account"),
    "Account 77-104-5, all amounts in francs",
    [list(row) for row in layouts.STATEMENT],
]
_FORM: list[Block] = [Heading("Membership"), *map(" ".join, layouts.FORM)]
_VALUES = (("Vessel", "Kestrel of Norwich"), ("Berth", "17-B"), ("Tonnage", "2,411.50"))


def cases() -> Iterator[Case]:
    """All of them."""
    for name, blocks in {"harbour": HARBOUR, "kitchen": KITCHEN, "letter": LETTER}.items():
        yield Case(f"{name}.pdf", "pdf, text", lambda blocks=blocks: typeset(blocks), Truth(blocks))
    yield Case(
        "chinese.pdf",
        "pdf, text",
        lambda: typeset_page(PageTruth([str(block) for block in CHINESE]), "zh"),
        Truth(CHINESE),
    )
    yield Case(
        "chapters.pdf",
        "pdf, text",
        lambda: typeset([*HARBOUR, *KITCHEN, *LETTER], breaks=True),
        Truth([*HARBOUR, *KITCHEN, *LETTER]),
    )
    yield _drawn(
        "columns", "pdf, columns", layouts.columns, [Heading("Two sides"), layouts.STORY, layouts.ADVICE]
    )
    yield _drawn(
        "program",
        "pdf, text",
        layouts.code,
        [Heading("A program"), layouts.ADVICE, *layouts.PROGRAM, layouts.STORY],
    )
    yield _drawn("ruled", "pdf, tables", layouts.ruled_table, _TABLE)
    yield _drawn("unruled", "pdf, tables", layouts.statement, _STATEMENT)
    yield Case("harbour-unruled.pdf", "pdf, tables", lambda: typeset(HARBOUR, ruled=False), Truth(HARBOUR))
    for turn in (90, 270):
        for name, draw, blocks in (("ruled", layouts.ruled_table, _TABLE), ("mill", layouts.prose, _MILL)):
            yield Case(
                f"{name}-{turn}.pdf",
                "pdf, turned",
                lambda draw=draw, turn=turn: layouts.rotated(layouts.pdf(draw), turn),
                Truth(blocks),
            )
    yield _drawn(
        "sideways", "pdf, turned", _sideways, [Heading("Courses"), [list(row) for row in layouts.COURSES]]
    )
    yield from _forms()
    yield from _marginals()
    yield from _signs()
    yield from _hidden()


_MILL: list[Block] = [Heading("The mill"), layouts.STORY, layouts.ADVICE]


def _drawn(name: str, kind: str, draw: Callable[[Canvas], object], blocks: list[Block]) -> Case:
    return Case(f"{name}.pdf", kind, lambda: layouts.pdf(draw), Truth(blocks))


def _sideways(canvas: Canvas) -> None:
    """A table that runs from bottom to top."""
    canvas.rotate(90)
    canvas.translate(0, -A4[0])
    canvas.setFont("Helvetica-Bold", 17)
    canvas.drawString(70, 500, "Courses")
    canvas.setFont("Helvetica", 11)
    layouts.grid(canvas, layouts.COURSES, (120, 140, 80), ruled=True, y=470)


# ------------------------------------------------------------ heads and feet


def _marginals() -> Iterator[Case]:
    truth = Truth(["Invoice 2024-00817", *_INVOICE, "Account 77-104-5"])
    yield Case("invoice.pdf", "pdf, heads and feet", _invoice, truth)
    said = [text for number, text in enumerate(_LOCKS, 1) for text in (f"Part {number} of the locks", text)]
    yield Case("running-heads.pdf", "pdf, heads and feet", lambda: layouts.pdf(*_lock_pages()), Truth(said))


_LOCKS = (
    "The first lock was built of oak in 1783 and lifts boats by 2.4 metres in seven minutes.",
    "The second lock has stood dry since 1911, when its upper gate broke in a single night.",
    "The third lock was rebuilt in concrete for 86,500 crowns and is worked by electric motors.",
    "The fourth lock is the deepest of all and was closed to boats above 38 tonnes.",
)


def _lock_pages() -> list[Callable[[Canvas], None]]:
    """A head that says what each page is about, and numbers of pages."""

    def page(number: int, text: str) -> Callable[[Canvas], None]:
        def draw(canvas: Canvas) -> None:
            canvas.setFont("Helvetica", 9)
            canvas.drawString(70, 815, f"Part {number} of the locks")
            canvas.drawCentredString(300, 25, str(number))
            canvas.setFont("Helvetica", 11)
            layouts.paragraph(canvas, 70, 700, text, 60)

        return draw

    return [page(number, text) for number, text in enumerate(_LOCKS, 1)]


# ------------------------------------------------------------ forms and annotations


def _forms() -> Iterator[Case]:
    yield _drawn("membership", "pdf, forms", layouts.form, _FORM)
    filled = [Heading("Berth form"), *(f"{label} {value}" for label, value in _VALUES)]
    yield Case("filled.pdf", "pdf, forms", lambda: _filled("Widget"), Truth(filled))
    yield Case("typed-on.pdf", "pdf, forms", lambda: _filled("FreeText"), Truth(filled))


def _filled(kind: str) -> bytes:
    """Labels on a page; values are those of a form, or typed onto it."""

    def labels(canvas: Canvas) -> None:
        layouts.title(canvas, "Berth form")
        for number, (label, _) in enumerate(_VALUES):
            canvas.drawString(70, 705 - 40 * number, label)

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(layouts.pdf(labels))) as document:
        made: list[Any] = []
        for number, (label, value) in enumerate(_VALUES):
            rect = Array([160, 700 - 40 * number, 400, 720 - 40 * number])
            one: Any = Dictionary(Type=Name.Annot, Subtype=Name(f"/{kind}"), Rect=rect)
            if kind == "Widget":
                one.FT, one.T, one.V = Name.Tx, String(label), String(value)
            else:
                one.Contents, one.DA = String(value), String("/Helv 11 Tf 0 g")
            made.append(document.make_indirect(one))
        document.pages[0].obj.Annots = Array(made)
        if kind == "Widget":
            document.Root.AcroForm = Dictionary(Fields=Array(made), NeedAppearances=True)
        document.save(out)
    return out.getvalue()


# ------------------------------------------------------------ signs and scripts


def _signs() -> Iterator[Case]:
    bulleted = [
        Heading("What to bring"),
        layouts.STORY,
        *(f"• {item}" for item in layouts.ITEMS),
        layouts.ADVICE,
    ]
    yield _drawn("bullets", "pdf, signs", layouts.bullets, bulleted)
    yield Case("symbol-bullets.pdf", "pdf, signs", _symbols, Truth([f"• {item}" for item in layouts.ITEMS]))
    yield _drawn("hebrew", "pdf, right to left", _written(_HEBREW), list(map(" ".join, _HEBREW)))
    yield _drawn("arabic", "pdf, right to left", _written(_ARABIC), list(map(" ".join, _ARABIC)))


def _symbols() -> bytes:
    """Bullets in a symbol font that says they are of the private use area."""

    def items(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 11)
        for number, item in enumerate(layouts.ITEMS):
            canvas.drawString(95, 700 - 20 * number, item)

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(layouts.pdf(items))) as document:
        page: Any = document.pages[0]
        font: Any = Dictionary(Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name("/ABCDEF+Wingdings"))
        font.FirstChar, font.LastChar, font.Widths = 0, 255, Array([600] * 256)
        font.ToUnicode = document.make_stream(write_map({b"\1": "\uf0b7"}))
        page.obj.Resources.Font.S = document.make_indirect(font)
        bullets = "".join(
            f"1 0 0 1 80 {700 - 20 * number} Tm <01> Tj " for number in range(len(layouts.ITEMS))
        )
        page.contents_add(f"\nQ q BT /S 11 Tf {bullets}ET".encode())
        document.save(out)
    return out.getvalue()


_HEBREW = (
    ("הספרייה", "פתוחה", "משעה", "8:15", "עד", "21:30", "בימי", "חול"),
    ("ובשבת", "היא", "סגורה", "מלבד", "חדר", "הקריאה", "הקטן"),
)
_ARABIC = (
    ("المكتبة", "مفتوحة", "من", "8:15", "حتى", "21:30", "مساء"),
    ("ويجب", "إعادة", "الكتب", "في", "موعدها"),
)


def _written(lines: tuple[tuple[str, ...], ...]) -> Callable[[Canvas], None]:
    """Lines from the right edge, each word's letters from left to right as they stand on the paper."""

    def draw(canvas: Canvas) -> None:
        pdfmetrics.registerFont(TTFont("BenchDejaVu", Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf")))
        canvas.setFont("BenchDejaVu", 11)
        for number, line in enumerate(lines):
            right = 520.0
            for word in line:
                drawn = word if word[0].isdigit() else word[::-1]
                canvas.drawRightString(right, 740 - 20 * number, drawn)
                right -= pdfmetrics.stringWidth(word, "BenchDejaVu", 11) + 4

    return draw


# ------------------------------------------------------------ what nobody sees, and what is beside the pages


def _hidden() -> Iterator[Case]:
    def white(canvas: Canvas) -> None:
        layouts.prose(canvas)
        canvas.setFillColorRGB(1, 1, 1)
        canvas.drawString(70, 120, "zanzibarhidden words on white paper")

    truth = Truth(_MILL, absent=["zanzibarhidden"], loss="text that nobody can see")
    yield Case("white.pdf", "pdf, hidden", lambda: layouts.pdf(white), truth)
    layered = Truth(_MILL, absent=["zanzibarhidden"], loss="a layer that is off")
    yield Case("layer-off.pdf", "pdf, hidden", _layer_off, layered)
    yield Case("attached.pdf", "pdf, hidden", _attached, Truth(_MILL, loss="an attachment"))


_INVOICE = (
    "Repair of the mast and two sails as agreed on 14 March.",
    "To be paid within 30 days: 1,204.50 francs.",
)


def _layer_off() -> bytes:
    """Words in a layer that viewers do not show."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(layouts.pdf(layouts.prose))) as document:
        layer = document.make_indirect(Dictionary(Type=Name.OCG, Name=String("Draft")))
        document.Root.OCProperties = Dictionary(
            OCGs=Array([layer]), D=Dictionary(OFF=Array([layer]), Order=Array([layer]))
        )
        page: Any = document.pages[0]
        page.obj.Resources.Properties = Dictionary(Draft=layer)
        font = next(iter(page.obj.Resources.Font.keys()))
        text = f"\nQ q /OC /Draft BDC BT {font} 11 Tf 70 120 Td (zanzibarhidden draft words) Tj ET EMC"
        page.contents_add(text.encode())
        document.save(out)
    return out.getvalue()


def _attached() -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(layouts.pdf(layouts.prose))) as document:
        document.attachments["notes.pdf"] = pikepdf.AttachedFileSpec(document, text_pdf())
        document.save(out)
    return out.getvalue()


def _invoice() -> bytes:
    """One page whose number stands at its top and whose account at its bottom."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.setFont("Helvetica", 9)
    canvas.drawString(420, 815, "Invoice 2024-00817")
    canvas.drawString(70, 25, "Account 77-104-5")
    canvas.setFont("Helvetica", 11)
    for number, line in enumerate(_INVOICE):
        canvas.drawString(70, 700 - 40 * number, line)
    canvas.save()
    return out.getvalue()
