"""Assembly: joins the shards of a task into its result, or ends the task with the first error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, FileCorrupt, from_code
from gradio_app.base.findings import Findings, joined
from gradio_app.base.options import format_pages, pages_in
from gradio_app.base.page_runs import Runs, others, runs_in, runs_of, shared
from gradio_app.queue.async_store import AsyncStore
from gradio_app.queue.faults import despite_crashes, resumable
from gradio_app.queue.group_sync import GroupSync
from gradio_app.queue.worker_jobs import Parsed, WorkerJobs
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Shard, Task, failed_pages, readings


class Assembly:
    """Ends tasks whose shards were all tried."""

    def __init__(self, folders: Folders, store: AsyncStore, jobs: WorkerJobs, disk: GroupSync) -> None:
        self._disk = disk
        self._folders = folders
        self._store = store
        self._jobs = jobs

    async def end(self, task: Task, slot: AbstractContextManager[None]) -> Task:
        """The ended task. Raises why there is no result; ``slot`` is held while a worker computes."""
        shards = await self._store.shards(task.id)
        if not any(shard.done for shard in shards):
            raise _first_error(shards)
        with slot:
            join = partial(self._jobs.assemble, task, shards)
            parsed = await despite_crashes(join, "join_again", task.id)
        try:
            result = parsed.result
            kept = runs_in(result.kept)
            findings = await asyncio.to_thread(_findings, task, shards, result.findings, kept)
            await self._jobs.put_notes(parsed, findings.notes)
            await self._disk.sync()
            return await self._commit(task, shards, parsed, findings)
        finally:
            await asyncio.shield(self._jobs.drop(parsed.folder))

    async def _commit(self, task: Task, shards: Sequence[Shard], parsed: Parsed, findings: Findings) -> Task:
        redone = pages_in(task.redone)
        failed = tuple(page for page in failed_pages(shards) if page not in redone)
        changes: dict[str, Any] = {
            "result_sha256": parsed.result.sha256,
            "parse_seconds": sum(shard.seconds for shard in shards) + parsed.result.seconds,
            "pages_failed": len(failed),
            "failed_pages": format_pages(failed),
            "finished_at": clock.stamp(),
            **findings.columns,
        }
        if redone and not failed:
            changes["pages_done"] = task.pages_total
        if failed:
            error = _first_error(shards)
            changes |= {"error_code": error.code, "error_message": _name_pages(failed, error)}
        elif findings.tier:
            changes["tier"] = findings.tier
        status = TaskStatus.PARTIAL if failed else TaskStatus.COMPLETED
        shelve = self._folders.park_shards if failed else self._folders.drop_shards
        keep = partial(self._folders.put_result, task.id, parsed.folder / "out")
        store = self._store.sync
        return await self._store.commit(
            partial(store.check_current, task.id, task.attempt),
            resumable(keep, partial(shelve, task.id)),
            lambda: store.move(task.id, status, **changes),
        )


def _findings(task: Task, shards: Sequence[Shard], whole: Findings, kept: Runs) -> Findings:
    """Those of each page from the reading that counts, and of the ``whole`` from the job that joined it.

    Of pages that are ``kept`` the first reading counts.
    """
    redone = runs_in(task.redone)
    pages: dict[int, list[int]] = {}
    before = readings([shard for shard in shards if not task.climbs(shard)])
    for page, shard in readings(shards).items():
        counted = before[page] if page in before and shared(kept, ((page, page),)) else shard
        pages.setdefault(counted.index, []).append(page)
    parts = [task.preparing, task.findings.about(redone), whole]
    for shard in shards:
        if counted := pages.get(shard.index):
            runs = shared(runs_of(counted), others(redone))
            parts.append(shard.findings.within(runs, len(counted) / len(shard.pages)))
    return joined(parts, whole.coverage)


def _first_error(shards: Sequence[Shard]) -> AppError:
    notes = [shard.error for shard in shards if shard.error]
    return from_code(*json.loads(notes[0])) if notes else FileCorrupt()


def _name_pages(failed: tuple[int, ...], error: AppError) -> str:
    pages = f"Page {failed[0]}" if len(failed) == 1 else f"Pages {format_pages(failed)}"
    return f"{pages} could not be read completely; the rest is there. {error.message}"
