"""Asynchronous store: runs ``Store`` on its own thread, retries writes, and wakes waiters at a change."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from itertools import chain
from typing import Any, Concatenate, ParamSpec, TypeVar

from loguru import logger

from gradio_app.base import clock
from gradio_app.base.errors import AppError, Conflict, NotFound
from gradio_app.queue.faults import Faults, passing, resumable
from gradio_app.store.states import TERMINAL, TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Task

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Method = Callable[Concatenate["AsyncStore", _P], Coroutine[Any, Any, _T]]
#: answers that are cached until the next change
_MOST_CACHED = 100


def _on_thread(method: Callable[Concatenate[Store, _P], _T], retried: bool = False) -> _Method[_P, _T]:
    """The asynchronous form of a method of ``Store``, by ``do``; ``retried``: by ``must``."""

    @wraps(method)
    async def run(self: AsyncStore, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        policy = self.must if retried else self.do
        return await policy(getattr(self.sync, method.__name__), *args, **kwargs)

    return run


def commit_steps(
    fence: Callable[[], object], move_files: Callable[[], None], write: Callable[[], _T]
) -> Callable[[], _T]:
    """The steps of ``AsyncStore.commit`` as one function, which moves no file twice when called again."""
    moved = resumable(move_files)

    def steps() -> _T:
        fence()
        moved()
        return write()

    return steps


def _all(*checks: Callable[[], object]) -> None:
    for check in checks:
        check()


class AsyncStore:
    """Every change of a task goes through here, so no waiter misses one."""

    get = _on_thread(Store.get)
    find_all = _on_thread(Store.find_all)
    active_count = _on_thread(Store.active_count)
    active_from = _on_thread(Store.active_from)
    submission = _on_thread(Store.submission)
    submitted = _on_thread(Store.submitted)
    second_readings = _on_thread(Store.second_readings)
    parts = _on_thread(Store.parts)
    has_parts = _on_thread(Store.has_parts)
    changes = _on_thread(Store.changes)
    counts = _on_thread(Store.counts)
    counts_for = _on_thread(Store.counts_for)
    rates = _on_thread(Store.rates)
    recover = _on_thread(Store.recover)
    requeue = _on_thread(Store.requeue)
    give_back = _on_thread(Store.give_back)
    is_paused = _on_thread(Store.is_paused)
    set_paused = _on_thread(Store.set_paused)
    shards = _on_thread(Store.shards, retried=True)
    fail_shard = _on_thread(Store.fail_shard, retried=True)
    split_shard = _on_thread(Store.split_shard, retried=True)
    set_rate = _on_thread(Store.set_rate, retried=True)

    def __init__(self, store: Store, check_disk: Callable[[], None] = lambda: None) -> None:
        """``check_disk`` raises while a fault of the data folder lasts."""
        self.sync = store
        self.closing = False
        self.ended: dict[str, int] = {status.value: 0 for status in sorted(TERMINAL)}
        #: notes on results since the start, by code
        self.notes = Counter[str]()
        self.version = 0
        self.faults = Faults(lambda: self._run(_all, check_disk, store.check_writable), self.notify)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._changed = asyncio.Condition()
        self._cache: tuple[int, dict[Hashable, Any]] = (0, {})
        #: events of callers that wait for the end of a task: only theirs are set, as each then asks the store
        self._waiting: dict[str, set[asyncio.Event]] = {}

    # ------------------------------------------------------------ the thread

    async def do(self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Runs a function on the store's thread; reports a machine's fault and raises its ``AppError``."""
        try:
            return await self._run(fn, *args, **kwargs)
        except Exception as error:
            fault = passing(error)
            if fault is None:
                raise
            logger.bind(action="store_fault").warning("{}: {}", type(error).__name__, error)
            self.faults.report(fault)
            raise fault from error

    async def must(self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Like ``do``, retried until no fault is in the way; raises the fault only at shutdown.

        ``fn`` may be called several times (see ``resumable``).
        """
        return await self.faults.outlast(lambda: self.do(fn, *args, **kwargs))

    async def _run(self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Waits also when cancelled: the function may be moving files that the caller deletes."""
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, lambda: fn(*args, **kwargs))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            work.exception()  # fetched, as the loop logs errors that nobody fetches
            raise

    # ------------------------------------------------------------ commits

    async def commit(
        self, fence: Callable[[], object], move_files: Callable[[], None], write: Callable[[], _T]
    ) -> _T:
        """Checks that the work still counts, moves its files into place, writes it: in one step for others.

        The order makes a crash harmless: a row never lacks its files. Retried as ``must``; files are moved
        once. Raises what ``fence`` raises, before anything is moved.
        """
        return await self.must(commit_steps(fence, move_files, write))

    async def move(self, task_id: str, to: TaskStatus, **changes: Any) -> Task:
        """Moves a task for a user; raises ``NotFound`` or ``Conflict``."""
        return await self.publish(await self.do(self.sync.move, task_id, to, **changes))

    async def end(self, task_id: str, to: TaskStatus, move_files: Callable[[], None], **changes: Any) -> Task:
        """Ends a task early, and puts its files in order; raises ``NotFound`` or ``Conflict``."""
        ended = await self.commit(
            lambda: self.sync.check_move(task_id, to),
            move_files,
            lambda: self.sync.move(task_id, to, finished_at=clock.stamp(), **changes),
        )
        return await self.publish(ended)

    async def fail(
        self, task_id: str, error: AppError, move_files: Callable[[], None] = lambda: None
    ) -> None:
        """Ends a task as failed, unless it was cancelled or deleted meanwhile."""
        text = {"error_code": error.code, "error_message": error.message}
        with contextlib.suppress(Conflict, NotFound):
            await self.end(task_id, TaskStatus.FAILED, move_files, **text)

    # ------------------------------------------------------------ waiters

    async def publish(self, task: Task) -> Task:
        """Logs where a task now stands, and wakes waiters."""
        await self.publish_all([task])
        return task

    async def publish_all(self, tasks: Sequence[Task]) -> None:
        """The same for many tasks: waiters are woken once."""
        for task in tasks:
            self._tell(task)
        if any(task.parent and task.ended for task in tasks):
            for container in await self.do(self.sync.take_ended_with):
                self._tell(container)
        await self.notify()

    def _tell(self, task: Task) -> None:
        # a line costs as much as a write: on the way to its end a task has none in the usual log
        logger.bind(action=f"task_{task.status}", task=task.id, owner=task.owner).log(
            "INFO" if task.ended else "DEBUG",
            "task {} is {} ({} of {} pages){}",
            task.id,
            task.status,
            task.pages_done,
            task.pages_total,
            f": {task.error_code}" if task.error_code else "",
        )
        if task.ended:
            self.ended[task.status.value] += 1
            self.notes.update(note.code for note in task.findings.notes)
            for event in self._waiting.get(task.id, ()):
                event.set()

    async def notify(self) -> None:
        """Wakes all that wait for a change."""
        self.version += 1
        async with self._changed:
            self._changed.notify_all()

    async def once(self, key: Hashable, compute: Callable[[], Awaitable[_T]]) -> _T:
        """The answer of ``compute``, cached until something changes.

        ``key`` names all that the answer depends on beside the state of the queue.
        """
        if self._cache[0] != self.version:
            self._cache = (self.version, {})
        cached = self._cache[1]
        if key in cached:
            return cached[key]
        answer = await compute()
        if len(cached) < _MOST_CACHED:
            cached[key] = answer  # if the state is over by now, nobody asks that ``cached`` again
        return answer

    async def rev(self) -> int:
        """The newest revision, at least of what anybody was told."""
        return await self.once("rev", lambda: self.do(self.sync.rev))

    async def wait_ended(self, task_id: str, seconds: float) -> Task:
        """The task as soon as it has ended, or as it is after ``seconds`` or when the server stops."""
        deadline = time.monotonic() + seconds
        event = asyncio.Event()
        self._waiting.setdefault(task_id, set()).add(event)  # before the query, so that no end is missed
        try:
            task = await self.get(task_id)
            left = deadline - time.monotonic()
            if task.ended or left <= 0 or self.closing:
                return task
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), left)
            return await self.get(task_id)
        finally:
            self._waiting[task_id].discard(event)
            if not self._waiting[task_id]:
                del self._waiting[task_id]

    async def wait_change(self, since: int, seconds: float) -> None:
        """Returns when something is newer than revision ``since``, after ``seconds``, or at shutdown."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.closing:
                    version = self.version
                    if await self.rev() > since:
                        return
                    await self._wait_newer(version)

    async def _wait_newer(self, version: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.version != version or self.closing)

    # ------------------------------------------------------------ shutdown

    async def begin_closing(self) -> None:
        """Releases all waiters: the server is about to stop."""
        self.closing = True
        self.faults.close()
        for event in chain.from_iterable(self._waiting.values()):
            event.set()
        await self.notify()

    async def close(self) -> None:
        """Closes the store; nothing can be done through it afterwards."""
        await self.do(self.sync.close)
        self._thread.shutdown()
