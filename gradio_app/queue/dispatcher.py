"""Tasks that run: which shard gets the next slot, and how a task is joined, stopped or given back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from loguru import logger

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import (
    PASSING,
    AppError,
    Conflict,
    EngineUnavailable,
    NotFound,
    as_app_error,
)
from gradio_app.queue import scheduler
from gradio_app.queue.assembly import Joiner
from gradio_app.queue.async_store import Ledger
from gradio_app.queue.faults import passing, resumable
from gradio_app.queue.group_sync import Durable
from gradio_app.queue.retry_policy import History, Verdict, halves, judge
from gradio_app.queue.worker_jobs import Jobs, Parsed, Work
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Superseded
from gradio_app.store.task import Shard, Task
from gradio_app.workers.interface import Workers

#: a learned rate is kept when it has changed by this share: it is the base of estimates, no more
RATE_STEP = 0.1
#: key of the job that joins a task, among its shards in flight
_JOIN = -1


@dataclass(slots=True)
class Run:
    """A task that is being processed: shards not started yet, and jobs in flight by shard index.

    ``working`` are those that hold a slot: while one's result is being stored, its worker goes on with
    the next. ``work`` is laid out for the first part, when there is but one.
    """

    task: Task
    entry: scheduler.Entry
    todo: deque[Shard] = field(default_factory=deque[Shard])
    work: Work | None = None
    in_flight: dict[int, asyncio.Task[None]] = field(default_factory=dict[int, "asyncio.Task[None]"])
    working: set[int] = field(default_factory=set[int])
    history: dict[int, History] = field(default_factory=dict[int, History])
    poison: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)


class Dispatcher:
    """Keeps as many shards in flight as there are slots. The processing lock admits one dispatcher."""

    def __init__(self, folders: Folders, ledger: Ledger, jobs: Jobs, workers: Workers) -> None:
        self._workers = workers
        workers.changed = self.wake
        self._folders = folders
        self._ledger = ledger
        self._jobs = jobs
        self._durable = Durable(folders.tmp)
        self._joiner = Joiner(folders, ledger, jobs, self._durable)
        self._wake = asyncio.Event()
        self.processing_lock = asyncio.Lock()
        self.lanes = scheduler.Lanes(workers.slots)
        self.runs: dict[str, Run] = {}
        self.rates: dict[str, float] = {}
        self._kept_rates: dict[str, float] = {}
        self.pages_parsed = 0
        self.paused = False

    def admit(self, task: Task) -> None:
        """Puts a queued task in line."""
        self.lanes.push(
            scheduler.entry(
                task.id,
                task.owner,
                task.page_weight,
                task.options.priority,
                task.created_at,
                task.seq,
                task.tier,
                task.needs_engine,
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
                    try:
                        await self._launch(item)
                    except PASSING as fault:  # it is still in line
                        self._ledger.trouble.note(fault)
                self._wake.clear()
                await (self._ledger.trouble.over() if self._ledger.trouble.error else self._wake.wait())

    def _next(self) -> scheduler.Entry | None:
        if self.paused or self._ledger.closing or self._ledger.trouble.error:
            return None
        self.lanes.slots = self._workers.slots
        return self.lanes.next([run.entry for run in self.runs.values() for _ in run.working])

    async def _launch(self, item: scheduler.Entry) -> None:
        run = self.runs.get(item.task_id)
        if run is not None and _JOIN in run.in_flight:
            # it ended a moment ago and was queued again before its last run was put away
            await asyncio.wait([run.in_flight[_JOIN]])
        run = self.runs.get(item.task_id) or await self._begin(item)
        if run is None or not run.todo:
            self.lanes.discard(item.task_id)
        if run is None:
            return
        if run.todo:
            shard = run.todo.popleft()
            if not run.todo:
                self.lanes.discard(item.task_id)
            self.lanes.charge(item, len(shard.pages))
            run.working.add(shard.index)
            self._spawn(run, shard.index, self._parse(run, shard))
        elif not run.in_flight:
            self._spawn(run, _JOIN, self._conclude(run))

    def _spawn(self, run: Run, index: int, work: Coroutine[Any, Any, None]) -> None:
        run.in_flight[index] = asyncio.create_task(work, name=f"{run.task.id}-{index}")

    async def _begin(self, item: scheduler.Entry) -> Run | None:
        """Moves a task to processing; None when it was cancelled or deleted in the meantime."""
        run = self.runs[item.task_id] = Run(Task.placeholder(item.task_id, item.owner), item)
        try:
            run.task, todo, run.work = await self._ledger.do(self._start, item.task_id)
            run.todo.extend(todo)
        except BaseException as error:
            del self.runs[item.task_id]
            if isinstance(error, Conflict | NotFound):
                return None
            raise
        finally:
            run.begun.set()
        await self._ledger.moved(run.task)
        return run

    def _start(self, task_id: str) -> tuple[Task, list[Shard], Work | None]:
        # on the store's thread, and the move last: what fails before it is simply tried again
        task = self._ledger.store.get(task_id)
        if task.status is not TaskStatus.QUEUED:
            raise Conflict()
        todo = self._unfinished(task)
        work = self._jobs.lay_out(task, f"{todo[0].index}-{task.attempt}") if todo and task.whole else None
        try:
            return self._ledger.store.start(task_id), todo, work
        except BaseException:
            if work is not None:
                self._folders.drop_work(work.folder)
            raise

    def _unfinished(self, task: Task) -> list[Shard]:
        """Shards to parse. One that counts as done but whose files are gone is parsed again."""
        self._folders.unpark_shards(task.id)
        result, part = self._folders.result(task.id), self._folders.shard
        return [
            shard
            for shard in self._ledger.store.shards(task.id)
            if not shard.done or not (result if task.whole else part(task.id, shard.index)).is_dir()
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
        if not run.todo and not run.in_flight and self.runs.get(run.task.id) is run:
            self._spawn(run, _JOIN, self._conclude(run))

    async def _parse_and_keep(self, run: Run, shard: Shard) -> None:
        task = run.task
        history = run.history.get(shard.index, History())
        work, run.work = run.work, None
        parsed = await self._jobs.parse(task, shard, history.alone, history.halved, work)
        self._free(run, shard.index)
        if task.whole:
            return await self._end_whole(run, parsed)
        out = parsed.folder / "out"
        keep = resumable(lambda: self._folders.keep_shard(task.id, shard.index, out))
        finish, result = self._ledger.store.finish_shard, parsed.result
        reason = EngineUnavailable(result.reason) if result.failed else None
        ids = task.id, shard.index, task.attempt
        try:
            await self._durable.settle()
            await self._ledger.must(finish, *ids, result.seconds, keep, result.failed, reason, result.engine)
            self._ledger.trouble.worked()
        finally:
            await asyncio.shield(self._jobs.drop(parsed))
        self._learn(task.tier, parsed)
        await self._ledger.notify()

    async def _end_whole(self, run: Run, parsed: Parsed) -> None:
        """The end of a task that was parsed in one go: all in one step on the store's thread."""
        task, pages = run.task, parsed.result.pages
        result = {"pages_total": pages, "pages_done": pages, "result_sha256": parsed.result.sha256}
        keep = resumable(lambda: self._folders.keep_result(task.id, parsed.folder / "out"))

        def end() -> Task:
            finish = self._ledger.store.finish_whole
            done = finish(task.id, task.attempt, parsed.result.seconds, result, keep)
            self._folders.drop_work(parsed.folder)
            return done

        try:
            await self._durable.settle()
            done = await self._ledger.must(end)
        except BaseException:
            await asyncio.shield(self._jobs.drop(parsed))
            raise
        self._ledger.trouble.worked()
        self._learn(task.tier, parsed)
        self.runs.pop(task.id, None)
        await self._ledger.moved(done)
        await self._keep_rate(task.tier)

    def _free(self, run: Run, index: int) -> None:
        """Gives a slot back."""
        run.working.discard(index)
        self.wake()

    def _learn(self, tier: str, parsed: Parsed) -> None:
        result = parsed.result
        self.pages_parsed += result.pages
        self.rates[tier] = scheduler.learn_rate(self.rates.get(tier), result.seconds, result.pages)

    async def _shard_failed(self, run: Run, shard: Shard, error: AppError) -> None:
        if isinstance(error, PASSING):
            self._ledger.trouble.note(error)
            run.todo.appendleft(shard)
            self.lanes.push(run.entry)
            return
        history = run.history[shard.index] = run.history.get(shard.index, History()).failed(error)
        verdict = judge(error, len(shard.pages), history, run.poison)
        try:
            if verdict is Verdict.GIVE_UP:
                run.poison += 1
                fail_shard = self._ledger.store.fail_shard
                await self._ledger.must(fail_shard, run.task.id, shard.index, run.task.attempt, error)
                return
            parts = [shard] if verdict is Verdict.AGAIN else await self._halve(run, shard, history)
        except (Conflict, NotFound):
            return  # a newer attempt has begun; it will find out for itself
        run.todo.extendleft(reversed(parts))
        self.lanes.push(run.entry)

    async def _halve(self, run: Run, shard: Shard, history: History) -> list[Shard]:
        split, ids = self._ledger.store.split_shard, (run.task.id, shard.index, run.task.attempt)
        parts = await self._ledger.must(split, *ids, halves(shard.pages))
        run.task = await self._ledger.must(self._ledger.store.get, run.task.id)
        run.history |= {part.index: history.half() for part in parts}
        return parts

    async def _conclude(self, run: Run) -> None:
        """All shards were tried: join what is there and end the task."""
        task_id = run.task.id
        try:
            done = await self._ledger.moved(await self._end_at_last(run))
            await self._keep_rate(done.tier)
        except PASSING:
            return  # the server stops; at its next start the task goes on
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

    async def _keep_rate(self, tier: str) -> None:
        """Puts a learned rate on disk when it has changed: that costs as much as counting a whole part."""
        rate = self.rates.get(tier)
        if rate is not None and abs(rate - self._kept_rates.get(tier, 0.0)) > RATE_STEP * rate:
            await self._ledger.must(self._ledger.store.set_rate, tier, rate)
            self._kept_rates[tier] = rate

    async def _give_up(self, task_id: str, error: AppError) -> None:
        await self._ledger.fail(task_id, error, lambda: self._folders.park_shards(task_id))

    async def _end_at_last(self, run: Run) -> Task:
        while True:
            try:
                return await self._joiner.end(run.task, self._slot(run))
            except Exception as error:
                fault = passing(error)
                if fault is None:
                    raise
                if self._ledger.closing:
                    raise fault from error
                self._ledger.trouble.note(fault)
                await self._ledger.trouble.over()

    @contextmanager
    def _slot(self, run: Run) -> Generator[None]:
        """What joins a task computes, like a part of it."""
        run.working.add(_JOIN)
        try:
            yield
        finally:
            self._free(run, _JOIN)

    async def cancel(self, task_id: str) -> Task:
        """Stops a task that waits or runs; its workers are killed. ``Conflict`` when it has ended.

        Nothing is stopped, and the task stays as it is, while the change cannot be written.
        """
        run = self.runs.get(task_id)
        if run is not None:
            await run.begun.wait()
            run = self.runs.get(task_id)
        if run is None:
            try:
                return await self._cancel_waiting(task_id)
            except Conflict:
                run = self.runs.get(task_id)
                if run is None:
                    raise
            await run.begun.wait()  # it began between our look and the move
        await self._stop_run(run)
        return await self._ledger.must_move(
            task_id,
            TaskStatus.CANCELLED,
            lambda: self._folders.park_shards(task_id),
            finished_at=clock.stamp(),
        )

    async def _cancel_waiting(self, task_id: str) -> Task:
        task = await self._ledger.move(task_id, TaskStatus.CANCELLED, finished_at=clock.stamp())
        self.lanes.discard(task_id)
        await self._ledger.must(self._folders.park_shards, task_id)
        return task

    async def _stop_run(self, run: Run) -> None:
        await self._ledger.move(run.task.id, TaskStatus.CANCELLING)
        run.todo.clear()
        self.lanes.discard(run.task.id)
        await _cancel_all(list(run.in_flight.values()))
        if run.work is not None:
            await self._jobs.drop(run.work)
        self.runs.pop(run.task.id, None)
        self.wake()

    async def give_back(self) -> None:
        """At shutdown: kills what is in flight and queues its tasks again; finished shards stay."""
        runs = list(self.runs.values())
        await _cancel_all([job for run in runs for job in run.in_flight.values()])
        for run in runs:
            try:
                task = await self._ledger.do(self._ledger.store.give_back, run.task.id, run.task.attempt)
                await self._ledger.moved(task)
            except (Conflict, NotFound, *PASSING):
                continue  # what cannot be written now is queued again at the next start


async def _cancel_all(jobs: list[asyncio.Task[None]]) -> None:
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
