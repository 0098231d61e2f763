"""ODT, ODS, ODP: comments have their authors, hidden text is left out, formulas without values are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gradio_app.parsing.prepare.office import xml
from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.steps import Step, finish, run_steps
from gradio_app.parsing.prepare.office.word_xml import plain
from gradio_app.parsing.prepare.office.xlsx_extras import formulas_note
from gradio_app.parsing.prepare.office.xml import Element, child
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

_NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
_OFFICE, _TEXT, _TABLE = (f"{{{_NAMES}{name}:1.0}}" for name in ("office", "text", "table"))
_DRAW, _STYLE = (f"{{{_NAMES}{name}:1.0}}" for name in ("drawing", "style"))
_SVG = f"{{{_NAMES}svg-compatible:1.0}}"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_PART = "content.xml"
#: empty rows between a sheet's cells and its comments
_GAP = 2


def prepare(source: Path, out: Path, wanted: Wanted, kind: str) -> Prepared:
    """See ``prepare.prepare``; ``kind`` is ``odt``, ``ods`` or ``odp``."""
    prepared = Prepared()
    with Package(source) as package:
        data = package.data(_PART)
        document = _Document(package, kind, wanted, prepared)
        steps = list[Step]()
        if b":annotation" in data:
            steps.append(Step("Comments", document.comments))
        if b':display="none"' in data:
            steps.append(Step("Hidden text", document.hidden))
        if kind == "ods" and b":formula=" in data:
            steps.append(Step("Formulas", document.formulas))
        run_steps(package, steps, prepared)
        finish(package, out, kind, prepared)
    return prepared


@dataclass(frozen=True, slots=True)
class _Document:
    package: Package
    kind: str
    wanted: Wanted
    prepared: Prepared

    def comments(self) -> None:
        """Comments stand below their sheet or slide; in a text their author is named where they are."""
        root = self.package.tree(_PART)
        found = [one for one in root.iter(_OFFICE + "annotation") if _words(one)]
        lines = dict[Element, list[str]]()
        for one in found:
            if not self.wanted.comments:
                _remove(one)
                continue
            author = " ".join((one.findtext(_CREATOR) or "").split())
            label = f"Comment by {author}: " if author else "Comment: "
            if self.kind == "odt":
                first = next(one.iter(_TEXT + "p"))
                first.text = plain(label) + (first.text or "")
                continue
            place = _TABLE + "table" if self.kind == "ods" else _DRAW + "page"
            holder = next(one.iterancestors(place), None)
            if holder is not None:
                lines.setdefault(holder, []).append(label + _words(one))
                _remove(one)
        for holder, texts in lines.items():
            if self.kind == "ods":
                _rows(holder, texts)
            else:
                holder.append(_box(texts))
        if found:
            self.package.changed(_PART)
        if found and not self.wanted.comments:
            self.prepared.note(
                "comments_left_out", f"{len(found)} comments of reviewers were left out, as asked."
            )

    def hidden(self) -> None:
        """Leaves out words whose style is not to be displayed."""
        root = self.package.tree(_PART)
        styles = {
            style.get(_STYLE + "name")
            for style in root.iter(_STYLE + "style")
            if any(one.get(_TEXT + "display") == "none" for one in style.iter(_STYLE + "text-properties"))
        }
        words = 0
        for span in list(root.iter(_TEXT + "span", _TEXT + "p", _TEXT + "h")):
            if span.get(_TEXT + "style-name") in styles:
                words += len(_words(span).split())
                _remove(span)
        if words:
            self.package.changed(_PART)
            self.prepared.note(
                "hidden_text",
                f"{words} hidden words of the document were left out.",
            )

    def formulas(self) -> None:
        """Shows formulas of cells that have no value."""
        places = list[str]()
        for table in self.package.tree(_PART).iter(_TABLE + "table"):
            for row, cells in enumerate(table.iter(_TABLE + "table-row"), 1):
                for cell in cells.iter(_TABLE + "table-cell"):
                    formula = cell.get(_TABLE + "formula", "")
                    if not formula or cell.get(_OFFICE + "value-type") or cell.find(_TEXT + "p") is not None:
                        continue
                    child(cell, _TEXT + "p").text = plain(formula.partition(":")[2] or formula)
                    places.append(f"{table.get(_TABLE + 'name', '')}, row {row}")
        if places:
            self.package.changed(_PART)
            self.prepared.note("formulas_without_values", formulas_note(places))


def _words(element: Element) -> str:
    return " ".join(" ".join("".join(one.itertext()) for one in _paragraphs(element)).split())


def _paragraphs(element: Element) -> list[Element]:
    found = list(element.iter(_TEXT + "p"))
    return found or [element]


def _remove(element: Element) -> None:
    """Takes an element away, and leaves the text behind it."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    if element.tail:
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def _rows(table: Element, texts: list[str]) -> None:
    """Writes lines below the cells of a sheet, each by itself."""
    for text in texts:
        gap = child(table, _TABLE + "table-row")
        gap.set(_TABLE + "number-rows-repeated", str(_GAP))
        child(gap, _TABLE + "table-cell")
        cell = child(child(table, _TABLE + "table-row"), _TABLE + "table-cell")
        cell.set(_OFFICE + "value-type", "string")
        child(cell, _TEXT + "p").text = plain(text)


def _box(texts: list[str]) -> Element:
    """A text box at the end of a slide."""
    frame = xml.element(_DRAW + "frame", _DRAW[1:-1], "draw")
    for name, length in (("x", "0cm"), ("y", "900cm"), ("width", "20cm"), ("height", "2cm")):
        frame.set(_SVG + name, length)
    box = child(frame, _DRAW + "text-box")
    for text in texts:
        child(box, _TEXT + "p").text = plain(text)
    return frame
