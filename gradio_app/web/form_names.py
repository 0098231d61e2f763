"""Names of uploaded files, from the ``Content-Disposition`` of a part of a form, as clients write them.

Understands ``filename*`` (RFC 5987), encoded words (RFC 2047: .NET, PowerShell), percent-encoded UTF-8
(aiohttp), quoted strings with and without escapes, full paths (Internet Explorer), and Latin-1.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

_WORD = re.compile(r"=\?([A-Za-z0-9_-]{1,40})\?([BbQq])\?([^? ]*)\?=")
#: what a client that quotes whole names leaves of them; other names with a per cent sign mean it
_QUOTED = re.compile(r"(?:[A-Za-z0-9_.~!'()*-]|%[0-9A-Fa-f]{2})+")
_EXTENDED = re.compile(r"([A-Za-z0-9_-]{1,40})'[A-Za-z0-9-]*'(.*)", re.DOTALL)
_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|[\\/]")
#: encodings of texts; Python has others, such as those of domain names
_CHARSETS = frozenset(
    (
        *("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "iso-8859-15"),
        *("windows-1250", "windows-1251", "windows-1252", "koi8-r"),
        *("gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr"),
    )
)


def file_name(disposition: bytes) -> str | None:
    """The name of the file in a part, with its folders; None where the part is no file.

    Of a full path only the name is left: it says where the file was, not that a folder was sent.
    """
    found = dict(_parameters(disposition))
    extended, plain = found.get(b"filename*"), found.get(b"filename")
    if extended is None and plain is None:
        return None
    names = (
        _extended(extended) if extended is not None and not extended.startswith(b'"') else None,
        _plain(plain) if plain is not None else None,
        _extended(_unquoted(extended)) if extended is not None else None,
    )
    name = next((each for each in names if each), "")
    return re.split(r"[\\/]", name)[-1] if _ABSOLUTE.match(name) else name


def _parameters(disposition: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names in small letters and values with their quotes; the first of a name counts, so it comes last."""
    pieces, start, quoted, at = list[bytes](), 0, False, 0
    while at < len(disposition):
        char = disposition[at : at + 1]
        if char == b'"':
            quoted = not quoted
        elif (
            quoted and disposition[at : at + 2] == b'\\"' and disposition[at + 2 : at + 3] not in (b"", b";")
        ):
            at += 1  # not where it ends a path such as "C:\folder\"
        elif char == b";" and not quoted:
            pieces.append(disposition[start:at])
            start = at + 1
        at += 1
    pieces.append(disposition[start:])
    for piece in reversed(pieces):
        name, equals, value = piece.partition(b"=")
        if equals:
            yield name.strip().lower(), value.strip()


def _unquoted(value: bytes) -> bytes:
    if len(value) >= 2 and value[:1] == value[-1:] == b'"':
        return value[1:-1].replace(b"\\\\", b"\\").replace(b'\\"', b'"')
    return value


def _extended(value: bytes) -> str | None:
    """``UTF-8''%C3%BC.pdf``; None for what is none."""
    found = _EXTENDED.fullmatch(value.decode("latin-1"))
    return _decoded(unquote_to_bytes(found[2].encode("latin-1")), found[1]) if found else None


def _plain(value: bytes) -> str:
    raw = _unquoted(value)
    text = _decoded(raw, "utf-8")
    if text is None:
        return raw.decode("latin-1")
    if "=?" in text:
        return _words(text)
    if "%" in text and _QUOTED.fullmatch(text):
        return _decoded(unquote_to_bytes(text), "utf-8") or text
    return text.replace("%22", '"')  # browsers write a quote so, and nothing else


def _words(text: str) -> str:
    """Encoded words decoded; white space between two of them belongs to the encoding."""
    parts, at = list[str](), 0
    for found in _WORD.finditer(text):
        word = _decoded(_bytes_of(found[2], found[3]), found[1])
        if word is None:
            return text
        between = text[at : found.start()]
        parts += ["" if at and not between.strip() else between, word]
        at = found.end()
    return "".join(parts) + text[at:]


def _bytes_of(way: str, text: str) -> bytes:
    if way in "qQ":
        return quopri.decodestring(text.encode("latin-1", "replace"), header=True)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b"\xff"


def _decoded(data: bytes, charset: str) -> str | None:
    try:
        return data.decode(charset) if charset.lower() in _CHARSETS else None
    except UnicodeDecodeError:
        return None
