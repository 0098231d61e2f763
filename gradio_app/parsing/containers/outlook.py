"""Mails of Outlook (``.msg``, MS-OXMSG): the streams of an OLE file that hold heads, text and attachments."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from email import message_from_string
from email.policy import compat32
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

from gradio_app.base.errors import FileCorrupt
from gradio_app.parsing.containers.eml import decoded_head
from gradio_app.parsing.containers.mail import HEADS, Enclosed, Mail, as_eml, paragraphs
from gradio_app.parsing.prepare.encodings import decode
from gradio_app.parsing.prepare.html import read_page

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROPERTIES, _ATTACHMENT = "__properties_version1.0", "__attach_version1.0_"
#: a mail within a mail, within a mail, ...
_DEEPEST = 5
#: bytes of one stream
_MOST = 2**28
#: how a compressed text begins that Outlook has of old (MS-OXRTFCP, 2.1.3.1.5)
_RTF_START = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans "
    rb"SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n" + rb"\par "
    rb"\pard\plain\f0\fs20\b\i\u\tab\tx"
)
#: properties of a message: text of a head by number (MS-OXPROPS)
_SUBJECT, _SENDER, _ADDRESS, _SMTP, _TO, _CC, _BCC = 0x37, 0xC1A, 0xC1F, 0x5D01, 0xE04, 0xE03, 0xE02
_TRANSPORT, _BODY, _HTML, _RTF, _SENT = 0x7D, 0x1000, 0x1013, 0x1009, 0x39
#: properties of an attachment
_DATA, _LONG_NAME, _SHORT_NAME, _SHOWN_NAME, _MIME, _CID = 0x3701, 0x3707, 0x3704, 0x3001, 0x370E, 0x3712


def is_outlook(path: Path) -> bool:
    """Whether a file is a message of Outlook."""
    import olefile

    with path.open("rb") as file:
        if file.read(len(_OLE)) != _OLE:
            return False
    try:
        with cast(Any, olefile).OleFileIO(path) as ole:
            return bool(ole.exists(_PROPERTIES))
    except Exception:  # damaged: whoever reads it says so
        return False


def read(path: Path) -> Mail:
    """The mail. Raises ``FileCorrupt``."""
    import olefile

    try:
        with cast(Any, olefile).OleFileIO(path) as ole:
            return _Reader(ole).mail([], 0)
    except (OSError, ValueError, LookupError, struct.error, RecursionError) as error:
        raise FileCorrupt() from error


class _Reader:
    def __init__(self, ole: Any) -> None:
        self._ole = ole
        #: storages and streams below each storage
        self._below: dict[tuple[str, ...], set[str]] = {}
        for place in ole.listdir(streams=True, storages=True):
            for depth in range(len(place)):
                self._below.setdefault(tuple(place[:depth]), set()).add(place[depth])

    def mail(self, at: list[str], depth: int) -> Mail:
        """The message in the storage ``at``."""
        mail = Mail({name: text for name, text in self._heads(at).items() if text})
        html, text, rich = self._bytes(at, _HTML), self._text(at, _BODY), self._bytes(at, _RTF)
        page = read_page(html).text if html else self._text(at, _HTML)
        if page:
            mail.body.append(page)
        elif text.strip():
            mail.body.append(paragraphs(text))
        elif rich:
            mail.files.append(Enclosed("text of the mail.rtf", unpacked_rtf(rich), "application/rtf"))
        names = sorted(
            name for name in self._below.get(tuple(at), ()) if name.lower().startswith(_ATTACHMENT)
        )
        mail.files += [self._enclosed([*at, name], depth) for name in names]
        return mail

    def _heads(self, at: list[str]) -> dict[str, str]:
        sent = message_from_string(self._text(at, _TRANSPORT), policy=compat32)
        name, address = self._text(at, _SENDER), self._text(at, _SMTP) or self._text(at, _ADDRESS)
        sender = f"{name} <{address}>" if name and "@" in address and name != address else name or address
        own = {
            "From": sender,
            "To": self._text(at, _TO),
            "Cc": self._text(at, _CC),
            "Bcc": self._text(at, _BCC),
        }
        own |= {"Date": self._time(at, _SENT), "Subject": self._text(at, _SUBJECT)}
        # those of the transport have addresses; Outlook keeps the names only
        told = {name: decoded_head(sent, name) for name in HEADS if name != "Subject"}
        return {name: told.get(name) or own[name] for name in HEADS}

    def _enclosed(self, at: list[str], depth: int) -> Enclosed:
        names = (self._text(at, each) for each in (_LONG_NAME, _SHORT_NAME, _SHOWN_NAME))
        name, inner = next(filter(None, names), ""), f"__substg1.0_{_DATA:04X}000D"
        if inner in self._below.get(tuple(at), ()):
            if depth >= _DEEPEST or _PROPERTIES not in self._below.get((*at, inner), ()):
                return Enclosed(name or "object", b"")
            mail = self.mail([*at, inner], depth + 1)
            return Enclosed(f"{(name or mail.subject).replace('/', ' ')}.eml", as_eml(mail), "message/rfc822")
        kind = self._text(at, _MIME).strip().lower() or "application/octet-stream"
        return Enclosed(
            name or "attachment.bin", self._bytes(at, _DATA), kind, self._text(at, _CID).strip("<> ")
        )

    def _stream(self, at: list[str], number: int, kind: int) -> bytes:
        place = [*at, f"__substg1.0_{number:04X}{kind:04X}"]
        if place[-1] not in self._below.get(tuple(at), ()):
            return b""
        return bytes(self._ole.openstream(place).read(_MOST))

    def _bytes(self, at: list[str], number: int) -> bytes:
        return self._stream(at, number, 0x102)

    def _text(self, at: list[str], number: int) -> str:
        wide = self._stream(at, number, 0x1F)
        text = wide.decode("utf-16-le", "replace") if wide else decode(self._stream(at, number, 0x1E)).text
        return text.rstrip("\0")

    def _time(self, at: list[str], number: int) -> str:
        """A moment among the properties of fixed length, as mails write it."""
        data = bytes(self._ole.openstream([*at, _PROPERTIES]).read(_MOST))
        head = 32 if not at else 24
        for place in range(head, len(data) - 15, 16):
            tag, _, value = struct.unpack_from("<IIq", data, place)
            if tag == number << 16 | 0x40 and 0 < value < 2**62:
                moment = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 10)
                return format_datetime(moment)
        return ""


def unpacked_rtf(data: bytes) -> bytes:
    """RTF as Outlook keeps it (MS-OXRTFCP), at most as long as it says. Raises ``ValueError``."""
    if len(data) < 16:
        raise ValueError("the text is cut")
    _, size, form, _ = struct.unpack_from("<IIII", data)
    if form == 0x414C454D:  # not compressed
        return data[16 : 16 + size]
    if form != 0x75465A4C or size > _MOST:
        raise ValueError("the text is compressed in an unknown way")
    window, at, place = bytearray(_RTF_START.ljust(4096, b" ")), len(_RTF_START), 16
    made = bytearray()
    while place < len(data) and len(made) < size:
        flags, place = data[place], place + 1
        for bit in range(8):
            if place >= len(data) or len(made) >= size:
                break
            if flags >> bit & 1:
                pair = int.from_bytes(data[place : place + 2])
                offset, length, place = pair >> 4, (pair & 15) + 2, place + 2
                if offset == at:
                    return bytes(made)
                for step in range(length):
                    byte = window[(offset + step) % 4096]  # may be one that was written a moment ago
                    window[at] = byte
                    at = (at + 1) % 4096
                    made.append(byte)
            else:
                window[at] = data[place]
                made.append(data[place])
                at, place = (at + 1) % 4096, place + 1
    return bytes(made)
