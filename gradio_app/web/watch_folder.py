"""The watch folder: queues its files for their owners and writes each result beside its file.

Stateless on purpose. ``paper.pdf`` is done when ``paper.pdf.result/`` says so for a file of its size and
time; if not, it is submitted under a key made of its path, size and time, which the store knows again after
a restart. So nothing is done twice, and a file that is replaced is done anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from loguru import logger

from gradio_app.base.errors import PASSING, AppError, QuotaExceeded, ShuttingDown
from gradio_app.base.file_types import is_document
from gradio_app.base.files import replace_folder
from gradio_app.base.options import ParseOptions
from gradio_app.store.states import READABLE
from gradio_app.store.task import Task, Upload
from gradio_app.task_manager import TaskManager
from gradio_app.web.uploads import receive_file
from gradio_app.web.zip_stream import members

#: seconds between two scans
INTERVAL = 2.0
#: a file that has not changed for so many scans was copied completely
STILL_SCANS = 2
#: files of the folder that are in the queue at the same time; the rest waits where it is
IN_QUEUE = 100
RESULT = ".result"
RECEIPT = "receipt.json"
#: the owner of what lies in no folder of somebody's, where people sign in
NOBODY = "watch"
#: errors that pass by themselves: the file is tried again
_LATER = (*PASSING, QuotaExceeded, ShuttingDown)


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the folder: its path below it, bytes, and time of the last change in nanoseconds."""

    path: PurePosixPath
    size: int
    mtime: int

    @property
    def key(self) -> str:
        """Under which it is submitted."""
        return f"watch:{self.size}:{self.mtime}:{self.path}"

    def owner(self, everybody: str) -> str:
        """Whose it is: the name of the folder that it lies in, where people sign in."""
        return everybody or (self.path.parts[0] if len(self.path.parts) > 1 else NOBODY)

    def name(self, everybody: str) -> str:
        """What it is called, with the folders that it lies in below its owner's."""
        parts = self.path.parts
        return "/".join(parts if everybody or len(parts) == 1 else parts[1:])


class WatchFolder:
    """Scans ``root`` every ``INTERVAL`` seconds. ``everybody`` owns all files where nobody signs in."""

    def __init__(self, manager: TaskManager, root: Path, everybody: str) -> None:
        self._manager = manager
        self._root = root
        self._everybody = everybody
        self._seen: dict[PurePosixPath, tuple[Found, int]] = {}
        self._tasks: dict[Found, str] = {}

    async def run(self) -> None:
        """Until cancelled. What goes wrong with one file leaves the others alone."""
        while True:
            try:
                await self.scan()
            except Exception as error:
                logger.opt(exception=error).error("a scan of the watch folder failed and is tried again")
            await asyncio.sleep(INTERVAL)

    async def scan(self) -> None:
        """Submits files that are complete, and writes the results of tasks that have ended."""
        found = await asyncio.to_thread(lambda: {item.path: item for item in walk(self._root)})
        still = [item for item in found.values() if self._is_still(item)]
        self._seen = {path: seen for path, seen in self._seen.items() if path in found}
        # of a file that was moved away or replaced the task goes on
        self._tasks = {item: task for item, task in self._tasks.items() if found.get(item.path) == item}
        for item in still:
            if item in self._tasks:
                await self._finish(item, self._tasks[item])
            elif len(self._tasks) < IN_QUEUE:
                await self._take_in(item)

    def _is_still(self, item: Found) -> bool:
        before, scans = self._seen.get(item.path, (item, -1))
        scans = scans + 1 if before == item else 0
        self._seen[item.path] = (item, scans)
        return scans >= STILL_SCANS

    async def _take_in(self, item: Found) -> None:
        manager, owner = self._manager, item.owner(self._everybody)
        try:
            upload = await asyncio.to_thread(self._receive, item)
            try:
                tasks = await manager.submit(owner, [upload], ParseOptions(), item.key)
            finally:
                await asyncio.to_thread(upload.path.unlink, missing_ok=True)
        except _LATER:
            return
        except AppError as error:
            await asyncio.to_thread(self._write, item, "failed", error)
        except OSError as error:
            logger.warning("{} in the watch folder cannot be read: {}", item.path, error.strerror)
        else:
            if tasks:
                self._tasks[item] = tasks[0].id
            else:  # its task was deleted: nobody wants it any more
                await asyncio.to_thread(self._write, item, "deleted")

    def _receive(self, item: Found) -> Upload:
        with open_below(self._root, item.path) as source:
            folders, settings = self._manager.folders, self._manager.settings
            return receive_file(source, item.name(self._everybody), folders.tmp, settings.max_file_size)

    async def _finish(self, item: Found, task_id: str) -> None:
        try:
            task = await self._manager.get(task_id)
        except AppError:
            await asyncio.to_thread(self._write, item, "deleted")
        else:
            if not task.ended:
                return
            await asyncio.to_thread(self._write, item, task.status.value, task.error, task)
        del self._tasks[item]

    def _write(
        self, item: Found, status: str, error: AppError | None = None, task: Task | None = None
    ) -> None:
        """Puts ``NAME.result/`` beside the file, in one step."""
        target = self._root / item.path.with_name(item.path.name + RESULT)
        if not target.parent.resolve().is_relative_to(self._root.resolve()):
            return  # its folder has become a link
        made = target.with_name(f".{target.name}.new")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        if task is not None and task.status in READABLE:
            folders = self._manager.folders
            source = folders.result(task.id)
            for path in members(source):
                copy = made / path.relative_to(source)
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, copy)
        if error is not None:
            (made / "error.txt").write_text(f"{error.message}\n{error.code}\n", "utf-8")
        receipt = {"status": status, "size": item.size, "mtime_ns": item.mtime}
        receipt |= {"task": task.id, **task.receipt()} if task is not None else {}
        (made / RECEIPT).write_text(json.dumps(receipt, indent=1), "utf-8")
        _open_like(self._root, made)
        replace_folder(made, target)


def walk(root: Path) -> Iterator[Found]:
    """Documents below ``root`` that have no result yet; links are not followed, hidden files left alone."""
    for folder, subfolders, names in os.walk(root, onerror=_unreadable):
        visible = (name for name in subfolders if not name.startswith(".") and not name.endswith(RESULT))
        subfolders[:] = sorted(visible)
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith((".", "~$")) or not is_document(name):
                continue
            with contextlib.suppress(OSError):
                info = path.lstat()
                if stat.S_ISREG(info.st_mode) and info.st_size and not _is_done(path, info):
                    relative = PurePosixPath(path.relative_to(root).as_posix())
                    yield Found(relative, info.st_size, info.st_mtime_ns)


def _unreadable(error: OSError) -> None:
    logger.warning("the watch folder cannot be read: {}", error)


def _is_done(path: Path, info: os.stat_result) -> bool:
    try:
        text = (path.with_name(path.name + RESULT) / RECEIPT).read_text("utf-8")
        receipt: dict[str, Any] = json.loads(text)
        return (receipt["size"], receipt["mtime_ns"]) == (info.st_size, info.st_mtime_ns)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _open_like(root: Path, made: Path) -> None:
    """Gives a result the rights of the watch folder: who may read there may read it."""
    mode = stat.S_IMODE(root.stat().st_mode) & 0o777
    for path in (made, *made.rglob("*")):
        path.chmod(mode if path.is_dir() else mode & 0o666)


def open_below(root: Path, path: PurePosixPath) -> IO[bytes]:
    """Opens a plain file below ``root``; ``OSError`` where a link is on the way.

    Who may write into the folder must not make the server read what only the server may.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(root, flags | os.O_DIRECTORY)
    try:
        for part in path.parts[:-1]:
            inner = os.open(part, flags | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        file = os.open(path.name, flags | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{path} is not a file")
    return open(file, "rb")
