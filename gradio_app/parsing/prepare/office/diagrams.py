"""Texts of SmartArt, titles of charts, alternative texts of pictures: what DOCX and PPTX share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.xml import Element

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DECORATIVE = "{http://schemas.microsoft.com/office/drawing/2017/decorative}decorative"
#: points of one diagram, and characters of an alternative text
_MOST_POINTS, _MOST_TEXT = 2000, 2000
#: what programs write by themselves
_AUTOMATIC = re.compile(
    r"description automatically generated|AI-generated content|AI ?生成的内容可能不正确|自动生成的说明|"
    r"automatisch generierte beschreibung|KI-generierte inhalte|description générée automatiquement|"
    r"descripción generada automáticamente|自動的に生成された説明",
    re.I,
)
_FILE_NAME = re.compile(r"^\S+\.(png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp)$", re.I)


def diagram_lines(package: Package, part: str, drawing: Element) -> list[tuple[int, str]]:
    """Level (from 0) and text of each point of the diagram that is drawn below ``drawing``."""
    ids = next(drawing.iter(f"{DGM}relIds"), None)
    relation = None if ids is None else package.relations(part).get(ids.get(_R + "dm", ""))
    if relation is None or relation.target not in package.names:
        return []
    root = package.tree(relation.target)
    texts = dict[str, str]()
    first = ""
    for point in list(root.iter(f"{DGM}pt"))[:_MOST_POINTS]:
        kind = point.get("type", "node")
        if kind == "doc":
            first = point.get("modelId", "")
        elif kind in ("node", "asst"):
            texts[point.get("modelId", "")] = drawn_text(point)
    children = dict[str, list[tuple[int, str]]]()
    for link in root.iter(f"{DGM}cxn"):
        if link.get("type", "parOf") == "parOf":
            order = link.get("srcOrd", "0")
            place = int(order) if order.isdecimal() else 0
            children.setdefault(link.get("srcId", ""), []).append((place, link.get("destId", "")))
    found = list[tuple[int, str]]()
    left = dict(texts)
    stack = [(0, id_) for _, id_ in sorted(children.get(first, []), reverse=True)]
    while stack:
        level, id_ = stack.pop()
        text = left.pop(id_, None)
        if text is None:
            continue
        found += [(level, text)] if text else []
        stack += [(level + 1, child) for _, child in sorted(children.get(id_, []), reverse=True)]
    return found + [(0, text) for text in left.values() if text]


def chart_title(package: Package, part: str, chart: Element) -> str:
    """The title of the chart that the element ``c:chart`` of a part refers to; empty without one."""
    relation = package.relations(part).get(chart.get(_R + "id", ""))
    if relation is None or relation.target not in package.names:
        return ""
    title = package.tree(relation.target).find(f"{_C}chart/{_C}title")
    if title is None:
        return ""
    stored = " ".join((one.text or "") for one in title.iter(_C + "v"))
    return drawn_text(title) or " ".join(stored.split())


def drawn_text(element: Element) -> str:
    """The text below an element of DrawingML, paragraphs as blanks."""
    words = [
        node.text or "" if node.tag == A + "t" else " " for node in element.iter(A + "t", A + "p", A + "br")
    ]
    return " ".join("".join(words).split())


def alternative_text(properties: Element) -> str:
    """What an author wrote of a picture (``docPr`` or ``cNvPr``); empty for what a program wrote."""
    if any(mark.get("val", "0") in ("1", "true") for mark in properties.iter(_DECORATIVE)):
        return ""
    text = authored(properties.get("descr", ""))
    return "" if text == properties.get("name") else text


def authored(text: str) -> str:
    """An alternative text, empty for one that a program wrote by itself."""
    text = " ".join(text.split())[:_MOST_TEXT]
    return "" if _AUTOMATIC.search(text) or _FILE_NAME.match(text) else text


def as_lines(points: list[tuple[int, str]]) -> Iterator[str]:
    """Points of a diagram as lines that begin with a dot, or with a dash below one."""
    return (f"{'–' if level else '•'} {text}" for level, text in points)
