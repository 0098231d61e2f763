"""PPTX: points of diagrams, titles of charts and comments become text boxes of their slides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gradio_app.parsing.prepare.office import xml
from gradio_app.parsing.prepare.office.diagrams import (
    DGM,
    A,
    as_lines,
    chart_title,
    diagram_lines,
    drawn_text,
)
from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.steps import Step, finish, run_steps
from gradio_app.parsing.prepare.office.word_xml import plain
from gradio_app.parsing.prepare.office.xml import Element, child
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_P188 = "{http://schemas.microsoft.com/office/powerpoint/2018/8/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
#: height of a line, and where comments stand, in EMU: below all that a slide can hold
_LINE, _BELOW = 250_000, 100_000_000


def prepare(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    prepared = Prepared()
    with Package(source) as package:
        main = package.target("", "officeDocument") or "ppt/presentation.xml"
        if main not in package.names:
            return prepared
        slides = [
            one.target
            for one in package.relations(main).values()
            if one.type == "slide" and one.target in package.names
        ]
        run_steps(package, _Deck(package, main, slides, wanted, prepared).steps(), prepared)
        finish(package, out, "pptx", prepared)
    return prepared


@dataclass(frozen=True, slots=True)
class _Deck:
    package: Package
    main: str
    slides: list[str]
    wanted: Wanted
    prepared: Prepared

    def steps(self) -> list[Step]:
        """What this presentation needs."""
        steps = list[Step]()
        names = self.package.names
        if any("/diagrams/" in name for name in names):
            steps.append(Step("Diagrams", self._diagrams))
        if any("/charts/" in name for name in names):
            steps.append(Step("Titles of charts", self._charts))
        if any("/comments/" in name for name in names):
            steps.append(Step("Comments", self._comments))
        return steps

    def _diagrams(self) -> None:
        for slide in self.slides:
            for ids in list(self.package.tree(slide).iter(f"{DGM}relIds")):
                frame = next(ids.iterancestors(_P + "graphicFrame"), None)
                if frame is None:
                    continue
                lines = list(as_lines(diagram_lines(self.package, slide, frame)))
                if lines:
                    frame.addnext(_box(frame, lines, *_area(frame)))
                    self.package.changed(slide)

    def _charts(self) -> None:
        for slide in self.slides:
            for chart in list(self.package.tree(slide).iter(_C + "chart")):
                frame = next(chart.iterancestors(_P + "graphicFrame"), None)
                title = chart_title(self.package, slide, chart)
                if frame is not None and title:
                    left, top, width, _ = _area(frame)
                    frame.addprevious(_box(frame, [title], left, top, width, _LINE))
                    self.package.changed(slide)

    def _comments(self) -> None:
        authors = dict(_authors(self.package))
        count = 0
        for slide in self.slides:
            lines = list[str]()
            for one in self.package.relations(slide).values():
                if one.type in ("comments", "comment") and one.target in self.package.names:
                    lines += _comments_of(self.package.tree(one.target), authors)
            count += len(lines)
            tree = next(self.package.tree(slide).iter(_P + "spTree"), None)
            if lines and tree is not None and self.wanted.comments:
                tree.append(_box(tree, lines, 0, _BELOW, 9_000_000, _LINE * len(lines)))
                self.package.changed(slide)
        if count and not self.wanted.comments:
            self.prepared.note("comments_left_out", f"{count} comments of reviewers were left out, as asked.")


def _authors(package: Package) -> Iterator[tuple[str, str]]:
    for name in package.names:
        if name in ("ppt/commentAuthors.xml", "ppt/authors.xml"):
            for one in package.tree(name):
                yield one.get("id", ""), one.get("name", "")


def _comments_of(root: Element, authors: Mapping[str, str]) -> Iterator[str]:
    """Comments and answers of one slide: those of PowerPoint before 2021, and of today."""
    for one in root.iter(_P + "cm", _P188 + "cm", _P188 + "reply"):
        body = one.find(_P + "text")
        text = one.find(_P188 + "txBody") if body is None else body
        words = "" if text is None else drawn_text(text) or " ".join((text.text or "").split())
        author = authors.get(one.get("authorId", ""), "").strip()
        if words:
            yield f"Comment by {author}: {words}" if author else f"Comment: {words}"


def _area(frame: Element) -> tuple[int, int, int, int]:
    """Left, top, width and height of a frame."""
    found = [0, 0, 9_000_000, _LINE]
    for tag, names, first in (("off", ("x", "y"), 0), ("ext", ("cx", "cy"), 2)):
        element = frame.find(f"{_P}xfrm/{A}{tag}")
        for offset, name in enumerate(names):
            number = "" if element is None else element.get(name, "")
            if number.lstrip("-").isdecimal() and len(number) < 12:
                found[first + offset] = int(number)
    return found[0], found[1], found[2], found[3]


def _box(near: Element, lines: list[str], left: int, top: int, width: int, height: int) -> Element:
    """A text box with a paragraph a line."""
    root = near.getroottree().getroot()
    ids = [one.get("id", "") for one in root.iter(_P + "cNvPr")]
    number = 1 + max((int(one) for one in ids if one.isdecimal() and len(one) < 10), default=1)
    box = xml.element(_P + "sp", _P[1:-1], "p")
    names = child(box, _P + "nvSpPr")
    name = child(names, _P + "cNvPr")
    name.set("id", str(number))
    name.set("name", f"Text {number}")
    child(names, _P + "cNvSpPr").set("txBox", "1")
    child(names, _P + "nvPr")
    place = child(child(box, _P + "spPr"), A + "xfrm")
    offset, extent = child(place, A + "off"), child(place, A + "ext")
    for element, values in (offset, (("x", left), ("y", top))), (extent, (("cx", width), ("cy", height))):
        for key, value in values:
            element.set(key, str(value))
    body = child(box, _P + "txBody")
    child(body, A + "bodyPr")
    for line in lines:
        child(child(child(body, A + "p"), A + "r"), A + "t").text = plain(line)
    return box
