"""Words of WordprocessingML: names, and small pieces of text that are written into a document."""

from __future__ import annotations

from collections.abc import Iterator

from gradio_app.parsing.prepare.office import xml
from gradio_app.parsing.prepare.office.xml import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def new(tag: str, **attributes: str) -> Element:
    """An element ``w:tag`` with attributes ``w:name``."""
    element = xml.element(W + tag, W[1:-1], "w")
    for name, value in attributes.items():
        element.set(W + name, value)
    return element


def value(parent: Element | None, tag: str, default: str = "") -> str:
    """``w:val`` of the child ``w:tag``; ``default`` without such a child or value."""
    child = None if parent is None else parent.find(W + tag)
    return default if child is None else str(child.get(W + "val", default))


def is_on(parent: Element | None, tag: str) -> bool | None:
    """A property that is on, off, or (None) not there."""
    child = None if parent is None else parent.find(W + tag)
    return None if child is None else child.get(W + "val", "1") not in ("0", "false", "off")


def plain(text: str) -> str:
    """Text as XML may hold it."""
    return "".join(char if char in "\t\n" or char >= " " else " " for char in text)


def text_element(text: str) -> Element:
    """``w:t`` with its blanks kept."""
    element = new("t")
    element.text = plain(text)
    element.set(SPACE, "preserve")
    return element


def run(text: str, properties: Element | None = None) -> Element:
    """A run of plain text, with a copy of these properties."""
    element = new("r")
    if properties is not None:
        element.append(properties)
    element.append(text_element(text))
    return element


def superscript(text: str) -> Element:
    """A run of raised text."""
    properties = new("rPr")
    properties.append(new("vertAlign", val="superscript"))
    return run(text, properties)


def paragraph(*runs: Element) -> Element:
    """A paragraph without a style."""
    element = new("p")
    for one in runs:
        element.append(one)
    return element


def insert_first(target: Element, *runs: Element) -> None:
    """Puts runs at the beginning of a paragraph, behind its properties."""
    at = 1 if len(target) and target[0].tag == W + "pPr" else 0
    for offset, one in enumerate(runs):
        target.insert(at + offset, one)


def text_of(element: Element) -> str:
    """The text that is shown of an element: nothing that was deleted, breaks as blanks."""
    words: list[str] = []
    for node in element.iter(W + "t", W + "tab", W + "br", W + "p"):
        words.append(node.text or "" if node.tag == W + "t" else " ")
    return " ".join("".join(words).split())


def ancestors(element: Element, *tags: str) -> Iterator[Element]:
    """The ancestors ``w:tag`` of an element, the nearest first."""
    yield from element.iterancestors(*(W + tag for tag in tags))


def is_deleted(element: Element) -> bool:
    """Whether an element stands in text that a tracked change removed or moved away."""
    return next(ancestors(element, "del", "moveFrom"), None) is not None


def replace(old: Element, *elements: Element) -> None:
    """Puts elements in the place of another, whose following text stays."""
    parent = old.getparent()
    at = parent.index(old)
    parent.remove(old)
    for offset, one in enumerate(elements):
        parent.insert(at + offset, one)


def block_of(element: Element) -> Element:
    """The outermost-but-one block that holds an element in its story: what new blocks may stand behind.

    That is its paragraph in the body, a cell or a text box.
    """
    found = next(ancestors(element, "p"), element)
    for outer in ancestors(element, "p"):
        found = outer
    return found
