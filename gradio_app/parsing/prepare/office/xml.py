"""XML from outside, read and written with lxml: no entities, nothing fetched."""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree

#: an element of lxml, which has no types
Element = Any


def parsed(data: bytes) -> Element:
    """The root of XML from outside, without its entities. Raises for what is none, or is without limits."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(_transitional(data), parser)
    etree.strip_elements(root, etree.Entity, with_tail=False)
    return root


def recovered(data: bytes) -> tuple[Element, bool]:
    """The root of XML that may be damaged, as far as it goes, and whether it is all there.

    Raises ``ValueError`` where nothing is left.
    """
    try:
        return parsed(data), True
    except etree.XMLSyntaxError:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
        root = etree.fromstring(_transitional(data), parser) if data.strip() else None
        if root is None:
            raise ValueError("nothing of the part can be read") from None
        etree.strip_elements(root, etree.Entity, with_tail=False)
        return root, False


def elements(stream: BinaryIO, tag: str) -> Iterator[Element]:
    """The elements of this name one after the other; each is gone with the next one."""
    for _, element in etree.iterparse(stream, tag=tag, resolve_entities=False, no_network=True):
        yield element
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def serialized(root: Element) -> bytes:
    """The whole part as UTF-8."""
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))


def element(tag: str, namespace: str = "", prefix: str = "") -> Element:
    """A new element; with a namespace, it is written with this prefix."""
    return etree.Element(tag, nsmap={prefix or None: namespace} if namespace else None)


def child(parent: Element, tag: str) -> Element:
    """A new last child."""
    return etree.SubElement(parent, tag)


def _transitional(data: bytes) -> bytes:
    """XML with the usual names instead of those of "strict" OOXML, as MinerU's readers have it."""
    if b"http://purl.oclc.org/ooxml/" not in data:
        return data
    from docvortex.analyzers.native.office.opc import STRICT_OOXML_COMMON_REPLACEMENTS as COMMON
    from docvortex.analyzers.native.office.opc import translate_strict_ooxml_uris

    usual = [
        (f"http://purl.oclc.org/ooxml/{kind}/main".encode(), f"{_USUAL}/{kind}/2006/main".encode())
        for kind in ("wordprocessingml", "presentationml", "spreadsheetml", "drawingml")
    ]
    return bytes(translate_strict_ooxml_uris(data, (*usual, *COMMON)))


_USUAL = "http://schemas.openxmlformats.org"
