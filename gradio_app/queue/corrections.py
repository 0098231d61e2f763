"""Corrections of blocks: what a person edits replaces the result of its document in one step."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import Conflict, NotFound, WorkerCrashed
from gradio_app.queue.async_store import AsyncStore
from gradio_app.queue.faults import resumable
from gradio_app.queue.group_sync import GroupSync
from gradio_app.queue.worker_jobs import Parsed, WorkerJobs
from gradio_app.store.states import READABLE
from gradio_app.store.task import Task


@dataclass(frozen=True)
class Cell:
    """A cell of a table. ``fixed``: it holds more than text, and cannot be corrected."""

    text: str
    rows: int
    columns: int
    head: bool
    fixed: bool


@dataclass(frozen=True)
class Said:
    """What of a block can be corrected; None where it cannot. Level 0 is a paragraph."""

    text: str | None
    level: Annotated[int, Field(ge=0, le=6)] | None
    cells: list[list[Cell]] | None


@dataclass(frozen=True)
class Block(Said):
    """A block as it is now, and as it was read (None: as it is)."""

    type: Annotated[str, Field(max_length=100)]
    original: Said | None


_BLOCK = TypeAdapter(Block)


class Corrections:
    """Lives on the server's event loop. Bytes of a document are read and written in workers only."""

    def __init__(self, folders: Folders, store: AsyncStore, jobs: WorkerJobs) -> None:
        self._folders = folders
        self._store = store
        self._jobs = jobs
        self._disk = GroupSync(folders.tmp)

    async def block(self, task_id: str, page: int, block: int) -> tuple[int, Block]:
        """A block (its index on ``page``, from 1), and the revision of its document at which it is so.

        Raises ``Conflict`` for a document that has not ended, ``NotFound``, and what befell the worker.
        """
        task = await self._store.get(task_id)
        _check(task)
        answer = await self._jobs.read_block(task, page, block)
        await self._store.do(
            self._store.sync.check_unchanged, task
        )  # it may have been read from the next result
        try:
            return task.rev, _BLOCK.validate_python(answer)
        except ValidationError:
            raise WorkerCrashed() from None

    async def correct(
        self, task_id: str, page: int, block: int, rev: int, change: Mapping[str, Any] | None
    ) -> Task:
        """The document with a block corrected (``text``, ``level``, ``cells``), or as it was read (None).

        ``rev`` is the revision that was looked at. Nothing is changed by a refusal: ``Conflict`` when the
        document has changed since or has not ended, ``NotFound``, ``OptionInvalid``, what befell the worker.
        """
        task = await self._store.get(task_id)
        _check(task)
        if task.rev != rev:
            raise Conflict("The document has changed meanwhile. Look at it again, then correct it.")
        parsed = await self._jobs.correct_block(task, page, block, change)
        try:
            return await self._put(task, parsed)
        finally:
            await asyncio.shield(self._jobs.drop(parsed.folder))

    async def _put(self, task: Task, parsed: Parsed) -> Task:
        await self._jobs.put_notes(parsed, task.findings.notes)
        await self._disk.sync()
        store = self._store.sync
        changed = await self._store.commit(
            partial(store.withdraw, task),
            resumable(partial(self._folders.put_result, task.id, parsed.folder / "out")),
            partial(store.amend, task, task.status, {"result_sha256": parsed.result.sha256}),
        )
        await self._store.notify()
        return changed


def _check(task: Task) -> None:
    if task.redo_of:
        raise Conflict("This is a second reading of a page. Keep it first, then correct the document.")
    if task.status not in READABLE:
        raise Conflict(f"The document is {task.status}. It can be corrected when it is done.")
    if not task.result_sha256:
        raise NotFound("This document has no text of its own. Correct the documents in it.")
