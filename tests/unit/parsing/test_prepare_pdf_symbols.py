"""Bullets, ticks and arrows of symbol fonts are real characters in a prepared PDF."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name

from gradio_app.parsing.prepare import Wanted, prepare
from gradio_app.parsing.prepare.pdf.cmaps import read_map, write_map
from tests.documents import text_pdf


def page_with(
    path: Path, font: str, codes: bytes, told: dict[bytes, str] | bytes | None, form: bool = False
) -> Path:
    """A page with these codes in a font of this name; ``told``: what the font says of them."""
    with pikepdf.open(io.BytesIO(text_pdf())) as document:
        page = document.pages[0]
        item = Dictionary(
            Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name(f"/ABCDEF+{font}"), FirstChar=0,
            LastChar=255, Widths=Array([600] * 256),
        )  # fmt: skip
        if told is not None:
            data = told if isinstance(told, bytes) else write_map(told)
            item.ToUnicode = document.make_stream(data)
        content = b"BT /S 12 Tf 60 300 Td <" + codes.hex().encode() + b"> Tj ET"
        if form:
            stream = document.make_stream(content, Type=Name.XObject, Subtype=Name.Form)
            stream.BBox = Array([0, 0, 600, 800])
            stream.Resources = Dictionary(Font=Dictionary(S=document.make_indirect(item)))
            page.obj.Resources.XObject = Dictionary(Fm=stream)
            content = b"/Fm Do"
        else:
            page.obj.Resources.Font.S = document.make_indirect(item)
        page.contents_add(b"\nQ q " + content)
        document.save(path)
    return path


def signs(path: Path) -> str:
    return pypdfium2.PdfDocument(path)[0].get_textpage().get_text_range().splitlines()[-1].strip()


def prepared(tmp_path: Path, source: Path) -> Path:
    answer = prepare(source, "pdf", tmp_path / "out", Wanted())
    assert answer.notes == []
    return tmp_path / "out" if answer.kind else source


@pytest.mark.parametrize("form", [False, True], ids=["page", "form"])
@pytest.mark.parametrize(
    ("font", "codes", "told", "seen"),
    [
        ("OpenSymbol", b"\1\1", {b"\1": "\uf0b7"}, "••"),
        ("Arial", b"\1\2", {b"\1": "\uf0fc", b"\2": "\uf0d8"}, "✓➢"),
        ("SymbolMT", b"\1\2\3", {b"\1": "\uf0b7", b"\2": "\uf061", b"\3": "\uf0a3"}, "•α≤"),
        ("Wingdings-Regular", b"\xa7\xfc\x71", None, "▪✓❑"),
        ("Wingdings", b"\1\2", {b"\1": "§", b"\2": "Ø"}, "▪➢"),
        ("Wingdings2", b"\1\2", {b"\1": "\uf050", b"\2": "\uf052"}, "✓☒"),
        ("Symbol,Bold", b"\1\1", {b"\1": "b"}, "ββ"),
    ],
)
def test_signs_are_told(
    tmp_path: Path, font: str, codes: bytes, told: dict[bytes, str] | None, seen: str, form: bool
) -> None:
    source = page_with(tmp_path / "source.pdf", font, codes, told, form)
    assert signs(source) != seen
    assert signs(prepared(tmp_path, source)) == seen


@pytest.mark.parametrize(
    ("font", "told"),
    [
        ("FontAwesome5Free-Solid", {b"A": "\uf0e0"}),
        ("Symbola", {b"A": "a"}),
        ("SymbolMT", {b"A": "α"}),
        ("Arial", {b"A": "\uf095"}),
        ("Arial", {b"A": "A"}),
        ("Wingdings", b"beginbfrange <00> <ff> endbfrange \xff"),
        ("Wingdings", b"beginbfrange <00000000> <ffffffff> <0041> endbfrange"),
    ],
)
def test_other_fonts_are_left_alone(tmp_path: Path, font: str, told: dict[bytes, str] | bytes) -> None:
    source = page_with(tmp_path / "source.pdf", font, b"A", told)
    assert prepared(tmp_path, source) == source


def test_maps_are_read_as_they_are_written() -> None:
    codes = {b"\0\1": "a", b"\0\2": "fi", b"\0\3": "𝔸", b"\xff\xff": "•"}
    assert read_map(write_map(codes)) == codes


def test_maps_have_ranges() -> None:
    data = b"2 beginbfrange\n<01> <03> <0041>\n<10><12>[<0061> <00620063> <D835DD38>] endbfrange"
    assert read_map(data) == {b"\1": "A", b"\2": "B", b"\3": "C", b"\x10": "a", b"\x11": "bc", b"\x12": "𝔸"}


def test_names_of_fonts_may_be_in_any_encoding(tmp_path: Path) -> None:
    source = page_with(tmp_path / "source.pdf", "SimXYZ", b"AB", {b"A": "\uf0b7", b"B": "B"})
    source.write_bytes(source.read_bytes().replace(b"SimXYZ", b"Sim\xba\xda\xcc"))
    assert signs(prepared(tmp_path, source)) == "•B"
