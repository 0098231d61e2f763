"""A small document of each accepted type, the same bytes every time: what the mutations start from.

Streams and archives are not compressed, so that a changed byte reaches the parser and not only ``zlib``.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from PIL import Image, ImageDraw

from tests.fuzz.old_office import doc, ppt, xls
from tests.outlook import attachment, compound, message, wide

_OOXML = "http://schemas.openxmlformats.org"
_OFFICE = f"{_OOXML}/officeDocument/2006/relationships"
_VND = "application/vnd.openxmlformats-officedocument"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'


def zipped(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive with fixed times, so that equal parts give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = method
            archive.writestr(info, content)
    return out.getvalue()


def drawn(form: str) -> bytes:
    """Some lettering and a line on white."""
    out, image = io.BytesIO(), Image.new("RGB", (160, 60), "white")
    pen = ImageDraw.Draw(image)
    pen.text((8, 8), "A small picture", fill="black", font_size=16)
    pen.line((8, 45, 150, 50), fill="blue", width=2)
    image.save(out, form)
    return out.getvalue()


def pdf() -> bytes:
    """One page: lines of text in two fonts, a ruled table, a picture, a link."""
    text = "BT /F 18 Tf 70 780 Td (A heading) Tj ET\n" + "".join(
        f"BT /G 11 Tf 70 {740 - 20 * row} Td (Line {row} of a short report with some words in it.) Tj ET\n"
        for row in range(6)
    )
    lines = "".join(f"70 {600 - 20 * row} m 300 {600 - 20 * row} l S\n" for row in range(4))
    lines += "".join(f"{70 + 115 * column} 600 m {70 + 115 * column} 540 l S\n" for column in range(3))
    cells = "".join(
        f"BT /G 10 Tf {75 + 115 * column} {586 - 20 * row} Td (cell {row}{column}) Tj ET\n"
        for row in range(3)
        for column in range(2)
    )
    content = (text + lines + cells + "q 60 0 0 40 70 450 cm /P Do Q\n").encode()
    pixels = bytes(range(48))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Annots[8 0 R]"
        b"/Resources<</Font<</F 5 0 R/G 6 0 R>>/XObject<</P 7 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman/Encoding/WinAnsiEncoding>>",
        b"<</Type/XObject/Subtype/Image/Width 4/Height 4/ColorSpace/DeviceRGB/BitsPerComponent 8"
        b"/Length %d>>stream\n%b\nendstream" % (len(pixels), pixels),
        b"<</Type/Annot/Subtype/Link/Rect[70 730 200 750]/A<</S/URI/URI(http://example.invalid/)>>>>",
    ]
    return pdf_of(objects)


def pdf_of(objects: list[bytes], info: bytes = b"") -> bytes:
    """A file of these objects, the first of them the catalog."""
    out, offsets = bytearray(b"%PDF-1.4\n"), list[int]()
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root 1 0 R%b>>\n" % (len(objects) + 1, info)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


# ---------------------------------------------------------------- Office Open XML


def _package(kind: str, main: str, parts: Mapping[str, str | bytes]) -> bytes:
    """An Office package around the part ``main`` of ``kind`` (as in its content type)."""
    content_type = f"{_VND}.{kind}.main+xml"
    head = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_OOXML}/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="png" ContentType="image/png"/>'
        f'<Override PartName="/{main}" ContentType="{content_type}"/>'
        + "".join(
            f'<Override PartName="/{name}" ContentType="{_VND}.{more}+xml"/>'
            for name, more in {
                "ppt/slides/slide1.xml": "presentationml.slide",
                "ppt/slideLayouts/slideLayout1.xml": "presentationml.slideLayout",
                "ppt/slideMasters/slideMaster1.xml": "presentationml.slideMaster",
                "xl/worksheets/sheet1.xml": "spreadsheetml.worksheet",
            }.items()
            if name in parts
        )
        + "</Types>",
        "_rels/.rels": relations(("officeDocument", main)),
    }
    return zipped({**head, **parts})


def relations(*targets: tuple[str, str], external: bool = False) -> str:
    """A part with relations ``rId1``, ``rId2``, ... of (kind, target)."""
    mode = ' TargetMode="External"' if external else ""
    entries = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"{mode}/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'{_XML}<Relationships xmlns="{_OOXML}/package/2006/relationships">{entries}</Relationships>'


def docx(body: str = "", rels: str = "", parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """A Word file: a heading, a paragraph and a table, or the given ``body``."""
    cell = "<w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc>"
    body = body or (
        '<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>A heading</w:t></w:r></w:p>'
        "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>Bold</w:t></w:r><w:r><w:t> and plain text.</w:t></w:r></w:p>"
        f"<w:tbl><w:tr>{cell}{cell}</w:tr><w:tr>{cell}{cell}</w:tr></w:tbl>"
    )
    namespaces = (
        f'xmlns:w="{_OOXML}/wordprocessingml/2006/main" xmlns:r="{_OFFICE}" '
        f'xmlns:m="{_OOXML}/officeDocument/2006/math"'
    )
    document = f"{_XML}<w:document {namespaces}><w:body>{body}</w:body></w:document>"
    more = {"word/_rels/document.xml.rels": rels} if rels else {}
    return _package(
        "wordprocessingml.document",
        "word/document.xml",
        {"word/document.xml": document, **more, **(parts or {})},
    )


def xlsx(rows: str = "", parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """A sheet with words, numbers and a formula, or the given ``rows``."""
    rows = rows or "".join(
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>name {row}</t></is></c>'
        f'<c r="B{row}"><v>{row * 3}</v></c><c r="C{row}"><f>B{row}*2</f><v>{row * 6}</v></c></row>'
        for row in range(1, 5)
    )
    sheet = (
        f'{_XML}<worksheet xmlns="{_OOXML}/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
    )
    book = (
        f'{_XML}<workbook xmlns="{_OOXML}/spreadsheetml/2006/main" xmlns:r="{_OFFICE}">'
        '<sheets><sheet name="First" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    return _package(
        "spreadsheetml.sheet",
        "xl/workbook.xml",
        {
            "xl/workbook.xml": book,
            "xl/_rels/workbook.xml.rels": relations(("worksheet", "worksheets/sheet1.xml")),
            "xl/worksheets/sheet1.xml": sheet,
            **(parts or {}),
        },
    )


def pptx(text: str = "Words on a slide") -> bytes:
    """One slide with one text box."""
    spaces = f'xmlns:p="{_OOXML}/presentationml/2006/main" xmlns:a="{_OOXML}/drawingml/2006/main"'
    spaces += f' xmlns:r="{_OFFICE}"'
    group = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    box = (
        '<p:sp><p:nvSpPr><p:cNvPr id="2" name="Box"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr>'
        '<p:spPr><a:xfrm><a:off x="900000" y="900000"/><a:ext cx="5000000" cy="900000"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr>'
        f"<p:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )
    tree = f"<p:cSld><p:spTree>{group}{{}}</p:spTree></p:cSld>"
    colors = "".join(
        f' {name}="{value}"'
        for name, value in zip(
            ("bg1", "tx1", "bg2", "tx2", *(f"accent{n}" for n in range(1, 7)), "hlink", "folHlink"),
            ("lt1", "dk1", "lt2", "dk2", *(f"accent{n}" for n in range(1, 7)), "hlink", "folHlink"),
            strict=True,
        )
    )
    show = (
        f'{_XML}<p:presentation {spaces}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/>'
        '</p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst>'
        '<p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>'
    )
    layout = "slideLayouts/slideLayout1.xml"
    master = (
        f"{_XML}<p:sldMaster {spaces}>{tree.format('')}<p:clrMap{colors}/>"
        '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>'
    )
    return _package(
        "presentationml.presentation",
        "ppt/presentation.xml",
        {
            "ppt/presentation.xml": show,
            "ppt/_rels/presentation.xml.rels": relations(
                ("slideMaster", "slideMasters/slideMaster1.xml"), ("slide", "slides/slide1.xml")
            ),
            "ppt/slides/slide1.xml": f"{_XML}<p:sld {spaces}>{tree.format(box)}</p:sld>",
            "ppt/slides/_rels/slide1.xml.rels": relations(("slideLayout", f"../{layout}")),
            f"ppt/{layout}": f"{_XML}<p:sldLayout {spaces}>{tree.format('')}</p:sldLayout>",
            "ppt/slideLayouts/_rels/slideLayout1.xml.rels": relations(
                ("slideMaster", "../slideMasters/slideMaster1.xml")
            ),
            "ppt/slideMasters/slideMaster1.xml": master,
            "ppt/slideMasters/_rels/slideMaster1.xml.rels": relations(("slideLayout", f"../{layout}")),
        },
    )


# ---------------------------------------------------------------- open formats


def odf(kind: str, body: str = "", parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """An OpenDocument file; ``kind`` is ``text``, ``spreadsheet`` or ``presentation``."""
    space = "urn:oasis:names:tc:opendocument:xmlns"
    names = ("office", "text", "table", "drawing", "presentation")
    spaces = " ".join(
        f'xmlns:{name[:4] if name == "drawing" else name}="{space}:{name}:1.0"' for name in names
    )
    spaces += ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    cell = "<table:table-cell><text:p>cell</text:p></table:table-cell>"
    table = f'<table:table table:name="T"><table:table-row>{cell}{cell}</table:table-row></table:table>'
    words = '<text:h text:outline-level="1">A heading</text:h><text:p>Some plain words.</text:p>'
    bodies = {
        "text": words + table,
        "spreadsheet": table,
        "presentation": '<draw:page draw:name="one"><draw:frame><draw:text-box>'
        "<text:p>Words on a slide</text:p></draw:text-box></draw:frame></draw:page>",
    }
    content = (
        f'{_XML}<office:document-content {spaces} office:version="1.2"><office:body><office:{kind}>'
        f"{body or bodies[kind]}</office:{kind}></office:body></office:document-content>"
    )
    mime = f"application/vnd.oasis.opendocument.{kind}"
    manifest = (
        f'{_XML}<manifest:manifest xmlns:manifest="{space}:manifest:1.0"><manifest:file-entry '
        f'manifest:full-path="/" manifest:media-type="{mime}"/></manifest:manifest>'
    )
    return zipped(
        {"mimetype": mime, "META-INF/manifest.xml": manifest, "content.xml": content, **(parts or {})}
    )


def epub(body: str = "", title: str = "A book", parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """A book of one chapter."""
    body = body or "<h1>Chapter</h1><p>Some <em>words</em>.</p><table><tr><td>1</td><td>2</td></tr></table>"
    container = (
        f'{_XML}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        f'{_XML}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">x</dc:identifier>'
        f"<dc:title>{title}</dc:title><dc:language>en</dc:language></metadata><manifest>"
        '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    chapter = (
        f'{_XML}<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head>'
        f"<body>{body}</body></html>"
    )
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "book.opf": package,
            "c.xhtml": chapter,
            **(parts or {}),
        }
    )


def ofd(text: str = "Words of a page") -> bytes:
    """One page with one line of text."""
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    area = "<ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea>"
    root = (
        f'{_XML}<ofd:OFD {space} Version="1.0" DocType="OFD"><ofd:DocBody>'
        "<ofd:DocInfo><ofd:DocID>x</ofd:DocID></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
    )
    document = (
        f"{_XML}<ofd:Document {space}><ofd:CommonData><ofd:MaxUnitID>9</ofd:MaxUnitID>{area}"
        "<ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData>"
        '<ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>'
    )
    font = '<ofd:Font ID="3" FontName="SimSun"/>'
    fonts = f'{_XML}<ofd:Res {space} BaseLoc="Res"><ofd:Fonts>{font}</ofd:Fonts></ofd:Res>'
    page = (
        f'{_XML}<ofd:Page {space}>{area.replace("PageArea", "Area")}<ofd:Content><ofd:Layer ID="2">'
        '<ofd:TextObject ID="4" Boundary="20 20 120 10" Font="3" Size="5"><ofd:TextCode X="0" Y="5" '
        f'DeltaX="g {len(text) - 1} 3">{text}</ofd:TextCode></ofd:TextObject>'
        "</ofd:Layer></ofd:Content></ofd:Page>"
    )
    return zipped(
        {
            "OFD.xml": root,
            "Doc_0/Document.xml": document,
            "Doc_0/PublicRes.xml": fonts,
            "Doc_0/Pages/Page_0/Content.xml": page,
        }
    )


def html() -> bytes:
    return (
        b"<!DOCTYPE html><html><head><title>T</title></head><body><h1>Head</h1><p>Some <b>bold</b> text with "
        b'<a href="http://example.invalid/">a link</a>.</p><table><tr><th>1</th><td colspan="2">2</td></tr>'
        b"</table><ul><li>one</li><li>two</li></ul><pre>code</pre><math><mi>x</mi></math></body></html>"
    )


def mhtml(page: bytes = b"") -> bytes:
    """A page as browsers save it: a MIME message."""
    return (
        b"From: <Saved>\r\nSubject: T\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; "
        b'type="text/html"; boundary="frontier"\r\n\r\n--frontier\r\n'
        b"Content-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\nContent-Location: http://example.invalid/\r\n\r\n"
        + (page or html())
        + b"\r\n--frontier--\r\n"
    )


def rtf() -> bytes:
    return (
        rb"{\rtf1\ansi\deff0{\fonttbl{\f0 Times;}}{\info{\title T}}\pard\b A heading\b0\par Some \i words\i0 "
        rb"and \u8364? signs.\par\trowd\cellx2000\cellx4000 one\cell two\cell\row\pard end\par}"
    )


#: suffix -> a document of that type; every suffix that MinerU takes
def eml() -> bytes:
    """A mail with a text in two forms, a table, and another mail."""
    parts = (
        "Content-Type: text/plain; charset=utf-8\n\nThe text of the mail.",
        "Content-Type: text/html\n\n<html><body><p>The <b>text</b> of the mail.</p></body></html>",
        "Content-Type: text/csv\nContent-Disposition: attachment; filename=a.csv\n\nname,count\none,1",
        "Content-Type: message/rfc822\n\nSubject: Inside\nFrom: b@example.org\n\nWords of the other mail.",
    )
    head = "From: =?utf-8?q?=C3=84nne?= <a@example.org>\nTo: b@example.org\nSubject: Some figures\n"
    head += "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n"
    return "\n".join([head, *(f"--x\n{part}" for part in parts), "--x--\n"]).encode()


SEEDS: dict[str, bytes] = {
    "pdf": pdf(),
    **{suffix: drawn(suffix.upper()) for suffix in ("png", "jpeg", "webp", "gif", "bmp", "tiff")},
    "jpg": drawn("JPEG"),
    "jp2": drawn("JPEG2000"),
    "docx": docx(),
    "xlsx": xlsx(),
    "pptx": pptx(),
    "odt": odf("text"),
    "ods": odf("spreadsheet"),
    "odp": odf("presentation"),
    "epub": epub(),
    "ofd": ofd(),
    **dict.fromkeys(("html", "htm", "shtml"), html()),
    **dict.fromkeys(("mhtml", "mht"), mhtml()),
    "rtf": rtf(),
    "csv": b'name,count,note\none,1,"a, b"\ntwo,22,\n"three ""3""",=1+1,x\n',
    "tsv": b"name\tcount\none\t1\ntwo\t22\n",
    "doc": doc(),
    "xls": xls(),
    "ppt": ppt(),
    "zip": zipped({"papers/a.csv": b"name,count\none,1\n", "b.txt": b"Some words.\n", "c.exe": b"MZ"}),
    "eml": eml(),
    "msg": compound(message("A mail", wide(0x1000, "Its text."), [attachment("a.csv", b"a,b\n1,2\n")])),
}
