"""saq over a real redis-server, as a contestant for the queue alone."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.peers import running
from tests.live import free_port

#: jobs at the same time, saq's own default
CONCURRENCY = 10
#: jobs on their way into the queue at the same time, as many as a submission of ours has
AT_ONCE = 100


def why_missing() -> str:
    """Empty where it can run; else a sentence."""
    if shutil.which("redis-server") is None:
        return "redis-server is not installed (sudo apt install redis-server)"
    try:
        import saq  # noqa: F401
    except ImportError:
        return "saq is not installed (./start_mineru_optimized.sh setup --dev)"
    return ""


@contextmanager
def redis_server(fsync: str) -> Generator[str]:
    """A redis-server of our own that keeps what it is given: its address. ``fsync``: always or everysec."""
    port, home = free_port(), Path(tempfile.mkdtemp(prefix="bench-redis-"))
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home), "--save", ""]
    command += ["--appendonly", "yes", "--appendfsync", fsync, "--daemonize", "no"]
    with running(command, home, {}) as process:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert process.poll() is None, f"redis-server ended with {process.returncode}"
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}"


async def nothing(_context: dict[str, Any], *, number: int) -> int:
    """The job."""
    return number


class SaqQueue:
    """A queue and its worker in this process, as ours is."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue
        self._left = 0
        self._all_done = asyncio.Event()

    async def count(self, _context: dict[str, Any]) -> None:
        """Called by saq after each job."""
        self._left -= 1
        if self._left == 0:
            self._all_done.set()

    async def finish(self, jobs: int) -> float:
        """Seconds until so many jobs have been through the queue."""
        self._left = jobs
        self._all_done.clear()
        began = time.monotonic()
        for start in range(0, jobs, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, jobs))
            await asyncio.gather(*(self.queue.enqueue("nothing", number=number) for number in numbers))
        await self._all_done.wait()
        return time.monotonic() - began


@asynccontextmanager
async def saq_queue(address: str) -> AsyncGenerator[SaqQueue]:
    """One that works."""
    from saq import Queue, Worker

    logging.getLogger("saq").setLevel(logging.ERROR)  # its goodbye is none of the reader's business
    queue = Queue.from_url(address)
    await queue.connect()
    found = SaqQueue(queue)
    worker: Any = Worker(queue, functions=[nothing], concurrency=CONCURRENCY, after_process=found.count)
    worker.SIGNALS = []  # the process is ours
    loop = asyncio.create_task(worker.start())
    try:
        yield found
    finally:
        await worker.stop()
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await queue.disconnect()
