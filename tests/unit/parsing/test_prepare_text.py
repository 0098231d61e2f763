"""Text of any encoding becomes UTF-8; what is UTF-8 already is left alone, byte for byte."""

from __future__ import annotations

import codecs
import json
import re
import time
from pathlib import Path

import pytest

from gradio_app.base.errors import FileTooLarge
from gradio_app.base.file_types import SHEETS
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare import Prepared, Wanted, prepare, text
from gradio_app.parsing.prepare.encodings import decode, meant

#: a table in the language -> encodings in which somebody may have saved it
TABLES: dict[str, tuple[str, ...]] = {
    "会社名,担当者\n山田工業,佐々木\n港南食品,渡辺\n": ("cp932", "euc_jp"),
    "品名,数量\nカメラ,3\nテレビ,10\n": ("cp932", "euc_jp"),
    "姓名,部门\n李伟,技术部\n赵敏,财务部\n": ("gb18030",),
    "姓名,部門\n林志明,業務部\n陳怡君,會計部\n": ("cp950",),
    "이름,부서\n박민수,영업부\n최지우,총무부\n": ("cp949",),
    "imię,miasto\nZbyszek,Łańcut\nGrażyna,Częstochowa\n": ("cp1250", "iso8859_2"),
    "jméno;obec\nJiří;Třeboň\nBožena;Kroměříž\n": ("cp1250",),
    "имя,город\nОльга,Казань\nПётр,Самара\n": ("cp1251", "koi8_r", "cp866"),
    "Name;Ort\nJürgen;Göttingen\nGroß;Füssen\n": ("cp1252", "cp850", "mac_roman"),
    "ville,prénom\nBesançon,Zoë\nNîmes,Hélène\n": ("cp1252",),
    "όνομα,πόλη\nΓιώργος,Πάτρα\nΕλένη,Βόλος\n": ("cp1253",),
    "ad,şehir\nAyşe,Eskişehir\nÇağrı,İzmir\n": ("cp1254",),
    "שם,עיר\nדוד,חיפה\nרחל,ירושלים\n": ("cp1255",),
    "الاسم,المدينة\nأحمد,القاهرة\nسارة,بيروت\n": ("cp1256",),
    "ชื่อ,เมือง\nสมชาย,เชียงใหม่\nวิภา,ขอนแก่น\n": ("cp874",),
}
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
ALL = [(table, encoding) for table, encodings in TABLES.items() for encoding in (*encodings, *WIDE)]


def prepared(tmp_path: Path, content: bytes, kind: str = "csv") -> tuple[Prepared, str]:
    """What is said of a file, and the plain text of it."""
    source, out = tmp_path / f"source.{kind}", tmp_path / "out"
    source.write_bytes(content)
    found = prepare(source, kind, out, Wanted())
    assert out.exists() == bool(found.kind)
    return found, (out if found.kind else source).read_bytes().decode("utf-8-sig")


def markdown(tmp_path: Path, content: bytes, kind: str) -> str:
    """What becomes of a file."""
    found, _ = prepared(tmp_path, content, kind)
    source = tmp_path / f"plain.{found.kind or kind}"
    source.write_bytes((tmp_path / "out").read_bytes() if found.kind else content)
    parse_document(str(source), str(tmp_path / "result"), (), "flash", "")
    return (tmp_path / "result" / "document.md").read_text("utf-8")


@pytest.mark.parametrize(("table", "encoding"), ALL, ids=[f"{e}-{t[:6].strip()}" for t, e in ALL])
def test_a_table_in_any_encoding_becomes_utf8(tmp_path: Path, table: str, encoding: str) -> None:
    found, read = prepared(tmp_path, table.encode(encoding))
    assert (found.kind, read) == ("csv", table)


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["bare", "marked"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "html"])
def test_what_is_utf8_is_left_alone(tmp_path: Path, kind: str, mark: bytes) -> None:
    for table in TABLES:
        found, _ = prepared(tmp_path, mark + table.encode(), kind)
        assert (found.kind, found.notes) == ("", [])


def test_a_table_becomes_a_table(tmp_path: Path) -> None:
    table = "Ort;Fluß\nGöttingen;Leine\n"
    assert "| Göttingen | Leine |" in markdown(tmp_path, table.encode("cp1252"), "csv")


def test_few_letters_are_a_guess_that_is_told(tmp_path: Path) -> None:
    found, read = prepared(tmp_path, "dish,price\nCafé,5\n".encode("cp1252"))
    assert "Café" in read
    [note] = found.notes
    assert note.code == "encoding_guessed" and "Windows-1252" in note.message and "UTF-8" in note.message
    long = "dish,price\nCafé au lait,5\nCrème brûlée,6\nPâté à la forêt,7\nHors d'œuvre,8\n"
    found, read = prepared(tmp_path, long.encode("cp1252"))
    assert (found.notes, read) == ([], long)


def test_damaged_utf8_is_read_and_told(tmp_path: Path) -> None:
    content = ("ürün,şehir\n" * 30).encode() + b"\xff broken\n"
    found, read = prepared(tmp_path, content)
    assert "ürün" in read and "\ufffd broken" in read
    assert [note.code for note in found.notes] == ["encoding_guessed"]


@pytest.mark.parametrize(
    "content",
    ["a,b\n1\x962,\x93x\x94\n".encode(), b"a,b\n1\x962,\x93x\x94\n", bytes(range(1, 256)) * 3],
    ids=["utf8", "cp1252", "any"],
)
def test_no_control_characters_of_c1_come_through(tmp_path: Path, content: bytes) -> None:
    _, read = prepared(tmp_path, content)
    assert not re.search("[\x80-\x9f]", read)
    if len(content) < 100:
        assert "1–2,“x”" in read


@pytest.mark.parametrize(
    ("label", "encoding"),
    [
        ("ISO-8859-1", "cp1252"),
        ("latin1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("gb2312", "gb18030"),
        ("Shift_JIS", "cp932"),
        ("x-sjis", "cp932"),
        ("windows-1251", "cp1251"),
        ("KOI8-R", "koi8-r"),
        ("utf-16", "utf-8"),
        ("rot13", ""),
        ("base64", ""),
        ("idna", ""),
        ("unicode_escape", ""),
        ("no such thing", ""),
        ("", ""),
    ],
)
def test_a_declaration_means_what_browsers_take_it_for(label: str, encoding: str) -> None:
    assert meant(label) == encoding


def test_a_declaration_counts_where_bytes_may_be_two_things() -> None:
    assert decode("žluťoučký".encode("cp1250"), "windows-1250").text == "žluťoučký"
    assert decode(b"\xe9t\xe9 \x80 5", "iso-8859-1").text == "été € 5"


def test_a_declaration_that_the_bytes_contradict_does_not() -> None:
    assert decode("Straße in Köln".encode(), "iso-8859-1").text == "Straße in Köln"
    assert (
        decode("港の規則です。船は夜に着く。".encode("euc_jp"), "utf-8").text
        == "港の規則です。船は夜に着く。"
    )


def test_an_encoding_with_escapes() -> None:
    assert decode("港の規則".encode("iso2022_jp")).text == "港の規則"
    assert decode(b"\x1b[31mred\x1b[0m").text == "\x1b[31mred\x1b[0m"


def test_a_long_text_is_decoded_in_a_second() -> None:
    content = ("Ветер дует с моря, и корабли стоят.\n" * 200_000).encode("cp1251")
    found = decode(content)
    assert (found.encoding, found.guessed, len(found.text)) == ("cp1251", False, len(content))


@pytest.mark.parametrize("line", [b"a" * 3_000_000 + b"\n\xe9", b"\xe9" * 3_000_000, b"\x81\xe9\n" * 500_000])
def test_strange_lines_take_no_time(line: bytes) -> None:
    began = time.process_time()
    decode(line)
    assert time.process_time() - began < 10


def test_a_table_of_more_cells_than_mineru_reads_is_read_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "MOST_CELLS", 1000)
    assert prepared(tmp_path, b"a;b\n" * 500)[0].kind == ""
    rows = '"Stra\u00dfe; Nr.";"a ""b"""\r\n'.encode("cp1252") * 500 + b"c;d;e\r\n"
    found, made = prepared(tmp_path, b"sep=;\r\n" + rows)
    lines = [json.loads(line) for line in made.splitlines()]
    assert found.kind == SHEETS and lines[:2] == [{"kind": "csv"}, ""] and lines[-1] is None
    assert (
        lines[2] == ["Stra\u00dfe; Nr.", 'a "b"', ""] and lines[-2] == ["c", "d", "e"] and len(lines) == 504
    )
    source = tmp_path / "rows.sheets"
    source.write_text(made, "utf-8")
    parse_document(str(source), str(tmp_path / "result"), (), "flash", "")
    told = (tmp_path / "result" / "document.md").read_text("utf-8").splitlines()
    assert told[0].startswith("| Stra\u00dfe; Nr. |") and len(told) == 502


def test_too_large_a_table_is_refused_with_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "MOST_CELLS", 100)
    monkeypatch.setattr(text, "_MOST_READ", 1000)
    with pytest.raises(FileTooLarge, match="more than 1,000 cells"):
        prepared(tmp_path, b"a;b\n" * 501)
    with pytest.raises(FileTooLarge, match=r"2,000 cells .100 rows, 20 columns.; at most 1,000"):
        prepared(tmp_path, b";" * 19 + b"\n" + b"a\n" * 99)


# ------------------------------------------------------------ HTML


def page(words: str, encoding: str, head: str = "") -> bytes:
    return f"<html><head>{head}<title>x</title></head><body><p>{words}</p></body></html>".encode(encoding)


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="{0}">',
        "<meta charset={0}>",
        '<META http-equiv="Content-Type" content="text/html; charset={0}">',
        "",
    ],
)
@pytest.mark.parametrize(
    ("words", "encoding", "label"),
    [
        ("25 € für „große“ Schiffe – täglich", "cp1252", "ISO-8859-1"),
        ("Kraków, Łódź i Gdańsk są nad wodą", "cp1250", "windows-1250"),
        ("夜に着く船は帳簿に書かれます。", "cp932", "Shift_JIS"),
        ("밤에 들어오는 배는 장부에 적는다", "cp949", "euc-kr"),
        ("夜間抵達的船隻須在帳冊上登記", "cp950", "big5"),
        ("Корабли стоят у берега", "koi8_r", "koi8-r"),
    ],
)
def test_a_page_is_read_by_its_declaration_or_its_letters(
    tmp_path: Path, head: str, words: str, encoding: str, label: str
) -> None:
    content = page(words, encoding, head.format(label))
    found, read = prepared(tmp_path, content, "html")
    assert found.kind == "html" and words in read
    assert label not in read
    assert words in markdown(tmp_path, content, "html")


def test_a_page_that_says_another_encoding_than_it_has(tmp_path: Path) -> None:
    content = page("Größe und Maß", "utf-8", '<meta charset="iso-8859-1">')
    assert "Größe und Maß" in markdown(tmp_path, content, "html")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_a_page_in_utf16(tmp_path: Path, encoding: str) -> None:
    content = page("Größe und Maß", encoding, '<meta charset="utf-16">')
    assert "Größe und Maß" in markdown(tmp_path, content, "html")


def test_a_page_in_xhtml(tmp_path: Path) -> None:
    content = b'<?xml version="1.0" encoding="windows-1251"?>\n' + page("Корабли у берега", "cp1251")
    assert "Корабли у берега" in markdown(tmp_path, content, "html")


def archive(words: str, encoding: str, label: str) -> bytes:
    charset = f'; charset="{label}"' if label else ""
    return (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/related; type="text/html"; boundary="edge"\r\n\r\n'
        b"--edge\r\nContent-Type: text/html" + charset.encode() + b"\r\nContent-Transfer-Encoding: 8bit\r\n"
        b"Content-Location: http://example.org/a.html\r\n\r\n" + page(words, encoding) + b"\r\n--edge--\r\n"
    )


@pytest.mark.parametrize("label", ["windows-1251", ""])
def test_the_page_of_a_web_archive(tmp_path: Path, label: str) -> None:
    content = archive("Корабли стоят у берега", "cp1251", label)
    assert "Корабли стоят у берега" in markdown(tmp_path, content, "mhtml")


def test_a_plain_web_archive_is_left_alone(tmp_path: Path) -> None:
    found, _ = prepared(tmp_path, archive("Größe", "utf-8", "utf-8"), "mhtml")
    assert found.kind == ""
