"""Many tasks that are cancelled or deleted in one step."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradio_app.store.states import TaskStatus
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import house

pytestmark = pytest.mark.anyio


async def test_waiting_ones_are_cancelled_and_what_runs_is_left(tmp_path: Path) -> None:
    pool = FakePool()
    pool.hold = True
    async with house(tmp_path, pool, workers=1) as one:
        running = await one.submit(3, "running")
        await one.settle()
        waiting = [await one.submit(2, f"w{index}") for index in range(5)]
        await one.settle()
        everything = [running.id, *(task.id for task in waiting), "gone"]
        cancelled = await one.manager.cancel_waiting(everything)
        assert cancelled == {task.id for task in waiting}
        assert (await one.manager.get(running.id)).status is TaskStatus.PROCESSING
        assert list(one.manager.estimates()) == [running.id], "they are no longer in line"
        assert await one.manager.cancel_waiting(everything) == set()
        pool.release_all()
        assert (await one.end(running)).status is TaskStatus.COMPLETED


async def test_a_cancelled_one_is_not_looked_at_later(tmp_path: Path) -> None:
    pool = FakePool()
    pool.held_inspection = True
    async with house(tmp_path, pool) as one:
        tasks = [await one.submit(2, f"w{index}") for index in range(4)]
        assert await one.manager.cancel_waiting([task.id for task in tasks]) == {task.id for task in tasks}
        pool.held_inspection = False
        await one.settle()
        assert {(await one.manager.get(task.id)).status for task in tasks} == {TaskStatus.CANCELLED}


async def test_ended_ones_are_deleted_with_what_belongs_to_them(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        ended = [await one.end(await one.submit(2, f"e{index}")) for index in range(3)]
        await one.manager.set_paused(True)
        waiting = await one.submit(2, "e0")  # of the same file as the first
        await one.settle()
        ids = [task.id for task in ended]
        assert await one.manager.delete_ended([*ids, waiting.id, "gone"]) >= set(ids)
        left = await one.manager.find_all([*ids, waiting.id])
        assert [task.id for task in left] in ([waiting.id], [])
        assert not [path for task_id in ids if (path := one.folders.task(task_id)).exists()]
        kept = [one.folders.source(task.source).exists() for task in ended]
        assert kept == [bool(left), False, False], "a file goes with the last that needs it"


async def test_those_that_ended_early_run_again_while_there_is_room(tmp_path: Path) -> None:
    async with house(tmp_path, max_queue_per_user=4) as one:
        await one.manager.set_paused(True)
        tasks = [await one.submit(2, f"r{index}") for index in range(4)]
        await one.settle()
        ids = [task.id for task in tasks]
        assert await one.manager.retry_ended(ids) == set(), "these have not ended"
        await one.manager.cancel_waiting(ids)
        gone = one.folders.source(tasks[3].source)
        gone.unlink()
        assert await one.manager.retry_ended([*ids, "gone"]) == set(ids[:3])
        assert [(await one.manager.get(task_id)).status for task_id in ids] == [
            *[TaskStatus.QUEUED] * 3,
            TaskStatus.CANCELLED,
        ]
        await one.manager.cancel_waiting(ids)
        await one.submit(2, "other")
        await one.submit(2, "another")
        assert await one.manager.retry_ended(ids[:3]) == set(), "not all of them fit"
        await one.manager.set_paused(False)
        assert await one.manager.retry_ended(ids[:2]) == set(ids[:2])
        for task in tasks[:2]:
            assert (await one.end(task)).status is TaskStatus.COMPLETED
