"""File operations that survive a crash: links, replacements in one step, and syncs to the disk."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import stat
from pathlib import Path

from gradio_app.base.errors import WorkerCrashed

#: files and folders of one result; a page makes a handful
MOST_ENTRIES = 200_000
#: folders in folders of a result
MOST_DEPTH = 8
_LIBC = ctypes.CDLL(None, use_errno=True)


def link_or_copy(source: Path | str, target: Path | str) -> None:
    """A hard link, or a copy across file systems; an existing target is replaced."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(target)
    try:
        os.link(source, target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except BaseException:
            # half a copy must not pass for the whole
            Path(target).unlink(missing_ok=True)
            raise


def replace_folder(source: Path, target: Path) -> None:
    """Moves ``source`` to ``target``; an older ``target`` goes away. A crash leaves one of both whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    source.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def move_tree(source: Path, target: Path) -> None:
    """Moves what a worker made to ``target``, which does not exist, and checks it there, out of its reach.

    Raises ``WorkerCrashed``, and deletes it, for anything but plain files and folders: a link would have
    this process read what a hostile document chose.
    """
    try:
        source.rename(target)
    except OSError as error:
        raise WorkerCrashed() from error
    if not _is_plain(target):
        remove_tree(target)
        raise WorkerCrashed("A document made its worker leave what is no result. It was not kept.")


def _is_plain(path: Path) -> bool:
    """Whether there are only files with one name, and folders, as many and as deep as a result can have."""
    pending, entries = [(str(path), 0)], 0
    while pending:
        name, depth = pending.pop()
        entry = os.lstat(name)
        entries += 1
        if stat.S_ISDIR(entry.st_mode):
            pending += ((below.path, depth + 1) for below in os.scandir(name))
            if depth > MOST_DEPTH:
                return False
        elif not stat.S_ISREG(entry.st_mode) or entry.st_nlink != 1:
            return False
        if entry.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX) or entries > MOST_ENTRIES:
            return False
    return True


def is_larger(folder: Path, limit: int) -> bool:
    """Whether the files below a folder take more than ``limit`` bytes, or are more than a result can have."""
    total = entries = 0
    for parent, folders, names in os.walk(folder):
        entries += len(folders) + len(names)
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
        if total > limit or entries > MOST_ENTRIES:
            return True
    return False


def remove_tree(path: Path) -> None:
    """Deletes a file, link or folder as far as possible, however deep it is."""
    with contextlib.suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
    try:
        shutil.rmtree(path, ignore_errors=True)
    except RecursionError:
        with contextlib.suppress(OSError):
            _flatten(path)
            shutil.rmtree(path, ignore_errors=True)


def _flatten(path: Path) -> None:
    """Moves what is in the folders of ``path`` up into it, until none has anything in it."""
    number = 0
    while folders := [entry.path for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)]:
        for folder in folders:
            for entry in list(os.scandir(folder)):
                number += 1
                os.rename(entry.path, path / f".{number}")
            os.rmdir(folder)


def sync_file(path: Path) -> None:
    """Makes a file, or new names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_disk(folder: Path) -> None:
    """Writes out all of the disk that a folder is on. One call, however many files: each fsync costs one."""
    if not hasattr(_LIBC, "syncfs"):
        os.sync()
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if _LIBC.syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(descriptor)
