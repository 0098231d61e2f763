"""The end of a task whose parts were all tried: its result is put together, or the first error is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any

from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, FileCorrupt, WorkerCrashed, from_code
from gradio_app.base.options import format_pages, pages_in
from gradio_app.queue.async_store import Ledger
from gradio_app.queue.faults import resumable
from gradio_app.queue.group_sync import Durable
from gradio_app.queue.retry_policy import CRASH_TRIES
from gradio_app.queue.worker_jobs import Jobs, Parsed
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Shard, Task, failed_pages


class Joiner:
    """Brings tasks to their end."""

    def __init__(self, folders: Folders, ledger: Ledger, jobs: Jobs, durable: Durable) -> None:
        self._durable = durable
        self._folders = folders
        self._ledger = ledger
        self._jobs = jobs

    async def end(self, task: Task, slot: AbstractContextManager[None]) -> Task:
        """The ended task. Raises why there is no result; ``slot`` is held while a worker computes."""
        shards = await self._ledger.must(self._ledger.store.shards, task.id)
        if not any(shard.done for shard in shards):
            raise _first_error(shards)
        if not task.whole:
            return await self._join(task, shards, slot)
        finish = self._ledger.store.finish
        changes = await asyncio.to_thread(self._describe_result, task.id)
        return await self._ledger.must(finish, task.id, task.attempt, TaskStatus.COMPLETED, changes)

    def _describe_result(self, task_id: str) -> dict[str, Any]:
        """Counts and hash of a result on disk: also right when an earlier attempt wrote it."""
        result = self._folders.result(task_id)
        pages = sum(1 for _ in (result / "pages").iterdir())
        digest = sha256((result / "document.md").read_bytes()).hexdigest()
        return {"pages_total": pages, "pages_done": pages, "result_sha256": digest}

    async def _join(self, task: Task, shards: Sequence[Shard], slot: AbstractContextManager[None]) -> Task:
        redone = pages_in(task.redone)
        failed = tuple(page for page in failed_pages(shards) if page not in redone)
        with slot:
            parsed = await self._assemble(task, shards)
        spent = sum(shard.seconds for shard in shards) + parsed.result.seconds
        changes: dict[str, Any] = {
            "result_sha256": parsed.result.sha256,
            "parse_seconds": spent,
            "pages_failed": len(failed),
            "failed_pages": format_pages(failed),
        }
        if redone and not failed:
            changes["pages_done"] = task.pages_total
        if failed:
            error = _first_error(shards)
            changes |= {"error_code": error.code, "error_message": _name_pages(failed, error)}
        out = parsed.folder / "out"
        put_away = self._folders.park_shards if failed else self._folders.drop_shards
        keep = resumable(lambda: self._folders.keep_result(task.id, out), lambda: put_away(task.id))
        status = TaskStatus.PARTIAL if failed else TaskStatus.COMPLETED
        finish = self._ledger.store.finish
        try:
            await self._durable.settle()
            return await self._ledger.must(finish, task.id, task.attempt, status, changes, keep)
        finally:
            await asyncio.shield(self._jobs.drop(parsed))

    async def _assemble(self, task: Task, shards: Sequence[Shard]) -> Parsed:
        for _ in range(CRASH_TRIES - 1):
            try:
                return await self._jobs.assemble(task, shards)
            except WorkerCrashed:
                logger.bind(action="join_again", task=task.id).warning("joining {} again", task.id)
        return await self._jobs.assemble(task, shards)


def _first_error(shards: Sequence[Shard]) -> AppError:
    notes = [shard.error for shard in shards if shard.error]
    return from_code(*json.loads(notes[0])) if notes else FileCorrupt()


def _name_pages(failed: tuple[int, ...], error: AppError) -> str:
    pages = f"Page {failed[0]}" if len(failed) == 1 else f"Pages {format_pages(failed)}"
    return f"{pages} could not be read completely; the rest is there. {error.message}"
