"""Uploads: multipart bodies streamed to disk with a hash, cut off at the limits while they arrive."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from gradio_app.base.errors import AppError, FileEmpty, FileTooLarge, OptionInvalid, TooManyFiles
from gradio_app.base.files import sync_disk, sync_file
from gradio_app.base.names import folder_and_name
from gradio_app.store.task import Upload
from gradio_app.web.form_names import file_name

#: bytes gathered before they are hashed and written in a thread
FLUSH_BYTES = 1 << 20
#: more files than this are synced in one call, which also waits for all other writes to that disk
FEW_FILES = 3
#: longest value of a form field, in bytes
MAX_FIELD = 16384
MAX_FIELDS = 100
#: callbacks of the parser: on_part_begin and so on
_EVENTS = (
    *("part_begin", "part_data", "part_end", "end"),
    *("header_field", "header_value", "header_end", "headers_finished"),
)


class IncomingFile:
    """One file on its way to disk. Open from its first byte to its last, so that a form holds one handle."""

    def __init__(self, keep_in: Path, raw_name: str, limit: int) -> None:
        self.path = keep_in / f"upload-{uuid.uuid4().hex}"
        self.folder, self.name = folder_and_name(raw_name)
        self.size = 0
        self._limit = limit
        self._hash = hashlib.sha256()
        self._handle: IO[bytes] | None = None

    def write(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit:
            raise FileTooLarge(
                f"{self.name} is larger than the {self._limit / 2**20:.0f} MB that this server accepts. "
                "Split it, or ask the administrator to raise max_file_size."
            )
        if self._handle is None:
            self._handle = self.path.open("wb")
        self._hash.update(data)
        self._handle.write(data)

    def finish(self) -> None:
        """The last byte was written; it is not on the disk for good yet. Raises ``FileEmpty``."""
        if self._handle is None:
            raise FileEmpty(f"{self.name} is empty (0 bytes). Check that it was saved completely.")
        self._handle.close()

    def discard(self) -> None:
        """Deletes the file. A write that fails at closing does not matter any more."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._handle.close()
        self.path.unlink(missing_ok=True)

    def upload(self) -> Upload:
        return Upload(self.path, self._hash.hexdigest(), self.size, self.name, self.folder)


class Receiver:
    """Reads one multipart body into files below ``folder`` and fields. Deletes the files at exit.

    Files come in form fields called ``names``. ``lists`` has all values of each field, ``fields`` the last.
    """

    def __init__(
        self, folder: Path, max_file_size: int, max_files: int, names: Sequence[str] = ("files",)
    ) -> None:
        self._folder = folder
        self._names = names
        self._max_file_size = max_file_size
        self._max_files = max_files
        self._files: list[IncomingFile] = []
        self._todo: list[Callable[[], None]] = []
        self._pending = 0
        self._complete = False
        self._disposition = b""
        self._header = b""
        self._field_name = ""
        self._field: bytearray | None = None
        self.uploads: list[Upload] = []
        self.fields: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        self._fields = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        discard = [file.discard for file in self._files]
        if sum(file.size for file in self._files) <= FLUSH_BYTES:
            _run(discard)  # quicker than a change of thread
        else:
            await asyncio.to_thread(_run, discard)

    async def read(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        """Fills ``uploads`` and ``fields``.

        Raises ``FileEmpty``, ``FileTooLarge``, ``TooManyFiles``, or ``OptionInvalid`` for a body that is
        not a form.
        """
        kind, params = parse_options_header(content_type)
        boundary = params.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise OptionInvalid("Send the files as multipart/form-data, in fields named 'files'.")
        try:
            callbacks: Any = {f"on_{name}": getattr(self, f"_{name}") for name in _EVENTS}
            parser = MultipartParser(boundary, callbacks)
            async for chunk in body:
                parser.write(chunk)
                self._pending += len(chunk)
                if self._pending >= FLUSH_BYTES:
                    await self._flush()
            if not self._complete:  # the parser does not raise
                raise FormParserError("the end is missing")
        except (FormParserError, ClientDisconnect) as error:
            raise OptionInvalid("The form is broken off or malformed. Send it again.") from error
        self._todo.append(self._sync)
        await self._flush()
        self.uploads = [file.upload() for file in self._files]

    def _sync(self) -> None:
        """Syncs the files to the disk: one by one, or in one go when there are many."""
        if len(self._files) > FEW_FILES:
            sync_disk(self._folder)
        else:
            for file in self._files:
                sync_file(file.path)

    async def _flush(self) -> None:
        """Does the gathered writes in order, away from the event loop."""
        todo, self._todo, self._pending = self._todo, [], 0
        await asyncio.to_thread(_run, todo)

    def _part_begin(self) -> None:
        self._disposition, self._header, self._field = b"", b"", None

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _header_end(self) -> None:
        self._header = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        field = options.get(b"name", b"").decode("utf-8", "replace")
        name = file_name(self._disposition)
        if name is not None:
            if field not in self._names:
                raise OptionInvalid(f"Files go into fields named {self._names[0]!r}, not {field[:40]!r}.")
            if len(self._files) >= self._max_files:
                raise TooManyFiles(
                    f"More than {self._max_files} files in one go. Send them in smaller groups."
                )
            self._files.append(IncomingFile(self._folder, name, self._max_file_size))
            return
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise OptionInvalid("The form has too many fields.")
        self._field, self._field_name = bytearray(), field

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._field is None:
            file = self._files[-1]
            self._todo.append(lambda: file.write(piece))
            return
        if len(self._field) + len(piece) > MAX_FIELD:
            raise OptionInvalid(f"The field {self._field_name[:40]!r} is too long.")
        self._field += piece

    def _part_end(self) -> None:
        if self._field is not None:
            text = self.fields[self._field_name] = self._field.decode("utf-8", "replace")
            self.lists.setdefault(self._field_name, []).append(text)
        else:
            self._todo.append(self._files[-1].finish)

    def _end(self) -> None:
        self._complete = True


def _run(steps: Iterable[Callable[[], None]]) -> None:
    for step in steps:
        step()


async def read_short(stream: AsyncIterator[bytes], most: int, too_long: AppError) -> bytes:
    """A body of at most ``most`` bytes; raises ``too_long`` as soon as there are more."""
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > most:
            raise too_long
    return bytes(body)


async def receive_body(stream: AsyncIterator[bytes], name: str, folder: Path, max_file_size: int) -> Upload:
    """Takes a body that is one file into ``folder``; the caller deletes ``Upload.path``.

    Raises ``FileEmpty``, ``FileTooLarge``, or ``OptionInvalid`` for one that is broken off.
    """
    file, todo, pending = IncomingFile(folder, name, max_file_size), list[Callable[[], None]](), 0
    try:
        async for chunk in stream:
            todo.append(partial(file.write, chunk))
            pending += len(chunk)
            if pending >= FLUSH_BYTES:
                await asyncio.to_thread(_run, todo)
                todo, pending = [], 0
        await asyncio.to_thread(_run, [*todo, file.finish])
        await asyncio.to_thread(sync_file, file.path)
    except BaseException as error:
        await asyncio.shield(asyncio.to_thread(file.discard))
        if isinstance(error, ClientDisconnect):
            raise OptionInvalid("The upload is broken off. Send it again.") from error
        raise
    return file.upload()


def receive_file(source: IO[bytes], name: str, folder: Path, max_file_size: int) -> Upload:
    """Takes an open file of this machine into ``folder``.

    The caller deletes ``Upload.path``. Raises ``FileEmpty`` or ``FileTooLarge``.
    """
    file = IncomingFile(folder, name, max_file_size)
    try:
        while chunk := source.read(FLUSH_BYTES):
            file.write(chunk)
        file.finish()
        sync_file(file.path)
    except BaseException:
        file.discard()
        raise
    return file.upload()
