"""Damaged OOXML: parts that cannot be read are left out, so that they do not lose the others."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from pathlib import Path

from gradio_app.parsing.prepare.office import xml
from gradio_app.parsing.prepare.office.package import MOST_BYTES
from gradio_app.parsing.prepare.office.xml import Element

_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_TYPE = "{http://schemas.openxmlformats.org/package/2006/content-types}Override"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
#: without these there is no document
_NEEDED = ("[Content_Types].xml", "_rels/.rels")
#: how zipfile says that a member cannot be read
_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError)


def mended(source: Path, out: Path) -> list[str]:
    """Writes a file without the parts that are damaged; their names, none where nothing was written."""
    try:
        with zipfile.ZipFile(source) as archive:
            parts, lost = _parts(archive)
    except _UNREADABLE:
        return []
    removed = _without_ends(parts, lost)
    if (not lost and not removed) or any(name not in parts for name in _NEEDED):
        return []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content if isinstance(content, bytes) else xml.serialized(content))
    return [*lost, *removed]


def _parts(archive: zipfile.ZipFile) -> tuple[dict[str, bytes | Element], list[str]]:
    """The parts that can be read, relations and slides as trees, and the names of the others."""
    parts, lost = dict[str, bytes | Element](), list[str]()
    for item in archive.infolist():
        name = item.filename
        try:
            if item.file_size > MOST_BYTES:
                raise zipfile.BadZipFile
            data = archive.read(item)
        except _UNREADABLE:
            lost.append(name)
            continue
        if not name.endswith((".xml", ".rels")):
            parts[name] = data
            continue
        try:
            tree, whole = xml.recovered(data)
        except ValueError:
            lost.append(name)
            continue
        keeps_tree = not whole or name.endswith(".rels") or "/slides/" in name or name in _NEEDED
        parts[name] = tree if keeps_tree else data
        if not whole:
            if _is_text(name):
                continue  # what is left of a slide or of the text is better than nothing
            lost.append(name)
            del parts[name]
    return parts, lost


def _is_text(name: str) -> bool:
    """Whether a part holds what a person reads, and is kept as far as it goes."""
    folder = posixpath.dirname(name)
    return folder.endswith(("/slides", "/worksheets")) or name in _NEEDED or name == "word/document.xml"


def _without_ends(parts: dict[str, bytes | Element], lost: list[str]) -> list[str]:
    """Takes away what points to lost parts, and pictures that have none; names of slides with such."""
    changed = list[str]()
    for name, content in parts.items():
        if isinstance(content, bytes):
            continue
        if name.endswith(".rels"):
            base = posixpath.dirname(posixpath.dirname(name))
            for one in list(content.iter(_RELATION)):
                target = posixpath.normpath(posixpath.join("/", base, one.get("Target", ""))).lstrip("/")
                if one.get("TargetMode") != "External" and (target in lost or target not in parts):
                    content.remove(one)
        elif name == _NEEDED[0]:
            for one in list(content.iter(_TYPE)):
                if one.get("PartName", "").lstrip("/") not in parts:
                    content.remove(one)
    for name, content in parts.items():
        if isinstance(content, bytes) or "/slides/" not in name or name.endswith(".rels"):
            continue
        ids = _ids(parts.get(f"ppt/slides/_rels/{posixpath.basename(name)}.rels"))
        for shape in list(content.iter(_P + "pic", _P + "graphicFrame")):
            if _is_damaged(shape, ids):
                shape.getparent().remove(shape)
                changed.append(name)
    return list(dict.fromkeys(changed))


def _ids(relations: bytes | Element | None) -> set[str]:
    if relations is None or isinstance(relations, bytes):
        return set()
    return {one.get("Id", "") for one in relations.iter(_RELATION)}


def _is_damaged(shape: Element, ids: set[str]) -> bool:
    """Whether a picture lacks its parts, or what a shape shows is gone."""
    if shape.tag == _P + "pic" and (
        shape.find(_P + "blipFill") is None or shape.find(_P + "nvPicPr") is None
    ):
        return True
    wanted = [one.get(_R + name) for one in shape.iter() for name in ("id", "embed") if one.get(_R + name)]
    return any(one not in ids for one in wanted)
