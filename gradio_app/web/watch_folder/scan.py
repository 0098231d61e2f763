"""Scan of the watch folder: finds documents without a result, and folders that cannot be read or written."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from gradio_app.base.file_types import is_document
from gradio_app.web.watch_folder.beneath import MOST_DEPTH, drop_leftover, entries, folder_below, opened
from gradio_app.web.watch_folder.names import (
    LONGEST,
    RESULT,
    key_of,
    may_hold_result,
    result_name,
    results_by_stem,
    stem_of,
    text_of,
)
from gradio_app.web.watch_folder.receipt import RECEIPT, read_receipt

#: the owner of what lies in no folder of somebody's, where people sign in
NOBODY = "watch"
ROOT = PurePosixPath(".")
#: a folder that was swapped or deleted since its name was read is no problem
_SWAPPED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def owner_of(path: PurePosixPath, everybody: str) -> str:
    """Whose a file is: the name of the folder that it lies in, where people sign in."""
    return everybody or (text_of(path.parts[0]) if len(path.parts) > 1 else NOBODY)


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the folder: its path below it, bytes, and time of the last change in nanoseconds."""

    path: PurePosixPath
    size: int
    mtime: int

    @property
    def key(self) -> str:
        """Under which it is submitted."""
        return f"watch:{self.size}:{self.mtime}:{key_of(self.path)}"

    def owner(self, everybody: str) -> str:
        """Whose it is; see ``owner_of``."""
        return owner_of(self.path, everybody)

    def name(self, everybody: str) -> str:
        """What it is called, with the folders that it lies in below its owner's."""
        parts = self.path.parts
        return text_of("/".join(parts if everybody or len(parts) == 1 else parts[1:]))


@dataclass(slots=True)
class Scan:
    """What one scan has seen. ``unread``: folders that exist and cannot be listed."""

    device: int = 0
    empty: bool = True
    found: dict[PurePosixPath, Found] = field(default_factory=dict[PurePosixPath, Found])
    unread: dict[PurePosixPath, OSError] = field(default_factory=dict[PurePosixPath, OSError])
    unwritable: set[PurePosixPath] = field(default_factory=set[PurePosixPath])

    def covers(self, path: PurePosixPath) -> bool:
        """Whether the folder of this path was listed, or is gone."""
        return not any(above in self.unread for above in path.parents)


def look(root: Path) -> Scan:
    """One scan; blocks. Raises ``OSError`` when ``root`` itself cannot be listed."""
    scan, waiting = Scan(), [ROOT]
    with folder_below(root, ROOT) as folder:
        scan.device = os.fstat(folder).st_dev
        scan.empty = not os.listdir(folder)
    while waiting:
        path = waiting.pop()
        try:
            with folder_below(root, path) as folder:
                waiting += reversed([path / name for name in _list(folder, path, scan)])
        except OSError as error:
            if path == ROOT:
                raise
            if error.errno not in _SWAPPED:
                scan.unread[path] = error
    return scan


def walk(root: Path) -> Iterator[Found]:
    """Documents below ``root`` that have no result yet; links are not followed, hidden files left alone."""
    yield from look(root).found.values()


def _list(folder: int, path: PurePosixPath, scan: Scan) -> list[str]:
    """Adds the documents of a folder; returns its subfolders."""
    inner: list[str] = []
    files: list[str] = []
    seen = entries(folder)
    longest = min(LONGEST, os.fstatvfs(folder).f_namemax or LONGEST)
    results = results_by_stem(entry.name for entry in seen)
    for entry in seen:
        name = entry.name
        if name.startswith("."):
            drop_leftover(name, folder, time.time())
        elif entry.is_dir(follow_symlinks=False):
            inner += [name] if not _is_result(name, folder) else []
        elif not name.startswith("~$") and is_document(name):
            files.append(name)
    before = len(scan.found)
    for name in files:
        _add(name, folder, path, scan, results.get(stem_of(name, longest), []), longest)
    if len(scan.found) > before and not os.access(".", os.W_OK | os.X_OK, dir_fd=folder):
        scan.unwritable.add(path)
    return inner if len(path.parts) < MOST_DEPTH else []


def _add(name: str, folder: int, path: PurePosixPath, scan: Scan, numbers: list[int], longest: int) -> None:
    try:
        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return
    if not stat.S_ISREG(info.st_mode) or not info.st_size:
        return
    stem = stem_of(name, longest)
    if not any(_is_done(result_name(stem, number), folder, name, info) for number in numbers):
        scan.found[path / name] = Found(path / name, info.st_size, info.st_mtime_ns)


def _is_done(result: str, folder: int, name: str, info: os.stat_result) -> bool:
    receipt = read_receipt(result, folder, name)
    return receipt is not None and (receipt.size, receipt.mtime) == (info.st_size, info.st_mtime_ns)


def _is_result(name: str, folder: int) -> bool:
    """Whether a folder is a result, in which no documents are sought."""
    if name.endswith(RESULT):
        return True
    if not may_hold_result(name):
        return False
    try:
        with opened(name, folder) as inner:
            os.stat(RECEIPT, dir_fd=inner, follow_symlinks=False)
    except OSError:
        return False
    return True
