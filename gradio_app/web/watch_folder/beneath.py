"""File access by descriptors, in folders whose owners may swap any name for a link at any moment.

Each step starts at the descriptor of the parent folder and follows no link. New files are created with
``O_EXCL``, and rights are set by descriptor. So no name there leads to a file elsewhere. All functions block.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# without O_NONBLOCK a fifo would hold the thread for ever
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: folders in folders; deeper ones are left alone
MOST_DEPTH = 64
_PRIVATE = ".mineru-part-"
_IS_PRIVATE = re.compile(rf"{re.escape(_PRIVATE)}[0-9a-f]{{16}}")
#: a private folder this old is a leftover of a crash (seconds)
LEFTOVER_AGE = 3600.0


@contextmanager
def opened(name: str, parent: int) -> Generator[int]:
    """The descriptor of a folder in ``parent``; ``OSError`` for a link and everything else."""
    folder = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def folder_below(root: Path, path: PurePosixPath) -> Generator[int]:
    """The descriptor of a folder below ``root``. Only ``root`` itself may be a link: the admin names it."""
    folder = os.open(root, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for part in path.parts:
            if part == "..":
                raise OSError(errno.ELOOP, "leads out of the folder")
            outer, folder = folder, os.open(part, _FOLDER, dir_fd=folder)
            os.close(outer)
        yield folder
    finally:
        os.close(folder)


def entries(folder: int) -> list[os.DirEntry[str]]:
    """What is in a folder, by name. Ask the entries only while ``folder`` is open."""
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)


def exists(name: str, folder: int) -> bool:
    """Whether anything has this name, also a link to nothing."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def open_plain(name: str, folder: int, ours: bool = False) -> int:
    """The descriptor of a plain file in ``folder``, to be read; ``OSError`` for everything else.

    A hard link may be a second name of a file that only the service can read. Such a file is refused, unless
    it belongs to the owner of the folder and nobody else can put names there. ``ours``: our own folder.
    """
    file = os.open(name, _READ, dir_fd=folder)
    try:
        info = os.fstat(file)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(errno.EINVAL, "It is not a plain file")
        if info.st_nlink > 1 and not ours:
            above = os.fstat(folder)
            if info.st_uid != above.st_uid or above.st_mode & 0o022:
                raise OSError(errno.EPERM, "It has several names (hard links). Put a copy there instead")
    except BaseException:
        os.close(file)
        raise
    return file


def create(name: str, folder: int) -> int:
    """The descriptor of a new file, to be written; ``OSError`` when the name is taken."""
    return os.open(name, _NEW, 0o600, dir_fd=folder)


def set_mode(descriptor: int, mode: int) -> None:
    """Sets rights where the file system has them."""
    with contextlib.suppress(PermissionError):  # shares of Windows and FAT
        os.fchmod(descriptor, mode)


def move(name: str, source: int, new: str, target: int) -> None:
    """Moves a folder; ``FileExistsError`` when ``new`` is taken. Replaces at most an empty folder."""
    if exists(new, target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)


def clear(folder: int, depth: int = 0) -> None:
    """Deletes all that is in a folder; ``OSError`` when something stays."""
    if depth > MOST_DEPTH:
        raise OSError(errno.ELOOP, "The folders are too deep")
    for entry in entries(folder):
        if entry.is_dir(follow_symlinks=False):
            with opened(entry.name, folder) as inner:
                clear(inner, depth + 1)
            os.rmdir(entry.name, dir_fd=folder)
        else:
            os.unlink(entry.name, dir_fd=folder)


@contextmanager
def private_folder(parent: int) -> Generator[int]:
    """The descriptor of a new empty folder in ``parent`` that only the service may enter; deleted at exit.

    Its name may be swapped before it is opened. What is opened then is no link, and each file in it is new.
    """
    name = _PRIVATE + secrets.token_hex(8)
    os.mkdir(name, 0o700, dir_fd=parent)
    try:
        with opened(name, parent) as made:
            if os.listdir(made):
                raise OSError(errno.EEXIST, "The folder of a half-written result was swapped")
            try:
                yield made
            finally:
                with contextlib.suppress(OSError):
                    clear(made)
    finally:
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=parent)


def drop_leftover(name: str, parent: int, now: float) -> None:
    """Deletes a private folder that a crash has left. ``now`` in Unix seconds."""
    if not _IS_PRIVATE.fullmatch(name):
        return
    with contextlib.suppress(OSError):
        with opened(name, parent) as folder:
            if now - os.fstat(folder).st_mtime < LEFTOVER_AGE:
                return
            clear(folder)
        os.rmdir(name, dir_fd=parent)
