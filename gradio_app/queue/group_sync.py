"""What jobs wrote, put on the disk for good before it counts: many jobs in one go."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from gradio_app.base.files import sync_disk


class Durable:
    """Whoever comes while the disk is at it waits for the next time, together with all others who came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def settle(self) -> None:
        """Returns when all that was written before this call would survive a power cut."""
        if self._next is None:
            self._next = asyncio.create_task(self._sync_after(self._running), name="sync")
        await asyncio.shield(self._next)

    async def _sync_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        await _aside(lambda: sync_disk(self._folder))


async def _aside(work: Callable[[], None]) -> None:
    """Like ``asyncio.to_thread``, in a thread that a stop does not wait for: a slow disk may take long."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: Exception | None) -> None:
        if error is not None and not done.cancelled():
            done.set_exception(error)
        elif not done.cancelled():
            done.set_result(None)

    def run() -> None:
        fault: Exception | None = None
        try:
            work()
        except Exception as error:
            fault = error
        with contextlib.suppress(RuntimeError):  # the server has stopped meanwhile
            loop.call_soon_threadsafe(tell, fault)

    threading.Thread(target=run, daemon=True, name="sync").start()
    await done
