"""Mails of RFC 5322 (``.eml``): heads decoded, of alternatives the best, the rest in its order."""

from __future__ import annotations

import mimetypes
from contextlib import suppress
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from email.utils import collapse_rfc2231_value
from typing import Any, cast

from gradio_app.base.errors import FileCorrupt
from gradio_app.parsing.containers.mail import HEADS, Enclosed, Mail, paragraphs
from gradio_app.parsing.prepare.encodings import decode
from gradio_app.parsing.prepare.html import read_page

_PAGES = ("text/html", "application/xhtml+xml")
#: characters of a head; a mail to thousands has that many addresses
LONGEST_HEAD = 20_000
#: parts in parts, of which the first names the encoding of the heads
_DEEP = 20
#: suffixes of what mails enclose without a name, where the system's list differs from machine to machine
_SUFFIX = {"image/jpeg": ".jpg", "text/plain": ".txt", "text/html": ".html", "message/rfc822": ".eml"}


def read(data: bytes) -> Mail:
    """The mail. Raises ``FileCorrupt`` for one that is nested more deeply than Python reads."""
    try:
        message = message_from_bytes(data, policy=compat32)
        charset = _charset(message)
        mail = Mail({name: text for name in HEADS if (text := decoded_head(message, name, charset))})
        _walk(message, mail)
    except RecursionError as error:
        raise FileCorrupt(
            "The mail is nested too deeply. Forward what you need of it, and send that."
        ) from error
    return mail


def _walk(message: Message[str, str], mail: Mail) -> None:
    waiting = [message]
    while waiting:
        part = waiting.pop()
        kind = part.get_content_type()
        if kind == "multipart/alternative" and _parts(part):
            chosen = _best(_parts(part))
            # an invitation is one more form of the same text, and a file beside it
            others = [each for each in _parts(part) if each is not chosen and not _is_text(each)]
            waiting += [*reversed(others), chosen]
        elif kind.startswith("multipart/") and part.is_multipart():
            waiting += reversed(_parts(part))
        elif kind == "message/rfc822" and part.is_multipart():
            _enclose_mail(part, mail)
        elif part.is_multipart():  # a report on a delivery
            waiting += reversed(_parts(part))
        elif _is_text(part) and not _name(part) and part.get_content_disposition() != "attachment":
            mail.body.append(_text(part))
        else:
            name = _name(part) or f"attachment{_suffix(kind)}"
            mail.files.append(Enclosed(name, _bytes(part), kind, _cid(part)))


def _parts(part: Message[str, str]) -> list[Message[str, str]]:
    payload: Any = part.get_payload()
    return (
        [each for each in cast("list[Any]", payload) if isinstance(each, Message)]
        if part.is_multipart()
        else []
    )


def _best(parts: list[Message[str, str]]) -> Message[str, str]:
    """Of several forms of one text the last one that shows it, as mail programs choose."""
    for part in reversed(parts):
        kind = part.get_content_type()
        if kind in _PAGES or kind in ("multipart/related", "multipart/mixed"):
            return part
    return next((part for part in reversed(parts) if _is_text(part)), parts[-1])


def _is_text(part: Message[str, str]) -> bool:
    kind = part.get_content_type()
    # a part that says to have parts and has none is what its writer saw: text
    return kind in (*_PAGES, "text/plain", "text/enriched") or kind.startswith(("multipart/", "message/"))


def _text(part: Message[str, str]) -> str:
    """The text of a part as HTML."""
    data, declared = _bytes(part), part.get_content_charset() or ""
    if part.get_content_type() in _PAGES:
        return read_page(data, declared).text
    return paragraphs(decode(data, declared).text)


def _bytes(part: Message[str, str]) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _enclose_mail(part: Message[str, str], mail: Mail) -> None:
    inner = _parts(part)[0]
    try:
        data = inner.as_bytes()
    except (ValueError, LookupError, KeyError, TypeError, AttributeError):
        data = str(inner.get_payload()).encode("utf-8", "surrogateescape")
    stem = _name(part) or decoded_head(inner, "Subject") or "mail"
    name = stem if stem.lower().endswith(".eml") else f"{stem.replace('/', ' ').replace(chr(92), ' ')}.eml"
    mail.files.append(Enclosed(name, data, "message/rfc822"))


def _name(part: Message[str, str]) -> str:
    """The file name of a part, which may be written in either of two ways."""
    for param, head in (("filename", "content-disposition"), ("name", "content-type")):
        try:
            found = part.get_param(param, header=head)
            if found:
                return _decoded(collapse_rfc2231_value(found))
        except (ValueError, LookupError, TypeError):
            continue
    return ""


def _cid(part: Message[str, str]) -> str:
    return str(part.get("Content-ID", "")).strip().strip("<>")


def _suffix(kind: str) -> str:
    return _SUFFIX.get(kind) or mimetypes.guess_extension(kind) or ".bin"


def decoded_head(message: Message[str, str], name: str, charset: str = "") -> str:
    """A head in its letters, else as the text's ``charset``; several of one name, one after another."""
    found = (
        _decoded(str(value), charset) for key, value in message.raw_items() if key.lower() == name.lower()
    )
    return ", ".join(filter(None, found))[:LONGEST_HEAD]


def _charset(message: Message[str, str]) -> str:
    """The one that the text names: older programs write heads in it too."""
    part, depth = message, 0
    while (parts := _parts(part)) and depth < _DEEP:
        part, depth = parts[0], depth + 1
    return part.get_content_charset() or ""


def _decoded(text: str, charset: str = "") -> str:
    """A head in its letters: RFC 2047 has them encoded, and programs that know nothing of it have not."""
    raw = text.encode("utf-8", "surrogateescape")
    if not raw.isascii():
        text = decode(raw, charset).text
    with suppress(HeaderParseError, ValueError, LookupError):
        text = str(make_header(decode_header(text)))
    return " ".join(text.split())
