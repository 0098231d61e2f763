"""Inspector: has a worker inspect new uploads, then queues them, or completes them from the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from loguru import logger

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import PASSING, AppError, Conflict, NotFound, as_app_error
from gradio_app.base.options import needs_engine
from gradio_app.base.settings import Settings
from gradio_app.queue import scheduler
from gradio_app.queue.async_store import AsyncStore
from gradio_app.queue.containers import PartsIntake
from gradio_app.queue.faults import despite_crashes
from gradio_app.queue.inspection_cache import InspectionCache
from gradio_app.queue.reading_options import cache_key, heads_of
from gradio_app.queue.run import cancel_all
from gradio_app.queue.worker_jobs import JobFolder, WorkerJobs
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Inspection, Task
from gradio_app.workers.interface import Workers

#: files inspected in one job, and the bytes of each at most
MOST_AT_ONCE, SMALL = 8, 2**20
#: seconds that such a job may take, judged by the one before: it is not broken off for another owner's file
LONG_ENOUGH = 0.1


class Inspector:
    """From accepted tasks to queued ones, or completed ones whose content was read before."""

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        store: AsyncStore,
        jobs: WorkerJobs,
        workers: Workers,
        queued: Callable[[Task], None],
    ) -> None:
        self._settings = settings
        self._folders = folders
        self._store = store
        self._jobs = jobs
        self._workers = workers
        self._pool = workers.here
        self._queued = queued
        self._cache = InspectionCache(settings.share_cache)
        self._parts = PartsIntake(settings, folders, store.sync)
        self._wake = asyncio.Event()
        self._current: asyncio.Task[None] | None = None
        #: ids of the files that are being inspected
        self._batch: set[str] = set()
        #: seconds that a worker has spent on them
        self._seconds = 0.0
        self.waiting = scheduler.FairQueue()

    def admit(self, task: Task) -> None:
        """Queues a pending task for inspection."""
        if task.status is TaskStatus.PENDING:
            self.waiting.push(scheduler.entry(task))
            self._wake.set()

    async def run(self) -> None:
        """Inspects files until cancelled: one, and then more at a time as more wait."""
        most = 1
        try:
            while True:
                task_ids = list(self._take(most))
                self._pool.spare = bool(self.waiting)
                if not task_ids:
                    most = 1
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                self._batch, self._seconds = set(task_ids), 0.0
                # a task of its own, so that cancelling one file does not end the loop
                self._current = asyncio.create_task(self._inspect_batch(task_ids))
                await asyncio.wait([self._current])
                self._current = None
                most = next_batch_size(len(task_ids), self._seconds)
        finally:
            if self._current:
                await cancel_all([self._current])

    def _take(self, most: int) -> Iterator[str]:
        for _ in range(most):
            item = self.waiting.peek()
            if item is None:
                return
            self.waiting.discard(item.task_id)
            self.waiting.charge(item.owner, 1)
            yield item.task_id

    async def forget(self, *task_ids: str) -> None:
        """Drops tasks that were cancelled; kills the worker if it inspects one of them right now."""
        for task_id in task_ids:
            self.waiting.discard(task_id)
        if self._current and not self._batch.isdisjoint(task_ids):
            others = self._batch - set(task_ids)
            await cancel_all([self._current])
            # some of the others may be queued in the store only
            for task in await self._store.must(self._store.sync.find_all, others):
                if task.status is TaskStatus.QUEUED:
                    self._queued(task)
                for each in (task, *await self._store.must(self._store.sync.parts, task.id)):
                    self.admit(each)

    async def _inspect_batch(self, task_ids: Sequence[str]) -> None:
        """Inspects files in one job, then one by one what it left: large ones, or all if it failed."""
        if len(task_ids) > 1:
            try:
                await self._inspect(task_ids)
            except Exception as error:
                logger.bind(action="inspect_apart").debug(
                    "{} files are inspected one by one: {}", len(task_ids), error
                )
        for task_id in task_ids:
            if task_id in self._batch:
                await self._inspect_alone(task_id)
                self._batch.discard(task_id)

    async def _inspect_alone(self, task_id: str) -> None:
        """Inspects a file until no fault of the machine is in the way; a failure ends the task."""
        inspect = partial(self._inspect, [task_id])
        await self._store.faults.wait_over()
        try:
            await self._store.faults.outlast(lambda: despite_crashes(inspect, "inspect_again", task_id))
        except PASSING:
            return  # the server stops; at its next start the task is still pending
        except Exception as error:
            known = as_app_error(error)
            if known is not error:
                logger.opt(exception=error).error("inspection of {} failed", task_id)
            await self._store.fail(task_id, known)

    async def _inspect(self, task_ids: Sequence[str]) -> None:
        """One job for all of these. Raises why it failed, or the fault of the machine that a file met."""
        folders: dict[str, JobFolder] = {}  # filled on the store's thread, also when we are cancelled
        engine = self._workers.identity
        try:
            tasks, known = await self._store.do(self._prepare, task_ids, engine, folders)
            await self._publish(known)
            found = await self._jobs.inspect(tasks, folders, engine, self._workers.no_engine)
            self._seconds += sum(each.seconds for each in found if isinstance(each, Inspection))
            planned = await self._store.do(self._plan_all, tasks, engine, found, _private(tasks, folders))
        finally:
            await asyncio.shield(self._jobs.drop(*(folder.path for folder in folders.values())))
        await self._publish(planned)
        for task, each in zip(tasks, found, strict=True):
            if isinstance(each, PASSING):
                raise each
            if isinstance(each, AppError):
                self._batch.discard(task.id)
                await self._store.fail(task.id, each)

    def _prepare(
        self, task_ids: Sequence[str], engine: str, folders: dict[str, JobFolder]
    ) -> tuple[list[Task], list[Task]]:
        """Tasks to inspect, with folders; and those that are planned, as the cache knows their content.

        One with a password is inspected alone: what the worker reads besides may be hostile.
        """
        limit = SMALL if len(task_ids) > 1 else None
        tasks, cached = list[Task](), list[Inspection | AppError]()
        known: list[Task] = []
        for task in self._store.sync.find_all(task_ids):
            password = self._store.sync.password(task.id)
            if task.status is not TaskStatus.PENDING or (limit and (task.size > limit or password)):
                continue
            inspection = self._cache.find(task, engine, self._workers.models_elsewhere)
            if inspection and self._is_prepared(inspection) and not (password or task.prepared):
                known.append(task)
                cached.append(inspection)
            else:
                tasks.append(task)
                folders[task.id] = self._jobs.prepare(task, "inspect", password)
        return tasks, self._plan_all(known, engine, cached)

    def _is_prepared(self, found: Inspection) -> bool:
        return not found.prepared or self._folders.prepared(found.prepared).exists()

    def _plan_all(
        self,
        tasks: Sequence[Task],
        engine: str,
        found: list[Inspection | AppError],
        private: Collection[str] = (),
    ) -> list[Task]:
        """Tasks that go on, and those of the documents in them, all in one write.

        An inspection of more documents than fit becomes the error, in ``found``.
        """
        planned: list[Task] = []
        try:
            with self._store.sync.together(durable=False):
                for number, (task, each) in enumerate(zip(tasks, found, strict=True)):
                    if not isinstance(each, Inspection):
                        continue
                    if refusal := self._parts.refusal(task, each):
                        found[number] = refusal
                        continue
                    with suppress(Conflict, NotFound):  # it was cancelled meanwhile
                        planned += self._plan(task, engine, each, task.id in private)
        except BaseException:
            for each in found:
                if isinstance(each, Inspection):
                    self._parts.drop(each)
            raise
        return planned

    async def _publish(self, tasks: Sequence[Task]) -> None:
        # first in line, then published: between the two somebody may stop us
        if not tasks:
            return
        for task in tasks:
            self._batch.discard(task.id)
            if task.status is TaskStatus.QUEUED:
                self._queued(task)
            self.admit(task)
        self._store.faults.work_succeeded()
        await self._store.publish_all(tasks)

    def _plan(self, task: Task, engine: str, found: Inspection, private: bool) -> list[Task]:
        """Queues the task, or completes it from the result cache; on the store's thread.

        What is ``private`` has no part in the caches, nor has a container: its documents have. With it come
        the tasks of its documents.
        """
        vision, store = needs_engine(found.tier), self._store.sync
        size = self._settings.shard_pages_vlm if vision else self._settings.shard_pages_flash
        facts, done = found.columns, None
        if not (private or found.uploads):
            self._cache.add(task, engine, self._workers.models_elsewhere, found)
            heads = heads_of(task, self._settings.main_content_only)
            reads = engine if vision else self._jobs.readers_above(task, found, engine)
            key = cache_key(task, found, size, heads, reads)
            facts["cache_key"] = key
            done = self._from_cache(task, key, facts) if task.options.use_cache else None
        if done:
            return [done]
        password = store.password(task.id) if found.uploads else ""
        planned = store.plan(task.id, scheduler.cut(found.pages, size, found.scans), task.attempt, **facts)
        return [planned, *(self._parts.add(task, found, password) if found.uploads else ())]

    def _from_cache(self, task: Task, key: str, facts: dict[str, Any]) -> Task | None:
        """Completes a task with a stored result of the same content, if there is one.

        Only with one of the same owner, unless results are shared: else whoever has a file could find out
        that somebody else has sent it before.
        """
        donor = self._store.sync.cached(key, None if self._settings.share_cache else task.owner)
        if donor is None or not self._folders.link_result(donor.id, task.id):
            return None
        now = clock.stamp()
        changes = facts | {
            "pages_total": donor.pages_total,
            "engine": donor.engine,
            "pages_done": donor.pages_done,
            "result_sha256": donor.result_sha256,
            "tier": donor.tier,
            "notes": donor.notes,
            "coverage": donor.coverage,
            "readers": donor.readers,
            "cached": 1,
            "started_at": now,
            "finished_at": now,
        }
        return self._store.sync.move(task.id, TaskStatus.COMPLETED, **changes)


def _private(tasks: Sequence[Task], folders: Mapping[str, JobFolder]) -> set[str]:
    """Ids of those whose upload others who have it may be unable to open."""
    return {task.id for task in tasks if folders[task.id].password or task.prepared}


def next_batch_size(count: int, seconds: float) -> int:
    """Files to inspect in the next job, when the last one took so long for so many: at most twice as many."""
    each = seconds / count
    return max(1, min(2 * count, MOST_AT_ONCE, int(LONG_ENOUGH / each) if each else MOST_AT_ONCE))
