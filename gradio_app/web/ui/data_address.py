"""Addresses that hold a document themselves: ``data:TYPE;base64,BYTES`` (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote, unquote_to_bytes

from gradio_app.base.errors import FileTooLarge, OptionInvalid

SCHEME = "data:"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
#: by type, as names tell some types apart; a type that is missing here is known by its content
_SUFFIXES = {
    "application/pdf": "pdf",
    "application/epub+zip": "epub",
    "application/msword": "doc",
    "application/rtf": "rtf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    f"{_OFFICE}wordprocessingml.document": "docx",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}presentationml.presentation": "pptx",
    f"{_OPEN}text": "odt",
    f"{_OPEN}spreadsheet": "ods",
    f"{_OPEN}presentation": "odp",
    "image/jpeg": "jpg",
    "text/csv": "csv",
    "text/html": "html",
    "text/rtf": "rtf",
    "text/tab-separated-values": "tsv",
}


def read(address: str, limit: int) -> tuple[str, bytes]:
    """Name and bytes of the document in a ``data:`` address; nothing is fetched.

    The name is that of a parameter ``name`` or ``filename``, else made from the type. Raises ``FileTooLarge``
    beyond ``limit`` bytes, before they are decoded, and ``OptionInvalid`` for an address that is none.
    """
    head, comma, body = address.removeprefix(SCHEME).partition(",")
    kind, *parameters = (part.strip() for part in head.split(";"))
    encoded = "base64" in (part.lower() for part in parameters)
    if len(body) > (limit * 4 // 3 + 4 if encoded else limit * 3):
        raise FileTooLarge()
    try:
        if not comma:
            raise ValueError("no comma")
        data = _base64(unquote(body)) if encoded else unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        raise OptionInvalid("This data: address cannot be read. Write data:TYPE;base64,BYTES.") from None
    named: dict[str, str] = {}
    for part in parameters:
        key, _, value = part.partition("=")
        named[key.strip().lower()] = unquote(value).strip('"')
    name = named.get("filename") or named.get("name")
    kind = kind.lower()
    return name or f"document.{_SUFFIXES.get(kind, kind.rpartition('/')[2])}", data


def _base64(text: str) -> bytes:
    plain = "".join(text.split()).rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=None, validate=True)
