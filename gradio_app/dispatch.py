"""Tasks that run: which shard gets the next slot, and how a task is joined, stopped or given back."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from loguru import logger

from gradio_app import schedule
from gradio_app.errors import (
    AppError,
    Conflict,
    FileCorrupt,
    NotFound,
    WorkerCrashed,
    as_app_error,
    from_code,
)
from gradio_app.folders import Folders
from gradio_app.jobs import Jobs, Parsed
from gradio_app.ledger import Ledger
from gradio_app.settings import Settings
from gradio_app.states import TaskStatus
from gradio_app.store import Superseded
from gradio_app.task import Shard, Task

#: how often a part whose worker crashed is tried before the document is blamed
CRASH_TRIES = 3
#: key of the job that joins a task, among its shards in flight
_JOIN = -1


@dataclass(slots=True)
class Run:
    """A task that is being processed: shards not started yet, and jobs in flight by shard index.

    ``working`` are those that hold a slot: while one's result is being stored, its worker goes on with
    the next.
    """

    task: Task
    entry: schedule.Entry
    todo: deque[Shard] = field(default_factory=deque[Shard])
    in_flight: dict[int, asyncio.Task[None]] = field(default_factory=dict[int, "asyncio.Task[None]"])
    working: set[int] = field(default_factory=set[int])
    tries: dict[int, int] = field(default_factory=dict[int, int])
    begun: asyncio.Event = field(default_factory=asyncio.Event)


class Dispatcher:
    """Keeps as many shards in flight as there are slots. The processing lock admits one dispatcher."""

    def __init__(self, settings: Settings, folders: Folders, ledger: Ledger, jobs: Jobs) -> None:
        self._slots = settings.workers
        self._folders = folders
        self._ledger = ledger
        self._jobs = jobs
        self._wake = asyncio.Event()
        self.processing_lock = asyncio.Lock()
        self.queue = schedule.FairQueue()
        self.runs: dict[str, Run] = {}
        self.rates: dict[str, float] = {}
        self.pages_parsed = 0
        self.paused = False

    def admit(self, task: Task) -> None:
        """Puts a queued task in line."""
        self.queue.push(
            schedule.entry(
                task.id, task.owner, task.page_weight, task.options.priority, task.created_at, task.seq
            )
        )
        self.wake()

    def wake(self) -> None:
        """Looks again whether something can start."""
        self._wake.set()

    async def run(self) -> None:
        """Hands out slots until cancelled."""
        async with self.processing_lock:
            while True:
                while (item := self._next()) is not None:
                    await self._launch(item)
                self._wake.clear()
                await self._wake.wait()

    def _next(self) -> schedule.Entry | None:
        """Who gets a slot now: the fair next one; or a short document when long ones hold all slots."""
        if self.paused or self._ledger.closing:
            return None
        busy = [run.entry for run in self.runs.values() for _ in run.working]
        if len(busy) < self._slots:
            return self.queue.peek()
        if len(busy) == self._slots and not all(item.express for item in busy):
            return self.queue.peek(express_only=True)
        return None

    async def _launch(self, item: schedule.Entry) -> None:
        run = self.runs.get(item.task_id)
        if run is not None and _JOIN in run.in_flight:
            # it ended a moment ago and was queued again before its last run was put away
            await asyncio.wait([run.in_flight[_JOIN]])
        run = self.runs.get(item.task_id) or await self._begin(item)
        if run is None or not run.todo:
            self.queue.discard(item.task_id)
        if run is None:
            return
        if run.todo:
            shard = run.todo.popleft()
            if not run.todo:
                self.queue.discard(item.task_id)
            self.queue.charge(item.owner, len(shard.pages))
            run.working.add(shard.index)
            self._spawn(run, shard.index, self._parse(run, shard))
        elif not run.in_flight:
            self._spawn(run, _JOIN, self._conclude(run))

    def _spawn(self, run: Run, index: int, work: Coroutine[Any, Any, None]) -> None:
        run.in_flight[index] = asyncio.create_task(work, name=f"{run.task.id}-{index}")

    async def _begin(self, item: schedule.Entry) -> Run | None:
        """Moves a task to processing; None when it was cancelled or deleted in the meantime."""
        run = self.runs[item.task_id] = Run(Task.placeholder(item.task_id, item.owner), item)
        try:
            task = await self._ledger.get(item.task_id)
            started = task.started_at or time.time()
            run.task = await self._ledger.move(task.id, TaskStatus.PROCESSING, started_at=started)
            run.todo.extend(await self._ledger.do(self._unfinished, run.task))
        except (Conflict, NotFound):
            del self.runs[item.task_id]
            return None
        finally:
            run.begun.set()
        return run

    def _unfinished(self, task: Task) -> list[Shard]:
        """Shards to parse. One that counts as done but whose files are gone is parsed again."""
        self._folders.unpark_shards(task.id)
        whole = task.shards_total == 1
        return [
            shard
            for shard in self._ledger.store.shards(task.id)
            if not shard.done
            or not (
                self._folders.result(task.id) if whole else self._folders.shard(task.id, shard.index)
            ).is_dir()
        ]

    async def _parse(self, run: Run, shard: Shard) -> None:
        """Runs one shard to its end and frees its slot."""
        try:
            await self._parse_and_keep(run, shard)
        except Superseded:
            logger.bind(action="fenced", task=run.task.id).warning(
                "a late part of {} is dropped", run.task.id
            )
        except AppError as error:
            await self._shard_failed(run, shard, error)
        except Exception as error:
            logger.opt(exception=error).error("part {} of {} failed", shard.index, run.task.id)
            await self._shard_failed(run, shard, as_app_error(error))
        finally:
            run.in_flight.pop(shard.index, None)
            self._free(run, shard.index)
        if not run.todo and not run.in_flight:
            self._spawn(run, _JOIN, self._conclude(run))

    async def _parse_and_keep(self, run: Run, shard: Shard) -> None:
        task = run.task
        parsed = await self._jobs.parse(task, shard)
        self._free(run, shard.index)

        def keep() -> None:
            out = parsed.folder / "out"
            if task.shards_total == 1:
                self._folders.keep_result(task.id, out)
            else:
                self._folders.keep_shard(task.id, shard.index, out)

        try:
            await self._ledger.do(
                self._ledger.store.finish_shard, task.id, shard.index, task.attempt, parsed.seconds, keep
            )
        finally:
            await asyncio.shield(self._jobs.drop(parsed))
        self._learn(task.tier, parsed)
        await self._ledger.notify()

    def _free(self, run: Run, index: int) -> None:
        """Gives a slot back."""
        run.working.discard(index)
        self.wake()

    def _learn(self, tier: str, parsed: Parsed) -> None:
        pages = int(parsed.answer["pages"])
        self.pages_parsed += pages
        self.rates[tier] = schedule.learn_rate(self.rates.get(tier), parsed.seconds, pages)

    async def _shard_failed(self, run: Run, shard: Shard, error: AppError) -> None:
        run.tries[shard.index] = run.tries.get(shard.index, 0) + 1
        if isinstance(error, WorkerCrashed) and run.tries[shard.index] < CRASH_TRIES:
            run.todo.appendleft(shard)
            self.queue.push(run.entry)
            return
        try:
            fail_shard = self._ledger.store.fail_shard
            await self._ledger.do(fail_shard, run.task.id, shard.index, run.task.attempt, error)
        except (Conflict, NotFound):
            return  # a newer attempt has begun; it will find out for itself

    async def _conclude(self, run: Run) -> None:
        """All shards were tried: join what is there and end the task."""
        task_id = run.task.id
        try:
            done = await self._ledger.moved(await self._end(run))
            rate = self.rates.get(done.tier)
            if rate is not None:
                await self._ledger.do(self._ledger.store.set_rate, done.tier, rate)
        except Superseded:
            logger.bind(action="fenced", task=task_id).warning("a late end of {} is dropped", task_id)
        except AppError as error:
            await self._give_up(task_id, error)
        except Exception as error:
            logger.opt(exception=error).error("joining {} failed", task_id)
            await self._give_up(task_id, as_app_error(error))
        finally:
            self.runs.pop(task_id, None)
            self.wake()

    async def _give_up(self, task_id: str, error: AppError) -> None:
        await self._ledger.fail(task_id, error, lambda: self._folders.park_shards(task_id))

    async def _end(self, run: Run) -> Task:
        task = run.task
        shards = await self._ledger.do(self._ledger.store.shards, task.id)
        failed = [shard for shard in shards if not shard.done]
        if len(failed) == len(shards):
            raise _first_error(failed)
        if len(shards) > 1:
            return await self._join(run, shards, failed)
        finish = self._ledger.store.finish
        changes = await asyncio.to_thread(self._describe_result, task.id)
        return await self._ledger.do(finish, task.id, task.attempt, TaskStatus.COMPLETED, changes)

    def _describe_result(self, task_id: str) -> dict[str, Any]:
        """Counts and hash of a result on disk: also right when an earlier attempt wrote it."""
        result = self._folders.result(task_id)
        pages = sum(1 for _ in (result / "pages").iterdir())
        digest = sha256((result / "document.md").read_bytes()).hexdigest()
        return {"pages_total": pages, "pages_done": pages, "result_sha256": digest}

    async def _join(self, run: Run, shards: Sequence[Shard], failed: Sequence[Shard]) -> Task:
        task = run.task
        run.working.add(_JOIN)
        parsed = await self._assemble(task, shards)
        self._free(run, _JOIN)
        spent = sum(shard.seconds for shard in shards) + parsed.seconds
        changes: dict[str, Any] = {
            "result_sha256": parsed.answer["sha256"],
            "parse_seconds": spent,
            "pages_failed": sum(len(shard.pages) for shard in failed),
        }
        if failed:
            error = _first_error(failed)
            changes |= {"error_code": error.code, "error_message": error.message}

        def keep() -> None:
            self._folders.keep_result(task.id, parsed.folder / "out")
            if failed:
                self._folders.park_shards(task.id)
            else:
                self._folders.drop_shards(task.id)

        status = TaskStatus.PARTIAL if failed else TaskStatus.COMPLETED
        finish = self._ledger.store.finish
        try:
            return await self._ledger.do(finish, task.id, task.attempt, status, changes, keep)
        finally:
            await asyncio.shield(self._jobs.drop(parsed))

    async def _assemble(self, task: Task, shards: Sequence[Shard]) -> Parsed:
        for _ in range(CRASH_TRIES - 1):
            try:
                return await self._jobs.assemble(task, shards)
            except WorkerCrashed:
                logger.bind(action="join_again", task=task.id).warning("joining {} again", task.id)
        return await self._jobs.assemble(task, shards)

    async def cancel(self, task_id: str) -> Task:
        """Stops a task that waits or runs; its workers are killed. ``Conflict`` when it has ended."""
        self.queue.discard(task_id)
        run = self.runs.get(task_id)
        if run is not None:
            await run.begun.wait()
            run = self.runs.get(task_id)
        if run is not None:
            await self._stop_run(run)
        return await self._ledger.move(
            task_id,
            TaskStatus.CANCELLED,
            lambda: self._folders.park_shards(task_id),
            finished_at=time.time(),
        )

    async def _stop_run(self, run: Run) -> None:
        await self._ledger.move(run.task.id, TaskStatus.CANCELLING)
        run.todo.clear()
        await _cancel_all(list(run.in_flight.values()))
        self.runs.pop(run.task.id, None)
        self.queue.discard(run.task.id)
        self.wake()

    async def give_back(self) -> None:
        """At shutdown: kills what is in flight and queues its tasks again; finished shards stay."""
        runs = list(self.runs.values())
        await _cancel_all([job for run in runs for job in run.in_flight.values()])
        for run in runs:
            try:
                task = await self._ledger.do(self._ledger.store.give_back, run.task.id, run.task.attempt)
                await self._ledger.moved(task)
            except (Conflict, NotFound):
                continue


async def _cancel_all(jobs: list[asyncio.Task[None]]) -> None:
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


def _first_error(failed: Sequence[Shard]) -> AppError:
    notes = [shard.error for shard in failed if shard.error]
    return from_code(*json.loads(notes[0])) if notes else FileCorrupt()
