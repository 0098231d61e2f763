"""Seeded damage to documents: the same seed and number give the same file on every machine."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz.seeds import SEEDS, zipped

#: no mutated file is larger, in bytes: the time belongs to many files, not to large ones
LARGEST = 256 * 1024
_TYPES = tuple(SEEDS)

_EVERYWHERE = (
    b"\0",
    b"\xff" * 8,
    b"%s%n",
    b"../../etc/passwd",
    b"\r\n\r\n",
    b"-1",
    b"1e308",
    b"\xef\xbf\xbf",
)
_MARKUP = (
    b"<script>alert(1)</script>",
    b'<!DOCTYPE a [<!ENTITY b "c">]>',
    b"&b;",
    b"&#0;",
    b"&#xD800;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<a href='javascript:alert(1)'>",
    b"<table><tr><td colspan='1000000000'>",
    b"</",
    b"/>",
    b"<svg onload=alert(1)>",
    b"<?xml version='9'?>",
    b' xmlns:w="x"',
    b"<math><mfrac/></math>",
)
_TOKENS: dict[str, tuple[bytes, ...]] = {
    "pdf": (
        b"/Length -1",
        b"/Length 999999999",
        b"/Kids[2 0 R]",
        b"/Count 2147483647",
        b"/Filter/FlateDecode",
        b"/Filter[/ASCIIHexDecode/LZWDecode/RunLengthDecode]",
        b"/Parent 3 0 R",
        b"/MediaBox[0 0 1e9 1e9]",
        b"/MediaBox[0 0 0 0]",
        b"/Rotate 91",
        b"endobj",
        b"stream\n",
        b"endstream",
        b"trailer<<>>",
        b"startxref\n-1",
        b"/Encrypt 5 0 R",
        b"/Type/ObjStm/N 99/First 9",
        b"/XFA 4 0 R",
        b"/JavaScript",
        b"q " * 200,
        b"0 0 0 0 0 0 cm",
        b"/Subtype/Type3",
        b"/Subtype/Type0/DescendantFonts[5 0 R]",
        b"/ToUnicode 4 0 R",
        b"/SMask 7 0 R",
        b"/Width 65536",
        b"/BitsPerComponent 32",
        b"/ColorSpace[/Indexed/DeviceRGB 255 4 0 R]",
        b"/Page",
        b"R",
    ),
    "rtf": (
        rb"{\*\generator",
        b"{" * 300,
        b"}" * 50,
        rb"\bin99999999 ",
        rb"\u-32768?",
        rb"\'zz",
        rb"{\pict\pngblip 00}",
        rb"{\object{\*\objdata 0105}}",
        rb"{\field{\*\fldinst HYPERLINK javascript:x}{\fldrslt y}}",
        rb"\trowd\cellx-1",
    ),
    "csv": (b'"', b'""', b"=cmd|' /C calc'!A0", b"\xff\xfe", b"\xef\xbb\xbf", b",," * 500, b"\r", b"@SUM(1)"),
    "mhtml": (
        b"--frontier",
        b"--frontier--\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"charset=utf-7",
        b"=?utf-8?b?",
        b"Content-Type: multipart/related; boundary=frontier\r\n",
        b"Content-Location: file:///etc/passwd\r\n",
    ),
    "zip": (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06"),
    "ole": (b"\xfe\xff\xff\xff", b"\xfd\xff\xff\xff", b"\0\0\0\0", b"W\0o\0r\0d\0", b"\xa5\xec"),
    "picture": (
        b"IHDR",
        b"IDAT",
        b"IEND",
        b"\xff\xd8",
        b"\xff\xc0",
        b"RIFF",
        b"acTL",
        b"GIF89a",
        b"II*\0",
        b"Exif\0\0",
    ),
}
_FAMILY = {
    **dict.fromkeys(("png", "jpeg", "jpg", "webp", "gif", "bmp", "tiff", "jp2"), "picture"),
    **dict.fromkeys(("docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "ofd"), "zip"),
    **dict.fromkeys(("doc", "xls", "ppt"), "ole"),
    "mht": "mhtml",
    "tsv": "csv",
}
_NAMES = (
    "../../x.{0}",
    "..\\..\\x.{0}",
    "<svg onload=alert(1)>.{0}",
    "a\u202eb.{0}",
    "CON.{0}",
    "-rf.{0}",
    "x.{0}.exe",
    "",
    ".{0}",
    "{0}",
    "a" * 400 + ".{0}",
    "a\tb\x01.{0}",
    "名前.{0}",
    "%2e%2e%2f.{0}",
    'q".{0}',
    "a;b=c.{0}",
    "x.{0} .",
)
_RANGES = ("1", "1-2", "r1", "2", "1-9999", "r1-r1", "5-1", "0", "x", "1," * 400)
_NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"65535",
    b"65536",
    b"2147483647",
    b"4294967296",
    b"99999999999999999999",
    b"1e9",
    b"",
)
_DIGITS = re.compile(rb"\d+")


@dataclass(frozen=True, slots=True)
class Case:
    """One upload: what it is called, its bytes, the fields beside it, and how it came to be."""

    index: int
    name: str
    data: bytes
    fields: dict[str, str]
    how: str


def case(seed: int, index: int) -> Case:
    """File ``index`` of the run with ``seed``."""
    rng = random.Random(f"{seed}/{index}")
    suffix = _TYPES[index % len(_TYPES)]
    data, how = SEEDS[suffix], list[str]()
    if _FAMILY.get(suffix) == "zip" and rng.random() < 0.7:
        data = _inside(rng, data, how)
    else:
        data = damaged(rng, data, _tokens(suffix), how)
    shown = rng.choice(_TYPES) if rng.random() < 0.08 else suffix
    name = rng.choice(_NAMES).format(shown) if rng.random() < 0.1 else f"{index}.{shown}"
    return Case(index, name, data, _fields(rng), f"{suffix}: {', '.join(how)}")


def _fields(rng: random.Random) -> dict[str, str]:
    fields = dict[str, str]()
    if rng.random() < 0.04:
        fields["page_range"] = rng.choice(_RANGES)
    if rng.random() < 0.04:
        fields["ocr_mode"] = rng.choice(("txt", "ocr", "auto", "other"))
    if rng.random() < 0.04:
        fields["tier"] = rng.choice(("flash", "basic", "standard", "none"))
    if rng.random() < 0.04:
        fields["priority"] = rng.choice(("1", "-10", "11", "x"))
    return fields


def _tokens(suffix: str) -> tuple[bytes, ...]:
    family = _FAMILY.get(suffix, suffix)
    return _TOKENS.get(family, _MARKUP) + _EVERYWHERE


def _inside(rng: random.Random, data: bytes, how: list[str]) -> bytes:
    """Damage to the members of an archive, which stays one."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name in rng.sample(sorted(parts), k=min(len(parts), rng.choice((1, 1, 1, 2)))):
        how.append(name)
        parts[name] = damaged(rng, parts[name], _MARKUP + _EVERYWHERE, how)
    trick = rng.random()
    if trick < 0.05:
        how.append("member dropped")
        del parts[rng.choice(sorted(parts))]
    elif trick < 0.1:
        how.append("member outside")
        parts[rng.choice(("../../outside.xml", "/tmp/outside.xml", "C:\\outside.xml", "a\0b"))] = b"<a/>"
    elif trick < 0.13:
        how.append("many members")
        parts |= {f"more/{number}.xml": b"" for number in range(1500)}
    return zipped(parts, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


# ---------------------------------------------------------------- damage to bytes

_Damage = Callable[[random.Random, bytearray, tuple[bytes, ...]], None]


def damaged(rng: random.Random, data: bytes, tokens: tuple[bytes, ...], how: list[str]) -> bytes:
    """``data`` after one to four mutations; their names are added to ``how``."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        damage = rng.choice(_DAMAGES)
        damage(rng, out, tokens)
        how.append(damage.__name__.removeprefix("_"))
        del out[LARGEST:]
    return bytes(out)


def _at(rng: random.Random, data: bytearray) -> int:
    return rng.randrange(len(data) + 1)


def _span(rng: random.Random, data: bytearray) -> tuple[int, int]:
    """A run of bytes, mostly a short one."""
    start = _at(rng, data)
    return start, min(len(data), start + rng.choice((1, 4, 16, 64, 512, 4096)))


def _flip_bits(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    for _ in range(rng.choice((1, 2, 8, 64)) if data else 0):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set_bytes(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    for _ in range(rng.choice((1, 4, 16)) if data else 0):
        data[rng.randrange(len(data))] = rng.choice((0, 1, 0x20, 0x3C, 0x7F, 0x80, 0xFF))


def _set_word(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    if len(data) >= 4:
        start = rng.randrange(len(data) - 3)
        word = rng.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data)))
        data[start : start + 4] = word.to_bytes(4, rng.choice(("little", "big")))


def _cut_off(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    del data[_at(rng, data) :]


def _take_out(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    start, stop = _span(rng, data)
    del data[start:stop]


def _blank(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    start, stop = _span(rng, data)
    data[start:stop] = bytes(stop - start)


def _repeat(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    start, stop = _span(rng, data)
    data[stop:stop] = data[start:stop] * rng.choice((1, 2, 10, 100, 1000))


def _move(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    start, stop = _span(rng, data)
    piece = data[start:stop]
    del data[start:stop]
    target = _at(rng, data)
    data[target:target] = piece


def _splice(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    other = bytearray(SEEDS[rng.choice(_TYPES)])
    data[_at(rng, data) :] = other[_at(rng, other) :]


def _insert_token(rng: random.Random, data: bytearray, tokens: tuple[bytes, ...]) -> None:
    for _ in range(rng.choice((1, 1, 3))):
        target = _at(rng, data)
        data[target:target] = rng.choice(tokens)


def _overwrite_with_token(rng: random.Random, data: bytearray, tokens: tuple[bytes, ...]) -> None:
    token, target = rng.choice(tokens), _at(rng, data)
    data[target : target + len(token)] = token


def _change_number(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    if found := list(_DIGITS.finditer(bytes(data))):
        match = rng.choice(found)
        data[match.start() : match.end()] = rng.choice(_NUMBERS)


def _nest(rng: random.Random, data: bytearray, _tokens: tuple[bytes, ...]) -> None:
    """One bracket or tag, thousands of times, around the rest."""
    opened, closed = rng.choice(
        ((b"<div>", b"</div>"), (b"[", b"]"), (b"<<", b">>"), (b"{", b"}"), (b"(", b")"))
    )
    times, target = rng.choice((10, 1000, 8000)), _at(rng, data)
    data[target:] = opened * times + data[target:] + closed * times


_DAMAGES: tuple[_Damage, ...] = (
    _flip_bits,
    _set_bytes,
    _set_word,
    _cut_off,
    _take_out,
    _blank,
    _repeat,
    _move,
    _splice,
    _insert_token,
    _overwrite_with_token,
    _change_number,
    _change_number,
    _nest,
)
