"""DOCX: notes, comments, signs, boxes, labels, diagrams and alternative texts become plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gradio_app.parsing.prepare.office import (
    docx_chunks,
    docx_drawings,
    docx_marks,
    docx_notes,
    docx_numbering,
)
from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.steps import Step, finish, run_steps
from gradio_app.parsing.prepare.office.word_xml import W, is_on
from gradio_app.parsing.prepare.office.xml import Element
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

_STYLE = re.compile(rb"<w:style\b.*?</w:style>", re.S)
_STYLE_ID = re.compile(rb'w:styleId="([^"]*)"')


def prepare(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    prepared = Prepared()
    with Package(source) as package:
        main = package.target("", "officeDocument") or "word/document.xml"
        if main not in package.names:
            return prepared
        run_steps(package, _Docx(package, main, wanted, prepared).steps(), prepared)
        finish(package, out, "docx", prepared)
    return prepared


@dataclass(frozen=True, slots=True)
class _Docx:
    package: Package
    main: str
    wanted: Wanted
    prepared: Prepared

    def steps(self) -> list[Step]:
        """What this document needs, found by the names of its parts and a few words in their bytes."""
        relations = self.package.relations(self.main).values()
        here = {one.type: one.target for one in relations if one.target in self.package.names}
        stories = [one.target for one in relations if one.type in ("header", "footer")]
        parts = [self.main, *(part for part in dict.fromkeys(stories) if part in self.package.names)]
        data = {part: self.package.data(part) for part in parts}
        text, styles = data[self.main], self.package.data(here.get("styles", ""))
        steps = list[Step]()

        def add(what: str, run: Callable[[], None]) -> None:
            steps.append(Step(what, run))

        if b"altChunk" in text:
            add("Documents inside the document", self._chunks)
        if "numbering" in here and (b"numPr" in text or _uses_style(text, styles, b"numPr")):
            add("Numbers of paragraphs", lambda: self._edit(self.main, docx_numbering.labels))
        # notes are written last of what is read, so that what follows reads them too
        for kind in ("footnote", "endnote"):
            if f"{kind}s" in here and kind.encode() + b"Reference" in text:
                add(f"{kind.capitalize()}s", lambda kind=kind: self._notes(kind))
        if "comments" in here and b"commentReference" in text:
            add("Comments", self._comments)
        if b"relIds" in text:
            add("Diagrams", lambda: self._edit(self.main, docx_drawings.diagrams))
        if b"drawingml/2006/chart" in text:
            add("Titles of charts", lambda: self._edit(self.main, docx_drawings.chart_titles))
        if b"descr=" in text or b" alt=" in text:
            add("Alternative texts", lambda: self._edit(self.main, docx_drawings.alternatives))
        more = [
            self.package.data(here[kind]) for kind in ("footnotes", "endnotes", "comments") if kind in here
        ]

        def everywhere(what: str, words: tuple[bytes, ...], edit: Callable[[Element], bool]) -> None:
            held = [part for part in parts if any(word in data[part] for word in words)]
            if self.main not in held and any(word in one for one in more for word in words):
                held.append(self.main)
            if held:
                add(what, lambda: self._edit_trees(held, edit))

        everywhere("Form fields", docx_marks.BOXES, docx_marks.boxes)
        everywhere("Symbols", docx_marks.SIGNS, docx_marks.signs)
        everywhere("Underlined blanks", docx_marks.UNDERLINED, docx_marks.underlined_blanks)
        if b"vanish" in styles or any(b"vanish" in one for one in (*data.values(), *more)):
            add("Hidden text", lambda: self._hidden(parts, here.get("styles", "")))
        return steps

    def _edit(self, part: str, edit: Callable[[Package, str], bool]) -> None:
        if edit(self.package, part):
            self.package.changed(part)

    def _edit_trees(self, parts: list[str], edit: Callable[[Element], bool]) -> None:
        for part in parts:
            if edit(self.package.tree(part)):
                self.package.changed(part)

    def _notes(self, kind: str) -> None:
        if docx_notes.notes(self.package, self.main, kind):
            self.package.changed(self.main)

    def _chunks(self) -> None:
        found, missed = docx_chunks.chunks(self.package, self.main)
        if found > missed:
            self.package.changed(self.main)
        if missed:
            self.prepared.note(
                "content_left_out",
                f"{missed} of {found} documents inside it could not be read. Send them by themselves.",
            )

    def _comments(self) -> None:
        if self.wanted.comments:
            if docx_notes.comments(self.package, self.main):
                self.package.changed(self.main)
        elif count := docx_notes.count_comments(self.package, self.main):
            self.prepared.note("comments_left_out", f"{count} comments of reviewers were left out, as asked.")

    def _hidden(self, parts: list[str], styles: str) -> None:
        hiding = _hiding_styles(self.package.tree(styles)) if styles else frozenset[str]()
        words = 0
        for part in parts:
            count = docx_marks.hidden(self.package.tree(part), hiding)
            if count:
                self.package.changed(part)
            words += count
        if words:
            self.prepared.note(
                "hidden_text",
                f"{words} hidden words of the document were left out. Show hidden text in Word to see them.",
            )


def _uses_style(text: bytes, styles: bytes, word: bytes) -> bool:
    """Whether the text uses a style that has ``word`` in its definition, by itself or by another's."""
    if word not in styles:
        return False
    named = [_STYLE_ID.search(style) for style in _STYLE.findall(styles) if word in style]
    ids = {found.group(1) for found in named if found}
    based = b"|".join(map(re.escape, ids))
    if not ids:
        return False
    derived = re.compile(rb'w:basedOn w:val="(?:' + based + rb')"')
    for style in _STYLE.findall(styles):
        name = _STYLE_ID.search(style)
        if name and derived.search(style):
            ids.add(name.group(1))
    return any(b'"' + id_ + b'"' in text for id_ in ids)


def _hiding_styles(root: Element) -> frozenset[str]:
    """Styles whose text is hidden."""
    found = set[str]()
    for style in root.iter(W + "style"):
        if is_on(style.find(W + "rPr"), "vanish"):
            found.add(style.get(W + "styleId", ""))
    return frozenset(found)
