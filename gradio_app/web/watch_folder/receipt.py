"""Receipts of results: how a document ended, and by which a result is known as ours and as unedited."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from gradio_app.web.watch_folder.beneath import MOST_DEPTH, entries, open_plain, opened
from gradio_app.web.watch_folder.names import text_of

RECEIPT = "receipt.json"
#: a receipt with as many and as long notes as a task can have is smaller; a larger file is none
_MOST_BYTES = 2 * 2**20
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Receipt:
    """``size`` and ``mtime`` (ns) of the document; ``raw`` is all of it; ``files`` a ``Contents`` as JSON."""

    status: str
    size: int
    mtime: int
    sha256: str
    files: dict[str, Any]
    raw: dict[str, Any]


class Contents:
    """Digest of the files of a result: how many, their bytes, and a hash of names and bytes."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[int, str]] = {}

    def add(self, path: str, size: int, sha256: str) -> None:
        """Adds a file, by its path in the result."""
        self._files[path] = size, sha256

    def to_json(self) -> dict[str, Any]:
        """As it stands in a receipt."""
        lines = [f"{size} {digest} {path}\n" for path, (size, digest) in sorted(self._files.items())]
        return {
            "count": len(self._files),
            "bytes": sum(size for size, _ in self._files.values()),
            "sha256": hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest(),
        }


@contextmanager
def plain(name: str, folder: int, ours: bool = False) -> Generator[int]:
    """``open_plain``, closed at exit."""
    file = open_plain(name, folder, ours)
    try:
        yield file
    finally:
        os.close(file)


def read_receipt(result: str, folder: int, name: str) -> Receipt | None:
    """The receipt in a folder of this name, if it is ours and of the document ``name``."""
    try:
        with opened(result, folder) as inner, plain(RECEIPT, inner, ours=True) as file:
            data = os.read(file, _MOST_BYTES)
        raw: dict[str, Any] = json.loads(data)
        size, mtime, status = raw["size"], raw["mtime_ns"], raw["status"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    if not (isinstance(size, int) and isinstance(mtime, int) and isinstance(status, str)):
        return None
    # receipts of older versions have no name: each document's result had a name of its own then
    if raw.get("name", text_of(name)) != text_of(name):
        return None
    files = raw.get("files")
    kept = cast(dict[str, Any], files) if isinstance(files, dict) else {}
    return Receipt(status, size, mtime, str(raw.get("input_sha256", "")), kept, raw)


def is_unedited(result: str, folder: int, receipt: Receipt) -> bool:
    """Whether a result holds the files that we have put there, and no others.

    A result of an older version counts as edited, as its receipt does not say what it held.
    """
    with contextlib.suppress(OSError, RecursionError), opened(result, folder) as inner:
        # hashing begins when names and sizes fit: somebody may have put anything there
        sizes = [os.fstat(file).st_size for _, file in _files(inner)]
        if (len(sizes), sum(sizes)) != (receipt.files.get("count"), receipt.files.get("bytes")):
            return False
        contents = Contents()
        for path, file in _files(inner):
            contents.add(path, os.fstat(file).st_size, hash_of(file))
        return contents.to_json() == receipt.files
    return False


def hash_of(file: int) -> str:
    """SHA-256 of an open file, from its beginning."""
    digest = hashlib.sha256()
    os.lseek(file, 0, os.SEEK_SET)
    while data := os.read(file, CHUNK):
        digest.update(data)
    return digest.hexdigest()


def _files(folder: int, above: str = "", depth: int = 0) -> Iterator[tuple[str, int]]:
    """All files below a folder but the receipt; ``OSError`` for what is no plain file."""
    if depth > MOST_DEPTH:
        raise OSError(errno.ELOOP, "The folders are too deep")
    for entry in entries(folder):
        path = above + entry.name
        if stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
            with opened(entry.name, folder) as inner:
                yield from _files(inner, f"{path}/", depth + 1)
        elif path != RECEIPT:
            with plain(entry.name, folder, ours=True) as file:
                yield path, file
