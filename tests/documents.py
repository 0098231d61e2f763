"""Makes the documents that tests convert: good ones of each kind, and every sort of bad one."""

from __future__ import annotations

import io
import random
import time
import zipfile
import zlib
from collections.abc import Callable, Collection

import docx
from PIL import Image, ImageDraw
from pypdf import PdfReader, PdfWriter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle
from reportlab.platypus import Image as Figure

_WORDS = (
    "queue worker page table figure memory engine shard result attempt lock state card order weight "
    "document parser model layout text owner slot fair limit signal restart folder revision"
).split()

#: colour of the paper that a fake model server can be told to die of (``poison={"color": POISON}``)
POISON = (255, 190, 190)


def sentence(rng: random.Random, words: int = 18) -> str:
    """A made-up sentence."""
    return " ".join(rng.choice(_WORDS) for _ in range(words)).capitalize() + "."


def text_pdf(pages: int = 1, seed: int = 0, title: str = "Plain report", lines: int = 3) -> bytes:
    """Text only: the cheapest page there is to parse. Each line of prose costs MinerU 5 ms."""
    rng, out = random.Random(seed), io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.setTitle(title)
    for page in range(1, pages + 1):
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawString(70, 770, f"{title}, page {page}")
        canvas.setFont("Helvetica", 11)
        canvas.drawString(70, 730, f"This is where marker {page} stands, {sentence(rng, 6)}")
        for line in range(1, lines + 1):
            canvas.drawString(70, 730 - 26 * line, sentence(rng, 12))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def paper_pdf(pages: int = 1, seed: int = 0) -> bytes:
    """A heading, prose, a ruled table and a figure on each page."""
    rng, out, styles = random.Random(seed), io.BytesIO(), getSampleStyleSheet()
    story: list[Flowable] = []
    for page in range(1, pages + 1):
        rows = [["Method", "Score"]] + [[f"M{row}", f"{rng.random():.3f}"] for row in range(4)]
        table = Table(rows, style=TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)]))
        story += [
            Paragraph(f"{page} Section {page}", styles["Heading1"]),
            Paragraph(
                f"Here stands marker {page}. " + " ".join(sentence(rng) for _ in range(6)), styles["BodyText"]
            ),
            table,
            Spacer(1, 10),
            Figure(io.BytesIO(picture(400, 200, seed + page)), 200, 100),
            Paragraph(" ".join(sentence(rng) for _ in range(6)), styles["BodyText"]),
            PageBreak(),
        ]
    SimpleDocTemplate(out, pagesize=A4, title="A paper", invariant=1).build(story[:-1])
    return out.getvalue()


def picture(width: int = 400, height: int = 200, seed: int = 0, form: str = "PNG") -> bytes:
    """A curve on white."""
    rng, out = random.Random(seed), io.BytesIO()
    image = Image.new("RGB", (width, height), "white")
    points = [(x, height // 2 + rng.randint(-height // 3, height // 3)) for x in range(0, width, 10)]
    ImageDraw.Draw(image).line(points, fill="blue", width=3)
    image.save(out, form)
    return out.getvalue()


def word(text: str = "Some text in a document.") -> bytes:
    """A Word file with a heading, a paragraph, a table and a picture."""
    out, document = io.BytesIO(), docx.Document()
    document.add_heading("A title", 0)
    document.add_paragraph(text)
    document.add_table(2, 2).cell(0, 0).text = "cell"
    document.add_picture(io.BytesIO(picture()))
    document.save(out)
    return _without_time(out.getvalue())


def _without_time(archive: bytes) -> bytes:
    """The same files with the same bytes whenever they were packed: ``ZipInfo`` begins at 1980."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as found,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for each in found.infolist():
            packed.writestr(zipfile.ZipInfo(each.filename), found.read(each), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def table_csv() -> bytes:
    return ("a,b,c\n" + "\n".join(f'{row},{row * row},"x, {row}"' for row in range(20))).encode()


def web_page() -> bytes:
    return (
        b"<html><head><title>T</title></head><body><h1>Head</h1><p>Some <b>bold</b> text.</p>"
        b"<table><tr><td>1</td><td>2</td></tr></table><script>alert(1)</script></body></html>"
    )


def scan_pdf(pages: int = 1, seed: int = 0, poison: Collection[int] = (), lines: int = 12) -> bytes:
    """Pictures of pages without a text layer, no two alike; those in ``poison`` are on ``POISON`` paper.

    Each line, of 24 at most, costs the models for OCR 45 ms.
    """
    out = io.BytesIO()
    papers = [POISON if page in poison else (255, 255, 255) for page in range(1, pages + 1)]
    sheets = [_sheet(page, seed, color, lines) for page, color in enumerate(papers, 1)]
    then = time.gmtime(0)  # not now: the same document has the same bytes
    sheets[0].save(
        out,
        "PDF",
        resolution=144,
        save_all=True,
        append_images=sheets[1:],
        creationDate=then,
        modDate=then,
    )
    return out.getvalue()


def _sheet(page: int, seed: int, paper: tuple[int, int, int], lines: int) -> Image.Image:
    rng, sheet = random.Random(1000 * seed + page), Image.new("RGB", (600, 800), paper)
    pen = ImageDraw.Draw(sheet)
    pen.text((80, 40), f"Sheet {page} of scan {seed}", fill="black", font_size=24)
    for line in range(0, 24, 24 // lines):
        pen.text((60, 90 + 28 * line), sentence(rng, 9), fill="black", font_size=13)
    return sheet


def encrypted_pdf(user: str = "secret", owner: str = "owner") -> bytes:
    """Needs ``user`` to open; with an empty one only changes are forbidden."""
    out, writer = io.BytesIO(), PdfWriter(clone_from=PdfReader(io.BytesIO(text_pdf())))
    writer.encrypt(user, owner, algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def many_pages_pdf(pages: int) -> bytes:
    """Many pages that share one content stream: a small file."""
    out, writer = io.BytesIO(), PdfWriter()
    page = PdfReader(io.BytesIO(text_pdf())).pages[0]
    for _ in range(pages):
        writer.add_page(page)
    writer.write(out)
    return out.getvalue()


def huge_page_pdf() -> bytes:
    """One page of 200 by 200 inches."""
    out, writer = io.BytesIO(), PdfWriter()
    writer.add_blank_page(14400, 14400)
    writer.write(out)
    return out.getvalue()


def zero_pages_pdf() -> bytes:
    return _pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"])


def flate_bomb_pdf(megabytes: int = 1024) -> bytes:
    """A page whose content unpacks to ``megabytes`` of blanks."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(b" " * 2**20) for _ in range(megabytes)) + packer.flush()
    return _pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<>>>>",
            b"<</Length %d/Filter/FlateDecode>>stream\n" % len(data) + data + b"\nendstream",
        ]
    )


def _pdf(objects: list[bytes]) -> bytes:
    out, offsets = bytearray(b"%PDF-1.4\n"), list[int]()
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj" % number + body + b"endobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def word_bomb(paragraphs: int = 300_000) -> bytes:
    """A Word file of some hundred kilobytes that unpacks to about a kilobyte per paragraph."""
    namespace = "http://schemas.openxmlformats.org"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    parts = {
        "[Content_Types].xml": f'<?xml version="1.0"?><Types xmlns="{namespace}/package/2006/content-types">'
        f'<Default Extension="rels" ContentType="{relations}"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<?xml version="1.0"?><Relationships xmlns="{namespace}/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{namespace}/officeDocument/2006/relationships/officeDocument" '
        'Target="word/document.xml"/></Relationships>',
        "word/document.xml": '<?xml version="1.0"?>'
        f'<w:document xmlns:w="{namespace}/wordprocessingml/2006/main">'
        "<w:body>" + f"<w:p><w:r><w:t>{'A' * 1000}</w:t></w:r></w:p>" * paragraphs + "</w:body></w:document>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


#: what is refused: file name, how to make it, the error's code
BAD: list[tuple[str, Callable[[], bytes], str]] = [
    ("empty.pdf", lambda: b"", "file_empty"),
    ("notes.py", lambda: b"hello", "file_type_unsupported"),
    ("random.bin", lambda: random.Random(1).randbytes(5000), "file_type_unsupported"),
    ("text.pdf", lambda: b"hello, I am text\n" * 20, "file_corrupt"),
    ("half.pdf", lambda: text_pdf(3)[:900], "file_corrupt"),
    ("header.pdf", lambda: b"%PDF-1.7\n%%EOF\n", "file_corrupt"),
    ("zero.pdf", zero_pages_pdf, "file_corrupt"),
    ("broken.docx", lambda: b"PK\x03\x04 nothing else", "file_type_unsupported"),
    ("locked.pdf", encrypted_pdf, "file_encrypted"),
    ("bomb.docx", word_bomb, "file_too_large"),
    ("flate.pdf", flate_bomb_pdf, "worker_out_of_memory"),
    ("huge.pdf", huge_page_pdf, "file_too_large"),
    ("long.pdf", lambda: many_pages_pdf(10_000), "too_many_pages"),
]
