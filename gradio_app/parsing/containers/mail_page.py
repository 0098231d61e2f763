"""The page of a mail: its heads, its text with the pictures in it, and a list of what came with it."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from gradio_app.base.errors import FileTooLarge
from gradio_app.parsing.containers.mail import HEADS, Enclosed, Mail
from gradio_app.parsing.containers.parts import Parts
from gradio_app.parsing.prepare.html_bounds import bounded
from gradio_app.parsing.prepare.plain_text import MOST_TEXT, written
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: bytes of one picture in the text, and of all of them; larger ones are files of their own
MOST_PICTURE, MOST_PICTURES = 2_000_000, 20_000_000
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
_DROPPED = ("script", "style", "base", "meta", "link", "title", "object", "embed", "iframe", "form")
_PIECE = 2**20


def write_mail(mail: Mail, out: Path, wanted: Wanted, parts: Parts) -> Prepared:
    """Writes the page to ``out`` and what came with the mail into ``parts``."""
    size = sum(map(len, mail.body))
    if size > MOST_TEXT:
        raise FileTooLarge(
            f"The text of the mail has {size / 1e6:.0f} MB; at most {MOST_TEXT / 1e6:.0f} MB can be "
            "converted. Send a part of it."
        )
    pictures = _Pictures(mail.files)
    body = [_fragment(piece, pictures) for piece in mail.body]
    for each in mail.files:
        if any(each is picture for picture in pictures.shown):
            continue
        if why := parts.fate(each.name):
            parts.leave(each.name, len(each.data), why)
        else:
            parts.add(each.name, _pieces(each.data))
    prepared = Prepared()
    parts.tell(prepared, "mail")
    listed = f"<h2>Attachments</h2>{parts.table()}" if parts.rows else ""
    return written(f"{_heads(mail)}{''.join(body)}{listed}", out, wanted, prepared)


def _heads(mail: Mail) -> str:
    rows = [
        f"<strong>{name}:</strong> {escape(mail.heads[name], quote=False)}"
        for name in HEADS
        if name != "Subject" and name in mail.heads
    ]
    lines = f"<p>{'<br>'.join(rows)}</p>" if rows else ""
    return f"<h1>{escape(mail.subject, quote=False)}</h1>{lines}"


class _Pictures:
    """Pictures that the text shows. One that stands there a thousand times would be as many copies."""

    def __init__(self, files: list[Enclosed]) -> None:
        small = (each for each in files if each.kind in _PICTURES and len(each.data) <= MOST_PICTURE)
        self._by_cid = {each.cid: each for each in small if each.cid}
        self._left = MOST_PICTURES
        self.shown = list[Enclosed]()

    def address(self, source: str) -> str:
        """The picture that an address in the mail names, as an address of its own; else empty."""
        cid = unquote(source.strip()[4:]) if source.strip().lower().startswith("cid:") else ""
        found = self._by_cid.get(cid)
        if found is None or len(found.data) > self._left:
            return ""
        self._left -= len(found.data)
        self.shown.append(found)
        return f"data:{found.kind};base64,{b64encode(found.data).decode()}"


def _fragment(piece: str, pictures: _Pictures) -> str:
    """The body of a page without what acts, with its pictures in it."""
    from lxml import html as pages
    from lxml.etree import ParserError, strip_elements, strip_tags, tostring

    if not piece.strip():
        return ""
    parser = pages.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True, remove_comments=True)
    try:
        page, _ = bounded(piece)
        root = cast(Any, pages.document_fromstring(page.encode("utf-8", "replace"), parser=parser))
    except ParserError:
        return ""
    body = root.find("body")
    if body is None:
        return ""
    strip_elements(body, *_DROPPED[:-1], with_tail=False)
    strip_tags(body, _DROPPED[-1])
    for image in body.iter("img"):
        if address := pictures.address(image.get("src", "")):
            image.set("src", address)
    inner = "".join(cast(str, tostring(child, encoding="unicode", method="html")) for child in body)
    return f"<div>{escape(body.text or '', quote=False)}{inner}</div>"


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
