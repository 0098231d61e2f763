"""Signs of symbol fonts: their fonts say which characters they are, instead of places of the private area.

Word and LibreOffice write bullets, ticks and arrows as U+F000 to U+F0FF, or as the letters that lie under the
signs of Wingdings. What a font says of its codes is mended, so that all readers find real characters.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pikepdf
from pikepdf import Name

from gradio_app.parsing.prepare.pdf.cmaps import read_map, write_map
from gradio_app.parsing.prepare.pdf.fields import inherited, name_of
from gradio_app.parsing.prepare.prepared import Prepared, Wanted
from gradio_app.parsing.prepare.symbol_fonts import sign

#: forms in forms, and resources of one document
_DEEP, _MOST = 6, 20_000
#: the name of a font without blanks and hyphens
_FONT = re.compile(r"(wingdings)(?:regular)?([23])?|(webdings)|(symbol)(?:mt|ps|neu|set)*(?![a-z])")
_STYLE = re.compile(r"(?:[,;]|regular|bold|italic|oblique)+$")
#: fonts of LibreOffice and others whose private signs are those of these fonts, too
_OPEN = ("opensymbol", "starsymbol")
#: signs of lists and forms that any font may have: letters of Wingdings, and the dot of Symbol
_COMMON = frozenset(b"\x6c\x6e\x6f\x71\x75\x76\x77\x9f\xa7\xa8\xb7\xd8\xe0\xfb\xfc\xfd\xfe")
#: fonts of pictures, whose private signs are their own
_PICTURES = re.compile("awesome|icon|material|glyph|logo")
_PRIVATE = re.compile(rb"<\s*[fF]0[0-9a-fA-F]{2}\s*>")


def mend(document: pikepdf.Pdf, wanted: Wanted, said: Prepared) -> bool:
    """Mends what symbol fonts say of their codes; whether one of them was wrong."""
    changed = False
    for font in _fonts(document):
        told = _told(font)
        if told is not None:
            font.ToUnicode = document.make_stream(write_map(told))
            changed = True
    return changed


def _told(font: Any) -> dict[bytes, str] | None:
    """The right map of a font; None where it has that, or nobody can tell."""
    name = name_of(font.get("/BaseFont")).rpartition("+")[2].lower()
    name = re.sub("[ _-]", "", name)
    known = _FONT.match(_STYLE.sub("", name))
    table = " ".join(filter(None, known.groups())) if known else ""
    stream = font.get("/ToUnicode")
    if isinstance(stream, pikepdf.Stream):
        data = stream.read_bytes()
        if not table and (not _PRIVATE.search(data) or _PICTURES.search(name)):
            return None
        before = read_map(data)
        if not before or len({len(code) for code in before}) != 1:
            return None
        after = {code: _mended(text, table, name) for code, text in before.items()}
        return after if after != before else None
    # Type 1 Symbol is known to every reader; codes of composite fonts say nothing
    if not table or font.get("/Subtype") != Name.TrueType:
        return None
    first, last = font.get("/FirstChar"), font.get("/LastChar")
    if not isinstance(first, int) or not isinstance(last, int) or not 0 <= first <= last <= 255:
        return None
    return {bytes([code]): sign(code, table) for code in range(max(first, 0x20), last + 1)} or None


def _mended(text: str, table: str, name: str) -> str:
    if len(text) != 1:
        return text
    code = ord(text)
    if 0xF020 <= code <= 0xF0FF:
        known = table or name.startswith(_OPEN) or code - 0xF000 in _COMMON
        return sign(code, table) if known else text
    if not table:
        return text
    letter = text.encode("cp1252", "ignore")
    return sign(letter[0], table) if letter and letter[0] >= 0x20 else text


def _fonts(document: pikepdf.Pdf) -> Iterator[Any]:
    """Each font of the pages and of the forms on them, once."""
    seen: set[tuple[int, int]] = set()
    for page in document.pages:
        yield from _fonts_of(inherited(page.obj, "/Resources"), seen, 0)


def _fonts_of(resources: Any, seen: set[tuple[int, int]], depth: int) -> Iterator[Any]:
    if not isinstance(resources, pikepdf.Dictionary) or depth > _DEEP or len(seen) > _MOST:
        return
    if resources.is_indirect:
        if resources.objgen in seen:
            return
        seen.add(resources.objgen)
    for kind in ("/Font", "/XObject"):
        items = resources.get(kind)
        for item in items.as_dict().values() if isinstance(items, pikepdf.Dictionary) else ():
            if not isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
                continue
            if item.is_indirect and item.objgen in seen:
                continue
            seen.add(item.objgen)
            if kind == "/Font":
                yield item
            elif item.get("/Subtype") == Name.Form:
                yield from _fonts_of(item.get("/Resources"), seen, depth + 1)
