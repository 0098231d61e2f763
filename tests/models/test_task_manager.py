"""The queue's promises, with a pool that fails on demand."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gradio_app.base.errors import (
    Conflict,
    FileCorrupt,
    NotFound,
    ShuttingDown,
    WorkerCrashed,
    WorkerOutOfMemory,
)
from gradio_app.store.states import QueueStatus, TaskStatus
from gradio_app.store.store import Store
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import house

pytestmark = pytest.mark.anyio


async def test_a_short_document_is_parsed_in_one_go(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        done = await h.end(await h.submit(3))
        assert (done.status, done.pages_done, done.pages_total) == (TaskStatus.COMPLETED, 3, 3)
        assert h.pool.calls == ["doc:inspect", "doc:document"]
        assert (h.folders.result(done.id) / "document.md").read_text() == "page 1\n\npage 2\n\npage 3"
        assert done.result_sha256 and done.started_at and done.finished_at
        assert h.leftovers() == []


async def test_a_long_document_is_cut_and_joined(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        done = await h.end(await h.submit(20))
        assert done.status is TaskStatus.COMPLETED
        parts = sorted(call for call in h.pool.calls if "-" in call)
        assert parts == ["doc:1-6", "doc:14-20", "doc:7-13"]
        assert h.pool.calls[-1] == "assemble"
        assert done.pages_done == 20
        assert h.leftovers() == []


async def test_no_more_than_the_slots_run_at_once(tmp_path: Path) -> None:
    async with house(tmp_path, workers=3) as h:
        h.pool.hold = True
        await h.submit(80)
        await h.pool.until_running("doc:1-8", "doc:9-16", "doc:17-24")
        await h.settle()
        assert h.pool.most_running == 3
        h.pool.release("doc:9-16")
        await h.pool.until_running("doc:25-32")
        assert h.pool.most_running == 3


async def test_a_short_document_passes_long_ones_that_hold_all_slots(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.pool.hold = True
        await h.submit(80, "long")
        await h.pool.until_running("long:1-8", "long:9-16")
        await h.submit(2, "short", owner="bob")
        await h.pool.until_running("short:document")
        await h.submit(2, "second", owner="bob")
        await h.settle()
        assert "second:document" not in h.pool.running, "only one beside the slots"


async def test_a_second_user_is_next_after_a_first_one_with_many_jobs(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        for index in range(20):
            await h.submit(2, f"a{index}", owner="ann")
        await h.pool.until_running("a0:document")
        await h.submit(2, "b", owner="bob")
        await h.settle()
        h.pool.release("a0:document")
        await h.pool.until_running("b:document")


async def test_a_crash_costs_nothing_but_time(tmp_path: Path) -> None:
    pool = FakePool()
    pool.faults = {"doc:7-13": [WorkerCrashed(), WorkerCrashed()]}
    async with house(tmp_path, pool) as h:
        assert (await h.end(await h.submit(20))).status is TaskStatus.COMPLETED
        assert [h.pool.times(name) for name in ("doc:1-6", "doc:7-13", "doc:14-20")] == [1, 3, 1]


async def test_a_page_that_kills_its_worker_is_found_and_left_out(tmp_path: Path) -> None:
    pool = FakePool()
    pool.poison = {9: WorkerCrashed()}
    async with house(tmp_path, pool) as h:
        done = await h.end(await h.submit(20))
        assert (done.status, done.pages_done, done.pages_failed) == (TaskStatus.PARTIAL, 19, 1)
        assert (done.error_code, done.failed_pages) == ("worker_crashed", "9")
        assert done.error_message and done.error_message.startswith("Page 9 could not be read")
        text = (h.folders.result(done.id) / "document.md").read_text().split("\n\n")
        assert text == [f"page {page}" for page in range(1, 21) if page != 9]
        assert h.pool.times("doc:1-6") == h.pool.times("doc:14-20") == 1
        assert [h.pool.times(name) for name in ("doc:7-13", "doc:7-9", "doc:9-9")] == [3, 2, 2]
        assert h.leftovers() == []


async def test_a_whole_document_is_halved_too(tmp_path: Path) -> None:
    pool = FakePool()
    pool.faults = {"doc:document": [WorkerOutOfMemory()]}
    pool.poison = {2: WorkerOutOfMemory()}
    async with house(tmp_path, pool) as h:
        done = await h.end(await h.submit(5))
        assert (done.status, done.failed_pages, done.pages_done) == (TaskStatus.PARTIAL, "2", 4)
        pool.poison = {}
        again = await h.end(await h.manager.retry(done.id))
        assert (again.status, again.pages_done, again.failed_pages) == (TaskStatus.COMPLETED, 5, "")
        assert h.pool.calls[-2:] == ["doc:2-2", "assemble"]
        assert h.leftovers() == []


async def test_too_many_bad_pages_are_not_hunted_one_by_one(tmp_path: Path) -> None:
    pool = FakePool()
    pool.poison = dict.fromkeys(range(9, 200), WorkerOutOfMemory())
    async with house(tmp_path, pool) as h:
        done = await h.end(await h.submit(200))
        assert (done.status, done.pages_done, done.pages_failed) == (TaskStatus.PARTIAL, 8, 192)
        assert len(pool.calls) < 150


async def test_a_retry_parses_only_what_is_missing(tmp_path: Path) -> None:
    pool = FakePool()
    pool.poison = {9: WorkerOutOfMemory()}
    async with house(tmp_path, pool) as h:
        first = await h.end(await h.submit(20))
        assert first.status is TaskStatus.PARTIAL
        pool.poison = {}
        pool.calls.clear()
        again = await h.end(await h.manager.retry(first.id))
        assert (again.status, again.pages_done, again.pages_failed) == (TaskStatus.COMPLETED, 20, 0)
        assert again.attempt == 2 and again.error_code is None
        assert pool.calls == ["doc:9-9", "assemble"]
        assert h.leftovers() == []


async def test_a_retry_in_the_moment_of_the_end_is_not_lost(tmp_path: Path) -> None:
    """Whoever waits for the end may retry before the run was put away."""
    pool = FakePool()
    pool.poison = {9: WorkerOutOfMemory()}
    async with house(tmp_path, pool) as h:
        task = await h.submit(20)
        for attempt in range(2, 20):
            await h.end(task)
            task = await h.manager.retry(task.id)
            assert task.attempt == attempt
        assert (await h.end(task)).status is TaskStatus.PARTIAL
        assert h.pool.times("doc:1-6") == 1


async def test_a_retry_in_the_moment_of_a_cancel_keeps_its_parts(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        task = await h.submit(20)
        await h.pool.until_running("doc:1-6")
        h.pool.release("doc:1-6")
        await h.pool.until_running("doc:7-13")
        await h.counted(task, 6)
        cancelling = asyncio.create_task(h.manager.cancel(task.id))
        await h.end(task)
        h.pool.hold = False
        await h.manager.retry(task.id)
        await cancelling
        assert (await h.end(task)).status is TaskStatus.COMPLETED
        assert h.pool.times("doc:1-6") == 1


async def test_a_document_of_which_nothing_can_be_read_fails(tmp_path: Path) -> None:
    pool = FakePool()
    pool.poison = dict.fromkeys(range(1, 21), WorkerOutOfMemory())
    async with house(tmp_path, pool) as h:
        done = await h.end(await h.submit(20))
        assert (done.status, done.error_code) == (TaskStatus.FAILED, "worker_out_of_memory")
        assert h.leftovers() == []


async def test_an_error_of_inspection_is_the_tasks_error(tmp_path: Path) -> None:
    pool = FakePool()
    pool.faults = {"bad:inspect": [FileCorrupt()]}
    async with house(tmp_path, pool) as h:
        bad, good = await h.submit(2, "bad"), await h.submit(2, "good")
        ended = await h.end(bad)
        assert (ended.status, ended.error_code) == (TaskStatus.FAILED, "file_corrupt")
        assert (await h.end(good)).status is TaskStatus.COMPLETED
        retried = await h.end(await h.manager.retry(bad.id))
        assert retried.status is TaskStatus.COMPLETED, "what failed before the cut is inspected again"


async def test_an_unexpected_error_ends_the_task_and_not_the_queue(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        real = h.pool._parse_document
        h.pool._parse_document = lambda args: 1 / 0  # type: ignore[assignment,method-assign]
        broken = await h.end(await h.submit(2, "broken"))
        assert (broken.status, broken.error_code) == (TaskStatus.FAILED, "internal_error")
        h.pool._parse_document = real  # type: ignore[method-assign]
        assert (await h.end(await h.submit(2, "fine"))).status is TaskStatus.COMPLETED


async def test_cancelling_a_running_task_kills_its_jobs_and_frees_the_slots(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.pool.hold = True
        task = await h.submit(80, "long")
        await h.pool.until_running("long:1-8", "long:9-16")
        cancelled = await h.manager.cancel(task.id)
        assert cancelled.status is TaskStatus.CANCELLED and cancelled.finished_at
        assert sorted(h.pool.killed) == ["long:1-8", "long:9-16"]
        h.pool.release_all()
        assert (await h.end(await h.submit(2, "next"))).status is TaskStatus.COMPLETED
        assert h.leftovers() == []
        with pytest.raises(Conflict):
            await h.manager.cancel(task.id)


async def test_a_cancelled_task_goes_on_from_its_finished_parts(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        task = await h.submit(20)
        await h.pool.until_running("doc:1-6")
        h.pool.release("doc:1-6")
        await h.pool.until_running("doc:7-13")
        await h.counted(task, 6)
        await h.manager.cancel(task.id)
        os.close(h.folders.page(task.id, 3))  # finished pages stay readable
        h.pool.release_all()
        assert (await h.end(await h.manager.retry(task.id))).status is TaskStatus.COMPLETED
        assert h.pool.times("doc:1-6") == 1


async def test_waiting_and_uninspected_tasks_can_be_cancelled(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        await h.submit(2, "first")
        await h.pool.until_running("first:document")
        waiting = await h.submit(2, "waiting")
        await h.settle()
        assert (await h.manager.get(waiting.id)).status is TaskStatus.QUEUED
        assert (await h.manager.cancel(waiting.id)).status is TaskStatus.CANCELLED
        h.pool.held_inspection = True
        looked_at = await h.submit(2, "looked")
        await h.pool.until_running("looked:inspect")
        assert (await h.manager.cancel(looked_at.id)).status is TaskStatus.CANCELLED
        assert "looked:inspect" in h.pool.killed
        h.pool.held_inspection = False
        h.pool.release_all()
        assert (await h.end(await h.submit(2, "last"))).status is TaskStatus.COMPLETED
        assert h.pool.times("waiting:document") == 0


async def test_pause_lets_running_parts_end_and_survives_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        first = await h.submit(2, "first")
        await h.pool.until_running("first:document")
        await h.manager.set_paused(True)
        second = await h.submit(2, "second")
        h.pool.release_all()
        assert (await h.end(first)).status is TaskStatus.COMPLETED
        await h.settle()
        assert (await h.manager.get(second.id)).status is TaskStatus.QUEUED
        assert h.manager.status is QueueStatus.PAUSED
    async with house(tmp_path) as h:
        await h.settle()
        assert h.manager.status is QueueStatus.PAUSED and h.pool.calls == []
        await h.manager.set_paused(False)
        assert (await h.end(second)).status is TaskStatus.COMPLETED


async def test_a_stop_gives_work_back_and_a_start_goes_on(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        task = await h.submit(20)
        await h.pool.until_running("doc:1-6")
        h.pool.release("doc:1-6")
        await h.pool.until_running("doc:7-13")
        await h.counted(task, 6)
    async with house(tmp_path) as h:
        done = await h.end(task)
        assert (done.status, done.attempt) == (TaskStatus.COMPLETED, 2)
        assert [h.pool.times(name) for name in ("doc:1-6", "doc:7-13", "doc:14-20")] == [0, 1, 1]
        assert h.leftovers() == []


async def test_a_crash_while_a_task_is_cancelled_leaves_no_parts_about(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        task = await h.submit(20)
        await h.pool.until_running("doc:1-6")
        h.pool.release("doc:1-6")
        await h.pool.until_running("doc:7-13")
        await h.counted(task, 6)
    store = Store(h.folders.database)
    for status in (TaskStatus.PROCESSING, TaskStatus.CANCELLING):
        store.move(task.id, status)
    store.close()
    async with house(tmp_path) as h:
        assert (await h.end(task)).status is TaskStatus.CANCELLED
        assert h.leftovers() == []
        await h.manager.retry(task.id)
        assert (await h.end(task)).status is TaskStatus.COMPLETED
        assert h.pool.times("doc:1-6") == 0, "what was finished is kept"


async def test_a_finished_part_whose_files_are_gone_is_parsed_again(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        task = await h.submit(20)
        await h.pool.until_running("doc:1-6")
        h.pool.release("doc:1-6")
        await h.pool.until_running("doc:7-13")
        await h.counted(task, 6)
        folders = h.folders
    folders.drop_shards(task.id)
    async with house(tmp_path) as h:
        assert (await h.end(task)).status is TaskStatus.COMPLETED
        assert h.pool.times("doc:1-6") == 1


async def test_a_result_of_an_older_attempt_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        task = await h.submit(2)
        await h.pool.until_running("doc:document")
        store = h.manager.store.sync
        await h.manager.store.do(store.move, task.id, TaskStatus.QUEUED, attempt=2)
        h.pool.release_all()
        await h.settle()
        assert not h.folders.result(task.id).exists()
        assert (await h.manager.get(task.id)).status is TaskStatus.QUEUED


async def test_delete_takes_everything_away(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        keep, drop = await h.submit(2, "same", owner="bob"), await h.submit(2, "same", owner="ann")
        await h.end(keep)
        await h.end(drop)
        await h.manager.delete(drop.id)
        assert not h.folders.task(drop.id).exists()
        assert h.folders.source(keep.source).exists(), "another task needs it"
        await h.manager.delete(keep.id)
        assert not h.folders.source(keep.source).exists()
        with pytest.raises(NotFound):
            await h.manager.get(drop.id)


async def test_deleting_a_running_task_cancels_it_first(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.pool.hold = True
        task = await h.submit(2)
        await h.pool.until_running("doc:document")
        await h.manager.delete(task.id)
        assert h.pool.killed == ["doc:document"]
        assert not h.folders.task(task.id).exists() and h.leftovers() == []


async def test_places_and_eta_follow_the_order(tmp_path: Path) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        running = await h.submit(8, "running")
        await h.pool.until_running("running:document")
        second, third = await h.submit(40, "second"), await h.submit(2, "third")
        await h.settle()
        assert h.manager.estimate(running.id)[0] is None
        assert [h.manager.estimate(task.id)[0] for task in (third, second)] == [1, 2]
        etas = [h.manager.estimate(task.id)[1] for task in (running, third, second)]
        assert etas == sorted(etas, key=lambda eta: eta or 0) and all(etas)
        assert h.manager.tail_eta() == etas[2]
        h.pool.release_all()


async def test_a_stopping_manager_accepts_nothing_and_lets_waiters_go(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.pool.hold = True
        task = await h.submit(2)
        await h.pool.until_running("doc:document")
        waiter = asyncio.create_task(h.manager.wait(task.id, 60))
        await h.settle()
        await h.manager.store.begin_closing()
        assert not (await waiter).ended
        with pytest.raises(ShuttingDown):
            await h.submit(2, "late")
        assert h.manager.status is QueueStatus.DRAINING


async def test_the_processing_lock_admits_one_dispatcher(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.end(await h.submit(1))
        assert h.manager.processing_lock.locked()
