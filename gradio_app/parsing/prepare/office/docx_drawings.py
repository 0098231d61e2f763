"""DOCX: alternative texts of pictures and texts of SmartArt, behind the paragraph that holds them."""

from __future__ import annotations

from gradio_app.parsing.prepare.office.diagrams import (
    DGM,
    A,
    alternative_text,
    as_lines,
    authored,
    chart_title,
    diagram_lines,
)
from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.word_xml import W, ancestors, block_of, is_deleted, paragraph, run
from gradio_app.parsing.prepare.office.xml import Element

_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_V = "{urn:schemas-microsoft-com:vml}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"


def diagrams(package: Package, part: str) -> bool:
    """Writes the points of each diagram behind it; whether there are any."""
    changed = False
    for ids in list(package.tree(part).iter(f"{DGM}relIds")):
        drawing = next(ids.iterancestors(W + "drawing"), None)
        if drawing is None or is_deleted(drawing):
            continue
        lines = list(as_lines(diagram_lines(package, part, drawing)))
        _add_behind(block_of(drawing), lines)
        changed |= bool(lines)
    return changed


def chart_titles(package: Package, part: str) -> bool:
    """Writes the titles of charts above them; whether there are any."""
    changed = False
    for chart in list(package.tree(part).iter(_C + "chart")):
        title = "" if is_deleted(chart) else chart_title(package, part, chart)
        if title:
            block_of(chart).addprevious(paragraph(run(title)))
            changed = True
    return changed


def alternatives(package: Package, part: str) -> bool:
    """Writes the alternative texts of pictures behind them; whether there are any."""
    changed = False
    root = package.tree(part)
    written = set[tuple[int, str]]()
    for properties in [*root.iter(_WP + "docPr"), *root.iter(_V + "shape")]:
        text = _text_of_shape(properties) if properties.tag == _V + "shape" else _text_of_drawing(properties)
        if not text or is_deleted(properties):
            continue
        block = block_of(properties)
        if next(ancestors(block, "tc"), None) is not None:
            continue  # MinerU gives them in tables
        # a picture may be there twice, for programs of today and those of before
        if block.tag == W + "p" and (id(block), text) not in written:
            written.add((id(block), text))
            _add_behind(block, [f"[Picture: {text}]"])
            changed = True
    return changed


def _text_of_drawing(properties: Element) -> str:
    drawing = properties.getparent()
    is_picture = next(drawing.iter(A + "blip", _C + "chart"), None) is not None
    return alternative_text(properties) if is_picture else ""


def _text_of_shape(shape: Element) -> str:
    if shape.get("alt") is None or next(shape.iter(_V + "imagedata"), None) is None:
        return ""
    return authored(shape.get("alt", ""))


def _add_behind(block: Element, lines: list[str]) -> None:
    for line in reversed(lines):
        block.addnext(paragraph(run(line)))
