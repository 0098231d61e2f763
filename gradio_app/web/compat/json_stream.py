"""JSON answers in pieces: texts and pictures of results of any size, with little memory."""

from __future__ import annotations

import base64
import codecs
import json
import mimetypes
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

#: divisible by three, so that pieces of base64 can be joined
_PIECE = 3 * 2**16

#: a value that is written in pieces; anything else is written at once
Pieces = Generator[bytes]


def text_of(*parts: Callable[[], int] | str) -> Pieces:
    """Texts, and those of files, as one JSON string; a file is open meanwhile."""
    yield b'"'
    for part in parts:
        if isinstance(part, str):
            yield _escaped(part)
            continue
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with open(part(), "rb") as file:
            while data := file.read(_PIECE):
                yield _escaped(decoder.decode(data))
        yield _escaped(decoder.decode(b"", True))
    yield b'"'


def data_address(opened: Callable[[], int], name: str) -> Pieces:
    """A picture as a JSON string ``data:image/png;base64,...``."""
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    yield f'"data:{media};base64,'.encode()
    with open(opened(), "rb") as file:
        while data := file.read(_PIECE):
            yield base64.b64encode(data)
    yield b'"'


def json_file(opened: Callable[[], int]) -> Pieces:
    """A file that ``json_check`` has found to be JSON, as it is."""
    with open(opened(), "rb") as file:
        while data := file.read(_PIECE):
            yield data


def array_of(values: Iterable[Callable[[], Pieces]]) -> Pieces:
    """A JSON array."""
    yield b"["
    for number, value in enumerate(values):
        yield b"," if number else b""
        yield from value()
    yield b"]"


def gathered(pieces: Iterator[bytes], least: int = 64 * 1024) -> Pieces:
    """Fewer, larger pieces: each costs a change of thread."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) >= least:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def object_of(members: Iterable[tuple[str, Any]]) -> Pieces:
    """A JSON object. A value that is an iterator of bytes, or a function that gives one, is JSON already."""
    first = True
    yield b"{"
    for name, value in members:
        yield (b"" if first else b",") + json.dumps(name).encode() + b":"
        first = False
        if callable(value):
            value = value()
        if isinstance(value, Iterator):
            yield from value
        else:
            yield json.dumps(value).encode()
    yield b"}"


def _escaped(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "replace")
