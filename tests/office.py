"""Makes small Office files out of XML, with what MinerU drops."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_NAMES = (
    f'xmlns:w="{_W}" xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
)
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KINDS = "application/vnd.openxmlformats-officedocument.wordprocessingml"


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip of these parts in this order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def parts_of(path: Path) -> dict[str, bytes]:
    """The parts of a zip."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def word_xml(tag: str, content: str) -> str:
    """A part of a Word file with the usual names."""
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{tag} {_NAMES}>{content}</w:{tag}>'


def docx(body: str, more: Mapping[str, str | bytes] | None = None, links: str = "") -> bytes:
    """A Word file with this body; ``more``: parts below ``word/``, related by their names."""
    more = more or {}
    kinds, relations = "", links
    for number, name in enumerate(more):
        base = name.rpartition("/")[2].partition(".")[0].rstrip("0123456789")
        kind = {"data": "diagramData", "image": "image", "chunk": "aFChunk"}.get(base, base)
        relations += f'<Relationship Id="rId{number + 1}" Type="{_RELATION}/{kind}" Target="{name}"/>'
        if name.endswith(".xml") and "/" not in name:
            kinds += f'<Override PartName="/word/{name}" ContentType="{_KINDS}.{base}+xml"/>'
    return zipped(
        {
            "[Content_Types].xml": (
                '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
                '<Default Extension="rels" '
                'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                '<Default Extension="xml" ContentType="application/xml"/>'
                '<Default Extension="png" ContentType="image/png"/>'
                '<Default Extension="htm" ContentType="text/html"/>'
                f'<Override PartName="/word/document.xml" ContentType="{_KINDS}.document.main+xml"/>'
                f"{kinds}</Types>"
            ),
            "_rels/.rels": _relations(
                f'<Relationship Id="rId1" Type="{_RELATION}/officeDocument" Target="word/document.xml"/>'
            ),
            "word/document.xml": word_xml("document", f"<w:body>{body}<w:sectPr/></w:body>"),
            "word/_rels/document.xml.rels": _relations(relations),
            **{f"word/{name}": content for name, content in more.items()},
        }
    )


def _relations(inside: str) -> str:
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inside}</Relationships>'


def p(*runs: str, style: str = "", num: str = "", level: int = 0) -> str:
    """A paragraph of runs; text without a tag is a run."""
    properties = f'<w:pStyle w:val="{style}"/>' if style else ""
    if num:
        properties += f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{num}"/></w:numPr>'
    inside = "".join(run if run.startswith("<") else r(run) for run in runs)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inside}</w:p>"


def r(text: str, properties: str = "") -> str:
    """A run."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_ODF_NAMES = " ".join(
    f'xmlns:{prefix}="{_ODF}{name}:1.0"'
    for prefix, name in (
        *((name, name) for name in ("office", "style", "text", "table", "presentation")),
        ("draw", "drawing"),
        ("svg", "svg-compatible"),
    )
)
_MIMES = {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}


def odf(kind: str, body: str, styles: str = "") -> bytes:
    """An ODT, ODS or ODP with this body."""
    mime = f"application/vnd.oasis.opendocument.{_MIMES[kind]}"
    names = f'{_ODF_NAMES} xmlns:dc="http://purl.org/dc/elements/1.1/"'
    inside = f"<office:{_MIMES[kind]}>{body}</office:{_MIMES[kind]}>"
    return zipped(
        {
            "mimetype": mime,
            "META-INF/manifest.xml": (
                f'<m:manifest xmlns:m="{_ODF}manifest:1.0"><m:file-entry m:full-path="/" '
                f'm:media-type="{mime}"/></m:manifest>'
            ),
            "content.xml": (
                f"<office:document-content {names}><office:automatic-styles>{styles}"
                f"</office:automatic-styles><office:body>{inside}</office:body></office:document-content>"
            ),
            "styles.xml": f"<office:document-styles {names}/>",
        }
    )
