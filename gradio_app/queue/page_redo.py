"""Page redo: reads one page again in a task of its own, then puts that page into the document or drops it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import Conflict, NotFound, PageRangeInvalid
from gradio_app.base.findings import Findings, joined
from gradio_app.base.notes import combined
from gradio_app.base.options import ParseOptions, format_pages, pages_in, select_pages
from gradio_app.base.page_runs import others
from gradio_app.queue.async_store import AsyncStore
from gradio_app.queue.faults import resumable
from gradio_app.queue.group_sync import GroupSync
from gradio_app.queue.worker_jobs import Parsed, WorkerJobs
from gradio_app.store.states import READABLE, TaskStatus
from gradio_app.store.task import Task, Upload


class PageRedo:
    """Second readings of pages: begins them, and puts them into their documents."""

    def __init__(
        self,
        folders: Folders,
        store: AsyncStore,
        jobs: WorkerJobs,
        check_room: Callable[[str, int], Awaitable[None]],
        admit: Callable[[Task], None],
    ) -> None:
        self._folders = folders
        self._store = store
        self._jobs = jobs
        self._check_room = check_room
        self._admit = admit
        self._disk = GroupSync(folders.tmp)
        # two pages that went into one document at once would each lack the other
        self._one_at_a_time = asyncio.Lock()

    async def begin(self, task_id: str, page: int, tier: str, ocr_mode: str) -> Task:
        """The task that reads page ``page`` (from 1) of a document again; the same one if it is under way.

        Raises ``PageRangeInvalid``, ``OptionInvalid``, ``QuotaExceeded``, or ``Conflict`` with what runs.
        """
        task = await self._store.get(task_id)
        kept = task.options
        options = ParseOptions.checked(tier, str(page), ocr_mode, kept.priority, False, kept.keep_headers)
        _check(task, page)
        await self._check_room(task.owner, 1)
        second, new = await self._store.do(self._add, task, page, options)
        if new:
            self._admit(second)
            await self._store.notify()
        return second

    def _add(self, task: Task, page: int, options: ParseOptions) -> tuple[Task, bool]:
        # on the store's thread: nothing can come between the query and the write
        store = self._store.sync
        store.get(task.id)
        for known in store.second_readings(task.id):
            if known.redo_page == page and not known.ended and known.options == options:
                return known, False
        upload = Upload(self._folders.source(task.source), task.source, task.size, task.name, task.folder)
        if not upload.path.exists():
            raise NotFound("The uploaded file is gone. Send it again.")
        # an encrypted upload cannot be read again, and what is read is the same as before
        known = task.prepared if self._folders.prepared(task.prepared).is_file() else ""
        again = {"redo_of": task.id, "redo_page": page, "kind": task.kind, "prepared": known}
        second = Task.new(task.owner, upload, options, **again)
        return store.add([second])[0], True

    async def keep(self, task_id: str) -> Task:
        """Puts the page that this task has read into its document, and returns the document.

        Raises ``Conflict`` when there is no page to put, or when the document is being read itself.
        """
        async with self._one_at_a_time:
            second = await self._store.get(task_id)
            if not second.redo_of:
                raise Conflict("This task is a document of its own: there is nothing to put it into.")
            if second.status is not TaskStatus.COMPLETED:
                raise Conflict(f"The page was not read: the task is {second.status}.")
            task = await self._store.get(second.redo_of)
            _check(task, second.redo_page)
            parsed = await self._jobs.replace_page(task, second)
            try:
                return await self._put(task, second, parsed)
            finally:
                await asyncio.shield(self._jobs.drop(parsed.folder))

    async def _put(self, task: Task, second: Task, parsed: Parsed) -> Task:
        page, out, store = second.redo_page, parsed.folder / "out", self._store.sync
        status, changes = _changes(task, page, parsed.result.sha256)
        found = await asyncio.to_thread(_findings, task, second, parsed.result.findings)
        changes |= found.columns
        if found.tier and status is TaskStatus.COMPLETED:
            changes["tier"] = found.tier
        await self._jobs.put_notes(parsed, found.notes)
        await self._disk.sync()
        amended = await self._store.commit(
            partial(store.withdraw, task),
            resumable(
                partial(self._folders.put_redone, task.id, page, second.id),
                partial(self._folders.put_result, task.id, out),
            ),
            partial(store.amend, task, status, changes),
        )
        return await self._store.publish(amended)


def _check(task: Task, page: int) -> None:
    if task.redo_of:
        raise Conflict("This is a second reading itself. Read the page of its document again.")
    if task.status not in READABLE:
        raise Conflict(f"The document is {task.status}. Pages can be read again when it is done.")
    if not task.parse_mode:
        raise PageRangeInvalid("A document of this kind has no pages that could be read one by one.")
    if page not in select_pages(task.options.page_range, task.source_pages):
        raise PageRangeInvalid(f"Page {page} is not among those of this document.")


def _findings(task: Task, second: Task, whole: Findings) -> Findings:
    """Those of the document with the page of ``second`` in it; ``whole`` are of the job that put it there."""
    page, new = second.redo_page, second.findings
    # a note on the whole of a second reading is one on its only page; the document was prepared before
    notes = (note for note in new.notes if note not in second.preparing.notes)
    new = replace(new, notes=tuple(replace(note, pages=str(page)) for note in notes))
    old = task.findings.within(others([(page, page)]))
    coverage = whole.coverage
    if coverage is None:  # how many words each page has is not known any more
        coverage = combined([(old.coverage, max(1, task.pages_total) - 1), (new.coverage, 1)])
    return replace(joined([task.preparing, old, new, whole]), coverage=coverage)


def _changes(task: Task, page: int, sha256: str) -> tuple[TaskStatus, dict[str, Any]]:
    """The new status of a document, and the columns that change."""
    redone = {page, *pages_in(task.redone)}
    failed = tuple(each for each in pages_in(task.failed_pages) if each != page)
    changes: dict[str, Any] = {
        "redone": format_pages(tuple(sorted(redone))),
        "result_sha256": sha256,
        "failed_pages": format_pages(failed),
        "pages_failed": len(failed),
        "pages_done": max(task.pages_done, task.pages_total - len(failed)),
    }
    if task.status is TaskStatus.PARTIAL and not failed:
        return TaskStatus.COMPLETED, changes | {"error_code": None, "error_message": None}
    return task.status, changes
