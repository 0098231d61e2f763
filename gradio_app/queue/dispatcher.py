"""Dispatcher: gives free slots to shards, commits their results, and ends, stops or requeues tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import (
    PASSING,
    AppError,
    Conflict,
    EngineUnavailable,
    NodeLost,
    NotFound,
)
from gradio_app.base.findings import Findings, joined
from gradio_app.base.page_runs import runs_of
from gradio_app.base.settings import Settings
from gradio_app.base.versions import reading_version
from gradio_app.queue import scheduler
from gradio_app.queue.assembly import Assembly
from gradio_app.queue.async_store import AsyncStore
from gradio_app.queue.climbing import Climbing
from gradio_app.queue.faults import fenced, resumable
from gradio_app.queue.group_sync import GroupSync
from gradio_app.queue.retry_policy import ShardFailures, Verdict, halves, judge
from gradio_app.queue.run import Run, cancel_all
from gradio_app.queue.worker_jobs import JobFolder, Parsed, WorkerJobs
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Shard, Task
from gradio_app.workers.interface import Workers

#: a learned rate is written when it has changed by this share: it is the base of estimates, no more
RATE_STEP = 0.1


class Dispatcher:
    """Keeps as many shards in flight as there are slots. The processing lock admits one dispatcher."""

    def __init__(
        self, settings: Settings, folders: Folders, store: AsyncStore, jobs: WorkerJobs, workers: Workers
    ) -> None:
        self._workers = workers
        workers.changed = self.wake
        self._folders = folders
        self._store = store
        self._jobs = jobs
        self._disk = GroupSync(folders.tmp)
        self._assembly = Assembly(folders, store, jobs, self._disk)
        self._wake = asyncio.Event()
        self.processing_lock = asyncio.Lock()
        self.lanes = scheduler.Lanes(workers.slots)
        self._climbing = Climbing(settings, store, workers, self.lanes, self.wake)
        self.runs: dict[str, Run] = {}
        self.rates: dict[str, float] = {}
        self._written_rates: dict[str, float] = {}
        self.pages_parsed = 0
        self.paused = False

    def admit(self, task: Task) -> None:
        """Puts a queued task in line."""
        self.lanes.push(scheduler.entry(task))
        self.wake()

    def discard(self, task_id: str) -> None:
        """Takes a waiting task out of line; unknown ids are ignored."""
        self.lanes.discard(task_id)

    def wake(self) -> None:
        """Checks again whether something can start."""
        self._wake.set()

    async def run(self) -> None:
        """Hands out slots until cancelled."""
        async with self.processing_lock:
            while True:
                while (item := self._next()) is not None:
                    try:
                        await self._launch(item)
                    except PASSING as fault:  # it is still in line
                        self._store.faults.report(fault)
                self._wake.clear()
                await (self._store.faults.wait_over() if self._store.faults.current else self._wake.wait())

    def _next(self) -> scheduler.Entry | None:
        if self.paused or self._store.closing or self._store.faults.current:
            return None
        self.lanes.slots = self._workers.slots
        self._climbing.release(any(run.slots and not run.entry.vision for run in self.runs.values()))
        return self.lanes.next([run.entry for run in self.runs.values() for _ in range(run.slots)])

    async def _launch(self, item: scheduler.Entry) -> None:
        run = self.runs.get(item.task_id)
        if run is not None and run.ending is not None:
            # it ended a moment ago and was queued again before its last run was removed
            await asyncio.wait([run.ending])
        run = self.runs.get(item.task_id) or await self._begin(item)
        waits = run is not None and run.todo and run.entry.vision is not item.vision  # for its turn to climb
        if run is None or not run.todo or waits:
            self.lanes.discard(item.task_id)
        if run is None or waits:
            return
        if run.todo:
            shard = run.todo.popleft()
            if not run.todo:
                self.lanes.discard(item.task_id)
            self.lanes.charge(item, len(shard.pages))
            run.working.add(shard.index)
            run.in_flight[shard.index] = self._spawn(run, shard.index, self._parse(run, shard))
        else:
            self._end_when_idle(run)

    def _spawn(self, run: Run, what: int | str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work, name=f"{run.task.id}-{what}")

    def _end_when_idle(self, run: Run) -> None:
        """Begins the end of a task, once all of its shards were tried."""
        if not run.todo and not run.in_flight and run.ending is None and self.runs.get(run.task.id) is run:
            run.ending = self._spawn(run, "end", self._end(run))

    async def _begin(self, item: scheduler.Entry) -> Run | None:
        """Moves a task to processing; None when it was cancelled or deleted in the meantime."""
        run = self.runs[item.task_id] = Run(Task.placeholder(item.task_id, item.owner), item)
        try:
            run.task, todo, run.folder = await self._store.do(self._start, item.task_id)
            if todo and all(map(run.task.climbs, todo)):
                self._climbing.hold(run, todo)
            else:
                run.todo.extend(todo)
        except BaseException as error:
            del self.runs[item.task_id]
            if isinstance(error, Conflict | NotFound):
                return None
            raise
        finally:
            run.begun.set()
        await self._store.publish(run.task)
        return run

    def _start(self, task_id: str) -> tuple[Task, list[Shard], JobFolder | None]:
        # on the store's thread, and the move last: what fails before it is simply tried again
        store = self._store.sync
        task = store.get(task_id)
        if task.status is not TaskStatus.QUEUED:
            raise Conflict()
        todo = self._unfinished(task)
        folder = self._jobs.prepare(task, f"{todo[0].index}-{task.attempt}") if todo and task.whole else None
        try:
            return store.start(task_id), todo, folder
        except BaseException:
            if folder is not None:
                self._folders.drop_work(folder.path)
            raise

    def _unfinished(self, task: Task) -> list[Shard]:
        """Shards to parse. One that counts as done is parsed again when its files or its version are gone."""
        self._folders.unpark_shards(task.id)
        store, version = self._store.sync, reading_version()
        shards = store.shards(task.id)
        if task.whole:
            return shards
        done = [shard for shard in shards if shard.done]
        there = {each.index for each in done if self._folders.shard(task.id, each.index).is_dir()}
        lost = [each.index for each in done if each.index not in there or each.version != version]
        if lost:
            store.undo_shards(task.id, lost)
            first = [each for each in done if each.index in lost and not task.climbs(each)]
            store.drop_climbs(task, [each.pages for each in first])
        return [shard for shard in store.shards(task.id) if not shard.done]

    # ------------------------------------------------------------ shards

    async def _parse(self, run: Run, shard: Shard) -> None:
        """Runs one shard to its end and frees its slot."""
        try:
            with fenced(run.task.id, "shard"):
                await self._parse_and_commit(run, shard)
        except AppError as error:
            await self._shard_failed(run, shard, error)
        finally:
            run.in_flight.pop(shard.index, None)
            self._free(run, shard.index)
        self._end_when_idle(run)

    async def _parse_and_commit(self, run: Run, shard: Shard) -> None:
        task = run.task
        failures = run.failures.get(shard.index, ShardFailures())
        folder, run.folder = run.folder, None
        parse = self._jobs.parse(task, shard, failures.alone, failures.halved, folder)
        parsed = await self._charged(run, shard, parse)
        self._free(run, shard.index)
        found = parsed.result.findings
        if shard.pages:
            found = found.within(runs_of(shard.pages))
        finished = task.whole and bool(parsed.result.sha256)
        if task.climbs(shard):
            found = joined([Findings(shard.findings.notes), found])
        try:
            if finished:
                found = joined([task.preparing, found])
                await self._jobs.put_notes(parsed, found.notes)
            await self._disk.sync()
            ended = await self._commit(task, shard, parsed, found)
        finally:
            await asyncio.shield(self._jobs.drop(parsed.folder))
        self._store.faults.work_succeeded()
        result, tier = parsed.result, task.reader_of(shard)
        self.pages_parsed += result.pages
        self.rates[tier] = scheduler.learn_rate(self.rates.get(tier), result.seconds, result.pages)
        if ended is None:
            return await self._store.notify()
        self.runs.pop(task.id, None)
        await self._store.publish(ended)
        await self._write_rate(task.tier)

    async def _charged(self, run: Run, shard: Shard, work: Coroutine[Any, Any, Parsed]) -> Parsed:
        """Books what a job computes, or what it took until it failed, unless the machine was at fault."""
        began, tier = time.monotonic(), run.task.reader_of(shard)
        usual = self.rates.get(tier) or scheduler.guess_rate(tier)
        taken: float | None = None
        try:
            parsed = await work
            taken = parsed.result.seconds
            return parsed
        except (EngineUnavailable, NodeLost, *PASSING):
            taken = 0.0
            raise
        finally:
            seconds = time.monotonic() - began if taken is None else taken
            self.lanes.charge_seconds(run.entry, seconds, len(shard.pages), usual)

    async def _commit(self, task: Task, shard: Shard, parsed: Parsed, found: Findings) -> Task | None:
        """Makes a result count; returns the ended task, if the shard was all of it."""
        result, out, store = parsed.result, parsed.folder / "out", self._store.sync
        fence = partial(store.check_current, task.id, task.attempt)
        if task.whole and result.sha256:
            pages = {"pages_total": result.pages, "pages_done": result.pages}
            changes = pages | {"result_sha256": result.sha256}
            move = partial(self._folders.put_result, task.id, out)
            finish = partial(store.finish_whole, task.id, result.seconds, changes, found)
            return await self._store.commit(fence, move, finish)
        failed, climbs = result.failed, task.climbs(shard)
        finish = partial(
            store.finish_shard,
            task.id,
            shard.index,
            seconds=result.seconds,
            engine=result.engine,
            bad=() if climbs else failed,
            reason=EngineUnavailable(result.reason) if failed else None,
            findings=found,
        )
        if climbs and failed:
            why = f"It could not: {result.reason}"
            finish = resumable(finish, partial(store.stay, task.id, task.attempt, shard.index, failed, why))
        await self._store.commit(fence, partial(self._folders.put_shard, task.id, shard.index, out), finish)
        return None

    def _free(self, run: Run, index: int) -> None:
        """Gives a slot back."""
        run.working.discard(index)
        self.wake()

    async def _write_rate(self, tier: str) -> None:
        """Writes a learned rate when it has changed: a write costs as much as that of a whole shard."""
        rate = self.rates.get(tier)
        if rate is not None and abs(rate - self._written_rates.get(tier, 0.0)) > RATE_STEP * rate:
            await self._store.set_rate(tier, rate)
            self._written_rates[tier] = rate

    async def _shard_failed(self, run: Run, shard: Shard, error: AppError) -> None:
        if isinstance(error, PASSING):
            self._store.faults.report(error)
            run.todo.appendleft(shard)
            self.lanes.push(run.entry)
            return
        failures = run.failures.get(shard.index, ShardFailures()).failed(error)
        run.failures[shard.index] = failures
        verdict, task = judge(error, len(shard.pages), failures, run.poison), run.task
        try:
            if verdict is Verdict.GIVE_UP:
                run.poison += 1
                if task.climbs(shard):
                    stay = partial(self._store.sync.stay, task.id, task.attempt, shard.index, shard.pages)
                    run.task = await self._store.do(stay, error.message)
                    return
                await self._store.fail_shard(task.id, shard.index, task.attempt, error)
                return
            again = [shard]
            if verdict is Verdict.HALVE:
                parts = halves(shard.pages)
                run.task, again = await self._store.split_shard(task.id, shard.index, task.attempt, parts)
                run.failures |= {part.index: failures.half() for part in again}
        except (Conflict, NotFound):
            return  # a newer attempt has begun; it will find out for itself
        run.todo.extendleft(reversed(again))
        self.lanes.push(run.entry)

    # ------------------------------------------------------------ ends

    async def _end(self, run: Run) -> None:
        """All shards were tried: has pages in doubt read again, or joins what is there and ends the task."""
        task_id = run.task.id
        try:
            with fenced(task_id, "end"):
                if await self._store.faults.outlast(partial(self._climbing.begin, run)):
                    run.ending = None
                    return
                ended = await self._store.faults.outlast(
                    lambda: self._assembly.end(run.task, self._slot(run))
                )
                await self._store.publish(ended)
                await self._write_rate(run.task.tier)
        except PASSING:
            return  # the server stops; at its next start the task goes on
        except AppError as error:
            await self._store.fail(task_id, error, partial(self._folders.park_shards, task_id))
        finally:
            if run.ending is not None:
                self.runs.pop(task_id, None)
            self.wake()

    @contextmanager
    def _slot(self, run: Run) -> Generator[None]:
        """Holds a slot: to join shards is work, like to parse one."""
        run.assembling = True
        try:
            yield
        finally:
            run.assembling = False
            self.wake()

    async def cancel(self, task_id: str) -> Task:
        """Stops a task and its workers; ``Conflict`` when it has ended. Stops nothing if it cannot write.

        With a container end those of its documents that have not ended.
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
            if run is not None:
                await run.begun.wait()  # it began between our check and the move
        if run is not None:
            await self._stop(run)
        else:  # a container that waits for its documents; anything else has ended
            await self._store.move(task_id, TaskStatus.CANCELLING)
        await self._cancel_parts(task_id)
        return await self._store.end(
            task_id, TaskStatus.CANCELLED, partial(self._folders.park_shards, task_id)
        )

    async def _cancel_waiting(self, task_id: str) -> Task:
        task = await self._store.move(task_id, TaskStatus.CANCELLED, finished_at=clock.stamp())
        self.lanes.discard(task_id)
        await self._store.must(self._folders.park_shards, task_id)
        await self._cancel_parts(task_id)
        return task

    async def _cancel_parts(self, task_id: str) -> None:
        # the last first: those that wait would begin when the others make room
        for part in reversed(await self._store.parts(task_id)):
            with suppress(Conflict, NotFound):
                await self.cancel(part.id)

    async def _stop(self, run: Run) -> None:
        await self._store.move(run.task.id, TaskStatus.CANCELLING)
        run.todo.clear()
        self.lanes.discard(run.task.id)
        self._climbing.discard(run.task.id)
        await cancel_all(run.jobs)
        if run.folder is not None:
            await self._jobs.drop(run.folder.path)
        self.runs.pop(run.task.id, None)
        self.wake()

    async def give_back(self) -> None:
        """At shutdown: kills what is in flight and queues its tasks again; finished shards stay."""
        runs = list(self.runs.values())
        await cancel_all([job for run in runs for job in run.jobs])
        for run in runs:
            try:
                await self._store.publish(await self._store.give_back(run.task.id, run.task.attempt))
            except (Conflict, NotFound, *PASSING):
                continue  # what cannot be written now is queued again at the next start
