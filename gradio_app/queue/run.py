"""Run: the record of a task that is being processed, from its first shard to its end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from gradio_app.queue.retry_policy import ShardFailures
from gradio_app.queue.scheduler import Entry
from gradio_app.queue.worker_jobs import JobFolder
from gradio_app.store.task import Shard, Task


@dataclass(slots=True)
class Run:
    """A task that is being processed: shards not started yet, and jobs in flight by shard index.

    ``working`` shards hold a slot, until they are parsed. ``folder`` is prepared for a whole document.
    """

    task: Task
    entry: Entry
    todo: deque[Shard] = field(default_factory=deque[Shard])
    folder: JobFolder | None = None
    in_flight: dict[int, asyncio.Task[None]] = field(default_factory=dict[int, "asyncio.Task[None]"])
    working: set[int] = field(default_factory=set[int])
    ending: asyncio.Task[None] | None = None
    assembling: bool = False
    failures: dict[int, ShardFailures] = field(default_factory=dict[int, ShardFailures])
    poison: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def slots(self) -> int:
        """Slots that the task holds."""
        return len(self.working) + self.assembling

    @property
    def jobs(self) -> list[asyncio.Task[None]]:
        """All jobs in flight."""
        return [*self.in_flight.values(), *([self.ending] if self.ending else [])]


async def cancel_all(jobs: Sequence[asyncio.Task[None]]) -> None:
    """Cancels these and waits for their end."""
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
