"""Containers in the queue: their documents become tasks once, whatever happens, and end with them."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gradio_app import cleanup
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import Conflict, FileCorrupt, NotFound
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Task
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import House, house

pytestmark = pytest.mark.anyio
S = TaskStatus


class Boxes(FakePool):
    """An upload with a name such as ``box3`` has three documents in it."""

    def __init__(self, paths: Sequence[str] | None = None) -> None:
        super().__init__()
        #: what is said to be inside, in place of what is
        self._paths = paths

    async def run_light(
        self, fn: str, args: dict[str, Any], *, seconds: float, out: Path | None = None
    ) -> dict[str, Any]:
        answer = await super().run_light(fn, args, seconds=seconds, out=out)
        for number, file in enumerate(args.get("files", ())):
            name = Path(file["source"]).read_text().split()[1]
            if name.startswith("box") and file["limits"] and out:
                folder = out / f"{number}.parts"
                folder.mkdir(parents=True, exist_ok=True)
                count = int(name[3])
                for part in range(count):
                    (folder / str(part)).write_text(f"1 part{part}")
                paths = [f"../in/part{part}.pdf" for part in range(count)]
                answer["found"][number]["parts"] = paths if self._paths is None else list(self._paths)
        return answer


async def fates(h: House, task: Task) -> list[S]:
    return [part.status for part in await h.manager.parts(task.id)]


async def waiting(h: House, task: Task) -> Task:
    """A container whose own document has ended."""
    await h.counted(task, 1)
    found = await h.manager.get(task.id)
    assert found.status is S.PROCESSING
    return found


async def at_its_second_part(h: House, pool: Boxes) -> Task:
    """A container of three documents, of which one has ended and the next is being read."""
    pool.hold = True
    box = await h.submit(1, "box3")
    await pool.until_running("box3:document")
    pool.release("box3:document")
    await waiting(h, box)
    await pool.until_running("part0:document")
    pool.release("part0:document")
    await pool.until_running("part1:document")
    return box


async def test_documents_become_tasks_with_its_owner_and_options(tmp_path: Path) -> None:
    async with house(tmp_path, Boxes(), workers=1) as h:
        box = await h.submit(1, "box3", "bob", ocr_mode="ocr", priority=2, use_cache=False, keep_headers=True)
        ended = await h.end(box)
        assert (ended.status, ended.pages_done, ended.pages_total) == (S.COMPLETED, 4, 4)
        parts = await h.manager.parts(box.id)
        assert [(part.name, part.folder, part.owner) for part in parts] == [
            (f"part{number}.pdf", "in", "bob") for number in range(3)
        ]
        assert all((part.options, part.parent) == (box.options, box.id) for part in parts)
        assert all(part.finished_at <= ended.finished_at for part in parts)  # type: ignore[operator]
        assert h.leftovers() == []


async def test_a_page_range_is_for_the_container_alone(tmp_path: Path) -> None:
    async with house(tmp_path, Boxes()) as h:
        box = await h.end(await h.submit(3, "box1", page_range="2"))
        (part,) = await h.manager.parts(box.id)
        assert (box.status, part.options.page_range) == (S.COMPLETED, "")


async def test_the_same_again_makes_documents_again_which_are_not_read_again(tmp_path: Path) -> None:
    pool = Boxes()
    async with house(tmp_path, pool) as h:
        first = await h.end(await h.submit(1, "box2"))
        second = await h.end(await h.submit(1, "box2"))
        assert [part.cached for part in await h.manager.parts(second.id)] == [True, True]
        assert first.status is second.status is S.COMPLETED
        assert pool.times("part0:document") == pool.times("part1:document") == 1


async def test_more_than_the_queue_takes_is_refused_whole(tmp_path: Path) -> None:
    async with house(tmp_path, Boxes(), max_queue_per_user=3) as h:
        ended = await h.end(await h.submit(1, "box3"))
        assert ended.error_code == "quota_exceeded" and ended.error_message
        assert "3 documents are inside" in ended.error_message and "may have 3" in ended.error_message
        assert await h.manager.parts(ended.id) == []
        assert [path.name for path in h.folders.sources.iterdir()] == [ended.source]
        assert (await h.end(await h.submit(1, "box2"))).status is S.COMPLETED


@pytest.mark.parametrize("paths", [["a"] * 3, ["a"] * 200, ["x" * 3000]], ids=["missing", "many", "long"])
async def test_a_worker_that_lies_makes_no_tasks(tmp_path: Path, paths: list[str]) -> None:
    async with house(tmp_path, Boxes(paths)) as h:
        ended = await h.end(await h.submit(1, "box1"))
        parts = await h.manager.parts(ended.id)
        if len(paths) == 1:
            assert len(parts) == 1 and len(parts[0].name) <= 200
        else:
            assert (ended.error_code, parts) == ("worker_crashed", [])


async def test_a_fault_in_the_middle_leaves_all_or_nothing(tmp_path: Path) -> None:
    real, left = Folders.sync_sources, [OSError(errno.EIO, "the disk is away"), OSError(errno.ENOSPC, "full")]

    def broken(folders: Folders) -> None:
        if left:
            raise left.pop()
        real(folders)

    with patch("gradio_app.queue.faults.FIRST_CHECK", 0.01):
        async with house(tmp_path, Boxes()) as h:
            task = await h.submit(1, "box3")
            with patch.object(Folders, "sync_sources", broken):
                ended = await h.end(task)
            assert ended.status is S.COMPLETED and not left
            assert await fates(h, ended) == [S.COMPLETED] * 3


async def test_it_is_cancelled_with_what_has_not_ended(tmp_path: Path) -> None:
    pool = Boxes()
    async with house(tmp_path, pool, workers=1) as h:
        box = await at_its_second_part(h, pool)
        assert (await h.manager.cancel(box.id)).status is S.CANCELLED
        assert await fates(h, box) == [S.COMPLETED, S.CANCELLED, S.CANCELLED]
        assert pool.killed == ["part1:document"]
        with pytest.raises(Conflict):
            await h.manager.cancel(box.id)
        pool.hold = False
        await h.manager.retry(box.id)
        assert (await h.end(box)).status is S.COMPLETED
        assert (await fates(h, box), pool.times("box3:inspect")) == ([S.COMPLETED] * 3, 1)
        assert h.leftovers() == []


async def test_cancelled_before_it_began(tmp_path: Path) -> None:
    pool = Boxes()
    async with house(tmp_path, pool) as h:
        await h.manager.set_paused(True)
        box = await h.submit(1, "box2")
        await h.settle()
        assert await h.manager.cancel_waiting([box.id]) == set(), "its documents need more than one write"
        await h.manager.cancel(box.id)
        assert await fates(h, box) == [S.CANCELLED] * 2
        await h.manager.set_paused(False)
        assert await h.manager.retry_ended([box.id]) == set()
        await h.manager.retry(box.id)
        assert (await h.end(box)).status is S.COMPLETED


async def test_a_failed_document_makes_it_partial_and_a_retry_reads_only_that(tmp_path: Path) -> None:
    pool = Boxes()
    pool.faults["part1:document"] = [FileCorrupt("It is damaged.")]
    async with house(tmp_path, pool) as h:
        box = await h.end(await h.submit(1, "box3"))
        assert (box.status, box.pages_done, box.pages_failed) == (S.PARTIAL, 3, 1)
        assert box.error_code == "file_corrupt" and "part1.pdf" in (box.error_message or "")
        await h.manager.retry(box.id)
        assert (await h.end(box)).status is S.COMPLETED
        assert pool.times("part0:document") == 1 and pool.times("part1:document") == 2
        assert pool.times("box3:inspect") == 1


async def test_a_document_by_itself(tmp_path: Path) -> None:
    pool = Boxes()
    pool.faults["part0:document"] = [FileCorrupt("It is damaged.")]
    async with house(tmp_path, pool) as h:
        box = await h.end(await h.submit(1, "box2"))
        first, second = await h.manager.parts(box.id)
        await h.manager.retry(first.id)
        await h.end(first)
        assert (await h.manager.get(box.id)).status is S.COMPLETED
        await h.manager.delete(second.id)
        assert (await h.manager.get(box.id)).status is S.COMPLETED


async def test_it_is_deleted_with_its_documents(tmp_path: Path) -> None:
    pool = Boxes()
    async with house(tmp_path, pool, workers=1) as h:
        ended = await h.end(await h.submit(1, "box2"))
        assert await h.manager.delete_ended([ended.id]) == set()
        pool.hold = True
        running = await h.submit(1, "box3", use_cache=False)
        await pool.until_running("box3:document")
        for task in (ended, running):
            await h.manager.delete(task.id)
            with pytest.raises(NotFound):
                await h.manager.get(task.id)
            assert await h.manager.parts(task.id) == []
        assert list(h.folders.sources.iterdir()) == list(h.folders.tasks.iterdir()) == []
        assert h.leftovers() == []


async def test_a_page_that_is_read_again_takes_nothing_apart(tmp_path: Path) -> None:
    async with house(tmp_path, Boxes()) as h:
        box = await h.end(await h.submit(3, "box2"))
        second = await h.end(await h.manager.redo_page(box.id, 2, "flash", "auto"))
        assert second.status is S.COMPLETED and await h.manager.parts(second.id) == []
        kept = await h.manager.keep_page(second.id)
        assert (kept.status, kept.redone, len(await h.manager.parts(box.id))) == (S.COMPLETED, "2", 2)


async def test_its_estimate_is_that_of_its_last_document(tmp_path: Path) -> None:
    pool = Boxes()
    async with house(tmp_path, pool, workers=1) as h:
        pool.hold = True
        box = await h.submit(1, "box3")
        await pool.until_running("box3:document")
        pool.release("box3:document")
        await waiting(h, box)
        await pool.until_running("part0:document")
        await h.settle()
        place, seconds = h.manager.estimate(box.id)
        last = max(h.manager.estimate(part.id)[1] or 0 for part in await h.manager.parts(box.id))
        assert place is None and seconds == last > 0
        pool.release_all()
        await h.end(box)
        await h.settle()
        assert h.manager.estimate(box.id) == (None, None)


async def test_whoever_waits_is_told(tmp_path: Path) -> None:
    pool = Boxes()
    async with house(tmp_path, pool) as h:
        pool.hold = True
        box = await h.submit(1, "box2")
        waits = asyncio.create_task(h.manager.wait(box.id, 5))
        await pool.until_running("box2:document", "part0:document")
        before = h.manager.ended["completed"]
        pool.release_all()
        assert (await waits).status is S.COMPLETED
        await h.settle()
        assert h.manager.ended["completed"] == before + 3


async def test_after_a_restart_it_goes_on(tmp_path: Path) -> None:
    pool = Boxes()
    async with house(tmp_path, pool, workers=1) as h:
        box = await at_its_second_part(h, pool)
    pool = Boxes()
    async with house(tmp_path, pool, workers=1) as h:
        ended = await h.end(box)
        assert (ended.status, await fates(h, box)) == (S.COMPLETED, [S.COMPLETED] * 3)
        assert pool.times("part0:document") == pool.times("box3:inspect") == 0


async def test_it_goes_with_its_documents_when_it_is_old(tmp_path: Path) -> None:
    pool = Boxes()
    pool.faults["part0:document"] = [FileCorrupt()]
    async with house(tmp_path, pool) as h:
        box = await h.end(await h.submit(1, "box2"))
        pool.hold = True
        first, _ = await h.manager.parts(box.id)
        await h.manager.retry(first.id)
        await pool.until_running("part0:document")
        sync, late = h.manager.store.sync, (box.finished_at or 0) + 10
        # what is over goes; the container stays for the one that is read again
        await h.manager.store.do(cleanup.sweep, sync, h.folders, 1.0, late)
        assert [part.id for part in await h.manager.parts(box.id)] == [first.id]
        pool.release_all()
        ended = await h.end(first)
        assert (
            await h.manager.store.do(cleanup.sweep, sync, h.folders, 1.0, (ended.finished_at or 0) + 10) == 2
        )
        assert list(h.folders.tasks.iterdir()) == []
