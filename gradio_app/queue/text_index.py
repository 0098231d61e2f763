"""Text index: keeps ``search.db`` like the queue's ended documents, and answers lists of tasks by words.

Beside the queue: no transaction of it waits for the index, and none of its faults concerns a task. What a
crash, a damaged file or a new version leaves undone is done after the next start.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

from loguru import logger
from pydantic import Field, TypeAdapter, ValidationError

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import PASSING, AppError, WorkerCrashed
from gradio_app.base.files import remove_tree
from gradio_app.base.options import MOST_PAGES
from gradio_app.queue.async_store import AsyncStore
from gradio_app.store.listing import Wanted
from gradio_app.store.search_index import Doc, IndexDamaged, SearchIndex
from gradio_app.store.states import TaskStatus
from gradio_app.store.text_search import Found, TextSearch
from gradio_app.workers.pool import WorkerPool

_P = ParamSpec("_P")
_T = TypeVar("_T")
#: documents of one turn, and pages of one job: others wait for it as for any short job
BATCH, BATCH_PAGES = 200, 100
#: seconds that a turn waits at most for a queue at rest: a job beside busy slots may start one more process
LULL = 20.0
_BUSY = (TaskStatus.PENDING, TaskStatus.PROCESSING)
#: seconds for a job
SECONDS = 60.0
#: seconds after a change: what ends in the meantime goes along
PAUSE = 0.5
#: seconds after a fault, such as a full disk
LATER = 30.0
#: merging takes at most a tenth of the time
_SHARE = 9
_LINE: TypeAdapter[tuple[int, str]] = TypeAdapter(tuple[Annotated[int, Field(ge=1, le=MOST_PAGES)], str])


class TextIndex:
    """Lives on the server's event loop. SQLite is on two threads: one writes, one reads."""

    def __init__(self, folders: Folders, store: AsyncStore, pool: WorkerPool) -> None:
        self._folders, self._store, self._pool = folders, store, pool
        paths = folders.search_index, folders.database
        self._index, self._search = SearchIndex(*paths), TextSearch(*paths)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="index")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="search")
        #: what to do before anything else; None: the index is in order
        self._repair: Callable[[], None] | None = self._index.open
        #: the index was found damaged
        self._found_damaged = asyncio.Event()
        #: documents wait for the index: there may be more than it finds
        self._behind = True
        #: bytes on the disk
        self.bytes = 0

    # ------------------------------------------------------------ lists

    async def list(self, wanted: Wanted, limit: int, cursor: str = "") -> Found:
        """Tasks from ``cursor`` on, at the newest revision or an older one; with words also by their text.

        By names alone while there is no index.
        """
        if wanted.words.strip():
            try:
                found = await self._on(self._reader, self._search.page, wanted, limit, cursor)
                return replace(found, complete=not self._behind)
            except (IndexDamaged, sqlite3.Error, OSError) as error:
                self._doubt(error)
        store, complete = self._store.sync, not wanted.words.strip()
        return await self._store.do(
            lambda: Found(store.rev(), store.listing.page(wanted, limit, cursor), {}, complete)
        )

    async def ids(self, wanted: Wanted, limit: int) -> dict[str, list[str]]:
        """As ``Listing.ids``, with words also by text."""
        if wanted.words.strip():
            try:
                return await self._on(self._reader, self._search.ids, wanted, limit)
            except (IndexDamaged, sqlite3.Error, OSError) as error:
                self._doubt(error)
        return await self._store.do(self._store.sync.listing.ids, wanted, limit)

    def _doubt(self, error: Exception) -> None:
        if self._repair is None:
            logger.bind(action="search_failed").warning("search.db cannot be read: {}", error)
            if isinstance(error, IndexDamaged):
                self._repair = self._index.remake
                self._found_damaged.set()

    # ------------------------------------------------------------ keeping it right

    async def run(self) -> None:
        """Indexes what ends and drops what is gone, until cancelled."""
        try:
            while True:
                try:
                    pause = await self._turn()
                except IndexDamaged as error:
                    logger.bind(action="search_remade").info("search.db is made anew: {}", error)
                    self._repair, pause = self._index.remake, PAUSE
                except (sqlite3.Error, OSError, AppError) as error:
                    logger.bind(action="search_put_off").warning("search.db waits: {}", error)
                    pause = LATER
                if pause is None:
                    await self._until_changed()
                    pause = PAUSE
                await asyncio.sleep(pause)
        finally:
            self._writer.submit(self._index.close)
            self._reader.submit(self._search.close)
            self._writer.shutdown(wait=False)
            self._reader.shutdown(wait=False)

    async def _turn(self) -> float | None:
        """Does some of the work; seconds until the next turn, None when nothing is left."""
        self._found_damaged.clear()
        if (repair := self._repair) is not None:
            await self._on(self._writer, repair)
            self._repair = None
        await self._lull()
        began = time.monotonic()
        docs = await self._on(self._writer, self._index.due, BATCH)
        if docs:
            await self._add(docs)
        self._behind = len(docs) == BATCH
        taken = time.monotonic() - began
        began = time.monotonic()
        more = await self._on(self._writer, self._index.shred)
        self.bytes = await self._on(self._writer, self._index.size)
        if not docs and not more:
            return None
        return taken + _SHARE * (time.monotonic() - began) * more

    async def _lull(self) -> None:
        deadline = time.monotonic() + LULL
        while time.monotonic() < deadline:
            counts = await self._store.counts()
            if not any(counts.get(status) for status in _BUSY):
                return
            await asyncio.sleep(PAUSE)

    async def _until_changed(self) -> None:
        change = asyncio.create_task(self._store.wait_change(self._index.seen, 3600))
        damage = asyncio.create_task(self._found_damaged.wait())
        try:
            await asyncio.wait([change, damage], return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            damage.cancel()

    async def _add(self, docs: Sequence[Doc]) -> None:
        listed = await asyncio.to_thread(lambda: [(doc, self._folders.pages(doc.id)) for doc in docs])
        for doc, pages in listed:
            if not pages:
                await self._on(self._writer, self._index.put, doc, {})
        for group in _groups([each for each in listed if each[1]]):
            try:
                await self._add_group(group)
            except PASSING:
                raise
            except AppError:  # by one of them: the others are not to suffer
                for each in group:
                    await self._add_alone(each)

    async def _add_alone(self, each: _Listed) -> None:
        try:
            await self._add_group([each])
        except PASSING:
            raise
        except AppError as error:
            logger.bind(action="search_without", task=each[0].id).warning("text is not searched: {}", error)
            await self._on(self._writer, self._index.put, each[0], {})

    async def _add_group(self, group: Sequence[_Listed]) -> None:
        out = self._folders.run / "tmp" / "texts"
        await asyncio.to_thread(remove_tree, out)
        try:
            documents = [[(number, str(path)) for number, path in pages] for _, pages in group]
            await self._pool.run_light("page_texts", {"documents": documents}, seconds=SECONDS, out=out)
            for place, (doc, _) in enumerate(group):
                await self._on(self._writer, self._put, doc, out / f"{place}.jsonl")
        finally:
            await asyncio.shield(asyncio.to_thread(remove_tree, out))

    def _put(self, doc: Doc, path: Path) -> None:
        try:
            with path.open("rb") as lines:
                texts = dict(map(_LINE.validate_python, map(json.loads, lines)))
        except (OSError, ValueError, ValidationError, RecursionError) as error:
            raise WorkerCrashed() from error
        self._index.put(doc, texts)

    async def _on(
        self, thread: ThreadPoolExecutor, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        return await asyncio.get_running_loop().run_in_executor(thread, lambda: fn(*args, **kwargs))


#: a document, and its finished pages as ``Folders.pages`` has them
_Listed = tuple[Doc, list[tuple[int, Path]]]


def _groups(listed: Sequence[_Listed]) -> Iterator[list[_Listed]]:
    """Groups with few pages; one with many stands alone."""
    group: list[_Listed] = []
    pages = 0
    for each in listed:
        if group and pages + len(each[1]) > BATCH_PAGES:
            yield group
            group, pages = [], 0
        group.append(each)
        pages += len(each[1])
    if group:
        yield group
