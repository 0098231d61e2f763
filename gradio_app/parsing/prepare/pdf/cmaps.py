"""ToUnicode maps of fonts: which text each code of a font stands for, read and written."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: bytes of a map that is read, and codes of one range
_MOST_BYTES, _MOST_CODES = 2_000_000, 70_000
_BLOCK = re.compile(rb"begin(bfchar|bfrange)\b(.*?)\bend\1", re.DOTALL)
_TOKEN = re.compile(rb"<([0-9A-Fa-f\s]*)>|[\[\]]")


def read_map(data: bytes) -> dict[bytes, str] | None:
    """Codes with their text; None for a map that makes no sense or is too large."""
    if len(data) > _MOST_BYTES:
        return None
    found: dict[bytes, str] = {}
    try:
        for block in _BLOCK.finditer(data):
            tokens = [_value(token) for token in _TOKEN.finditer(block[2])]
            (_characters if block[1] == b"bfchar" else _ranges)(tokens, found)
    except (ValueError, IndexError, TypeError):
        return None
    return found


def write_map(codes: Mapping[bytes, str]) -> bytes:
    """The map of these codes, all of one length."""
    rows = [f"<{code.hex()}> <{text.encode('utf-16-be').hex()}>" for code, text in sorted(codes.items())]
    parts = [rows[first : first + 100] for first in range(0, len(rows), 100)]
    blocks = "\n".join(f"{len(part)} beginbfchar\n" + "\n".join(part) + "\nendbfchar" for part in parts)
    size = len(next(iter(codes), b" "))
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Told def /CMapType 2 def\n"
        f"1 begincodespacerange\n<{'00' * size}> <{'ff' * size}>\nendcodespacerange\n"
        f"{blocks}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()


def _value(token: re.Match[bytes]) -> bytes:
    """The bytes of a string; a bracket stays one."""
    if token[1] is None:
        return token[0]
    digits = b"".join(token[1].split())
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())


def _text(value: bytes) -> str:
    return (b"\0" * (len(value) % 2) + value).decode("utf-16-be", "replace")


def _characters(tokens: list[bytes], found: dict[bytes, str]) -> None:
    for code, value in zip(tokens[::2], tokens[1::2], strict=False):
        found[code] = _text(value)


def _ranges(tokens: list[bytes], found: dict[bytes, str]) -> None:
    at = 0
    while at + 2 < len(tokens):
        first, last, size = int.from_bytes(tokens[at]), int.from_bytes(tokens[at + 1]), len(tokens[at])
        if last - first + len(found) > _MOST_CODES:
            raise ValueError("too many codes")
        codes = [code.to_bytes(size) for code in range(first, last + 1)]
        if tokens[at + 2] == b"[":
            end = tokens.index(b"]", at + 3)
            texts = [_text(value) for value in tokens[at + 3 : end]]
            at = end + 1
        else:
            texts = _counted(_text(tokens[at + 2]), len(codes))
            at += 3
        found.update(zip(codes, texts, strict=False))


def _counted(text: str, count: int) -> list[str]:
    """Texts whose last character counts up."""
    if not text:
        return []
    last = min(ord(text[-1]), 0x10FFFF - count)
    return [text[:-1] + chr(last + step) for step in range(count)]
