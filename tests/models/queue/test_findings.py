"""Notes, coverage and readers on their way from the worker to the task, through all that happens to it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gradio_app.base.errors import WorkerCrashed, WorkerOutOfMemory
from gradio_app.base.notes import Note
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Inspection, Task
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import house

pytestmark = pytest.mark.anyio


def said(pages: str, message: str = "Compare it.", **more: Any) -> dict[str, Any]:
    return {"notes": [{"code": "table_doubtful", "pages": pages, "message": message}], **more}


def note(pages: str, message: str = "Compare it.") -> Note:
    return Note("table_doubtful", pages, message)


def facts(task: Task) -> tuple[Any, ...]:
    found = task.findings
    return found.notes, found.coverage, dict(found.readers), task.tier


async def test_a_whole_document_takes_over_what_was_found(tmp_path: Path) -> None:
    pool = FakePool()
    pool.found["doc:document"] = said("2", coverage=0.75, words=80, readers={"flash": "1-2", "basic": "3"})
    async with house(tmp_path, pool) as h:
        done = await h.end(await h.submit(3))
        assert facts(done) == ((note("2"),), 0.75, {"flash": "1-2", "basic": "3"}, "basic")
        again = await h.end(await h.submit(3))
        assert again.cached and facts(again) == facts(done)
        assert h.manager.notes == {"table_doubtful": 2}
        for task in (done, again):
            listed = (h.folders.result(task.id) / "notes.json").read_text("utf-8")
            assert json.loads(listed) == task.to_json("ann", False)["notes"] == [asdict(note("2"))]


async def test_what_a_job_writes_in_place_of_the_notes_is_gone(tmp_path: Path) -> None:
    pool = FakePool()
    pool.extra = {"notes.json/deep": "a folder", "images/1.png": "a picture"}
    async with house(tmp_path, pool) as h:
        done = await h.end(await h.submit(3))
        result = h.folders.result(done.id)
        assert not (result / "notes.json").exists() and (result / "images/1.png").exists()


async def test_what_shards_found_is_joined(tmp_path: Path) -> None:
    pool = FakePool()
    pool.found = {
        "doc:1-6": said("2", coverage=1.0, words=100, readers={"flash": "1-6"}),
        "doc:7-13": said("7,9", coverage=0.5, words=300, readers={"standard": "7-13"}),
        "doc:14-20": said("3-15", readers={"flash": "14-20"}),
        "assemble": said("", "The columns are unsure."),
    }
    async with house(tmp_path, pool) as h:
        done = await h.end(await h.submit(20))
        assert facts(done) == (
            (note("", "The columns are unsure."), note("2,7,9,14-15")),
            0.625,
            {"flash": "1-6,14-20", "standard": "7-13"},
            "standard",
        )


async def test_a_retry_forgets_and_finds_anew(tmp_path: Path) -> None:
    pool = FakePool()
    pool.poison = {9: WorkerOutOfMemory()}
    pool.found = {"doc:1-6": said("2", readers={"basic": "1-6"}), "doc:9-9": said("9")}
    async with house(tmp_path, pool) as h:
        partial = await h.end(await h.submit(20))
        assert partial.status is TaskStatus.PARTIAL and partial.findings.notes == (note("2"),)
        assert (partial.tier, partial.tier_used) == ("flash", "basic"), "the rest is read as was planned"
        pool.poison, pool.hold = {}, True
        begun = await h.manager.retry(partial.id)
        assert facts(begun) == ((), None, {}, "flash")
        await pool.until_running("doc:9-9")
        pool.release_all()
        assert (await h.end(begun)).findings.notes == (note("2,9"),)


async def test_a_page_that_is_read_again_brings_its_own(tmp_path: Path) -> None:
    pool = FakePool()
    pool.found["doc:document"] = said("2-3", coverage=0.5, readers={"flash": "1-3"})
    async with house(tmp_path, pool) as h:
        task = await h.end(await h.submit(3))
        pool.found = {
            "doc:document": said("", "Better.", coverage=1.0, readers={"basic": "2"}),
            "replace_pages": said("", "Pages do not join."),
        }
        second = await h.end(await h.manager.redo_page(task.id, 2, "basic", "auto"))
        kept = await h.manager.keep_page(second.id)
        assert "Better." in (h.folders.result(task.id) / "notes.json").read_text()
        assert facts(kept) == (
            (note("3"), note("2", "Better."), note("", "Pages do not join.")),
            pytest.approx(2 / 3),
            {"flash": "1,3", "basic": "2"},
            "basic",
        )


async def test_what_preparing_found_is_part_of_every_result(tmp_path: Path) -> None:
    kept_beside = {"notes": [{"code": "comments_left_out", "pages": "", "message": "Two comments."}]}
    hidden = {"notes": [{"code": "hidden_text", "pages": "2", "message": "White text."}]}
    both = {"notes": [*kept_beside["notes"], *hidden["notes"]]}
    wanted = tuple(Note(**each) for each in both["notes"])
    for pages in (3, 20):
        pool = FakePool()
        pool.found["doc:inspect"] = both
        pool.found["doc:document"] = pool.found["doc:1-6"] = said("1")
        async with house(tmp_path / str(pages), pool) as h:
            done = await h.end(await h.submit(pages))
            assert done.findings.notes == (*wanted, note("1"))
            again = await h.end(await h.submit(pages))
            assert again.cached and again.findings.notes == done.findings.notes
            second = await h.end(await h.manager.redo_page(done.id, 2, "basic", "auto"))
            kept = await h.manager.keep_page(second.id)
            assert set(kept.findings.notes) == {*wanted, note("1")}, "not the whole document's on 2"


async def test_a_retry_keeps_what_preparing_found(tmp_path: Path) -> None:
    pool = FakePool()
    pool.poison = {9: WorkerOutOfMemory()}
    pool.found["doc:inspect"] = said("", "It has two layers.")
    async with house(tmp_path, pool) as h:
        partial = await h.end(await h.submit(20))
        assert partial.findings.notes == (note("", "It has two layers."),)
        pool.poison = {}
        await h.manager.retry(partial.id)
        assert (await h.end(partial)).findings.notes == (note("", "It has two layers."),)


async def test_what_a_second_reading_found_stays_when_the_rest_is_tried_again(tmp_path: Path) -> None:
    pool = FakePool()
    pool.poison = {5: WorkerCrashed(), 17: WorkerCrashed()}
    async with house(tmp_path, pool) as h:
        task = await h.end(await h.submit(20))
        del pool.poison[5]
        pool.found["doc:document"] = said("5", "Better.", readers={"basic": "5"})
        second = await h.end(await h.manager.redo_page(task.id, 5, "basic", "auto"))
        await h.manager.keep_page(second.id)
        pool.poison = {}
        pool.found["doc:5-5"] = said("5", "Worse.", readers={"flash": "5"})
        await h.manager.retry(task.id)
        ended = await h.end(task)
        assert ended.status is TaskStatus.COMPLETED
        assert facts(ended)[::2] == ((note("5", "Better."),), {"basic": "5"})


async def test_notes_on_other_pages_than_were_read_are_dropped(tmp_path: Path) -> None:
    pool = FakePool()
    pool.found = {"doc:document": said("3-900", readers={"flash": "1-900"})}
    async with house(tmp_path, pool) as h:
        done = await h.end(await h.submit(4))
        assert done.findings.notes == (note("3-4"),) and dict(done.findings.readers) == {"flash": "1-4"}


async def test_shards_of_another_version_are_read_again_and_never_joined(tmp_path: Path) -> None:
    pool = FakePool()
    pool.poison = {20: WorkerOutOfMemory()}
    async with house(tmp_path, pool) as h:
        task = await h.end(await h.submit(20))
        assert pool.times("doc:1-6") == 1 and task.pages_done == 19
        pool.poison = {1: WorkerOutOfMemory()}
        with patch("gradio_app.base.versions.CHECK", 99):
            await h.manager.retry(task.id)
            ended = await h.end(task)
        assert (ended.status, ended.failed_pages, ended.pages_done) == (TaskStatus.PARTIAL, "1", 19)
        text = (h.folders.result(task.id) / "document.md").read_text()
        assert text.split("\n\n")[0] == "page 2", "the old reading of page 1 is not joined to newer ones"


async def test_a_result_of_another_version_is_not_used_again(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.end(await h.submit(3))
        with patch("gradio_app.base.versions.PREPARE", 99):
            assert not (await h.end(await h.submit(3))).cached
        assert (await h.end(await h.submit(3))).cached


async def test_auto_and_flash_do_not_share_results(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.end(await h.submit(3, tier="auto"))
        assert not (await h.end(await h.submit(3, tier="flash"))).cached
        assert (await h.end(await h.submit(3, tier="auto"))).cached


async def test_the_inspection_names_scans_and_what_was_prepared(tmp_path: Path) -> None:
    pool = FakePool()
    pool.found["doc:inspect"] = {"scans": [1, 2, 4]}
    async with house(tmp_path, pool) as h:
        task = await h.end(await h.submit(4))
        assert (task.status, task.scan_pages, task.prepared) == (TaskStatus.COMPLETED, "1-2,4", "")


@pytest.mark.parametrize(
    "lie", [{"scans": [2, 1]}, {"scans": [1, 1]}, {"scans": [5]}, {"scans": [0]}, {"prepared": "../x"}]
)
async def test_an_inspection_that_lies_is_a_crash(tmp_path: Path, lie: dict[str, Any]) -> None:
    pool = FakePool()
    pool.found["doc:inspect"] = lie
    async with house(tmp_path, pool) as h:
        task = await h.end(await h.submit(4))
        assert (task.status, task.error_code) == (TaskStatus.FAILED, "worker_crashed")


async def test_the_same_bytes_under_another_suffix_have_a_prepared_file_of_their_own(tmp_path: Path) -> None:
    async with house(tmp_path, FakePool()) as h:
        task = await h.end(await h.submit(1))
        jobs, made, names = h.manager._inspector._jobs, tmp_path / "made", list[str]()
        for kind in ("txt", "md"):
            made.mkdir(exist_ok=True)
            (made / "0").write_text(kind)
            found = Inspection(kind, 1, "", "flash", "4", prepared="html")
            (kept,) = jobs._keep_prepared([task], [found], made)
            assert isinstance(kept, Inspection)
            names.append(kept.prepared)
        assert [h.folders.prepared(name).read_text() for name in names] == ["txt", "md"]
        h.folders.drop_sources([task.source], lambda _: False)
        assert not any(h.folders.prepared(name).exists() for name in names)
