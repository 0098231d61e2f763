"""Small files that wait are looked at together, and no one of them suffers by another."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import AppError, FileCorrupt, WorkerCrashed
from gradio_app.queue.inspection_cache import InspectionCache
from gradio_app.queue.inspector import LONG_ENOUGH, MOST_AT_ONCE, next_batch_size
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Inspection, Task
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import House, house
from tests.unit.records import a_task

pytestmark = pytest.mark.anyio


class Pool(FakePool):
    """Notes how many files each look took in. Each file takes ``seconds``, as it says."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.looks: list[int] = []
        self._seconds = seconds

    async def run_light(
        self, fn: str, args: dict[str, object], *, seconds: float, out: Path | None = None
    ) -> dict[str, object]:
        files = args.get("files")
        self.looks.append(len(files) if isinstance(files, list) else 1)
        return await super().run_light(fn, args, seconds=seconds, out=out)

    def _inspect(self, args: dict[str, Any]) -> dict[str, Any]:
        return super()._inspect(args) | {"seconds": self._seconds}


async def waiting(h: House, pool: Pool, count: int) -> list[Task]:
    """Tasks that came while the first one is being looked at."""
    pool.held_inspection = True
    first = await h.submit(1, "first")
    await pool.until_running("first:inspect")
    return [first, *[await h.submit(1, f"d{number}") for number in range(count)]]


def look_on(pool: Pool) -> None:
    """Lets all looks go on."""
    pool.held_inspection = False
    pool.release_all()


async def ended(h: House, tasks: list[Task]) -> list[TaskStatus]:
    return [task.status for task in await asyncio.gather(*map(h.end, tasks))]


async def test_the_more_wait_the_more_are_looked_at_in_one_job(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        tasks = await waiting(h, pool, 14)
        look_on(pool)
        assert set(await ended(h, tasks)) == {TaskStatus.COMPLETED}
        assert pool.looks == [1, 2, 4, MOST_AT_ONCE] and h.leftovers() == []
        await h.settle()
        await h.end(await h.submit(1, "later"))
        assert pool.looks[-1] == 1, "one that comes alone is looked at alone"


@pytest.mark.parametrize(
    ("count", "seconds", "next_time"),
    [
        (1, 0.0, 2),
        (1, LONG_ENOUGH / 10, 2),
        (4, LONG_ENOUGH / 10, MOST_AT_ONCE),
        (4, LONG_ENOUGH, 4),
        (8, 4 * LONG_ENOUGH, 2),
        (8, 100 * LONG_ENOUGH, 1),
        (1, 0.8 * LONG_ENOUGH, 1),
    ],
)
def test_as_many_are_looked_at_as_are_quick(count: int, seconds: float, next_time: int) -> None:
    assert next_batch_size(count, seconds) == next_time


@pytest.mark.parametrize(("share", "looks"), [(0.8, [1] * 7), (0.4, [1, 2, 2, 2])])
async def test_files_that_take_long_are_not_looked_at_together(
    tmp_path: Path, share: float, looks: list[int]
) -> None:
    async with house(tmp_path, pool := Pool(share * LONG_ENOUGH)) as h:
        tasks = await waiting(h, pool, 6)
        look_on(pool)
        assert set(await ended(h, tasks)) == {TaskStatus.COMPLETED}
        assert pool.looks == looks


async def test_parts_leave_a_process_as_long_as_files_wait_to_be_looked_at(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        tasks = await waiting(h, pool, 1)
        assert not pool.spare, "nothing waited when the first one was begun"
        pool.release("first:inspect")
        await pool.until_running("d0:inspect")
        tasks += [await h.submit(1, "d1"), await h.submit(1, "d2"), await h.submit(1, "d3")]
        pool.release("d0:inspect")
        await pool.until_running("d1:inspect")  # with d2
        assert pool.spare
        look_on(pool)
        assert set(await ended(h, tasks)) == {TaskStatus.COMPLETED}
        await h.settle()
        assert not pool.spare


async def test_somebody_elses_file_waits_for_one_long_look_only(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool(LONG_ENOUGH)) as h:
        await waiting(h, pool, 6)
        pool.release("first:inspect")
        await pool.until_running("d0:inspect")
        other = await h.submit(1, "other", owner="bob")
        pool.release("d0:inspect")
        await pool.until_running("other:inspect")
        pool.release("other:inspect")
        assert (await h.end(other)).status is TaskStatus.COMPLETED


@pytest.mark.parametrize("fault", [FileCorrupt(), WorkerCrashed()])
async def test_one_that_is_odd_is_found_out_alone(tmp_path: Path, fault: AppError) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        tasks = await waiting(h, pool, 6)
        pool.faults["d3:inspect"] = [fault, FileCorrupt()]  # in the look together, then alone
        look_on(pool)
        statuses = await ended(h, tasks)
        assert statuses.pop(4) is TaskStatus.FAILED and set(statuses) == {TaskStatus.COMPLETED}
        assert h.leftovers() == []


async def test_one_that_is_cancelled_takes_no_other_with_it(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        tasks = await waiting(h, pool, 6)
        pool.release("first:inspect")
        await pool.until_running("d0:inspect")  # with d1
        await h.manager.cancel(tasks[1].id)
        assert pool.killed == ["d0:inspect"]
        look_on(pool)
        statuses = await ended(h, tasks)
        assert statuses.pop(1) is TaskStatus.CANCELLED and set(statuses) == {TaskStatus.COMPLETED}
        assert h.leftovers() == []


async def test_a_look_that_is_stopped_as_it_was_written_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        first, gone, other = await waiting(h, pool, 2)
        looks, loop = h.manager._inspector, asyncio.get_running_loop()
        real, stopping = looks._plan_all, list[asyncio.Task[None]]()

        def stop() -> None:
            stopping.append(loop.create_task(looks.forget(gone.id)))

        def plan_all(*args: Any) -> list[Task]:
            done = real(*args)
            loop.call_soon_threadsafe(stop)  # before who waits for us is told
            return done

        monkeypatch.setattr(looks, "_plan_all", plan_all)
        look_on(pool)
        assert await ended(h, [first, other]) == [TaskStatus.COMPLETED] * 2
        await asyncio.gather(*stopping)
        assert (await h.manager.cancel(gone.id)).status is TaskStatus.CANCELLED
        assert h.leftovers() == []


async def test_the_same_file_again_needs_no_look(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        first = await h.end(await h.submit(4))
        again = await h.end(await h.submit(4))
        assert again.cached and pool.looks == [1]
        await h.manager.delete(first.id)
        await h.manager.delete(again.id)
        anew = await h.end(await h.submit(4))
        same = ("kind", "tier", "parse_mode", "source_pages", "pages_total", "result_sha256")
        assert not anew.cached and pool.looks == [1]
        assert all(getattr(first, name) == getattr(anew, name) for name in same)
        part = await h.end(await h.submit(4, page_range="2-3"))
        assert (part.pages_total, pool.looks) == (2, [1, 1])
        await h.end(await h.submit(4, use_cache=False))
        assert pool.looks == [1, 1, 1] and h.leftovers() == []


async def test_among_many_only_the_new_ones_are_looked_at(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        known = await h.end(await h.submit(2, "known"))
        pool.held_inspection = True
        tasks = [await h.submit(1, "first")]
        await pool.until_running("first:inspect")
        tasks += [await h.submit(2, "known"), await h.submit(1, "new")]
        look_on(pool)
        assert set(await ended(h, tasks)) == {TaskStatus.COMPLETED}
        assert pool.looks == [1, 1, 1] and h.leftovers() == []
        assert (await h.manager.get(tasks[1].id)).result_sha256 == known.result_sha256


async def test_what_is_odd_is_looked_at_each_time(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        for _ in range(2):
            pool.faults["doc:inspect"] = [FileCorrupt()]
            assert (await h.end(await h.submit(1))).status is TaskStatus.FAILED
        assert pool.looks == [1, 1]


def test_looks_are_kept_by_what_they_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_app.queue.inspection_cache.MOST", 2)
    seen = InspectionCache()
    found = Inspection("pdf", 3, "txt", "flash", "1", pages=(1, 2, 3))
    a, b, c = (a_task(task_id) for task_id in "abc")
    seen.add(a, "", False, found)
    assert seen.find(a, "", False) == found
    assert seen.find(a, "sglang", False) is None and seen.find(a, "", True) is None
    assert seen.find(replace(a, name="other.csv"), "", False) is None
    seen.add(a, "sglang", False, found)
    assert seen.find(a, "sglang", False) is None, "with models, that may come, it would be read better"
    seen.add(b, "", False, found)
    assert seen.find(a, "", False) and not seen.add(c, "", False, found)
    assert seen.find(b, "", False) is None and seen.find(a, "", False), "the one asked for least goes"
