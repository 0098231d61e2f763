"""Watcher: queues the documents of the watch folder for their owners, and has their results written.

Keeps nothing on the disk. ``paper.pdf`` is done when ``paper.pdf.result/`` says so for a file of its size and
time; if not, it is submitted under a key made of its path, size and time, which the store knows again after
a restart. So nothing is done twice, and a file that is replaced is done anew.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from loguru import logger

from gradio_app.base.errors import PASSING, AppError, QuotaExceeded, ShuttingDown
from gradio_app.base.options import ParseOptions
from gradio_app.base.problems import Problem
from gradio_app.store.task import Task, Upload
from gradio_app.task_manager import TaskManager
from gradio_app.web.part_results import results_of
from gradio_app.web.uploads import receive_file
from gradio_app.web.watch_folder.beneath import folder_below
from gradio_app.web.watch_folder.names import key_of, readable
from gradio_app.web.watch_folder.receipt import plain
from gradio_app.web.watch_folder.results import FolderClosed, Outcome, Results
from gradio_app.web.watch_folder.scan import ROOT, Found, Scan, look, owner_of

#: seconds between two scans
INTERVAL = 2.0
#: a file that has not changed for so many scans was copied completely
STILL_SCANS = 2
#: files of an owner that are in the queue at the same time; the rest waits where it is
IN_QUEUE = 100
#: kinds of problems: a folder that cannot be read or written, a file that cannot be
FOLDER, FILE = "watch_folder", "watch_file"
#: seconds until a failure is tried again at first, and at most
FIRST_PAUSE, LAST_PAUSE = 2.0, 60.0
#: errors that pass by themselves: the file is tried again
_LATER = (*PASSING, ShuttingDown)
#: errors of the data folder or of the process while a file is copied
_OF_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class _Changed(Exception):
    """The file was written to while it was copied: it is still to be taken."""


@dataclass(slots=True)
class _Entry:
    """A document without a result: how long it has not changed, its task, its end, and its next try."""

    item: Found
    scans: int = 0
    asked: bool = False
    task: str = ""
    outcome: Outcome | None = None
    pause: float = 0.0
    due: float = 0.0

    def put_off(self, now: float) -> None:
        """Waits longer each time."""
        self.pause = min(LAST_PAUSE, 2 * self.pause or FIRST_PAUSE)
        self.due = now + self.pause


class WatchFolder:
    """Scans ``root`` every ``INTERVAL`` seconds. ``everybody`` owns all files where nobody signs in."""

    def __init__(self, manager: TaskManager, root: Path, everybody: str) -> None:
        self._manager = manager
        self._problems = manager.problems
        self._root = root
        self._results = Results(root)
        self._everybody = everybody
        self._entries: dict[PurePosixPath, _Entry] = {}
        self._device = 0
        #: folders with a problem, and whether only a result that is written proves its end
        self._closed: dict[PurePosixPath, bool] = {}
        #: owners whose queue is full, in this scan; ``None``: nobody's files are taken in
        self._full: set[str | None] = set()
        self._in_queue: Counter[str] = Counter()

    async def run(self) -> None:
        """Until cancelled. What goes wrong with one file leaves the others alone."""
        while True:
            await self.scan()
            await asyncio.sleep(INTERVAL)

    async def scan(self) -> None:
        """Submits files that are complete, and writes the results of tasks that have ended."""
        before = self._problems.version
        try:
            await self._scan()
        except Exception as error:
            logger.opt(exception=error).error("a scan of the watch folder failed and is tried again")
        if self._problems.version != before:
            await self._manager.store.notify()

    async def _scan(self) -> None:
        try:
            scan = await asyncio.to_thread(look, self._root)
            if scan.empty and self._device and scan.device != self._device:
                raise OSError(errno.ENODEV, "It is empty and on another disk than before")
        except OSError as error:
            self._close(ROOT, f"cannot be read ({_words(error)}). Mount it again, or give back its rights")
            return
        self._device = scan.device
        self._note_folders(scan)
        ready = [entry for entry in self._follow(scan) if time.monotonic() >= entry.due]
        self._full = set()
        self._in_queue = Counter(
            entry.item.owner(self._everybody)
            for entry in self._entries.values()
            if entry.task and not entry.outcome
        )
        tasks = await self._tasks_of(ready)
        for entry in ready:
            try:
                await self._advance(entry, tasks)
            except Exception as error:
                self._fail(entry, error)

    async def _tasks_of(self, entries: Iterable[_Entry]) -> dict[str, Task]:
        ids = [entry.task for entry in entries if entry.task]
        return {task.id: task for task in await self._manager.find_all(ids)} if ids else {}

    # ------------------------------------------------------------ what a scan has seen

    def _follow(self, scan: Scan) -> list[_Entry]:
        """The entries of files that have not changed for some scans.

        The task of a file that was moved away or replaced goes on, and its result is not written.
        """
        kept = {path: entry for path, entry in self._entries.items() if not scan.covers(path)}
        for path, item in scan.found.items():
            entry = self._entries.get(path)
            if entry is None or entry.item != item:
                entry = _Entry(item)
            else:
                entry.scans += 1
            kept[path] = entry
        self._entries = kept
        self._problems.forget(FILE, {key_of(path) for path in kept})
        return [kept[path] for path in scan.found if kept[path].scans >= STILL_SCANS]

    def _note_folders(self, scan: Scan) -> None:
        waiting = {entry.item.path.parent for entry in self._entries.values() if entry.outcome}
        for path, proved_by_writing in list(self._closed.items()):
            if path in scan.unread or path in scan.unwritable or (proved_by_writing and path in waiting):
                continue
            self._mend(path)
        for path, error in scan.unread.items():
            self._close(
                path, f"cannot be read ({_words(error)}). Give the service's user the right to read it"
            )
        for path in scan.unwritable:
            self._close(path, "cannot be written. Give the service's user the right to write there")

    def _close(self, path: PurePosixPath, sentence: str, proved_by_writing: bool = False) -> None:
        self._closed[path] = proved_by_writing
        name = readable(str(self._root / path))
        message = f"The watch folder {name} {sentence}; what waits there then goes on by itself."
        self._problems.report(Problem(FOLDER, key_of(path), self._owner(path / "_"), message))

    def _mend(self, path: PurePosixPath) -> None:
        del self._closed[path]
        for entry in self._entries.values():
            if entry.item.path.parent == path:
                entry.pause = entry.due = 0.0
        message = f"The watch folder {readable(str(self._root / path))} can be used again."
        self._problems.mend(FOLDER, key_of(path), message)

    def _owner(self, path: PurePosixPath) -> str:
        return owner_of(path, self._everybody)

    # ------------------------------------------------------------ one document

    async def _advance(self, entry: _Entry, tasks: Mapping[str, Task]) -> None:
        """The next step of a document, if the time for it has come."""
        proved_by_writing = self._closed.get(entry.item.path.parent)
        if proved_by_writing is False or (proved_by_writing and not (entry.outcome and entry.due)):
            return
        if not entry.task and not entry.outcome:
            await self._take_in(entry)
        elif entry.task:
            task = tasks.get(entry.task)
            if task is None:  # nobody wants it any more
                entry.outcome = Outcome("deleted")
            elif task.ended:
                parts = await self._manager.parts(task.id)
                entry.outcome = Outcome(task.status.value, task.error, task, parts)
        if entry.outcome:
            await self._write(entry, entry.outcome)

    async def _take_in(self, entry: _Entry) -> None:
        manager, item, owner = self._manager, entry.item, entry.item.owner(self._everybody)
        if not entry.asked:
            known = await manager.submitted(owner, item.key)
            entry.asked = True
            if known is not None:
                self._accepted(entry, known)
        if entry.task or entry.outcome or self._in_queue[owner] >= IN_QUEUE or self._full & {None, owner}:
            return
        # before the file is copied
        await manager.check_room(owner, 1)
        upload = await asyncio.to_thread(self._receive, item)
        try:
            if await asyncio.to_thread(self._results.refresh, item, upload.sha256):
                self._done(entry)
            else:
                self._accepted(entry, await manager.submit(owner, [upload], ParseOptions(), item.key))
        finally:
            await asyncio.to_thread(upload.path.unlink, missing_ok=True)

    def _accepted(self, entry: _Entry, tasks: Sequence[Task]) -> None:
        if tasks:
            entry.task = tasks[0].id
            self._in_queue[tasks[0].owner] += 1
        else:  # its task was deleted: nobody wants it any more
            entry.outcome = Outcome("deleted")
        self._problems.mend(FILE, key_of(entry.item.path), f"{readable(entry.item.path)} was taken in.")

    def _receive(self, item: Found) -> Upload:
        folders, settings = self._manager.folders, self._manager.settings
        with folder_below(self._root, item.path.parent) as folder, plain(item.path.name, folder) as file:
            _check_same(file, item)
            with open(file, "rb", closefd=False) as source:
                upload = receive_file(source, item.name(self._everybody), folders.tmp, settings.max_file_size)
            try:
                _check_same(file, item)
            except _Changed:
                upload.path.unlink()
                raise
        return upload

    async def _write(self, entry: _Entry, outcome: Outcome) -> None:
        await asyncio.to_thread(self._write_now, entry.item, outcome)
        folder = entry.item.path.parent
        self._done(entry)
        if folder in self._closed:
            self._mend(folder)

    def _write_now(self, item: Found, outcome: Outcome) -> None:
        folders, task = self._manager.folders, outcome.task
        sources = results_of(folders, task, outcome.parts) if task else []
        self._results.write(item, outcome, sources)

    def _done(self, entry: _Entry) -> None:
        path = entry.item.path
        del self._entries[path]
        self._problems.mend(FILE, key_of(path), f"{readable(path)} has its result now.")

    # ------------------------------------------------------------ what goes wrong

    def _fail(self, entry: _Entry, error: Exception) -> None:
        """Notes why a step was not done, and when it is tried again. Other documents are not concerned."""
        item = entry.item
        if isinstance(error, _Changed):
            entry.scans = 0
        elif isinstance(error, QuotaExceeded):
            self._full.add(item.owner(self._everybody))
        elif isinstance(error, _LATER):
            self._full.add(None)
        elif isinstance(error, AppError):
            entry.outcome = Outcome("failed", error)
        else:
            entry.put_off(time.monotonic())
            self._put_off(item, error)

    def _put_off(self, item: Found, error: Exception) -> None:
        name, place = readable(item.path), key_of(item.path)
        if isinstance(error, FolderClosed):
            sentence = f"cannot be written ({_words(error)}). Make room, or mount it again"
            self._close(item.path.parent, sentence, proved_by_writing=True)
            return
        if isinstance(error, OSError) and error.errno in _OF_MACHINE:
            self._full.add(None)
            return
        if not isinstance(error, OSError) and not self._problems.has(FILE, place):
            logger.opt(exception=error).error("{} in the watch folder met an error", name)
        message = f"{name} in the watch folder is put off: {_words(error)}. It is tried again."
        self._problems.report(Problem(FILE, place, item.owner(self._everybody), message))


def _words(error: Exception) -> str:
    """What an error says, without the path in it."""
    words = (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
    return readable(words)


def _check_same(file: int, item: Found) -> None:
    info = os.fstat(file)
    if (info.st_size, info.st_mtime_ns) != (item.size, item.mtime):
        raise _Changed
