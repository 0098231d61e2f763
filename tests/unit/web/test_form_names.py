"""Names of uploaded files, as programs write them."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest

from gradio_app.web.form_names import file_name
from tests.unit.web.test_uploads import END, FORM, Receiver, stream

pytestmark = pytest.mark.anyio

REPORT = "\u62a5\u544a ü.pdf"


def word(text: str, charset: str = "utf-8") -> str:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


@pytest.mark.parametrize(
    ("written", "name"),
    [
        # .NET and PowerShell: both ways in one, also without quotes
        (f"filename=\"{word(REPORT)}\"; filename*=utf-8''%E6%8A%A5%E5%91%8A%20%C3%BC.pdf", REPORT),
        (f'filename="{word(REPORT)}"', REPORT),
        (f'filename="{word("???>>>.pdf")}"', "???>>>.pdf"),  # its base64 has slashes
        (f"filename={word(REPORT)}", REPORT),
        (f'filename="{word("über ")} {word("lang.pdf")}"', "über lang.pdf"),
        ('filename="=?UTF-8?Q?=C3=BC_1.csv?="', "ü 1.csv"),
        ('filename="=?iso-8859-1?q?=FC.csv?="', "ü.csv"),
        (f'filename="{word("文.pdf", "gb18030")}"', "文.pdf"),
        ('filename="=?utf-8?B?broken?="', "=?utf-8?B?broken?="),
        ('filename="=?idna?B?eA==?="', "=?idna?B?eA==?="),
        # filename* alone, and beside another
        ("filename*=UTF-8''%C3%BC.csv", "ü.csv"),
        ("filename*=utf-8'de'%c3%bc.csv", "ü.csv"),
        ("filename*=iso-8859-1''%FC.csv", "ü.csv"),
        ("filename*=\"UTF-8''%C3%BC.csv\"", "ü.csv"),
        ("FileName = \"_.csv\" ; FILENAME* = UTF-8''%C3%BC.csv", "ü.csv"),
        ("filename=\"a.csv\"; filename*=UTF-8''%FF.csv", "a.csv"),
        ('filename="a.csv"; filename*=nonsense', "a.csv"),
        # aiohttp quotes all of a name; others mean the sign
        ('filename="%C3%BC.csv"', "ü.csv"),
        ('filename="my%20report%20%281%29.pdf"', "my report (1).pdf"),
        ('filename="papers%2Fa.pdf"', "papers/a.pdf"),
        ('filename="100% sure.pdf"', "100% sure.pdf"),
        ('filename="100%25 sure.pdf"', "100%25 sure.pdf"),
        ('filename="50%.pdf"', "50%.pdf"),
        ('filename="%FF.pdf"', "%FF.pdf"),
        # quoted strings
        ('filename="a \\"b\\".pdf"', 'a "b".pdf'),
        ('filename="my %22x%22 y.pdf"', 'my "x" y.pdf'),
        ('filename="a;b=c.pdf"', "a;b=c.pdf"),
        ('filename="a; filename=b.pdf"', "a; filename=b.pdf"),
        ("filename=plain.pdf", "plain.pdf"),
        ('filename="a.pdf"; filename="b.pdf"', "a.pdf"),
        # full paths say where a file was
        ('filename="C:\\papers\\a.pdf"', "a.pdf"),
        ('filename="C:\\\\papers\\\\a.pdf"', "a.pdf"),
        ('filename="\\\\server\\share\\a.pdf"', "a.pdf"),
        ('filename="/home/me/a.pdf"', "a.pdf"),
        ('filename="papers/2024/a.pdf"', "papers/2024/a.pdf"),
        ('filename="C:\\papers\\"', ""),
        ('filename=""', ""),
        ("filename=", ""),
        ("filename*=", ""),
    ],
)
async def test_a_name_is_the_right_one(written: str, name: str) -> None:
    assert file_name(f'form-data; name="files"; {written}'.encode()) == name
    assert file_name(f'form-data; {written}; name="files"'.encode()) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (REPORT.encode(), REPORT),
        ("ü.csv".encode("latin-1"), "ü.csv"),
        (b"\x93x\x94.pdf", "\x93x\x94.pdf"),
    ],
)
async def test_bytes_beyond_ascii(raw: bytes, name: str) -> None:
    assert file_name(b'form-data; name="files"; filename="%b"' % raw) == name


@pytest.mark.parametrize(
    "disposition",
    [b"", b"form-data", b'form-data; name="filename"', b'form-data; name="x; filename=a.pdf"', b";;;=;"],
)
async def test_what_is_no_file_has_no_name(disposition: bytes) -> None:
    assert file_name(disposition) is None


async def test_a_long_header_costs_little() -> None:
    began = time.process_time()
    for piece in (b"=?utf-8?B?", b"=?utf-8?Q?a?= ", b"%C3", b'\\"', b";", b"=?", b"filename*0=", b"\\"):
        file_name(b'form-data; name="files"; filename="' + piece * 8000 + b'"')
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("written", "folder", "name"),
    [
        ("filename*=UTF-8''%C3%BC.csv", "", "ü.csv"),
        (f'filename="{word("???>>>.pdf")}"', "", "???>>>.pdf"),
        ('filename="C:\\papers\\a.pdf"', "", "a.pdf"),
        ('filename="papers/a.pdf"', "papers", "a.pdf"),
        ('filename="..%2F..%2Fetc%2Fa.pdf"', "etc", "a.pdf"),
    ],
)
async def test_a_form_has_files_by_these_names(tmp_path: Path, written: str, folder: str, name: str) -> None:
    part = f'--=edge=\r\nContent-Disposition: form-data; name="files"; {written}\r\n\r\nx\r\n'.encode()
    async with Receiver(tmp_path, 100, 5) as form:
        await form.read(FORM, stream(part + END))
        assert [(upload.folder, upload.name) for upload in form.uploads] == [(folder, name)]
