"""Late results: parts of Gradio's answers that are read from the disk while they are sent.

A result of many megabytes would stand in memory several times for each caller, as text, as JSON and as an
event. Functions answer with a mark instead of the text, which ``Late.filling`` replaces by the file on its
way out, and with a path of an archive that does not exist, for which ``Late.archive`` has the bytes.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

from starlette.concurrency import iterate_in_threadpool
from starlette.types import Message, Send

from gradio_app.base.errors import NotFound
from gradio_app.base.files import open_beneath
from gradio_app.web.zip_stream import stream_zips

#: texts up to so many bytes go through Gradio as they are
SHORT = 2**20
_CHUNK = 2**18
_MOST = 10_000
#: nobody can write such a mark into a document: it is drawn when it is needed
_MARK = re.compile(rb"\[\[late:([0-9a-f]{32})\]\]")


class Late:
    """What was promised and not read yet. The oldest promises are dropped when there are too many."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, tuple[Path, str]] = OrderedDict()
        self._archives: OrderedDict[str, Sequence[tuple[str, Path]]] = OrderedDict()

    def text(self, folder: Path, name: str) -> str:
        """The text of a file below ``folder``, or a mark for it if it is long. Blocks."""
        with open(open_beneath(folder, name), encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_size <= SHORT:
                return file.read()
        mark = secrets.token_hex(16)
        self._texts[mark] = folder, name
        while len(self._texts) > _MOST:
            self._texts.popitem(last=False)
        return f"[[late:{mark}]]"

    def promise_archive(self, path: Path, results: Sequence[tuple[str, Path]]) -> None:
        """A request for ``path`` gets the zip of these folders, each at its path there."""
        self._archives[str(path)] = results
        while len(self._archives) > _MOST:
            self._archives.popitem(last=False)

    def archive(self, path: str) -> Iterator[bytes] | None:
        """The bytes of a promised archive; None for other paths. ``NotFound`` when the result is gone."""
        results = self._archives.get(path)
        if results is None:
            return None
        if not all(folder.is_dir() for _, folder in results):
            raise NotFound()
        return stream_zips(results)

    def filling(self, send: Send) -> Send:
        """A ``send`` that puts the files where their marks are. An answer with a mark gets no length."""
        start: Message | None = None

        async def wrapped(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                # an event stream has no length, and its start does not wait for its first event
                start = message if _has_length(message) else None
                if start is None:
                    await send(message)
                return
            body = message.get("body", b"")
            found = list(_MARK.finditer(body)) if self._texts else []
            if start is not None:
                await send(_without_length(start) if found else start)
                start = None
            if not found:
                await send(message)
                return
            done = 0
            for mark in found:
                await _pass_on(send, body[done : mark.start()])
                await self._send_text(mark[1].decode(), send)
                done = mark.end()
            await send({**message, "body": body[done:]})

        return wrapped

    async def _send_text(self, mark: str, send: Send) -> None:
        """Raises ``NotFound`` when the file is gone: the answer is broken off then, as half of it is out."""
        if (promised := self._texts.pop(mark, None)) is None:
            return
        descriptor = await asyncio.to_thread(open_beneath, *promised)
        async for piece in iterate_in_threadpool(_as_json(descriptor)):
            await _pass_on(send, piece)


def _as_json(descriptor: int) -> Iterator[bytes]:
    """The text of an open file as it stands between the quotation marks of JSON."""
    with open(descriptor, encoding="utf-8") as file:
        while text := file.read(_CHUNK):
            yield json.dumps(text, ensure_ascii=False)[1:-1].encode()


async def _pass_on(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


def _has_length(start: Message) -> bool:
    return any(name.lower() == b"content-length" for name, _ in start["headers"])


def _without_length(start: Message) -> Message:
    return {**start, "headers": [each for each in start["headers"] if each[0].lower() != b"content-length"]}
