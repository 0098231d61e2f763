"""Faults of the machine that pass: a full disk, a database that another program holds, too many open files.

No document is to blame for them. Who meets one says so here and waits; while there is trouble nothing new
is begun, and it is looked every few seconds whether it is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from loguru import logger

from gradio_app.base.errors import PASSING, AppError, as_app_error

#: seconds until the first look whether it is over, and the most between two looks
FIRST_LOOK, LAST_LOOK = 0.25, 5.0


def passing(error: BaseException) -> AppError | None:
    """The error for users if this is a fault of the machine, else None."""
    told = as_app_error(error)
    return told if isinstance(told, PASSING) else None


class Trouble:
    """What is wrong with the machine now. ``check`` raises as long as it is; ``mended`` is called after."""

    def __init__(self, check: Callable[[], Awaitable[None]], mended: Callable[[], Awaitable[None]]) -> None:
        self.error: AppError | None = None
        self._check = check
        self._mended = mended
        self._over = asyncio.Event()
        self._over.set()
        self._pause = FIRST_LOOK
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    def note(self, error: AppError) -> None:
        """Somebody met this fault."""
        if self.error is None and not self._closed:
            logger.bind(action="trouble", code=error.code).warning("work is held: {}", error.message)
            self._over.clear()
            self._watch = asyncio.create_task(self._look(), name="trouble")
            self.error = error

    def worked(self) -> None:
        """Some work went through: the next trouble is a new one, and looked at soon."""
        self._pause = FIRST_LOOK

    async def over(self) -> None:
        """Returns when there is no trouble, or when the server stops."""
        await self._over.wait()

    async def _look(self) -> None:
        while self.error is not None:
            await asyncio.sleep(self._pause)
            # grows as long as nothing goes through, also when this look sees nothing wrong
            self._pause = min(2 * self._pause, LAST_LOOK)
            try:
                await self._check()
            except Exception as error:
                self.error = passing(error) or self.error
            else:
                self.error = None
        logger.bind(action="trouble_over").info("work goes on")
        self._over.set()
        await self._mended()

    def close(self) -> None:
        """Lets go of everyone who waits: the server is about to stop."""
        self._closed, self.error = True, None
        if self._watch is not None:
            self._watch.cancel()
        self._over.set()


def resumable(*steps: Callable[[], None]) -> Callable[[], None]:
    """One function of several steps that goes on, when called again, with the step that failed."""
    left = list(steps)

    def run() -> None:
        while left:
            left[0]()
            del left[0]

    return run
