"""A page that is read again: when that may be, what is kept, what becomes of the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gradio_app.base.errors import (
    Conflict,
    FileCorrupt,
    NotFound,
    OptionInvalid,
    PageRangeInvalid,
    QuotaExceeded,
    WorkerCrashed,
)
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Task
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import House, house

pytestmark = pytest.mark.anyio


async def read(h: House, pages: int, **options: str) -> Task:
    return await h.end(await h.submit(pages, **options))


async def again(h: House, task: Task, page: int, tier: str = "flash") -> Task:
    return await h.end(await h.manager.redo_page(task.id, page, tier, "auto"))


def text(h: House, task: Task) -> str:
    return (h.folders.result(task.id) / "document.md").read_text()


async def test_a_page_is_read_again_and_kept(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task = await read(h, 3)
        second = await again(h, task, 2)
        assert (second.status, second.redo_of, second.redo_page) == (TaskStatus.COMPLETED, task.id, 2)
        assert (second.owner, second.name, second.options.page_range) == (task.owner, task.name, "2")
        assert text(h, task) == "page 1\n\npage 2\n\npage 3", "nothing is changed before it is kept"
        kept = await h.manager.keep_page(second.id)
        assert text(h, task) == "page 1\n\npage 2 again\n\npage 3"
        assert (kept.id, kept.status, kept.redone) == (task.id, TaskStatus.COMPLETED, "2")
        assert kept.result_sha256 not in ("", task.result_sha256) and kept.rev > task.rev
        with pytest.raises(NotFound):
            await h.manager.get(second.id)
        assert h.leftovers() == []


async def test_a_second_page_keeps_the_first(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task = await read(h, 20)
        seconds = [await again(h, task, page) for page in (20, 3)]
        await asyncio.gather(*(h.manager.keep_page(second.id) for second in seconds))
        assert (await h.manager.get(task.id)).redone == "3,20"
        assert text(h, task).count("again") == 2


async def test_dropping_one_leaves_the_document_as_it_is(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task = await read(h, 3)
        await h.manager.delete((await again(h, task, 2)).id)
        assert await h.manager.get(task.id) == task
        assert "again" not in text(h, task)


async def test_a_document_takes_its_second_readings_along(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task = await read(h, 3)
        done = await again(h, task, 1)
        h.pool.hold = True
        runs = await h.manager.redo_page(task.id, 2, "flash", "auto")
        await h.pool.until_running("doc:document")
        await h.manager.delete(task.id)
        for gone in (task, done, runs):
            with pytest.raises(NotFound):
                await h.manager.get(gone.id)
        assert h.pool.killed == ["doc:document"] and list(h.folders.sources.iterdir()) == []


async def test_asked_twice_it_is_read_once(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task = await read(h, 3)
        h.pool.hold = True
        first = await h.manager.redo_page(task.id, 2, "flash", "auto")
        same = await h.manager.redo_page(task.id, 2, "FLASH", "auto")
        other = await h.manager.redo_page(task.id, 2, "flash", "ocr")
        assert first.id == same.id != other.id


async def test_what_cannot_be_read_again_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, max_queue_per_user=2) as h:
        task = await read(h, 3, page_range="2-3")
        redo = h.manager.redo_page
        for page in (1, 4):
            with pytest.raises(PageRangeInvalid):
                await redo(task.id, page, "flash", "auto")
        with pytest.raises(OptionInvalid):
            await redo(task.id, 2, "best", "auto")
        second = await again(h, task, 2)
        with pytest.raises(Conflict, match="second reading itself"):
            await redo(second.id, 2, "flash", "auto")
        with pytest.raises(Conflict, match="nothing to put it into"):
            await h.manager.keep_page(task.id)
        h.pool.hold = True
        running = await h.submit(3, "other")
        with pytest.raises(Conflict, match="when it is done"):
            await redo(running.id, 1, "flash", "auto")
        unread = await redo(task.id, 3, "flash", "auto")
        with pytest.raises(Conflict, match="was not read"):
            await h.manager.keep_page(unread.id)
        with pytest.raises(QuotaExceeded):
            await redo(task.id, 2, "flash", "ocr")


async def test_the_document_may_have_gone_or_changed_meanwhile(tmp_path: Path) -> None:
    pool = FakePool()
    async with house(tmp_path, pool) as h:
        task = await read(h, 3)
        second = await again(h, task, 2)
        store = h.manager.store.sync
        await h.manager.store.do(store.amend, task, task.status, {"redone": "3"})
        with pytest.raises(Conflict, match="changed meanwhile"):
            store.check_unchanged(task)
        await h.manager.keep_page(second.id)
        assert (await h.manager.get(task.id)).redone == "2-3"


async def test_what_stops_it_leaves_all_as_it_was(tmp_path: Path) -> None:
    pool = FakePool()
    async with house(tmp_path, pool) as h:
        task = await read(h, 3)
        second = await again(h, task, 2)
        pool.faults["replace_pages"] = [FileCorrupt()]
        with pytest.raises(FileCorrupt):
            await h.manager.keep_page(second.id)
        assert await h.manager.get(task.id) == task and h.leftovers() == []
        assert (await h.manager.keep_page(second.id)).redone == "2"


@pytest.mark.parametrize("others", [(), (17,)])
async def test_a_missing_page_that_is_kept_is_missing_no_more(
    tmp_path: Path, others: tuple[int, ...]
) -> None:
    pool = FakePool()
    async with house(tmp_path, pool) as h:
        pool.poison = dict.fromkeys((5, *others), WorkerCrashed())
        task = await read(h, 20)
        assert (task.status, task.pages_failed) == (TaskStatus.PARTIAL, 1 + len(others))
        pool.poison.pop(5)
        kept = await h.manager.keep_page((await again(h, task, 5)).id)
        assert kept.redone == "5" and kept.pages_failed == len(others)
        if others:
            assert (kept.status, kept.failed_pages, kept.error_code) == (
                TaskStatus.PARTIAL,
                "17",
                "worker_crashed",
            )
        else:
            assert (kept.status, kept.failed_pages, kept.error) == (TaskStatus.COMPLETED, "", None)
            assert kept.pages_done == 20


async def test_it_stays_when_the_rest_is_tried_again(tmp_path: Path) -> None:
    pool = FakePool()
    async with house(tmp_path, pool) as h:
        pool.poison = {5: WorkerCrashed(), 17: WorkerCrashed()}
        task = await read(h, 20)
        del pool.poison[5]
        await h.manager.keep_page((await again(h, task, 5)).id)
        pool.poison = {5: WorkerCrashed()}
        await h.manager.retry(task.id)
        ended = await h.end(task)
        assert (ended.status, ended.failed_pages, ended.redone) == (TaskStatus.COMPLETED, "", "5")
        assert ended.pages_done == 20
        assert "page 5 again" in text(h, ended)


async def test_others_do_not_get_what_was_changed(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task = await read(h, 3)
        await h.manager.keep_page((await again(h, task, 2)).id)
        same = await read(h, 3)
        assert not same.cached and "again" not in text(h, same)
