"""File operations: reads beneath a folder without following links, replacements in one step, syncs."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import secrets
import shutil
import stat
import sys
from pathlib import Path

from gradio_app.base.errors import FileTooLarge, NotFound, WorkerCrashed, as_app_error

#: files and folders of one result; a page makes a handful
MOST_ENTRIES = 200_000
#: folders in folders of a result
MOST_DEPTH = 8
#: largest file that this process reads at once, in bytes: a page, a text; hostile ones may be of any size
MOST_READ = 128 * 2**20
#: names in a result: harmless in archives, headers and pages, on every system
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_PIECE = 2**20
_LIBC = ctypes.CDLL(None, use_errno=True)
#: openat2(2): its number is the same on all processors, as for each call since Linux 5.1
_OPENAT2 = 437
#: RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH
_RESOLVE = 0x02 | 0x04 | 0x08
#: the kernel is older than 5.6, or a container's filter does not know the call
_NO_OPENAT2 = {errno.ENOSYS, errno.EPERM}
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV, errno.ENAMETOOLONG, errno.EISDIR}
#: a device or a pipe must not block; what it is shows afterwards
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_FOLDER = _READ | os.O_DIRECTORY


class _OpenHow(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


def open_beneath(folder: Path | int, relative: str) -> int:
    """A descriptor to read a plain file below ``folder``, which the caller closes.

    No link is followed, neither in ``relative`` nor as ``folder`` itself; the way to ``folder`` may have
    some. ``folder`` may be an open one. Raises ``NotFound`` for all but a plain file.
    """
    descriptor = _open_beneath(folder, relative, _READ)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotFound()
    return descriptor


def read_beneath(folder: Path | int, relative: str) -> bytes:
    """The bytes of a plain file below ``folder``, at most ``MOST_READ``; otherwise like ``open_beneath``."""
    with open(open_beneath(folder, relative), "rb") as file:
        found = file.read(MOST_READ + 1)
    if len(found) > MOST_READ:
        raise FileTooLarge("The result is too large to be answered at once. Download it instead.")
    return found


def is_result_name(name: str) -> bool:
    """Whether a file or folder of a result may be called so."""
    return _NAME.fullmatch(name) is not None


def open_folder(folder: Path) -> int:
    """A descriptor of a folder that is no link itself, which the caller closes; else ``NotFound``."""
    return _open_beneath(folder, ".", _FOLDER)


def names_beneath(folder: Path | int, relative: str) -> list[str]:
    """Names of the plain files in a folder below ``folder``, sorted; none where there is no such folder."""
    try:
        descriptor = _open_beneath(folder, relative, _FOLDER)
    except NotFound:
        return []
    try:
        with os.scandir(descriptor) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    finally:
        os.close(descriptor)


def _open_beneath(folder: Path | int, relative: str, flags: int) -> int:
    parts = relative.split("/")
    if ".." in parts or "" in parts or "\0" in relative:
        raise NotFound()
    root = -1
    try:
        root = folder if isinstance(folder, int) else os.open(folder, _FOLDER)
        return _openat2(root, relative, flags) if sys.platform == "linux" else _step(root, parts, flags)
    except UnicodeEncodeError:
        raise NotFound() from None
    except OSError as error:
        if error.errno in _NOT_THERE:
            raise NotFound() from None
        raise
    finally:
        if root >= 0 and not isinstance(folder, int):
            os.close(root)


def _openat2(root: int, relative: str, flags: int) -> int:
    how = _OpenHow(flags, 0, _RESOLVE)
    size, number = ctypes.c_size_t(ctypes.sizeof(how)), ctypes.c_long(_OPENAT2)
    found = int(_LIBC.syscall(number, root, os.fsencode(relative), ctypes.byref(how), size))
    if found >= 0:
        return found
    code = ctypes.get_errno()
    if code in _NO_OPENAT2:
        return _step(root, relative.split("/"), flags)
    raise OSError(code, os.strerror(code))


def _step(root: int, parts: list[str], flags: int) -> int:
    """The same folder by folder."""
    *above, last = parts
    at = os.dup(root)
    try:
        for part in above:
            at, before = os.open(part, _FOLDER, dir_fd=at), at
            os.close(before)
        return os.open(last, flags, dir_fd=at)
    finally:
        os.close(at)


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


def take_tree(source: Path, target: Path, limit: int) -> None:
    """Takes what a worker made to ``target``, which does not exist: checked, and out of its reach.

    As copies, since a worker that keeps a file open could write to it later. Raises ``WorkerCrashed`` for
    anything but plain files and folders (a link would have this process read what a hostile document chose),
    ``FileTooLarge`` for more than ``limit`` bytes, holes counted, and what the disk says. ``source`` is gone.
    """
    aside = target.with_name(f".{secrets.token_hex(8)}")
    try:
        source.rename(aside)
    except OSError as error:
        raise WorkerCrashed() from error
    try:
        if not is_plain(aside):
            raise WorkerCrashed("A document made its worker leave what is no result. It was not kept.")
        _copy_tree(aside, target, limit)
    except BaseException as error:
        remove_tree(target)
        if isinstance(error, OSError):
            raise as_app_error(error) from error
        raise
    finally:
        remove_tree(aside)


def _copy_tree(source: Path, target: Path, left: int) -> int:
    """Copies folders and plain files of no more than ``left`` bytes; returns how many are left then."""
    if source.is_dir():
        target.mkdir()
        for entry in source.iterdir():
            left = _copy_tree(entry, target / entry.name, left)
        return left
    with open(os.open(source, _READ), "rb") as made, target.open("xb") as copy:
        size = os.fstat(made.fileno()).st_size
        if size > left:
            raise FileTooLarge()
        while size and (data := made.read(min(size, _PIECE))):
            size -= copy.write(data)
            left -= len(data)
    return left


def is_plain(path: Path, shared: bool = False) -> bool:
    """Whether there are only files and folders, as many, as deep and with such names as a result can have.

    Files have one name each, unless they are ``shared`` by results of equal documents.
    """
    pending, entries = [(str(path), 0)], 0
    while pending:
        name, depth = pending.pop()
        entry = os.lstat(name)
        entries += 1
        if stat.S_ISDIR(entry.st_mode):
            names = os.listdir(name)
            pending += ((os.path.join(name, below), depth + 1) for below in names)
            if depth > MOST_DEPTH or not all(map(is_result_name, names)):
                return False
        elif (
            not stat.S_ISREG(entry.st_mode)
            or (entry.st_nlink != 1 and not shared)
            or entry.st_mode & (stat.S_ISUID | stat.S_ISGID)
        ):
            return False
        if entries > MOST_ENTRIES:
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
