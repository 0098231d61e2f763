"""Annotations that a person reads as part of the page: form fields, typed text and stamps become content.

Links stay. Comments of reviewers stay beside the page and are told. A value is drawn as its file draws it,
where the text of that drawing holds the value; else it is written anew.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pikepdf
from pikepdf import Name

from gradio_app.parsing.prepare.pdf.fields import MOST_VALUE, Shown, inherited, name_of, shown, text_of
from gradio_app.parsing.prepare.pdf.pen import Pen, Rect, added, boxes
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: annotations that become content, in one document
_MOST = 20_000
#: flags of annotations that are not shown on a screen: invisible, hidden, no view
_UNSEEN = 1 | 2 | 32
_TYPED = frozenset({"Widget", "FreeText", "Stamp"})
#: comments of reviewers: notes, and marks on the text
_COMMENTS = frozenset(
    {
        *("Text", "Highlight", "Underline", "StrikeOut", "Squiggly", "Caret", "Ink", "Line"),
        *("Square", "Circle", "Polygon", "PolyLine", "Stamp"),
    }
)
#: the size of a font in a default appearance: ``/Helv 12 Tf``
_SIZE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s+Tf")
_TAG = re.compile(r"<[^<>]{0,2000}>")
#: points around a box in which its text may stand
_AROUND = 2.0


@dataclass(slots=True)
class _Placed:
    """One annotation on its page. ``drawn``: the operators that draw it as its file does, or empty."""

    rect: Rect
    shown: Shown
    drawn: bytes


@dataclass(slots=True)
class _Changed:
    """A page with its annotations, and the stream that draws them."""

    number: int
    page: pikepdf.Page
    placed: list[_Placed]
    stream: pikepdf.Stream


def flatten(document: pikepdf.Pdf, wanted: Wanted, said: Prepared) -> bool:
    """Makes fields, typed text and stamps content of their pages; tells comments and forms without fields."""
    _tell_xfa(document, said)
    pen, changed, comments = Pen(document), list[_Changed](), list[tuple[int, str]]()
    left = _MOST
    for number, page in enumerate(document.pages, 1):
        found = _annotations(page)
        if not found:
            continue
        comments += [(number, text) for text in map(_comment, found) if text]
        placed = [
            (one, place)
            for index, one in enumerate(found[:left])
            if (place := _placed(page, one, index)) is not None
        ]
        if placed:
            left -= len(placed)
            gone = {id(one) for one, _ in placed}
            _keep(page, [one for one in found if id(one) not in gone])
            stream = document.make_stream(b"")
            changed.append(_Changed(number, page, [place for _, place in placed], stream))
    if wanted.comments and comments:
        _tell_comments(comments, said)
    if not changed:
        return False
    for one in changed:
        _draw(one, pen)
        one.page.contents_add(b"q\n", prepend=True)
        one.page.contents_add(one.stream)
    for one in _without_their_text(document, changed):
        _draw(one, pen)
    pen.finish()
    if "/AcroForm" in document.Root:
        del document.Root.AcroForm
    return True


def _annotations(page: pikepdf.Page) -> list[Any]:
    found = page.obj.get("/Annots")
    if not isinstance(found, pikepdf.Array):
        return []
    return [one for one in found if isinstance(one, pikepdf.Dictionary)]


def _keep(page: pikepdf.Page, rest: Sequence[Any]) -> None:
    if rest:
        page.obj.Annots = pikepdf.Array(rest)
    else:
        del page.obj.Annots


def _placed(page: pikepdf.Page, annotation: Any, number: int) -> _Placed | None:
    """How annotation ``number`` of a page is drawn; None for one that stays beside the page."""
    kind = name_of(annotation.get("/Subtype"))
    if kind not in _TYPED:
        return None
    rect, flags = boxes(annotation.get("/Rect")), annotation.get("/F", 0)
    if rect is None or (isinstance(flags, int) and flags & _UNSEEN):
        return _Placed((0, 0, 0, 0), Shown(), b"")
    if kind == "Widget":
        seen = shown(annotation)
    else:
        seen = _typed(annotation) if kind == "FreeText" else _stamp(annotation)
    drawn = b"" if seen.own or seen.ticked is not None else _as_drawn(page, annotation, number)
    size = _SIZE.search(text_of(inherited(annotation, "/DA")))
    if size and not seen.size:
        seen = Shown(seen.text, seen.ticked, seen.lines, seen.own, min(float(size[1]), 72.0))
    return _Placed(rect, seen, drawn)


def _typed(annotation: Any) -> Shown:
    text = text_of(annotation.get("/Contents"))
    return Shown(text or _TAG.sub(" ", text_of(annotation.get("/RC"))), lines=True)


def _stamp(annotation: Any) -> Shown:
    """The name of a stamp that has no appearance: ``/NotApproved`` is shown as such."""
    if "/AP" in annotation:
        return Shown()
    return Shown(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text_of(annotation.get("/Name"))).removeprefix("#"))


def _as_drawn(page: pikepdf.Page, annotation: Any, number: int) -> bytes:
    """Operators that draw the appearance of an annotation; empty where it has none."""
    helper = pikepdf.Annotation(annotation)
    stream = helper.get_appearance_stream(Name.N)
    if not isinstance(stream, pikepdf.Stream) or boxes(stream.get("/BBox")) is None:
        return b""
    stream.Type, stream.Subtype = Name.XObject, Name.Form
    name = added(page, stream, Name.XObject, f"Look{number}")
    return helper.get_page_content_for_appearance(Name(name), _turn(page), 0, 0)


def _turn(page: pikepdf.Page) -> int:
    """By how much a page is shown turned, clockwise."""
    turn = inherited(page.obj, "/Rotate")
    return int(turn) % 360 if isinstance(turn, int) else 0


def _draw(one: _Changed, pen: Pen) -> None:
    one.stream.write(b"\nQ\n" + b"".join(_drawing(one.page, place, pen) for place in one.placed))


def _drawing(page: pikepdf.Page, place: _Placed, pen: Pen) -> bytes:
    seen, turn = place.shown, _turn(page)
    if seen.ticked is not None:
        return pen.mark(page, place.rect, seen.ticked, turn)
    if place.drawn or not seen.text:
        return place.drawn
    return pen.text(page, place.rect, seen.text, turn, seen.size, seen.lines)


def _without_their_text(document: pikepdf.Pdf, changed: Sequence[_Changed]) -> list[_Changed]:
    """Pages with drawings that do not hold their value; these drawings are taken away."""
    doubtful = [one for one in changed if any(place.drawn and place.shown.text for place in one.placed)]
    if not doubtful:
        return []
    import pypdfium2 as pdfium

    saved = io.BytesIO()
    document.save(saved, fix_metadata_version=False)
    opened = cast(Any, pdfium.PdfDocument(saved))
    found: list[_Changed] = []
    try:
        for one in doubtful:
            text = opened[one.number - 1].get_textpage()
            wrong = [place for place in one.placed if place.drawn and not _holds(text, place)]
            for place in wrong:
                place.drawn = b""
            found += [one] if wrong else []
            text.close()
    finally:
        opened.close()
    return found


def _holds(text: Any, place: _Placed) -> bool:
    x0, y0, x1, y1 = place.rect
    there = text.get_text_bounded(x0 - _AROUND, y0 - _AROUND, x1 + _AROUND, y1 + _AROUND)
    return _letters(place.shown.text) in _letters(there)


def _letters(text: str) -> str:
    """Without blanks and the hyphens that a line break brings along."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char for char in plain if not char.isspace() and char not in "-\xad\x02\ufffe")


# ------------------------------------------------------------ what is told


def _comment(annotation: Any) -> str:
    """What a reviewer wrote, with the name."""
    flags = annotation.get("/F", 0)
    if name_of(annotation.get("/Subtype")) not in _COMMENTS or (isinstance(flags, int) and flags & _UNSEEN):
        return ""
    text, name = text_of(annotation.get("/Contents")), text_of(annotation.get("/T"))
    return f"{name[:100]}: {text[:MOST_VALUE]}" if text and name else text


def _tell_comments(comments: Sequence[tuple[int, str]], said: Prepared) -> None:
    count = len(comments)
    what = "1 comment is" if count == 1 else f"{count} comments are"
    told = "; ".join(text for _, text in comments)
    said.note(
        "comments_left_out",
        f"{what} beside the text and not in the result: {told}",
        [number for number, _ in comments],
    )


def _tell_xfa(document: pikepdf.Pdf, said: Prepared) -> None:
    """A form that is XFA only shows its fields in Adobe Reader; its pages say little."""
    form = document.Root.get("/AcroForm")
    if not isinstance(form, pikepdf.Dictionary) or "/XFA" not in form:
        return
    fields = form.get("/Fields")
    if bool(document.Root.get("/NeedsRendering")) or not isinstance(fields, pikepdf.Array) or not len(fields):
        said.note(
            "content_left_out",
            "Only Adobe Reader shows this form (it is an XFA form). Print it into a PDF there and send that.",
        )
