"""Downloads: answers made of open files and streams, with validators, byte ranges and safe names.

A file is held open until it is sent, so that its deletion does not cut it. A stream whose source goes away
breaks the connection off, so that no client takes a part for the whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from typing import IO
from urllib.parse import quote

from aiofiles.threadpool import wrap
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from loguru import logger
from starlette.types import Receive, Scope, Send

from gradio_app.base.errors import NotFound, OptionInvalid
from gradio_app.web.error_answers import problem

#: documents come from strangers: nothing in them may run on our origin
HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
_CHUNK = 64 * 1024
#: one range; several in one request may be answered with the whole file (RFC 9110, 14.2)
_RANGE = re.compile(r"bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*", re.IGNORECASE)
#: characters of a task's id that make a name its own
_SHORT_ID = 8


class Download(StreamingResponse):
    """A stream that breaks off when what it reads is deleted, and that closes ``held`` at its end."""

    held: IO[bytes] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self.held is not None:
                self.held.close()

    async def stream_response(self, send: Send) -> None:
        """Sends; an answer without its end makes the server close the connection."""
        try:
            await super().stream_response(send)
        except NotFound:
            logger.bind(action="download").warning("a download was broken off: its result was deleted")


def file_answer(
    request: Request, descriptor: int, media: str, headers: dict[str, str] | None = None
) -> Response:
    """An open file, which is closed when it is sent: whole, in part (206), or not at all (304, 416)."""
    held = os.fdopen(descriptor, "rb")
    found = os.fstat(descriptor)
    size, tag = found.st_size, validator(found)
    headers = {**(headers or {}), "ETag": tag, "Accept-Ranges": "bytes"}
    if unchanged(request, tag):
        held.close()
        return Response(status_code=304, headers=headers)
    wanted = _wanted(request, tag, size)
    if wanted is None:
        held.close()
        error = OptionInvalid("The file has no such bytes. Ask for all of it, without Range.")
        return problem(error, request.scope, 416, {"Content-Range": f"bytes */{size}"})
    start, end = wanted
    headers["Content-Length"] = str(end - start)
    part = end - start < size
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    answer = Download(_bytes(held, start, end), 206 if part else 200, headers, media)
    answer.held = held
    return answer


def zip_answer(request: Request, chunks: Iterator[bytes], name: str, tag: str = "") -> Response:
    """A zip that is packed while it is sent; its length is not known before."""
    headers = {
        **HARMLESS,
        "Content-Disposition": name,
        "Accept-Ranges": "none",
        **({"ETag": tag} if tag else {}),
    }
    if tag and unchanged(request, tag):
        return Response(status_code=304, headers=headers)
    return Download(chunks, headers=headers, media_type="application/zip")


async def _bytes(held: IO[bytes], start: int, end: int) -> AsyncIterator[bytes]:
    file = wrap(held)
    await file.seek(start)
    while start < end and (chunk := await file.read(min(_CHUNK, end - start))):
        start += len(chunk)
        yield chunk
    if start < end:
        raise NotFound()


def validator(found: os.stat_result) -> str:
    """A strong ``ETag``: our files are replaced, never changed."""
    return f'"{found.st_mtime_ns:x}-{found.st_ino:x}-{found.st_size:x}"'


def unchanged(request: Request, tag: str) -> bool:
    """Whether the client has what ``tag`` stands for."""
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in known or known == ["*"]


def _wanted(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """First byte and end of what is asked for; None for a range that the file does not have."""
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found is None or not any(found.groups()) or request.headers.get("if-range", tag) != tag:
        return 0, size
    first, last = found.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) and size else None
    if last and int(last) < int(first):
        return 0, size
    end = min(size, int(last) + 1) if last else size
    return (int(first), end) if int(first) < size else None


def attachment(name: str, task_id: str = "") -> str:
    """A header that saves under ``name`` (RFC 6266), whatever is in it.

    Programs that read only ASCII get the characters that are, or ``document-ID`` where there are too few.
    """
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    plain = _ascii(stem)
    if not any(char.isalnum() for char in plain):
        plain = "-".join(filter(None, ("document", task_id[:_SHORT_ID])))
    return f"attachment; filename=\"{plain}{dot}{_ascii(suffix)}\"; filename*=UTF-8''{quote(name, safe='')}"


def _ascii(text: str) -> str:
    return "".join(char if char.isascii() and (char.isalnum() or char in "._- ") else "_" for char in text)
