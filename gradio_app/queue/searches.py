"""Searches inside documents: done by workers, few at a time, each for a limited time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import QuotaExceeded, TaskTimeout, WorkerCrashed
from gradio_app.workers.pool import WorkerPool

#: seconds for one search
SECONDS = 10.0
#: searches at the same time; and of one person, those that wait included
AT_ONCE, OF_ONE = 2, 4
_Text = Annotated[str, Field(max_length=1000)]


@dataclass(frozen=True)
class Hit:
    """One place where the words stand, with the text around it; ``nth`` counts those in its block from 0."""

    page: int
    block: _Text
    nth: int
    before: _Text
    match: _Text
    after: _Text


_HITS = TypeAdapter(list[Hit])


class Searches:
    """Lives on the server's event loop. Bytes of a document are read in workers only."""

    def __init__(self, folders: Folders, pool: WorkerPool) -> None:
        self._folders = folders
        self._pool = pool
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._open: Counter[str] = Counter()

    async def find(self, who: str, task_id: str, words: Sequence[str], limit: int) -> list[Hit]:
        """Places in the finished pages of a task where ``words`` follow each other, ``limit`` at most.

        Raises ``QuotaExceeded`` when ``who`` searches too much at once, ``TaskTimeout``, and what befell the
        worker.
        """
        if self._open[who] >= OF_ONE:
            raise QuotaExceeded("Too many searches at once. Wait until one is done.")
        self._open[who] += 1
        try:
            async with self._slots:
                return await self._find(task_id, words, limit)
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    async def _find(self, task_id: str, words: Sequence[str], limit: int) -> list[Hit]:
        pages = await asyncio.to_thread(self._folders.pages, task_id)
        if not pages:
            return []
        listed = [(number, str(path)) for number, path in pages]
        args = {"pages": listed, "words": list(words), "limit": limit}
        try:
            answer = await self._pool.run("search", args, seconds=SECONDS)
            return _HITS.validate_python(answer.get("hits"))
        except TaskTimeout:
            raise TaskTimeout("The search took too long. Search for fewer or for rarer words.") from None
        except ValidationError:
            raise WorkerCrashed() from None
