"""The page of a mail: its heads, its text with the pictures in it, and a list of what came with it."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from gradio_app.base.errors import FileTooLarge
from gradio_app.parsing.containers.mail import HEADS, Enclosed, Mail
from gradio_app.parsing.containers.parts import Parts
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
    shown = set[str]()
    pictures = {each.cid: each for each in _small(mail.files)}
    body = [_fragment(piece, pictures, shown) for piece in mail.body]
    for each in mail.files:
        if each.cid and each.cid in shown and pictures.get(each.cid) is each:
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


def _small(files: list[Enclosed]) -> Iterator[Enclosed]:
    left = MOST_PICTURES
    for each in files:
        if each.cid and each.kind in _PICTURES and len(each.data) <= min(MOST_PICTURE, left):
            left -= len(each.data)
            yield each


def _fragment(piece: str, pictures: dict[str, Enclosed], shown: set[str]) -> str:
    """The body of a page without what acts, with its pictures in it. Adds to ``shown`` which those are."""
    from lxml import html as pages
    from lxml.etree import ParserError, strip_elements, strip_tags, tostring

    if not piece.strip():
        return ""
    parser = pages.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True, remove_comments=True)
    try:
        root = cast(Any, pages.document_fromstring(piece.encode("utf-8", "replace"), parser=parser))
    except ParserError:
        return ""
    body = root.find("body")
    if body is None:
        return ""
    strip_elements(body, *_DROPPED[:-1], with_tail=False)
    strip_tags(body, _DROPPED[-1])
    for image in body.iter("img"):
        cid = unquote(re.sub(r"^cid:", "", image.get("src", "").strip(), flags=re.I))
        if image.get("src", "").strip().lower().startswith("cid:") and cid in pictures:
            found = pictures[cid]
            image.set("src", f"data:{found.kind};base64,{b64encode(found.data).decode()}")
            shown.add(cid)
    inner = "".join(cast(str, tostring(child, encoding="unicode", method="html")) for child in body)
    return f"<div>{escape(body.text or '', quote=False)}{inner}</div>"


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
