"""Taking work in: once for each key, within limits, and never twice for the same content."""

from __future__ import annotations

import asyncio
import errno
import threading
from pathlib import Path

import pytest

from gradio_app.base.errors import Conflict, DiskFull, QuotaExceeded, TooManyFiles
from gradio_app.base.options import ParseOptions
from gradio_app.store.listing import Wanted
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Task
from tests.unit.manager_fixtures import House, house

pytestmark = pytest.mark.anyio


async def test_the_same_content_is_served_from_the_stored_result(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        first = await h.end(await h.submit(2, owner="ann"))
        second = await h.end(await h.submit(2, owner="ann"))
        assert second.cached and second.status is TaskStatus.COMPLETED
        assert h.pool.times("doc:document") == 1
        await h.manager.delete(first.id)
        assert (h.folders.result(second.id) / "document.md").is_file()
        third = await h.end(await h.submit(2, owner="ann", use_cache=False))
        assert not third.cached and h.pool.times("doc:document") == 2


async def test_nobody_learns_that_another_has_sent_the_same_file(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.end(await h.submit(2, owner="ann"))
        other = await h.end(await h.submit(2, owner="bob"))
        assert not other.cached
        # as long as for a file that nobody has sent: all jobs are done again
        assert (h.pool.times("doc:inspect"), h.pool.times("doc:document")) == (2, 2)
        assert (await h.end(await h.submit(2, owner="ann"))).cached


async def test_results_are_shared_where_the_server_is_told_so(tmp_path: Path) -> None:
    async with house(tmp_path, share_cache=True) as h:
        await h.end(await h.submit(2, owner="ann"))
        assert (await h.end(await h.submit(2, owner="bob"))).cached
        assert (h.pool.times("doc:inspect"), h.pool.times("doc:document")) == (1, 1)


async def test_a_stored_result_that_is_gone_is_made_again(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        first = await h.end(await h.submit(2))
        h.folders.result(first.id).rename(tmp_path / "elsewhere")
        assert not (await h.end(await h.submit(2))).cached


async def test_an_idempotency_key_gives_the_same_tasks(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        files, options = [h.upload(2, "a"), h.upload(3, "b")], ParseOptions()
        first = await h.manager.submit("ann", files, options, "key-1")
        again = await h.manager.submit("ann", files, options, "key-1")
        assert [task.id for task in first] == [task.id for task in again]
        both = await asyncio.gather(*(h.manager.submit("ann", files, options, "key-2") for _ in range(5)))
        assert len({task.id for tasks in both for task in tasks}) == 2
        others = await h.manager.submit("bob", files, options, "key-1")
        assert others[0].id != first[0].id
        with pytest.raises(Conflict):
            await h.manager.submit("ann", files, ParseOptions(page_range="1"), "key-1")


async def test_limits_have_their_own_errors(tmp_path: Path) -> None:
    async with house(tmp_path, max_files=2, max_queue_per_user=2) as h:
        h.pool.hold = True
        with pytest.raises(TooManyFiles):
            await h.manager.submit("ann", [h.upload(1, str(index)) for index in range(3)], ParseOptions())
        await h.submit(1, "a")
        await h.submit(1, "b")
        with pytest.raises(QuotaExceeded):
            await h.submit(1, "c")
        await h.submit(1, "d", owner="bob")
        h.pool.release_all()


async def test_a_nearly_full_disk_refuses_new_work_and_harms_none(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        running = await h.submit(2)
        await h.pool.until_running("doc:document")
        h.folders.free_bytes = lambda: -1  # type: ignore[method-assign]
        with pytest.raises(DiskFull):
            await h.submit(2, "next")
        h.pool.release_all()
        assert (await h.end(running)).status is TaskStatus.COMPLETED


async def submitted_together(h: House, labels: str, owner: str = "ann") -> list[Task | BaseException]:
    """What becomes of submissions that come while the store's thread is busy."""
    busy = threading.Event()
    thread = asyncio.create_task(h.manager.store.do(busy.wait, 5))
    await asyncio.sleep(0)
    arrivals = [asyncio.create_task(h.submit(1, label, owner)) for label in labels]
    while len(h.manager._intake._waiting) < len(arrivals):
        await asyncio.sleep(0)
    busy.set()
    await thread
    return await asyncio.gather(*arrivals, return_exceptions=True)


async def test_submissions_at_the_same_time_share_a_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, max_queue_per_user=3) as h:
        h.pool.hold = h.pool.held_inspection = True
        waits, settle = list[int](), h.folders.sync_sources
        monkeypatch.setattr(h.folders, "sync_sources", lambda: waits.append(1) or settle())
        outcomes = await submitted_together(h, "abcd")
        assert [type(each) for each in outcomes] == [Task, Task, Task, QuotaExceeded]
        assert len(waits) == 1 and len(list(h.folders.sources.iterdir())) == 3
        h.pool.held_inspection = h.pool.hold = False
        h.pool.release_all()


async def test_a_fault_of_the_disk_is_that_of_all_who_shared_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as h:
        settle, faults = h.folders.sync_sources, [OSError(errno.ENOSPC, "No space left on device")]

        def full_once() -> None:
            if faults:
                raise faults.pop()
            settle()

        monkeypatch.setattr(h.folders, "sync_sources", full_once)
        outcomes = await submitted_together(h, "abc")
        assert [type(each) for each in outcomes] == [DiskFull] * 3
        assert list(h.folders.sources.iterdir()) == []
        assert (await h.manager.list_tasks(Wanted("ann", True), 10)).page.tasks == []
        await h.manager.store.faults.wait_over()
        assert (await h.end(await h.submit(1, "a"))).status is TaskStatus.COMPLETED
