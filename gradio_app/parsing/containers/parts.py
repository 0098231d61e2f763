"""Parts of a container: its documents, written out within limits, and what is said of all that was in it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from gradio_app.base.errors import FileTooLarge, TooManyFiles
from gradio_app.base.file_types import is_document
from gradio_app.base.names import folder_and_name
from gradio_app.parsing.prepare.prepared import Prepared

#: seconds that unpacking may take: an old cipher is slow, and others wait
MOST_SECONDS = 60.0
#: rows of the list of what was in a container
MOST_ROWS = 1000
#: characters of a path in a container
_LONGEST = 1000
#: files of systems and programs, which nobody means to send
_LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini", "__macosx"})
QUEUED = "converted as a task of its own"


@dataclass(frozen=True, slots=True)
class Limits:
    """Most documents, and most bytes of one (``each``) and of all together (``whole``)."""

    most: int
    each: int
    whole: int


class Parts:
    """Documents of one container. Without ``limits`` it is not taken apart: all of them are named only."""

    def __init__(self, folder: Path | None = None, limits: Limits | None = None) -> None:
        self._folder = folder
        self._limits = limits if folder else None
        self._began = time.monotonic()
        #: path of each document in the container; it is written under its number
        self.paths: list[str] = []
        #: name, bytes (None: not known) and fate of everything
        self.rows: list[tuple[str, int | None, str]] = []
        self._left: list[tuple[str, str]] = []
        self._bytes = 0

    @property
    def taken_apart(self) -> bool:
        """Whether documents are written out."""
        return self._limits is not None

    def fate(self, name: str) -> str:
        """Why a file of this name cannot become a task; empty when it can."""
        if not is_document(name):
            return "this type cannot be converted"
        if name.lower().endswith(".zip"):
            return "an archive inside is not unpacked; send it by itself"
        return "" if self.taken_apart else "a container inside is not taken apart; send the file by itself"

    def leave(self, name: str, size: int | None, why: str) -> None:
        """Something that is not converted, and why."""
        shown = _shown(name)
        self.rows.append((shown, size, why))
        self._left.append((shown, why))

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """Writes a document. Raises ``TooManyFiles`` or ``FileTooLarge`` with numbers.

        What ``pieces`` raises leaves nothing of it.
        """
        assert self._folder and self._limits
        self._check_count()
        self._folder.mkdir(exist_ok=True)
        target, size = self._folder / str(len(self.paths)), 0
        try:
            with target.open("xb") as file:
                for piece in pieces:
                    size += len(piece)
                    self._check_bytes(name, size)
                    file.write(piece)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        self._bytes += size
        if not size:
            target.unlink()
            self.leave(name, 0, "it is empty")
            return
        self.paths.append(name[-_LONGEST:])
        self.rows.append((_shown(name), size, QUEUED))

    def forget(self) -> None:
        """Nothing was taken out after all."""
        for number in range(len(self.paths)):
            assert self._folder
            (self._folder / str(number)).unlink()
        self.paths, self.rows, self._left, self._bytes = [], [], [], 0

    def _check_count(self) -> None:
        assert self._limits
        if len(self.paths) >= self._limits.most:
            raise TooManyFiles(
                f"More than {self._limits.most} documents are inside, and this server takes "
                f"{self._limits.most} at once. Divide them, and send smaller groups."
            )

    def _check_bytes(self, name: str, size: int) -> None:
        assert self._limits
        if size > self._limits.each:
            raise FileTooLarge(
                f"{_shown(name)} inside is larger than {_megabytes(self._limits.each)}, which this server "
                "takes of one file. Leave it out, or ask the administrator to raise the limit."
            )
        if self._bytes + size > self._limits.whole:
            raise FileTooLarge(
                f"What is inside is larger than {_megabytes(self._limits.whole)}, which this server unpacks "
                "of one file. Divide it, and send the parts."
            )
        if time.monotonic() - self._began > MOST_SECONDS:
            raise FileTooLarge(
                f"Unpacking takes longer than {MOST_SECONDS:.0f} seconds. Unpack it yourself, and send the "
                "files."
            )

    def tell(self, prepared: Prepared, what: str) -> None:
        """Notes how many documents became tasks, and what was left out."""
        if count := len(self.paths):
            are = "1 document is" if count == 1 else f"{count} documents are"
            prepared.note(
                "parts_queued",
                f"{are} taken out of this {what} ({_size(self._bytes)}) and converted one by one. "
                "Their results are tasks of their own.",
            )
        if count := len(self._left):
            are = "1 file is" if count == 1 else f"{count} files are"
            told = "; ".join(f"{name}: {why}" for name, why in self._left)
            prepared.note("attachments_not_converted", f"{are} in this {what} and not converted. {told}")

    def table(self) -> str:
        """What was in the container, as a table in HTML without links."""
        rows = [
            f"<tr><td>{escape(name)}</td><td>{'' if size is None else _size(size)}</td><td>{fate}</td></tr>"
            for name, size, fate in self.rows[:MOST_ROWS]
        ]
        if (more := len(self.rows) - MOST_ROWS) > 0:
            rows.append(f"<tr><td>and {more} more</td><td></td><td></td></tr>")
        return f"<table><tr><th>Name</th><th>Size</th><th>What became of it</th></tr>{''.join(rows)}</table>"


def is_litter(path: str) -> bool:
    """Whether a path in a container is a file of a system or a program, which nobody means to send."""
    parts = path.lower().replace("\\", "/").split("/")
    return not _LITTER.isdisjoint(parts) or parts[-1].startswith(("._", "~$"))


def _shown(path: str) -> str:
    folder, name = folder_and_name(path[-_LONGEST:])
    return f"{folder}/{name}" if folder else name


def _size(size: int) -> str:
    return f"{size} bytes" if size < 1000 else f"{size / 1e3:.0f} kB" if size < 1e6 else _megabytes(size)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size < 10e6 else f"{size / 1e6:.0f} MB"
