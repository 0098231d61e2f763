"""The zip of a result: streamed, complete, the same each time."""

from __future__ import annotations

import io
import os
import random
import shutil
import time
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import cast

import pytest

from gradio_app.web.zip_stream import CHUNK, members, paths_of, stream_document, stream_zip, stream_zips

FILES = {
    "document.md": "# Über\n\n![](images/b.jpg)\n".encode() * 500,
    "middle.json": b"{}",
    "content_list.json": b"",
    "notes.json": b"[]",
    "images/b.jpg": bytes(range(256)) * 40,
    "images/a.svg": b"<svg/>" * 99,
    **{f"images/{number}.png": bytes([number]) for number in (9, 3, 7, 1, 5, 8, 2)},
}


@pytest.fixture
def result(tmp_path: Path) -> Path:
    others = {"pages/1.json": b"{}", "exports/document.html": b"<p>", "notes.txt": b"x"}
    for name, data in (FILES | others).items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "images/folder").mkdir()
    return tmp_path


def opened(folder: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(stream_zip(folder))))


def test_the_zip_holds_exactly_the_result_and_is_sound(result: Path) -> None:
    with opened(result) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == FILES


def test_the_members_have_a_fixed_order(result: Path) -> None:
    with opened(result) as archive:
        assert archive.namelist() == [
            "document.md",
            "middle.json",
            "content_list.json",
            "notes.json",
            *sorted(name for name in FILES if name.startswith("images/")),
        ]


def test_the_same_result_gives_the_same_bytes(result: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    first = b"".join(stream_zip(result))
    copy = tmp_path_factory.mktemp("copy")
    for name, data in reversed(FILES.items()):  # made later, in another order and place
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_bytes(data)
        shutil.copystat(result / name, copy / name)
    assert b"".join(stream_zip(copy)) == first


def test_each_member_has_the_date_of_its_file(result: Path) -> None:
    told = time.mktime((2026, 3, 4, 5, 6, 8, 0, 0, -1))
    for name, when in {"document.md": told, "middle.json": 0, "images/b.jpg": 2**33}.items():
        os.utime(result / name, (when, when))
    with opened(result) as archive:
        dates = {info.filename: info.date_time for info in archive.infolist()}
    assert dates["document.md"] == (2026, 3, 4, 5, 6, 8)
    assert dates["middle.json"] == (1980, 1, 1, 0, 0, 0), "a zip knows no earlier day"
    assert dates["images/b.jpg"] == (2107, 12, 31, 23, 59, 58), "and no later one"


def test_a_document_comes_with_the_pictures_beside_it(result: Path) -> None:
    data = b"".join(stream_document(result, "document.md", "report.md"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["report.md", *sorted(name for name in FILES if "images/" in name)]
        assert archive.read("report.md") == FILES["document.md"]


def test_pictures_are_stored_and_texts_compressed(result: Path) -> None:
    with opened(result) as archive:
        packed = {
            info.filename: (info.compress_type, info.external_attr >> 16) for info in archive.infolist()
        }
    assert packed["images/b.jpg"] == (zipfile.ZIP_STORED, 0o644)
    assert packed["document.md"] == (zipfile.ZIP_DEFLATED, 0o644)


def test_files_that_are_missing_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "document.md").write_text("only this")
    with opened(tmp_path) as archive:
        assert archive.namelist() == ["document.md"]
    (tmp_path / "document.md").unlink()
    with opened(tmp_path) as archive:
        assert archive.namelist() == []


def test_a_link_out_of_the_result_is_left_out(result: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("outside") / "secret.png"
    secret.write_bytes(b"secret")
    (result / "images/link.png").symlink_to(secret)
    (result / "middle.json").unlink()
    (result / "middle.json").symlink_to(secret)
    kept = [path.relative_to(result).as_posix() for path in members(result)]
    assert sorted(kept) == sorted(FILES.keys() - {"middle.json"})


@pytest.mark.parametrize("name", ["images/big.png", "document.md"])
def test_chunks_are_small_however_large_the_files_are(result: Path, name: str) -> None:
    data = random.Random(7).randbytes(9 * CHUNK + 17)
    (result / name).write_bytes(data)
    chunks = list(stream_zip(result))
    assert max(map(len, chunks)) < 2 * CHUNK
    assert sum(map(len, chunks)) > len(data)
    with opened(result) as archive:
        assert archive.read(name) == data


def test_the_zip_begins_before_the_last_file_is_read(result: Path) -> None:
    chunks = stream_zip(result)
    first = next(chunks)
    assert first.startswith(b"PK\x03\x04")
    (result / "images/b.jpg").write_bytes(b"changed meanwhile")
    with zipfile.ZipFile(io.BytesIO(first + b"".join(chunks))) as archive:
        assert archive.read("images/b.jpg") == b"changed meanwhile"


def test_a_reader_who_goes_away_leaves_no_file_open(result: Path) -> None:
    chunks = stream_zip(result)
    assert next(chunks)
    cast(Generator[bytes], chunks).close()
    assert list(chunks) == []


# ---------------------------------------------------------------- many results


def test_many_results_lie_in_folders_of_their_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "images").mkdir(parents=True)
        (tmp_path / name / "document.md").write_text(name)
        (tmp_path / name / "images/x.png").write_bytes(b"x")
    entries = [
        ("a/b/one", tmp_path / "one"),
        ("two", tmp_path / "two"),
    ]
    with zipfile.ZipFile(io.BytesIO(b"".join(stream_zips(entries)))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "a/b/one/document.md",
            "a/b/one/images/x.png",
            "two/document.md",
            "two/images/x.png",
        ]
        assert archive.read("two/document.md") == b"two"


def test_each_document_has_a_place_that_is_safe_and_its_own() -> None:
    given = [
        ("", "a.pdf"),
        ("", "A.docx"),
        ("x/y", "a.pdf"),
        ("../..", "up.pdf"),
        ("", "..."),
        ("c:", 'q?"<>|*.pdf'),
        ("", "con.pdf"),
        ("a", "images.pdf"),
        ("a", "Document.md"),
        ("", "tar.gz.pdf"),
    ]
    assert paths_of(given) == [
        "a",
        "A (2)",
        "x/y/a",
        "up",
        "document",
        "c_/q______",
        "_con",
        "a/_images",
        "a/Document",
        "tar.gz",
    ]
    many = paths_of([("f", "same.pdf")] * 500)
    assert len({path.casefold() for path in many}) == 500
    assert not any(part in ("", ".", "..") for path in [*paths_of(given), *many] for part in path.split("/"))
