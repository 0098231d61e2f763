"""Bodies with sources: the same files however the JSON is written and cut, and little else in memory."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import AppError, OptionInvalid
from gradio_app.web import uploads
from gradio_app.web.compat import docling_sources
from gradio_app.web.compat.docling_sources import SourceReceiver, sources_of

DATA = [bytes(range(256)) * 9, b"x", "ü".encode()]


async def pieces(body: bytes, *cuts: int) -> AsyncIterator[bytes]:
    for start, end in zip((0, *cuts), (*cuts, len(body)), strict=True):
        yield body[start:end]


def received(folder: Path, body: bytes, *cuts: int, size: int = 10_000) -> list[tuple[str, str, bytes]]:
    async def read() -> list[tuple[str, str, bytes]]:
        async with SourceReceiver(folder, size, 3) as form:
            await form.read(pieces(body, *cuts))
            some = [each.upload for each in sources_of(form)]
            return [(each.folder, each.name, each.path.read_bytes()) for each in some if each]

    try:
        return asyncio.run(read())
    finally:
        assert list(folder.iterdir()) == []


def body_of(**more: Any) -> dict[str, Any]:
    names = ("a.pdf", "x/b.pdf", "c")
    files = [
        {"base64_string": base64.b64encode(data).decode(), "kind": "file", "filename": name}
        for name, data in zip(names, DATA, strict=True)
    ]
    return {"sources": files, "options": {"note": 'quoted "base64_string": and \\ so on'}, **more}


WANTED = [("", "a.pdf", DATA[0]), ("x", "b.pdf", DATA[1]), ("", "c", DATA[2])]


@pytest.mark.parametrize("seed", range(40))
def test_files_do_not_depend_on_how_the_body_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(docling_sources, "FLUSH_BYTES", 1)
    body = json.dumps(body_of(), indent=rng.choice([None, 1]), ensure_ascii=rng.random() < 0.5).encode()
    cuts = sorted(rng.sample(range(1, len(body)), rng.choice([0, 1, 5, 60])))
    assert received(tmp_path, body, *cuts) == WANTED


def test_each_byte_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docling_sources, "FLUSH_BYTES", 1)
    body = json.dumps(body_of()).encode()
    assert received(tmp_path, body, *range(1, len(body))) == WANTED


def test_base64_with_lines_and_escapes(tmp_path: Path) -> None:
    lines = base64.encodebytes(b"\xff\xff\xff" * 40).decode().replace("/", r"\/").replace("\n", r"\r\n")
    body = b'{"sources": [{"kind": "file", "filename": "a", "base64_string"\n:\t"%s"}]}' % lines.encode()
    assert received(tmp_path, body) == [("", "a", b"\xff\xff\xff" * 40)]


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"{",
            b"[]",
            b"7",
            b'"x"',
            b"{}",
            b'{"sources": "x"}',
            b'{"sources": [7]}',
            b'{"sources": [[]]}',
        ),
        *(b"[" * 100_000, b'{"a":' * 100_000, b'{"sources": [{"kind": "file", "base64_string": "eA=='),
        b'{"sources": [{"kind": "file", "base64_string": "e\\u0041=="}]}',
        b'{"sources": [{"kind": "file", "base64_string": "eA=="}], "x": "\\',
        b'{"sources": [{"kind": "file", "base64_string": "eA==eA=="}]}',
        b'{"sources": [{"kind": "file", "base64_string": "e"}]}',
        b'{"sources": [{"kind": "file", "base64_string": 0}]}',
        b'{"sources": [{"kind": "file", "base64\\u005fstring": "eA=="}]}',
        b'{"sources": [{"kind": "http", "url": 7}]}',
        b'{"sources": [{"kind": "file"}], "x": "' + b"y" * 2**20 + b'"}',
        b'{"sources": [{"kind": "file", "base64_string": ""}]}',
        b'{"sources": [' + b",".join([b'{"kind":"file","base64_string":"eA=="}'] * 4) + b"]}",
        b'{"sources": [{"kind": "file", "base64_string": "' + b"eHh4" * 4000 + b'"}]}',
        b"\xff\xfe{}",
    ],
)
def test_bad_bodies(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(AppError) as caught:
        received(tmp_path, body)
    assert caught.value.code in ("option_invalid", "file_empty", "file_too_large", "too_many_files")


def test_a_client_that_breaks_off(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b'{"sources": [{"kind": "file", "base64_string": "eA=='
        raise uploads.ClientDisconnect

    async def read() -> None:
        async with SourceReceiver(tmp_path, 99, 9) as form:
            await form.read(broken())

    with pytest.raises(OptionInvalid, match="broken off"):
        asyncio.run(read())
    assert list(tmp_path.iterdir()) == []
