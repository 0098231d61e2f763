"""The first look that a worker takes at each file: what it is, and whether it is done already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from loguru import logger

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import PASSING, Conflict, NotFound, WorkerCrashed, as_app_error
from gradio_app.base.options import VISION_TIERS
from gradio_app.base.settings import Settings
from gradio_app.queue import scheduler
from gradio_app.queue.async_store import Ledger
from gradio_app.queue.inspection_cache import Seen
from gradio_app.queue.worker_jobs import Found, Jobs, Work, cache_key
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Task
from gradio_app.workers.interface import Workers

#: how often a file whose inspection crashed is looked at before the file is blamed
CRASH_TRIES = 3
#: how many files up to this many bytes are looked at in one job, when so many wait
MOST_AT_ONCE, SMALL = 8, 2**20
#: ... as long as that takes so many seconds, judged by the job before. One job for many saves milliseconds a
#: file: much where a look takes ten, little where it takes eighty. All are told at its end, and a file that
#: somebody else sends waits till then, while those of one who has sent many are begun
LONG_ENOUGH = 0.1


class Looking:
    """From accepted tasks to those that are queued, or done because their content was read before."""

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        ledger: Ledger,
        jobs: Jobs,
        workers: Workers,
        queued: Callable[[Task], None],
    ) -> None:
        self._settings = settings
        self._folders = folders
        self._ledger = ledger
        self._jobs = jobs
        self._workers = workers
        self._queued = queued
        self._seen = Seen()
        self._wake = asyncio.Event()
        self._current: asyncio.Task[None] | None = None
        #: those that are looked at right now
        self._left: dict[str, scheduler.Entry] = {}
        #: how long they took a worker so far
        self._seconds = 0.0
        self.waiting = scheduler.FairQueue()

    def admit(self, task: Task) -> None:
        """Queues a pending task for inspection."""
        if task.status is TaskStatus.PENDING:
            self.waiting.push(
                scheduler.entry(task.id, task.owner, 1, task.options.priority, task.created_at, task.seq)
            )
            self._wake.set()

    async def run(self) -> None:
        """Looks at files, fairly among owners, until cancelled: one, and then more at a time as more wait.

        Not more than are quick: a job is not broken off for somebody whose file comes meanwhile.
        """
        most = 1
        try:
            while True:
                self._left = {item.task_id: item for item in self._take(most)}
                self._workers.here.spare = bool(self.waiting)
                if not self._left:
                    most = 1
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                count, self._seconds = len(self._left), 0.0
                # a task of its own, so that cancelling one file does not end the loop
                self._current = asyncio.create_task(self._look_at(list(self._left)))
                await asyncio.wait([self._current])
                self._current = None
                most = how_many(count, self._seconds)
        finally:
            if self._current:
                await self._stop(self._current)

    def _take(self, most: int) -> Iterator[scheduler.Entry]:
        for _ in range(most):
            item = self.waiting.peek()
            if item is None:
                return
            self.waiting.discard(item.task_id)
            self.waiting.charge(item.owner, 1)
            yield item

    async def forget(self, *task_ids: str) -> None:
        """Drops tasks that were cancelled; kills the worker if it looks at one of these right now."""
        for task_id in task_ids:
            self.waiting.discard(task_id)
        left = self._left
        if self._current and any(task_id in left for task_id in task_ids):
            await self._stop(self._current)
            await self._look_later([each for each in left if each not in task_ids])

    async def _look_later(self, task_ids: Sequence[str]) -> None:
        """Those that lost their look because of another. Some may be sorted in, and nobody was told."""
        store = self._ledger.store
        found = await self._ledger.must(lambda: [task for each in task_ids if (task := store.find(each))])
        for task in found:
            if task.status is TaskStatus.QUEUED:
                self._queued(task)
            self.admit(task)

    async def _stop(self, job: asyncio.Task[None]) -> None:
        job.cancel()
        await asyncio.wait([job])

    async def _look_at(self, task_ids: Sequence[str]) -> None:
        if len(task_ids) > 1:
            await self._look_together(task_ids)
        for task_id in list(self._left):
            await self._look(task_id)
            self._left.pop(task_id, None)

    async def _look_together(self, task_ids: Sequence[str]) -> None:
        """Looks at small files in one job. What is odd with one of them is found out when it is alone."""
        laid_out: dict[str, Work] = {}
        try:
            engine = self._workers.identity
            tasks, known = await self._ledger.do(self._lay_out_all, task_ids, engine, laid_out)
            if known:
                await self._tell(known)
            found = await self._jobs.inspect_all(tasks, laid_out, engine, self._workers.no_engine)
            self._seconds += sum(what[0].seconds for what in found if what)
            queued = await self._ledger.do(self._sort_in_all, tasks, engine, found, laid_out)
        except Exception as error:
            logger.bind(action="inspect_apart").debug(
                "{} files are looked at alone: {}", len(task_ids), error
            )
            return
        finally:
            for work in laid_out.values():
                await asyncio.shield(self._jobs.drop(work))
        await self._tell(queued)

    def _lay_out_all(
        self, task_ids: Sequence[str], engine: str, laid_out: dict[str, Work]
    ) -> tuple[list[Task], list[Task]]:
        """Those to look at, and those that are sorted in as their content was looked at before."""
        store = self._ledger.store
        found = [task for each in task_ids if (task := store.find(each))]
        waiting = [task for task in found if task.size <= SMALL and task.status is TaskStatus.PENDING]
        known = [self._seen.find(task, engine, self._workers.models_elsewhere) for task in waiting]
        tasks = [task for task, what in zip(waiting, known, strict=True) if what is None]
        for task in tasks:
            laid_out[task.id] = self._jobs.lay_out(task, "inspect")
        return tasks, self._sort_in_each(waiting, engine, known)

    def _sort_in_all(
        self, tasks: Sequence[Task], engine: str, found: Sequence[Found | None], laid_out: dict[str, Work]
    ) -> list[Task]:
        done = self._sort_in_each(tasks, engine, found)
        for work in laid_out.values():
            self._folders.drop_work(work.folder)
        laid_out.clear()
        return done

    def _sort_in_each(self, tasks: Sequence[Task], engine: str, found: Sequence[Found | None]) -> list[Task]:
        done: list[Task] = []
        with self._ledger.store.together(durable=False):
            for task, what in zip(tasks, found, strict=True):
                if what is not None:
                    with suppress(Conflict, NotFound):  # it was cancelled meanwhile
                        done.append(self._sort_in(task, engine, what))
        return done

    async def _tell(self, tasks: Sequence[Task]) -> None:
        # first in line, then told: between the two somebody may stop us
        for task in tasks:
            self._left.pop(task.id, None)
            if not task.ended:
                self._queued(task)
        self._ledger.trouble.worked()
        await self._ledger.all_moved(tasks)

    async def _look(self, task_id: str) -> None:
        while True:
            await self._ledger.trouble.over()
            try:
                return await self._look_once(task_id)
            except Exception as error:
                told = as_app_error(error)
                if not isinstance(told, PASSING):
                    if told is not error:
                        logger.opt(exception=error).error("inspection of {} failed", task_id)
                    return await self._ledger.fail(task_id, told)
                if self._ledger.closing:
                    return  # it is still pending at the next start
                self._ledger.trouble.note(told)

    async def _look_once(self, task_id: str) -> None:
        laid_out: list[Work] = []  # filled and emptied on the store's thread, also when we are cancelled
        try:
            engine = self._workers.identity
            task = await self._ledger.do(self._lay_out, task_id, engine, laid_out)
            if not laid_out:
                return await self._tell([task])
            found = await self._inspect(task, laid_out[0], engine)
            self._seconds += found[0].seconds

            def sort_in() -> Task:
                sorted_in = self._sort_in(task, engine, found)
                self._folders.drop_work(laid_out.pop().folder)
                return sorted_in

            queued = await self._ledger.do(sort_in)
        finally:
            for work in laid_out:
                await asyncio.shield(self._jobs.drop(work))
        await self._tell([queued])

    def _lay_out(self, task_id: str, engine: str, laid_out: list[Work]) -> Task:
        """The task with a folder for the look at it; without one it is sorted in, as it is known."""
        task = self._ledger.store.get(task_id)
        if known := self._seen.find(task, engine, self._workers.models_elsewhere):
            return self._sort_in(task, engine, known)
        laid_out.append(self._jobs.lay_out(task, "inspect"))
        return task

    async def _inspect(self, task: Task, work: Work, engine: str) -> Found:
        reason = self._workers.no_engine
        for _ in range(CRASH_TRIES - 1):
            try:
                return await self._jobs.inspect(task, work, engine, reason)
            except WorkerCrashed:
                logger.bind(action="inspect_again", task=task.id).warning("inspecting {} again", task.id)
        return await self._jobs.inspect(task, work, engine, reason)

    def _sort_in(self, task: Task, engine: str, what: Found) -> Task:
        """Queues the task, or completes it from the cache; on the store's thread."""
        self._seen.note(task, engine, self._workers.models_elsewhere, what)
        found, pages = what
        vision = found.tier in VISION_TIERS
        size = self._settings.shard_pages_vlm if vision else self._settings.shard_pages_flash
        key = cache_key(task, found, pages, size, engine if vision else "")
        facts: dict[str, Any] = {
            "kind": found.kind,
            "tier": found.tier,
            "parse_mode": found.parse_mode,
            "parser_version": found.parser_version,
            "source_pages": found.pages_total,
            "pages_total": len(pages) or 1,
            "cache_key": key,
        }
        done = self._from_cache(task, key, facts) if task.options.use_cache else None
        return done or self._ledger.store.plan(task.id, scheduler.cut(pages, size), **facts)

    def _from_cache(self, task: Task, key: str, facts: dict[str, Any]) -> Task | None:
        """Completes a task with a stored result of the same content, if there is one."""
        donor = self._ledger.store.cached(key)
        if donor is None or not self._folders.link_result(donor.id, task.id):
            return None
        now = clock.stamp()
        changes = facts | {
            "pages_total": donor.pages_total,
            "engine": donor.engine,
            "pages_done": donor.pages_done,
            "result_sha256": donor.result_sha256,
            "cached": 1,
            "started_at": now,
            "finished_at": now,
        }
        return self._ledger.store.move(task.id, TaskStatus.COMPLETED, **changes)


def how_many(count: int, seconds: float) -> int:
    """Files to look at in the next job, when the last one took so long for so many: at most twice as many."""
    each = seconds / count
    return max(1, min(2 * count, MOST_AT_ONCE, int(LONG_ENOUGH / each) if each else MOST_AT_ONCE))
