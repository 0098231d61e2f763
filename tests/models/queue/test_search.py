"""Search of a running queue: it says whether it has seen all texts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gradio_app.queue.text_index import TextIndex
from gradio_app.store.listing import Wanted
from tests.unit.manager_fixtures import house

pytestmark = pytest.mark.anyio

WANTED = Wanted("ann", True, words="report")


async def test_names_alone_are_not_all_there_is(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        made = await h.end(await h.submit(1, "report.pdf", owner="ann"))
        idle = TextIndex(h.folders, h.manager.store, h.manager.workers.here)  # nobody runs it
        h.folders.search_index.unlink(missing_ok=True)
        found = await idle.list(WANTED, 10)
        assert ([task.id for task in found.page.tasks], found.complete) == ([made.id], False)
        assert (await idle.list(Wanted("ann", True), 10)).complete, "a list without words is whole"


async def test_once_nothing_waits_for_the_index_it_says_so(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        running = asyncio.create_task(h.manager.texts.run())
        async with asyncio.timeout(30):
            while not (await h.manager.list_tasks(WANTED, 10)).complete:
                await h.manager.store.do(int)
        running.cancel()
