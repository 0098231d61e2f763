"""Makes documents that do harm by size or shape: small files that unpack, nest or repeat without end."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

from PIL import Image

from tests.fuzz.seeds import docx, epub, odf, ofd, pdf_of, pptx, xlsx, zipped


def zip_bomb(data: bytes, member: str, megabytes: int = 150, unit: bytes = b"<p>bomb</p>") -> bytes:
    """An archive whose ``member`` unpacks to many times its size; the rest is as it was."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as good,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bad,
    ):
        for name in good.namelist():
            if name != member:
                bad.writestr(name, good.read(name))
        content = good.read(member) if member in good.namelist() else b"<a><body></body></a>"
        head, mark, tail = content.partition(b"</")
        with bad.open(member, "w") as target:
            target.write(head)
            for _ in range(megabytes):
                target.write(unit * (2**20 // len(unit)))
            target.write(mark + tail)
    return out.getvalue()


_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
)


def with_doctype(data: bytes, member: str, doctype: str, reference: str) -> bytes:
    """An archive with a document type in ``member`` and a ``reference`` in the place of its first text."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts[member].decode().partition("?>")[2]
    head, mark, tail = text.partition("</")
    return zipped({**parts, member: doctype + head + reference + mark + tail})


def laughs(data: bytes, member: str) -> bytes:
    """A billion laughs: entities that grow tenfold eleven times."""
    return with_doctype(data, member, _LAUGHS, "&a11;")


def png(width: int, height: int) -> bytes:
    """A one-bit picture of that size in a few kilobytes; its pixels are all there."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(1)
    row = bytes(1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row * 100) for _ in range(height // 100)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def gif_of_frames(frames: int) -> bytes:
    out = io.BytesIO()
    # each is another, or Pillow would write one frame that is shown longer
    pictures = [Image.new("RGB", (60, 40), (number % 256, number // 256, 99)) for number in range(frames)]
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:])
    return out.getvalue()


def _page(content: bytes, more: bytes = b"", *objects: bytes) -> bytes:
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
            b"/Resources<</Font<</F 5 0 R>>%b>>>>" % more,
            b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            *objects,
        ]
    )


_WORDS = b"BT /F 12 Tf 70 700 Td (Some words of a page.) Tj ET\n"


def pdf_huge_picture() -> bytes:
    """A page with a picture that says it has 50,000 x 50,000 pixels, packed to a few kilobytes."""
    packed = zlib.compress(bytes(2**24), 9)
    picture = (
        b"<</Type/XObject/Subtype/Image/Width 50000/Height 50000/ColorSpace/DeviceRGB/BitsPerComponent 8"
        b"/Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(packed), packed)
    )
    return _page(_WORDS + b"q 400 0 0 400 70 100 cm /P Do Q", b"/XObject<</P 6 0 R>>", picture)


def pdf_form_loop() -> bytes:
    """A form that draws itself, twice."""
    form = (
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</P 6 0 R>>>>/Length 12>>"
        b"stream\n/P Do /P Do \nendstream"
    )
    return _page(_WORDS + b"/P Do", b"/XObject<</P 6 0 R>>", form)


def pdf_form_tower(height: int = 25) -> bytes:
    """Forms that each draw the next one twice: 2 to the power of ``height`` drawings."""
    forms = [
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</P %d 0 R>>>>/Length 12>>"
        b"stream\n/P Do /P Do \nendstream" % (7 + level)
        for level in range(height)
    ]
    last = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 8>>stream\n0 0 m f \nendstream"
    return _page(_WORDS + b"/P Do", b"/XObject<</P 6 0 R>>", *forms, last)


def pdf_page_tree_loop() -> bytes:
    return pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2147483647>>"])


def pdf_deep(depth: int = 200_000) -> bytes:
    return _page(_WORDS, b"/X" + b"[" * depth + b"]" * depth)


def pdf_many_states(count: int = 400_000) -> bytes:
    return _page(b"q " * count + _WORDS)


def pdf_broken_fonts(seed: int = 5) -> bytes:
    """A page in fonts whose programs are noise behind good headers."""
    rng, objects, uses = random.Random(seed), list[bytes](), list[bytes]()
    heads = (
        b"\0\1\0\0\0\x0c\x80\0",
        b"OTTO\0\x0c\x80\0",
        b"%!PS-AdobeFont-1.0: x\n",
        b"\1\0\4\1\0\1",
        b"ttcf\0\1\0\0",
    )
    for number, head in enumerate(heads):
        data, base = head + rng.randbytes(4000), 6 + 3 * number
        key = (b"FontFile2", b"FontFile3/Subtype/OpenType", b"FontFile", b"FontFile3", b"FontFile2")[number]
        name, _, kind = key.partition(b"/")
        objects += [
            b"<</Type/Font/Subtype/TrueType/BaseFont/N%d/FirstChar 0/LastChar 255"
            b"/Widths[%b]/FontDescriptor %d 0 R>>" % (number, b"500 " * 256, base + 1),
            b"<</Type/FontDescriptor/FontName/N%d/Flags 4/FontBBox[0 0 1 1]/%b %d 0 R>>"
            % (number, name, base + 2),
            b"<</Length %d/Length1 %d%b>>stream\n%b\nendstream"
            % (len(data), len(data), b"/" + kind if kind else b"", data),
        ]
        uses.append(b"BT /N%d 12 Tf 70 %d Td (Broken font letters) Tj ET\n" % (number, 600 - 30 * number))
    fonts = b"".join(b"/N%d %d 0 R" % (number, 6 + 3 * number) for number in range(len(heads)))
    data = _page(_WORDS + b"".join(uses), b"", *objects)
    return data.replace(b"/F 5 0 R>>", b"/F 5 0 R" + fonts + b">>", 1)


def pdf_broken_streams(seed: int = 6) -> bytes:
    """Pictures in every packing that pdfium knows, all of them noise."""
    rng = random.Random(seed)
    filters = (
        b"JBIG2Decode",
        b"JPXDecode",
        b"CCITTFaxDecode",
        b"DCTDecode",
        b"LZWDecode",
        b"RunLengthDecode",
    )
    pictures = [
        b"<</Type/XObject/Subtype/Image/Width 300/Height 300/ColorSpace/DeviceGray/BitsPerComponent 8"
        b"/Filter/%b/Length 3000>>stream\n%b\nendstream" % (name, rng.randbytes(3000))
        for name in filters
    ]
    named = b"".join(b"/P%d %d 0 R" % (number, 6 + number) for number in range(len(filters)))
    drawn = b"".join(b"q 90 0 0 90 70 %d cm /P%d Do Q\n" % (600 - 95 * n, n) for n in range(len(filters)))
    return _page(_WORDS + drawn, b"/XObject<<%b>>" % named, *pictures)


def deep_html(depth: int) -> bytes:
    return b"<html><body>" + b"<div>" * depth + b"deep" + b"</div>" * depth + b"</body></html>"


def wide_table(attribute: str) -> bytes:
    cell = f'<td {attribute}="1000000000">x</td>'
    return f"<html><body><p>Words</p><table>{f'<tr>{cell * 5}</tr>' * 5}</table></body></html>".encode()


def deep_docx(depth: int = 20_000) -> bytes:
    opened = (
        "<w:tbl><w:tr><w:tc>" * depth
        + "<w:p><w:r><w:t>x</w:t></w:r></w:p>"
        + "</w:tc></w:tr></w:tbl>" * depth
    )
    return docx(opened)


def sparse_xlsx() -> bytes:
    """Two cells at the far corners of the largest sheet there is."""
    return xlsx(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    )


def repeated_ods() -> bytes:
    """One row that says it stands a billion times, of cells that do too."""
    cell = (
        '<table:table-cell table:number-columns-repeated="1000000000"><text:p>x</text:p></table:table-cell>'
    )
    row = f'<table:table-row table:number-rows-repeated="1000000000">{cell}</table:table-row>'
    return odf("spreadsheet", f'<table:table table:name="T">{row}</table:table>')


#: name, how to make it, and how it may end: completed, or an error's code
BOMBS: list[tuple[str, Callable[[], bytes], set[str]]] = [
    ("bomb.xlsx", lambda: zip_bomb(xlsx(), "xl/worksheets/sheet1.xml"), {"file_too_large"}),
    ("bomb.pptx", lambda: zip_bomb(pptx(), "ppt/slides/slide1.xml"), {"file_too_large"}),
    ("bomb.odt", lambda: zip_bomb(odf("text"), "content.xml"), {"file_too_large"}),
    ("bomb.epub", lambda: zip_bomb(epub(), "c.xhtml"), {"file_too_large"}),
    ("bomb.ofd", lambda: zip_bomb(ofd(), "Doc_0/Pages/Page_0/Content.xml"), {"file_too_large"}),
    (
        "picture.docx",
        lambda: zip_bomb(docx(), "word/media/image1.png", 1000, bytes(1024)),
        {"completed", "file_too_large", "worker_out_of_memory"},
    ),
    ("laughs.docx", lambda: laughs(docx(), "word/document.xml"), {"file_corrupt", "completed"}),
    ("laughs.xlsx", lambda: laughs(xlsx(), "xl/worksheets/sheet1.xml"), {"file_corrupt", "completed"}),
    ("laughs.odt", lambda: laughs(odf("text"), "content.xml"), {"file_corrupt", "completed"}),
    ("laughs.epub", lambda: laughs(epub(), "c.xhtml"), {"file_corrupt", "completed"}),
    ("laughs.ofd", lambda: laughs(ofd(), "OFD.xml"), {"file_corrupt", "file_type_unsupported", "completed"}),
    ("huge.png", lambda: png(50_000, 50_000), {"file_too_large"}),
    ("large.png", lambda: png(9_900, 9_900), {"completed", "worker_out_of_memory"}),
    ("frames.gif", lambda: gif_of_frames(3_000), {"completed"}),
    ("picture.pdf", pdf_huge_picture, {"completed", "worker_out_of_memory"}),
    ("loop.pdf", pdf_form_loop, {"completed", "worker_out_of_memory", "task_timeout"}),
    ("tower.pdf", pdf_form_tower, {"completed", "worker_out_of_memory", "task_timeout"}),
    ("tree.pdf", pdf_page_tree_loop, {"file_corrupt", "too_many_pages", "completed"}),
    ("deep.pdf", pdf_deep, {"completed", "file_corrupt"}),
    ("states.pdf", pdf_many_states, {"completed", "worker_out_of_memory"}),
    ("fonts.pdf", pdf_broken_fonts, {"completed"}),
    ("streams.pdf", pdf_broken_streams, {"completed"}),
    ("deep.html", lambda: deep_html(50_000), {"completed", "file_corrupt", "worker_crashed"}),
    ("colspan.html", lambda: wide_table("colspan"), {"completed"}),
    ("rowspan.html", lambda: wide_table("rowspan"), {"completed"}),
    ("deep.docx", deep_docx, {"completed", "file_corrupt"}),
    ("sparse.xlsx", sparse_xlsx, {"completed"}),
    ("repeated.ods", repeated_ods, {"completed", "file_corrupt"}),
    ("wide.csv", lambda: b"," * 300_000 + b"\n", {"file_too_large"}),
    (
        "groups.rtf",
        lambda: b"{\\rtf1 " + b"{" * 100_000 + b"x" + b"}" * 100_000,
        {"completed", "file_corrupt"},
    ),
]
