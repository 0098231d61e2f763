"""Results in the watch folder: built in a private folder, then moved beside their document in one step.

Never replaces a folder that is not ours. A result that somebody has edited is kept under another name.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

from loguru import logger

from gradio_app.base.errors import AppError
from gradio_app.base.notes import notes_to_json
from gradio_app.store.states import READABLE
from gradio_app.store.task import Task
from gradio_app.web.watch_folder.beneath import (
    create,
    exists,
    folder_below,
    move,
    opened,
    private_folder,
    set_mode,
)
from gradio_app.web.watch_folder.names import (
    LONGEST,
    MOST_RESULTS,
    edited_name,
    readable,
    result_name,
    results_by_stem,
    stem_of,
    text_of,
)
from gradio_app.web.watch_folder.receipt import (
    CHUNK,
    RECEIPT,
    Contents,
    Receipt,
    is_unedited,
    plain,
    read_receipt,
)
from gradio_app.web.watch_folder.scan import Found
from gradio_app.web.zip_stream import members

#: documents of a container that its receipt lists, which is read again at each scan
_MOST_TOLD = 1000
#: names in the private folder
_NEW, _OLD = "new", "old"
#: these concern the whole folder, wherever in the writing they come up
_OF_FOLDER = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN)


class FolderClosed(OSError):
    """Nothing can be written into this folder."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a document ended, as its result says it; ``parts`` are the tasks of the documents in it."""

    status: str
    error: AppError | None = None
    task: Task | None = None
    parts: Sequence[Task] = ()


class Results:
    """Writes results below ``root``. All methods block."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, item: Found, outcome: Outcome, sources: Sequence[tuple[str, Path]]) -> None:
        """Puts the result of a document beside it, in one step.

        ``sources`` are the folders with the files of its task and of those in it, each with its path there.

        Raises ``FolderClosed`` when nothing can be written there, ``OSError`` for this result's own failure.
        """
        with self._room(item) as (folder, private):
            self._build(private, item, outcome, sources)
            _place(private, folder, item)

    def refresh(self, item: Found, sha256: str) -> bool:
        """Whether a document has its result already, and was touched only. Its receipt then says so."""
        with folder_below(self._root, item.path.parent) as folder:
            name, receipt = _own_result(folder, item.path.name)
        if receipt is None or receipt.status not in READABLE or receipt.sha256 != sha256:
            return False
        told = receipt.raw | {"size": item.size, "mtime_ns": item.mtime}
        with self._room(item) as (folder, private), opened(name, folder) as result:
            _write(RECEIPT, private, _as_json(told), self._mode)
            os.rename(RECEIPT, RECEIPT, src_dir_fd=private, dst_dir_fd=result)
        return True

    @property
    def _mode(self) -> int:
        """Rights of the watch folder: people who may read there may read results; the service may write."""
        return stat.S_IMODE(os.stat(self._root).st_mode) & 0o777 | 0o700

    @contextmanager
    def _room(self, item: Found) -> Generator[tuple[int, int]]:
        """Descriptors of the document's folder, and of a private one in it."""
        begun = False
        try:
            with folder_below(self._root, item.path.parent) as folder, private_folder(folder) as private:
                begun = True
                yield folder, private
        except OSError as error:
            if begun and error.errno not in _OF_FOLDER:
                raise
            raise FolderClosed(error.errno, error.strerror) from error

    def _build(
        self, private: int, item: Found, outcome: Outcome, sources: Sequence[tuple[str, Path]]
    ) -> None:
        mode, contents, task, error = self._mode, Contents(), outcome.task, outcome.error
        os.mkdir(_NEW, 0o700, dir_fd=private)
        with opened(_NEW, private) as new:
            if task is not None and task.status in READABLE:
                for above, source in sources:
                    _copy(source, new, PurePosixPath(above), contents, mode)
            if error is not None:
                data = f"{error.message}\n{error.code}\n".encode()
                _write("error.txt", new, data, mode)
                contents.add("error.txt", len(data), hashlib.sha256(data).hexdigest())
            receipt: dict[str, Any] = {"status": outcome.status, "name": text_of(item.path.name)}
            receipt |= {"size": item.size, "mtime_ns": item.mtime, "files": contents.to_json()}
            if task is not None:
                notes = notes_to_json(task.findings.notes)
                receipt |= {"task": task.id, **task.receipt(), "notes": notes}
            if outcome.parts:
                receipt["parts"] = [_told(part) for part in outcome.parts[:_MOST_TOLD]]
            _write(RECEIPT, new, _as_json(receipt), mode)
            set_mode(new, mode)


def _told(part: Task) -> dict[str, Any]:
    """What a receipt says of a document in a container; its notes are beside its own result."""
    error = part.error.to_dict() if part.error else None
    return {
        "task": part.id,
        "folder": part.folder,
        "name": part.name,
        "status": part.status,
        "error": error,
    }


def _as_json(receipt: dict[str, Any]) -> bytes:
    return json.dumps(receipt, indent=1).encode()


def _write(name: str, folder: int, data: bytes, mode: int) -> None:
    with open(create(name, folder), "wb") as file:
        file.write(data)
        _finish(file.fileno(), file.flush, mode)


def _finish(descriptor: int, flush: Any, mode: int) -> None:
    flush()
    # a receipt that counts after a power cut must not stand beside empty files
    os.fsync(descriptor)
    set_mode(descriptor, mode & 0o666)


def _copy(source: Path, new: int, above: PurePosixPath, contents: Contents, mode: int) -> None:
    """Copies the files of a task's result to ``above`` in the new one; a worker has written them.

    Links in it are not followed.
    """
    for path in members(source):
        relative = PurePosixPath(path.relative_to(source).as_posix())
        target = above / relative
        with (
            folder_below(source, relative.parent) as folder,
            plain(path.name, folder, ours=True) as file,
            _made(new, target.parent.parts, mode) as inner,
        ):
            _copy_file(file, path.name, inner, contents, target, mode)


@contextmanager
def _made(folder: int, path: Sequence[str], mode: int) -> Generator[int]:
    """The descriptor of a folder below ``folder``, made where it is missing."""
    if not path:
        yield folder
        return
    if not exists(path[0], folder):
        os.mkdir(path[0], 0o700, dir_fd=folder)
    with opened(path[0], folder) as inner:
        set_mode(inner, mode)
        with _made(inner, path[1:], mode) as last:
            yield last


def _copy_file(
    source: int, name: str, folder: int, contents: Contents, path: PurePosixPath, mode: int
) -> None:
    digest, size = hashlib.sha256(), 0
    with open(create(name, folder), "wb") as target:
        while data := os.read(source, CHUNK):
            digest.update(data)
            size += target.write(data)
        _finish(target.fileno(), target.flush, mode)
    contents.add(str(path), size, digest.hexdigest())


def _own_result(folder: int, name: str) -> tuple[str, Receipt | None]:
    """Where the result of a document is, with its receipt; or the first name that is free for it."""
    stem = _stem(folder, name)
    taken = results_by_stem(os.listdir(folder)).get(stem, [])
    for number in taken:
        receipt = read_receipt(result_name(stem, number), folder, name)
        if receipt is not None:
            return result_name(stem, number), receipt
    free = next((number for number in range(1, MOST_RESULTS + 1) if number not in taken), None)
    if free is None:
        raise OSError(errno.EEXIST, f"{MOST_RESULTS} folders have the name of its result. Rename some")
    return result_name(stem, free), None


def _stem(folder: int, name: str) -> str:
    return stem_of(name, min(LONGEST, os.fstatvfs(folder).f_namemax or LONGEST))


def _place(private: int, folder: int, item: Found) -> None:
    """Moves the new result to its name; the older one goes away, or stays under another name if edited."""
    document = item.path.name
    name, receipt = _own_result(folder, document)
    if receipt is None:
        if name != result_name(_stem(folder, document)):
            logger.info(
                "{} has a folder of its result's name that is not ours; the result is in {}",
                readable(item.path),
                readable(name),
            )
        move(_NEW, private, name, folder)
        return
    if not is_unedited(name, folder, receipt):
        _keep_edited(name, folder, folder, item)
        move(_NEW, private, name, folder)
        return
    try:
        move(name, folder, _OLD, private)
    except PermissionError:  # it was copied there by somebody else, who may write into it alone
        _keep_edited(name, folder, folder, item)
        move(_NEW, private, name, folder)
        return
    move(_NEW, private, name, folder)
    if not is_unedited(_OLD, private, receipt):  # meanwhile
        _keep_edited(_OLD, private, folder, item)


def _keep_edited(name: str, source: int, folder: int, item: Found) -> None:
    stem = _stem(folder, item.path.name)
    free = next(number for number in count(1) if not exists(edited_name(stem, number), folder))
    move(name, source, edited_name(stem, free), folder)
    message = "{} was edited since it was written; it is kept as {}"
    logger.info(message, readable(item.path.with_name(result_name(stem))), readable(edited_name(stem, free)))
