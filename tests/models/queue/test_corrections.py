"""Corrected documents: who may be given the result, what a crash leaves, what others have of it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import Conflict, NotFound, OptionInvalid
from gradio_app.cleanup import sweep_start
from gradio_app.store.task import Task
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import House, house

pytestmark = pytest.mark.anyio


async def read(h: House, pages: int = 3, label: str = "doc") -> Task:
    return await h.end(await h.submit(pages, label))


def text(h: House, task: Task) -> str:
    return (h.folders.result(task.id) / "document.md").read_text()


async def correct(h: House, task: Task, words: str | None, page: int = 1) -> Task:
    change = None if words is None else {"text": words}
    return await h.manager.correct(task.id, page, 1, task.rev, change)


async def test_a_correction_is_in_the_result_and_in_no_other(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        first = await read(h)
        second = await read(h)
        assert second.receipt()["cached"], "the two share their files"
        files = [path for path in h.folders.result(first.id).rglob("*") if path.is_file()]
        assert all(os.stat(path).st_nlink == 2 for path in files)
        before = {path: path.read_bytes() for path in files}

        made = await correct(h, second, "new")
        assert "new" in text(h, second) and made.rev > second.rev
        assert made.result_sha256 not in ("", second.result_sha256)
        assert {path: path.read_bytes() for path in files} == before
        third = await read(h)
        assert third.receipt()["cached"] and "new" not in text(h, third)
        for task in (first, third):
            await correct(h, task, "newer")
        fresh = await read(h)
        assert not fresh.receipt()["cached"], "no corrected result is given away"
        assert h.leftovers() == []


async def test_an_older_revision_is_refused_and_loses_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task = await read(h)
        made = await correct(h, task, "mine")
        with pytest.raises(Conflict, match="changed meanwhile"):
            await correct(h, task, "theirs")
        ends = await asyncio.gather(
            *(correct(h, made, f"at once {n}", n) for n in (1, 2)), return_exceptions=True
        )
        assert sorted(type(end).__name__ for end in ends) == ["Conflict", "Task"]
        assert ("at once 1" in text(h, task)) != ("at once 2" in text(h, task))
        rev, block = await h.manager.block(task.id, 1, 1)
        assert rev == (await h.manager.get(task.id)).rev and block.type == "text"


async def test_what_is_not_done_cannot_be_corrected(tmp_path: Path) -> None:
    pool = FakePool()
    async with house(tmp_path, pool) as h:
        task = await read(h)
        again = await h.end(await h.manager.redo_page(task.id, 2, "flash", "auto"))
        with pytest.raises(Conflict, match="second reading"):
            await correct(h, again, "x")
        pool.faults["correct_block"] = [OptionInvalid()]
        with pytest.raises(OptionInvalid):
            await correct(h, task, "x")
        assert await h.manager.get(task.id) == task and h.leftovers() == []
        pool.hold = True
        running = await h.submit(3, "other")
        with pytest.raises(Conflict, match="when it is done"):
            await correct(h, await h.manager.get(running.id), "x")
        with pytest.raises(NotFound):
            await h.manager.correct("nobody", 1, 1, 1, None)


async def test_a_crash_between_files_and_row_gives_nothing_away_and_is_mended(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task, store = await read(h), h.manager.store.sync
        moved = h.folders.put_result

        def move_and_die(task_id: str, out: Path) -> None:
            digest = {"sha256": "f" * 64, "edits": []}
            (out / "edits.json").write_text(json.dumps(digest))
            moved(task_id, out)
            raise KeyboardInterrupt  # as good as kill -9: nothing after it is done

        with patch.object(h.folders, "put_result", move_and_die), pytest.raises(BaseException):  # noqa: B017
            await correct(h, task, "new")
        assert "new" in text(h, task) and (await h.manager.get(task.id)).result_sha256 == task.result_sha256
        other = await read(h)
        assert not other.receipt()["cached"] and "new" not in text(h, other)
        await h.manager.store.do(sweep_start, store, h.folders)
        mended = await h.manager.get(task.id)
        assert mended.result_sha256 == "f" * 64 and mended.rev > task.rev


async def test_a_crash_while_a_page_is_kept_gives_nothing_away(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task = await read(h)
        second = await h.end(await h.manager.redo_page(task.id, 2, "flash", "auto"))
        moved = h.folders.put_result

        def move_and_die(task_id: str, out: Path) -> None:
            moved(task_id, out)
            raise KeyboardInterrupt

        with patch.object(h.folders, "put_result", move_and_die), pytest.raises(BaseException):  # noqa: B017
            await h.manager.keep_page(second.id)
        assert "again" in text(h, task)
        other = await read(h)
        assert not other.receipt()["cached"] and "again" not in text(h, other)


def test_a_replacement_that_was_cut_in_two_is_ended(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    folders.create()
    for task_id, there in (
        ("a", ("result.old",)),
        ("b", ("result", "result.old")),
        ("c", ("redone/00001.old",)),
    ):
        for name in there:
            (folders.task(task_id) / name).mkdir(parents=True)
            (folders.task(task_id) / name / "document.md").write_text(name)
        folders.mend(task_id)
    assert (folders.result("a") / "document.md").read_text() == "result.old"
    assert (folders.result("b") / "document.md").read_text() == "result"
    assert (folders.redone("c", 1) / "document.md").is_file()
    assert not [*folders.tasks.rglob("*.old")]


async def test_an_export_that_was_made_of_the_result_before_is_not_kept(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        task, pool = await read(h), h.pool
        export, once = pool._export, list[int]()

        def made_while_it_changes(args: dict[str, object]) -> dict[str, object]:
            answer = export(args)
            if not once:
                once.append(1)
                out = h.folders.work(task.id, "other") / "out"
                pool._correct_block(args | {"out": out, "page": 1, "change": {"text": "new"}})
                h.folders.put_result(task.id, out)
                h.folders.drop_work(out.parent)
            return answer

        with patch.object(pool, "_export", made_while_it_changes):
            name = await h.manager.export(task, "html")
        assert "new" in (h.folders.result(task.id) / name).read_text()
        assert h.leftovers() == []


async def test_a_retry_takes_corrections_along(tmp_path: Path) -> None:
    pool = FakePool()
    async with house(tmp_path, pool) as h:
        pool.poison[17] = OptionInvalid()
        task = await read(h, 20)
        assert task.status == "partial"
        await correct(h, task, "new")
        pool.poison.clear()
        seen: list[str] = []
        assemble = pool._assemble
        with patch.object(
            pool, "_assemble", lambda args: seen.append(args.get("earlier", "")) or assemble(args)
        ):
            await h.end(await h.manager.retry(task.id))
        assert seen == [str(h.folders.result(task.id))]
