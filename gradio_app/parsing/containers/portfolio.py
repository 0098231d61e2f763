"""PDF portfolios: files of any type in one PDF, whose own page is but a cover."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import pikepdf
from loguru import logger
from pikepdf import Name

from gradio_app.parsing.containers.parts import Parts
from gradio_app.parsing.prepare.pdf.attachments import embedded
from gradio_app.parsing.prepare.pdf.opening import with_pikepdf
from gradio_app.parsing.prepare.prepared import Wanted

_PIECE = 2**18


def unpack(source: Path, wanted: Wanted, parts: Parts) -> bool:
    """Takes the documents out of a portfolio; False for any other PDF."""
    with with_pikepdf(source, wanted.password) as (document, _):
        if not isinstance(document.Root.get("/Collection"), pikepdf.Dictionary):
            return False
        for name, stream in embedded(document):
            if why := parts.fate(name):
                parts.leave(name, None, why)
            elif stream is None:
                parts.leave(name, None, "it is named and not there")
            else:
                _take(name, stream, parts)
    return bool(parts.rows)


def _take(name: str, stream: pikepdf.Stream, parts: Parts) -> None:
    try:
        parts.add(name, _pieces(stream))
    except (pikepdf.PdfError, zlib.error) as error:
        logger.opt(exception=error).debug("an embedded file was not read")
        parts.leave(name, None, "it is damaged")


def _pieces(stream: pikepdf.Stream) -> Iterator[bytes]:
    """The content, piece by piece where it is packed as usual: a bomb is met before it fills the memory."""
    if stream.get("/Filter") != Name.FlateDecode or "/DecodeParms" in stream:
        data = memoryview(stream.get_stream_buffer())
        yield from (bytes(data[start : start + _PIECE]) for start in range(0, len(data), _PIECE))
        return
    packed, unpacker = stream.read_raw_bytes(), zlib.decompressobj()
    while packed and not unpacker.eof:
        yield unpacker.decompress(packed, _PIECE)
        packed = unpacker.unconsumed_tail
    yield unpacker.flush()
