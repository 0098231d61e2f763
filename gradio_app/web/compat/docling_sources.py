"""Body of docling's requests with sources: JSON whose files are decoded to the disk while it arrives.

Strings called ``base64_string`` become files, and a number in the rest, which is small and parsed at the end.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from starlette.requests import ClientDisconnect

from gradio_app.base.errors import OptionInvalid, TooManyFiles
from gradio_app.base.files import sync_file
from gradio_app.base.names import folder_and_name
from gradio_app.store.task import Upload
from gradio_app.web.uploads import FLUSH_BYTES, IncomingFile

#: longest body without its files
MOST_REST = 2**20
_BASE64 = b'"base64_string":'
#: the end of a string, or a sign that is written otherwise in it
_MARK, _QUOTE = re.compile(rb'["\\]'), re.compile(rb'"')
_BLANKS = re.compile(rb"[\s]+")
_ESCAPED = {b"/": b"/", b"n": b"", b"r": b"", b"t": b""}


@dataclass(frozen=True, slots=True)
class Source:
    """One source of a request: an ``upload``, or an address to fetch."""

    upload: Upload | None = None
    url: str = ""


class SourceReceiver:
    """Reads one JSON body. Deletes its files at exit. Use as ``Receiver`` of ``web.uploads``."""

    def __init__(self, folder: Path, max_file_size: int, max_files: int) -> None:
        self._folder, self._max_size, self._max_files = folder, max_file_size, max_files
        self._files: list[IncomingFile] = []
        self._rest = bytearray()
        #: where we are: in a string of the rest, in a file
        self._in_string = self._in_file = False
        self._escape = False
        self._digits = bytearray()
        self.body: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(lambda: [file.discard() for file in self._files])

    async def read(self, stream: AsyncIterator[bytes]) -> None:
        """Fills ``body``, in which each ``base64_string`` is the number of a file.

        Raises ``FileEmpty``, ``FileTooLarge``, ``TooManyFiles``, or ``OptionInvalid`` for other bodies.
        """
        waiting = bytearray()
        try:
            async for chunk in stream:
                waiting += chunk
                if len(waiting) >= FLUSH_BYTES:
                    await asyncio.to_thread(self._take, bytes(waiting))
                    waiting.clear()
        except ClientDisconnect as error:
            raise OptionInvalid("The request is broken off. Send it again.") from error
        await asyncio.to_thread(self._take, bytes(waiting))
        try:
            body = json.loads(self._rest)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) or self._in_file:
            raise OptionInvalid("The body is no JSON object, or broken off. Send it again.")
        self.body = cast(dict[str, Any], body)
        await asyncio.to_thread(lambda: [sync_file(file.path) for file in self._files])

    def upload(self, number: Any, name: str) -> Upload:
        """The file that stands for this ``base64_string``. Raises ``OptionInvalid``."""
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(self._files):
            raise OptionInvalid("A source of kind file needs base64_string, the content of the file.")
        folder, shown = folder_and_name(name or "document")
        return replace(self._files[number].upload(), name=shown, folder=folder)

    def _take(self, data: bytes) -> None:
        """Goes on with the next piece of the body. Blocks."""
        at = 0
        while at < len(data):
            at = self._file(data, at) if self._in_file else self._other(data, at)

    def _other(self, data: bytes, at: int) -> int:
        """Takes up to the next quote of what is no file; returns where it goes on."""
        if self._escape:
            self._escape = False
            self._keep(data[at : at + 1])
            return at + 1
        found = (_MARK if self._in_string else _QUOTE).search(data, at)
        if found is None:
            self._keep(data[at:])
            return len(data)
        end = found.end()
        if found[0] == b"\\":
            self._keep(data[at:end])
            self._escape = True
        elif not self._in_string and self._before(data[at : found.start()]):
            self._keep(data[at : found.start()])
            self._begin()
        else:
            self._keep(data[at:end])
            self._in_string = not self._in_string
        return end

    def _before(self, more: bytes) -> bool:
        """Whether a string that begins now is the content of a file."""
        return _BLANKS.sub(b"", bytes(self._rest[-64:]) + more).endswith(_BASE64)

    def _keep(self, data: bytes) -> None:
        self._rest += data
        if len(self._rest) > MOST_REST:
            raise OptionInvalid("The request is too long beside its files. Send options that are shorter.")

    def _begin(self) -> None:
        if len(self._files) >= self._max_files:
            raise TooManyFiles(f"More than {self._max_files} files in one go. Send them in smaller groups.")
        self._keep(str(len(self._files)).encode())
        self._files.append(IncomingFile(self._folder, "document", self._max_size))
        self._in_file = True

    def _file(self, data: bytes, at: int) -> int:
        if self._escape:
            self._escape = False
            sign = _ESCAPED.get(data[at : at + 1])
            if sign is None:
                raise OptionInvalid("base64_string is no base64. Encode the file anew.")
            self._digits += sign
            return at + 1
        found = _MARK.search(data, at)
        self._digits += data[at : found.start() if found else len(data)]
        self._decode(found is not None and found[0] == b'"')
        if found is None:
            return len(data)
        self._escape = found[0] == b"\\"
        return found.end()

    def _decode(self, last: bool) -> None:
        """Writes what is whole of the digits that have come."""
        digits = _BLANKS.sub(b"", bytes(self._digits))
        cut = len(digits) if last else len(digits) // 4 * 4
        self._digits = bytearray(digits[cut:])
        try:
            decoded = base64.b64decode(digits[:cut], validate=True)
        except binascii.Error:
            raise OptionInvalid("base64_string is no base64. Encode the file anew.") from None
        if decoded:
            self._files[-1].write(decoded)
        if last:
            self._files[-1].finish()
            self._in_file = False


def sources_of(form: SourceReceiver) -> list[Source]:
    """The sources of a body: a list with kinds, or v1alpha's two lists. Raises ``OptionInvalid``."""
    listed = form.body.get("sources")
    if listed is None:
        older = {"file": form.body.get("file_sources"), "http": form.body.get("http_sources")}
        listed = [
            {**cast(dict[str, Any], each), "kind": kind}
            for kind, some in older.items()
            if isinstance(some, list)
            for each in cast(list[Any], some)
            if isinstance(each, dict)
        ]
    if not isinstance(listed, list) or not listed:
        raise OptionInvalid("No source was sent. Put one or more into the list sources.")
    return [_source(form, each) for each in cast(list[Any], listed)]


def _source(form: SourceReceiver, given: Any) -> Source:
    source = cast(dict[str, Any], given) if isinstance(given, dict) else {}
    if source.get("kind") == "file":
        name = source.get("filename")
        return Source(form.upload(source.get("base64_string"), name if isinstance(name, str) else ""))
    url = source.get("url")
    if source.get("kind") == "http" and isinstance(url, str):
        return Source(url=url)
    raise OptionInvalid("Sources are of kind file, with base64_string, or of kind http, with url.")
