"""File operations that survive a crash: links, replacements in one step, and syncs to the disk."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from pathlib import Path

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
