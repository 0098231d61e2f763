"""The store, used from one thread of its own, and the one condition that wakes whoever waits for a change."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, ParamSpec, TypeVar

from loguru import logger

from gradio_app.base import clock
from gradio_app.base.errors import PASSING, AppError, Conflict, NotFound
from gradio_app.queue.faults import Trouble, passing, resumable
from gradio_app.store.states import TERMINAL, TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Task

_P = ParamSpec("_P")
_T = TypeVar("_T")
#: answers that are kept until the next change
_MOST_KNOWN = 100


class Ledger:
    """Asynchronous face of ``Store``. Every change of a task goes through here, so nobody misses one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.closing = False
        self.ended: dict[str, int] = {status.value: 0 for status in sorted(TERMINAL)}
        self.version = 0
        self.trouble = Trouble(lambda: self._run(store.check_writable), self.notify)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._changed = asyncio.Condition()
        self._known: tuple[int, dict[Hashable, Any]] = (0, {})
        #: who waits for the end of a task: told of that one only, as each who is told asks the store
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def do(self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Runs a store function on the store's thread: once, for somebody who can be told.

        A fault of the machine is raised as the ``AppError`` for it, and noted as trouble.
        """
        try:
            return await self._run(fn, *args, **kwargs)
        except Exception as error:
            fault = passing(error)
            if fault is None:
                raise
            logger.bind(action="store_fault").warning("{}: {}", type(error).__name__, error)
            self.trouble.note(fault)
            raise fault from error

    async def must(self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Like ``do``, for work that nobody would ask for again: tried until no fault is in the way.

        ``fn`` may be called several times (see ``resumable``). Raises the fault only at shutdown.
        """
        while True:
            try:
                return await self.do(fn, *args, **kwargs)
            except PASSING:
                if self.closing:
                    raise
                await self.trouble.over()

    async def _run(self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """A cancelled caller still waits for it: files that the function is moving must not be deleted
        under it.
        """
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, lambda: fn(*args, **kwargs))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            work.exception()  # nobody is left to be told; not asked for, the loop would complain of it
            raise

    async def move(self, task_id: str, to: TaskStatus, **changes: Any) -> Task:
        """Moves a task because somebody asked for it; raises ``NotFound`` or ``Conflict``."""
        return await self.moved(await self.do(self.store.move, task_id, to, **changes))

    async def must_move(self, task_id: str, to: TaskStatus, then: Callable[[], None], **changes: Any) -> Task:
        """Moves a task, however often it has to be tried; raises ``NotFound`` or ``Conflict``.

        ``then`` puts its files in order before anything else can happen to the task.
        """
        moved: list[Task] = []
        steps = resumable(lambda: moved.append(self.store.move(task_id, to, **changes)), then)
        await self.must(steps)
        return await self.moved(moved[0])

    async def moved(self, task: Task) -> Task:
        """Tells everyone who waits, and the log, where a task now stands."""
        await self.all_moved([task])
        return task

    async def all_moved(self, tasks: Sequence[Task]) -> None:
        """The same for many: who waits is woken once."""
        for task in tasks:
            self._note(task)
        await self.notify()

    def _note(self, task: Task) -> None:
        # a line costs as much as a write: on the way to its end a task has none in the usual log
        level = "INFO" if task.ended else "DEBUG"
        logger.bind(action=f"task_{task.status}", task=task.id, owner=task.owner).log(
            level,
            "task {} is {} ({} of {} pages){}",
            task.id,
            task.status,
            task.pages_done,
            task.pages_total,
            f": {task.error_code}" if task.error_code else "",
        )
        if task.ended:
            self.ended[task.status.value] += 1
            for told in self._waiting.get(task.id, ()):
                told.set()

    async def fail(self, task_id: str, error: AppError, then: Callable[[], None] = lambda: None) -> None:
        """Ends a task as failed, unless it was cancelled or deleted meanwhile."""
        try:
            await self.must_move(
                task_id,
                TaskStatus.FAILED,
                then,
                error_code=error.code,
                error_message=error.message,
                finished_at=clock.stamp(),
            )
        except (Conflict, NotFound):
            return

    async def notify(self) -> None:
        """Wakes whoever waits for a change."""
        self.version += 1
        async with self._changed:
            self._changed.notify_all()

    async def once(self, key: Hashable, look: Callable[[], Awaitable[_T]]) -> _T:
        """What ``look`` finds, looked for once until something changes: a hundred open pages ask the same.

        ``key`` stands for all that the answer depends on but for the state of the queue.
        """
        if self._known[0] != self.version:
            self._known = (self.version, {})
        known = self._known[1]
        if key not in known:
            found = await look()
            if len(known) < _MOST_KNOWN:
                known[key] = found  # of a state that is over by now: nobody will ask that one
            return found
        return known[key]

    async def rev(self) -> int:
        """The newest revision, at least of what was told to anybody."""
        return await self.once("rev", lambda: self.do(self.store.rev))

    async def get(self, task_id: str) -> Task:
        """The task; raises ``NotFound``."""
        return await self.do(self.store.get, task_id)

    async def wait_ended(self, task_id: str, seconds: float) -> Task:
        """The task as soon as it has ended, or as it is after ``seconds`` or when the server stops."""
        deadline = time.monotonic() + seconds
        told = asyncio.Event()
        self._waiting.setdefault(task_id, set()).add(told)  # before the look, so that no end is missed
        try:
            task = await self.get(task_id)
            left = deadline - time.monotonic()
            if task.ended or left <= 0 or self.closing:
                return task
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), left)
            return await self.get(task_id)
        finally:
            self._waiting[task_id].discard(told)
            if not self._waiting[task_id]:
                del self._waiting[task_id]

    async def wait_change(self, since: int, seconds: float) -> None:
        """Returns when something is newer than revision ``since``, or after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.version
            left = deadline - time.monotonic()
            if self.closing or left <= 0 or await self.rev() > since:
                return
            await self._wait_newer(seen, left)

    async def _wait_newer(self, seen: int, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.version != seen or self.closing)
        except TimeoutError:
            return

    async def begin_closing(self) -> None:
        """Lets go of everyone who waits: the server is about to stop."""
        self.closing = True
        self.trouble.close()
        for told in chain.from_iterable(self._waiting.values()):
            told.set()
        await self.notify()

    async def close(self) -> None:
        """Closes the store; nothing can be done through it afterwards."""
        await self.do(self.store.close)
        self._thread.shutdown()
