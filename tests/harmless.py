"""Says what could act in an exported document: script, remote pictures, macros, commands of TeX."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import lxml.etree
import lxml.html

etree: Any = lxml.etree  # without types

_ACTIVE = {
    "script",
    "iframe",
    "frame",
    "object",
    "embed",
    "applet",
    "base",
    "form",
    "input",
    "button",
    "portal",
}
_LOADING = {"img", "image", "use", "source", "video", "audio", "track", "link", "feimage", "picture"}
_ADDRESSES = {"href", "src", "srcset", "action", "formaction", "poster", "background", "data", "cite", "ping"}
_HARMLESS_LINK = re.compile(
    r"(?:https?://|mailto:|tel:|ftp://|#)|(?![a-z][a-z0-9+.-]*:|//|\\)", re.IGNORECASE
)
_DATA_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,", re.IGNORECASE)
_REMOTE_STYLE = re.compile(r"@import|expression\(|url\(\s*['\"]?(?!data:image/|#)", re.IGNORECASE)
_REMOTE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)


def html_faults(page: str) -> list[str]:
    """What acts in a page of HTML, as a parser of HTML sees it."""
    return list(_tree_faults(lxml.html.document_fromstring(page)))


def xml_faults(data: bytes) -> list[str]:
    """What acts in XHTML or SVG, as a parser of XML sees it; entities are a fault by themselves."""
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    about = root.getroottree().docinfo
    entities = list(about.internalDTD.iterentities()) if about.internalDTD is not None else []
    found = ["a DTD"] if about.system_url or entities else []
    return found + list(_tree_faults(root))


def _tree_faults(root: Any) -> Iterator[str]:
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        name = etree.QName(element).localname.lower()
        if name in _ACTIVE:
            yield f"<{name}>"
        if name == "meta" and (element.get("http-equiv") or "").lower() == "refresh":
            yield "a refresh"
        if name == "style" and _REMOTE_STYLE.search(element.text or ""):
            yield "a style that loads"
        for key, value in element.attrib.items():
            yield from _attribute_faults(name, etree.QName(key).localname.lower(), str(value))


def _attribute_faults(name: str, key: str, value: str) -> Iterator[str]:
    text = re.sub(r"[\x00-\x20]+", "", unquote(value))
    if key.startswith("on"):
        yield f"{name} {key}={value[:40]}"
    if key == "srcdoc" or (key == "style" and _REMOTE_STYLE.search(value)):
        yield f"{name} {key}={value[:60]}"
    if key not in _ADDRESSES:
        return
    if name in _LOADING and _REMOTE.match(text):
        yield f"{name} loads {value[:60]}"
    if not _HARMLESS_LINK.match(text) and not (name in _LOADING and _DATA_PICTURE.match(text)):
        yield f"{name} {key}={value[:60]}"


def epub_faults(data: bytes) -> list[str]:
    """What acts in any part of a book."""
    found: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found += _name_faults(archive)
        for name in archive.namelist():
            if name.endswith((".xhtml", ".html", ".opf", ".ncx", ".xml", ".svg")):
                found += [f"{name}: {fault}" for fault in xml_faults(archive.read(name))]
            elif name.endswith(".css") and _REMOTE_STYLE.search(archive.read(name).decode()):
                found.append(f"{name}: a style that loads")
            elif name.endswith(".js"):
                found.append(name)
    return found


def docx_faults(data: bytes) -> list[str]:
    """What acts in a Word file: odd links, fields, macros, what is loaded from outside."""
    found: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found += _name_faults(archive)
        for name in archive.namelist():
            if name.endswith((".bin", ".vbs", ".ole")):
                found.append(name)
            if name.endswith(".rels"):
                found += [f"{name}: {fault}" for fault in _relation_faults(archive.read(name))]
            elif name.endswith(".xml"):
                found += [f"{name}: {fault}" for fault in _field_faults(archive.read(name))]
    return found


def _relation_faults(data: bytes) -> Iterator[str]:
    for relation in etree.fromstring(data):
        target, kind = relation.get("Target") or "", (relation.get("Type") or "").rpartition("/")[2]
        if relation.get("TargetMode") != "External":
            if kind in ("attachedTemplate", "oleObject", "frame", "vbaProject", "control"):
                yield f"{kind}: {target}"
        elif kind != "hyperlink" or not _HARMLESS_LINK.match(target):
            yield f"{kind} to {target}"


def _field_faults(data: bytes) -> Iterator[str]:
    for element in etree.fromstring(data).iter():
        if not isinstance(element.tag, str):
            continue
        name = etree.QName(element).localname
        instruction = element.text if name == "instrText" else None
        if name == "fldSimple":
            instruction = next(
                (str(value) for key, value in element.attrib.items() if key.endswith("instr")), ""
            )
        if instruction and not re.match(r"\s*(?:PAGE|NUMPAGES|TOC|PAGEREF|SEQ)\b", instruction):
            yield f"a field {instruction[:60]!r}"
        if name in ("object", "OLEObject", "control", "altChunk"):
            yield f"<{name}>"


def _name_faults(archive: zipfile.ZipFile) -> list[str]:
    return [
        name
        for name in archive.namelist()
        if ".." in name.split("/") or name.startswith(("/", "\\")) or ":" in name
    ]


_VERBATIM = re.compile(r"\\begin\{(DocVortexVerbatim\d+)\}\n.*?\n\\end\{\1\}", re.DOTALL)
_COMMAND = re.compile(r"\\(?:([A-Za-z@]+)|.)", re.DOTALL)
_TEX = set(
    """
    input include openin openout read write immediate special def edef gdef xdef let futurelet csname
    endcsname catcode newcommand renewcommand providecommand usepackage RequirePackage expandafter
    loop directlua
    scantokens InputIfFileExists IfFileExists verbatiminput VerbatimInput lstinputlisting VerbatimOut
    bibliography includepdf subfile import newread newwrite closein closeout everypar AtEndDocument
    ExplSyntaxOn makeatletter
    """.split()
)


def latex_faults(source: str) -> list[str]:
    """Commands in the body of a LaTeX file that read, write, define or run; text within verbatim does not."""
    body = _VERBATIM.sub("", source.partition("\\begin{document}")[2])
    found = [name for name in _COMMAND.findall(body) if name in _TEX or "@" in name]
    found += [
        address for address in re.findall(r"\\href\{([^}]*)", body) if not _HARMLESS_LINK.match(address)
    ]
    found += [
        path
        for path in re.findall(r"\\includegraphics\[[^]]*\]\{([^}]*)", body)
        if not re.match(r"(?:\\detokenize\{)?images/", path)
    ]
    found += ["^^"] if "^^" in body else []
    return found + (["a second end"] if body.count("\\end{document}") != 1 else [])
