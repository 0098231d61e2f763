"""Archives, mails and portfolios: what comes out of them, what is said of the rest, and hostile ones."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pikepdf
import pytest

from gradio_app.base.errors import (
    FileCorrupt,
    FileEmpty,
    FileEncrypted,
    FileTooLarge,
    FileTypeUnsupported,
    PasswordWrong,
    TooManyFiles,
)
from gradio_app.parsing.containers import Limits, Parts, archive, open_container
from gradio_app.parsing.inspection import inspect
from gradio_app.parsing.kinds import kind_of_file
from gradio_app.parsing.prepare.prepared import Prepared, Wanted
from tests.documents import text_pdf, word

LIMITS = Limits(10, 1_000_000, 2_000_000)


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return made.getvalue()


class Opened:
    """A container that was taken apart."""

    def __init__(
        self, folder: Path, data: bytes, kind: str = "zip", limits: Limits | None = LIMITS, password: str = ""
    ):
        source = folder / f"document.{kind}"
        source.write_bytes(data)
        self.parts = Parts(folder / "parts" if limits else None, limits)
        self.prepared: Prepared = open_container(
            source, kind, folder / "page", Wanted(password=password), self.parts
        )
        self.page = (folder / "page").read_text("utf-8")
        self.files = {
            path: (folder / "parts" / str(number)).read_bytes()
            for number, path in enumerate(self.parts.paths)
        }
        self.notes = {note.code: note.message for note in self.prepared.notes}


# ---------------------------------------------------------------- what a file is


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.zip", packed({"a.txt": b"x"}), "zip"),
        ("a.ZIP", packed({"a.txt": b"x"}), "zip"),
        ("empty.zip", packed({}), "zip"),
        ("broken.zip", packed({"a.txt": b"x"})[:-10], "zip"),
        ("office.zip", word(), "docx"),
        ("a.eml", b"From: a@b.c\nSubject: x\n\nHello.\n", "eml"),
        ("page.eml", b"From: a\nContent-Type: text/html\n\n<html><body>Hello</body></html>", "eml"),
        (
            "parts.eml",
            b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\n\nhi\n--x--\n",
            "eml",
        ),
    ],
)
def test_the_content_says_what_a_file_is(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert kind_of_file(tmp_path / name) == kind


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.docx", packed({"a.txt": b"x"})),
        ("a.jar", packed({"A.class": b"x"})),
        ("drawing.zip", packed({"[Content_Types].xml": b"<x/>", "visio/document.xml": b"<x/>"})),
        ("program.zip", packed({"META-INF/MANIFEST.MF": b"x"})),
        ("a.eml", b"\x00\x01\x02\x03" * 100),
    ],
)
def test_no_archive_and_no_mail(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FileTypeUnsupported):
        kind_of_file(tmp_path / name)


# ---------------------------------------------------------------- archives


def test_documents_come_out_and_the_rest_is_named(tmp_path: Path) -> None:
    box = Opened(
        tmp_path,
        packed(
            {
                "notes/2024/a.txt": b"Alpha",
                "b.md": b"# B",
                "program.exe": b"MZ",
                "inner.zip": b"PK",
                "nothing.pdf": b"",
                "__MACOSX/._b.md": b"x",
                ".DS_Store": b"x",
                "folder/": b"",
            }
        ),
    )
    assert box.files == {"notes/2024/a.txt": b"Alpha", "b.md": b"# B"}
    assert "2 documents" in box.notes["parts_queued"]
    told = box.notes["attachments_not_converted"]
    assert "3 files" in told and "program.exe" in told and "inner.zip" in told and "nothing.pdf" in told
    assert all(name in box.page for name in ("notes/2024/a.txt", "program.exe", "inner.zip", "nothing.pdf"))
    assert "DS_Store" not in box.page and "MACOSX" not in box.page and "<a " not in box.page


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_all_ways_of_packing(tmp_path: Path, method: int) -> None:
    assert Opened(tmp_path, packed({"a.txt": b"Alpha" * 500}, method)).files == {"a.txt": b"Alpha" * 500}


def test_names_lead_nowhere(tmp_path: Path) -> None:
    names = ["../../up.txt", "/etc/root.txt", "a\\b\\windows.txt", "x" * 3000 + ".txt", "A.txt", "a.txt"]
    names += ["con.txt", "bell\x07.txt", "\u202egpj.txt"]
    box = Opened(tmp_path, packed({name: name.encode() for name in names}))
    assert len(box.files) == len(names)
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == sorted(map(str, range(len(names))))
    assert {path.name for path in tmp_path.iterdir()} == {"document.zip", "page", "parts"}
    assert "\u202e" not in box.page and "\x07" not in box.page


def test_one_name_twice_is_two_documents(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target, pytest.warns(UserWarning):
        target.writestr("a.txt", b"first")
        target.writestr("a.txt", b"second")
    source = tmp_path / "document.zip"
    source.write_bytes(made.getvalue())
    parts = Parts(tmp_path / "parts", LIMITS)
    open_container(source, "zip", tmp_path / "page", Wanted(), parts)
    assert [(tmp_path / "parts" / str(n)).read_bytes() for n in range(2)] == [b"first", b"second"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    made, link = io.BytesIO(), zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(made, "w") as target:
        target.writestr(link, "/etc/passwd")
        target.writestr("a.txt", b"Alpha")
    box = Opened(tmp_path, made.getvalue())
    assert box.files == {"a.txt": b"Alpha"} and "link.txt" in box.notes["attachments_not_converted"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "cp932", "cp866"])
def test_names_of_older_programs(tmp_path: Path, encoding: str) -> None:
    name = {"cp932": "報告書の一覧です.txt", "cp866": "Ежегодный отчёт компании.txt"}.get(
        encoding, "年度报告和目录.txt"
    )
    data = packed({"N" * len(name.encode(encoding)): b"x"}).replace(
        b"N" * len(name.encode(encoding)), name.encode(encoding)
    )
    assert list(Opened(tmp_path, data).files) == [name]


def test_more_documents_than_fit_are_refused_whole(tmp_path: Path) -> None:
    with pytest.raises(TooManyFiles, match="More than 10 documents"):
        Opened(tmp_path, packed({f"{n}.txt": b"x" for n in range(11)}))


def test_a_bomb_is_met_while_it_unpacks(tmp_path: Path) -> None:
    with pytest.raises(FileTooLarge, match=r"large\.txt inside is larger than 1\.0 MB"):
        Opened(tmp_path, packed({"large.txt": bytes(50_000_000)}))
    with pytest.raises(FileTooLarge, match=r"larger than 2\.0 MB, which this server unpacks"):
        Opened(tmp_path, packed({f"{n}.txt": bytes(999_999) for n in range(5)}))
    assert sum(path.stat().st_size for path in (tmp_path / "parts").iterdir()) <= 2_000_000


def test_a_header_that_lies_about_the_size(tmp_path: Path) -> None:
    data = bytearray(packed({"a.txt": bytes(50_000_000)}))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(mark) + place, 10)
    box_or_error: object
    try:
        box_or_error = Opened(tmp_path, bytes(data)).files
    except (FileTooLarge, FileTypeUnsupported) as error:
        box_or_error = error
    assert not isinstance(box_or_error, dict) or sum(map(len, box_or_error.values())) < 1_000_001


def test_entries_that_share_their_bytes(tmp_path: Path) -> None:
    """Many entries of one packed piece: a small archive of gigabytes."""
    data = packed({"0.txt": bytes(900_000)})
    begin, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, 8, 8, 8 * (end - begin))
    try:
        files = Opened(tmp_path, data[:begin] + 8 * data[begin:end] + bytes(tail)).parts.paths
    except FileTooLarge:  # a Python that does not see it
        return
    assert len(files) <= 1


def test_a_cut_archive_and_a_damaged_entry(tmp_path: Path) -> None:
    whole = packed({"a.txt": b"Alpha", "b.txt": b"Beta"}, zipfile.ZIP_STORED)
    with pytest.raises(FileCorrupt, match="damaged"):
        Opened(tmp_path, whole[:60])
    box = Opened(tmp_path, whole.replace(b"Alpha", b"Alphx"))
    assert list(box.files) == ["b.txt"] and "a.txt: it is damaged" in box.notes["attachments_not_converted"]


def test_nothing_to_convert(tmp_path: Path) -> None:
    with pytest.raises(FileEmpty):
        Opened(tmp_path, packed({}))
    with pytest.raises(FileTypeUnsupported, match=r"a\.exe"):
        Opened(tmp_path, packed({"a.exe": b"MZ"}))


def test_a_hundred_thousand_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_ENTRIES", 1000)
    (tmp_path / "a.zip").write_bytes(packed({f"{n}.exe": b"" for n in range(1001)}, zipfile.ZIP_STORED))
    with pytest.raises(TooManyFiles, match="more than 1,000 entries"):
        kind_of_file(tmp_path / "a.zip")


def test_a_password(tmp_path: Path) -> None:
    locked = zip_crypto("a.txt", b"Alpha in a locked archive", b"secret")
    with pytest.raises(FileEncrypted, match="password"):
        Opened(tmp_path, locked)
    with pytest.raises(PasswordWrong):
        Opened(tmp_path, locked, password="wrong")
    assert Opened(tmp_path, locked, password="secret").files == {"a.txt": b"Alpha in a locked archive"}


def test_aes_is_told(tmp_path: Path) -> None:
    data = bytearray(packed({"a.txt": b"Alpha"}, zipfile.ZIP_STORED))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<HH", data, data.index(mark) + place, 1, 99)
    with pytest.raises(FileEncrypted, match="AES"):
        Opened(tmp_path, bytes(data), password="secret")


def zip_crypto(name: str, content: bytes, password: bytes) -> bytes:
    """A zip with one stored entry in the traditional cipher of PKWARE (APPNOTE, 6.1)."""
    from zlib import crc32

    keys = [0x12345678, 0x23456789, 0x34567890]

    def step(byte: int, value: int) -> int:
        return (crc32(bytes([byte]), value ^ 0xFFFFFFFF) ^ 0xFFFFFFFF) & 0xFFFFFFFF

    def update(byte: int) -> None:
        keys[0] = step(byte, keys[0])
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = step(keys[1] >> 24, keys[2])

    def encrypt(byte: int) -> int:
        mask = keys[2] | 2
        made = byte ^ ((mask * (mask ^ 1) >> 8) & 0xFF)
        update(byte)
        return made

    for byte in password:
        update(byte)
    check = crc32(content)
    secret = bytes(map(encrypt, bytes(11) + bytes([check >> 24]) + content))
    raw, sizes = name.encode(), struct.pack("<III", check, len(secret), len(content))
    head = (
        struct.pack("<4sHHHHH", b"PK\x03\x04", 20, 1, 0, 0, 33)
        + sizes
        + struct.pack("<HH", len(raw), 0)
        + raw
    )
    entry = struct.pack("<4sHHHHHH", b"PK\x01\x02", 20, 20, 1, 0, 0, 33) + sizes
    entry += struct.pack("<HHHHHII", len(raw), 0, 0, 0, 0, 0, 0) + raw
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(head + secret), 0)
    return head + secret + entry + end


# ---------------------------------------------------------------- within an inspection


def test_an_inspection_has_the_documents(tmp_path: Path) -> None:
    (tmp_path / "document.zip").write_bytes(packed({"a/b.txt": b"Alpha"}))
    limits = {"most": 10, "each": 1000, "whole": 1000}
    found = inspect(
        str(tmp_path / "document.zip"), "", "auto", "auto", 10, 2**30, out=str(tmp_path / "0"), limits=limits
    )
    assert (found["kind"], found["prepared"], found["parts"]) == ("zip", "html", ["a/b.txt"])
    assert (tmp_path / "0.parts" / "0").read_bytes() == b"Alpha"


def test_without_limits_nothing_is_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "document.zip").write_bytes(packed({"a.txt": b"Alpha"}))
    with pytest.raises(FileTypeUnsupported, match="Unpack it"):
        inspect(str(tmp_path / "document.zip"), "", "auto", "auto", 10, 2**30, out=str(tmp_path / "0"))
    mail = EmailMessage()
    mail.set_content("Hello")
    mail.add_attachment(text_pdf(), "application", "pdf", filename="paper.pdf")
    (tmp_path / "document.eml").write_bytes(mail.as_bytes())
    found = inspect(str(tmp_path / "document.eml"), "", "auto", "auto", 10, 2**30, out=str(tmp_path / "1"))
    assert found["parts"] == [] and "paper.pdf" in found["notes"][0]["message"]
    assert "Hello" in (tmp_path / "1").read_text("utf-8")


# ---------------------------------------------------------------- portfolios


def portfolio(files: dict[str, bytes], collection: bool = True) -> bytes:
    made = io.BytesIO()
    with pikepdf.open(io.BytesIO(text_pdf(1, title="The cover"))) as document:
        for name, data in files.items():
            document.attachments[name] = pikepdf.AttachedFileSpec(document, data, filename=name)
        if collection:
            document.Root.Collection = pikepdf.Dictionary(Type=pikepdf.Name.Collection)
        document.save(made)
    return made.getvalue()


def inspected(folder: Path, data: bytes, limits: dict[str, int] | None) -> dict[str, object]:
    (folder / "document.pdf").write_bytes(data)
    return inspect(
        str(folder / "document.pdf"), "", "auto", "auto", 10, 2**30, out=str(folder / "0"), limits=limits
    )


def test_a_portfolio_is_taken_apart_and_an_ordinary_pdf_is_not(tmp_path: Path) -> None:
    limits = {"most": 10, "each": 10**6, "whole": 10**6}
    files = {"one.txt": b"Alpha", "two.pdf": text_pdf(2), "tool.exe": b"MZ"}
    found = inspected(tmp_path, portfolio(files), limits)
    assert sorted(found["parts"]) == ["one.txt", "two.pdf"]  # type: ignore[call-overload]
    assert found["kind"] == "pdf" and found["pages"] == [1]
    codes = {note["code"]: note["message"] for note in found["notes"]}  # type: ignore[attr-defined]
    assert "2 documents" in codes["parts_queued"] and "tool.exe" in codes["attachments_not_converted"]
    plain = inspected(tmp_path, portfolio(files, collection=False), limits)
    assert plain["parts"] == [] and "one.txt" in plain["notes"][0]["message"]  # type: ignore[index]
    inner = inspected(tmp_path, portfolio(files), None)
    assert inner["parts"] == [] and "one.txt" in inner["notes"][0]["message"]  # type: ignore[index]


def test_a_bomb_in_a_portfolio(tmp_path: Path) -> None:
    with pytest.raises(FileTooLarge, match=r"a\.txt inside is larger"):
        inspected(
            tmp_path, portfolio({"a.txt": bytes(60_000_000)}), {"most": 9, "each": 10**6, "whole": 10**6}
        )


def test_a_portfolio_that_cannot_be_taken_apart_stays_a_pdf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Path, wanted: Wanted, parts: Parts) -> bool:
        parts.add("one.txt", [b"Alpha"])
        raise ValueError("the rest is damaged")

    monkeypatch.setattr("gradio_app.parsing.containers.portfolio.unpack", half)
    limits = {"most": 9, "each": 10**6, "whole": 10**6}
    found = inspected(tmp_path, portfolio({"one.txt": b"Alpha"}), limits)
    assert found["parts"] == [] and list((tmp_path / "0.parts").iterdir()) == []
    assert [note["code"] for note in found["notes"]] == ["attachments_not_converted"]  # type: ignore[attr-defined]
