"""Passing faults of the machine, such as a full disk: nothing new begins until a check finds their end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from loguru import logger

from gradio_app.base.errors import PASSING, AppError, WorkerCrashed, as_app_error
from gradio_app.queue.retry_policy import CRASH_TRIES
from gradio_app.store.store import Superseded

_T = TypeVar("_T")

#: seconds until the first check whether a fault is over, and the most between two checks
FIRST_CHECK, LAST_CHECK = 0.25, 5.0


def passing(error: BaseException) -> AppError | None:
    """The error for users if this is a fault of the machine, else None."""
    known = as_app_error(error)
    return known if isinstance(known, PASSING) else None


class Faults:
    """The current fault, if any. ``check`` raises as long as it lasts; ``mended`` is called at its end."""

    def __init__(self, check: Callable[[], Awaitable[None]], mended: Callable[[], Awaitable[None]]) -> None:
        self.current: AppError | None = None
        self._check = check
        self._mended = mended
        self._over = asyncio.Event()
        self._over.set()
        self._pause = FIRST_CHECK
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    def report(self, error: AppError) -> None:
        """Begins a fault, unless one is under way."""
        if self.current is None and not self._closed:
            logger.bind(action="trouble", code=error.code).warning("work is held: {}", error.message)
            self._over.clear()
            self._watch = asyncio.create_task(self._check_until_over(), name="faults")
            self.current = error

    def work_succeeded(self) -> None:
        """Makes the next fault a new one, which is checked soon."""
        self._pause = FIRST_CHECK

    async def outlast(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Tries ``work`` until no fault of the machine is in the way; raises the fault only at shutdown."""
        while True:
            try:
                return await work()
            except Exception as error:
                fault = passing(error)
                if fault is None:
                    raise
                if self._closed:
                    raise fault from error
                self.report(fault)
                await self.wait_over()

    async def wait_over(self) -> None:
        """Returns when there is no fault, or when the server stops."""
        await self._over.wait()

    async def _check_until_over(self) -> None:
        while self.current is not None:
            await asyncio.sleep(self._pause)
            # grows as long as no work succeeds, also when this check finds nothing wrong
            self._pause = min(2 * self._pause, LAST_CHECK)
            try:
                await self._check()
            except Exception as error:
                self.current = passing(error) or self.current
            else:
                self.current = None
        logger.bind(action="trouble_over").info("work goes on")
        self._over.set()
        await self._mended()

    def close(self) -> None:
        """Releases all that wait: the server is about to stop."""
        self._closed, self.current = True, None
        if self._watch is not None:
            self._watch.cancel()
        self._over.set()


async def despite_crashes(work: Callable[[], Awaitable[_T]], action: str, task_id: str) -> _T:
    """The answer of ``work``, tried again when its worker crashes, ``CRASH_TRIES`` times in all."""
    for _ in range(CRASH_TRIES - 1):
        try:
            return await work()
        except WorkerCrashed:
            logger.bind(action=action, task=task_id).warning("a worker crashed; {} is tried again", task_id)
    return await work()


def resumable(*steps: Callable[[], object]) -> Callable[[], None]:
    """One function of several steps; called again after a failure, it goes on with the step that failed."""
    left = list(steps)

    def run() -> None:
        while left:
            left[0]()
            del left[0]

    return run


@contextmanager
def fenced(task_id: str, what: str) -> Generator[None]:
    """Ends quietly when a newer attempt has begun; raises everything else as ``AppError``."""
    try:
        yield
    except Superseded:
        logger.bind(action="fenced", task=task_id).warning("a late {} of {} is dropped", what, task_id)
    except AppError:
        raise
    except Exception as error:
        logger.opt(exception=error).error("{} of {} failed", what, task_id)
        raise as_app_error(error) from error
