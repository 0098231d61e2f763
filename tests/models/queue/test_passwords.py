"""A password on its way through the queue: to the worker that opens the file, and to nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import AppError, FileEncrypted, NotFound, PasswordWrong, WorkerCrashed
from gradio_app.base.options import ParseOptions
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Task
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import House, house

pytestmark = pytest.mark.anyio

RIGHT = "spring tide"


class Pool(FakePool):
    """Documents named ``locked`` open with the right password only, and become plain files named ``open``."""

    def __init__(self) -> None:
        super().__init__()
        #: for each job the passwords of its files
        self.given: list[list[str]] = []

    async def run_light(
        self, fn: str, args: dict[str, Any], *, seconds: float, out: Path | None = None
    ) -> dict[str, Any]:
        answer = await super().run_light(fn, args, seconds=seconds, out=out)
        if fn == "inspect_all" and out is not None:
            self.given.append([each["wanted"]["password"] for each in args["files"]])
            out.mkdir()
            for number, (each, found) in enumerate(zip(args["files"], answer["found"], strict=True)):
                if found.get("prepared"):
                    pages = Path(each["source"]).read_text().split()[0]
                    (out / str(number)).write_text(f"{pages} open")
        return answer

    def _inspect(self, args: dict[str, Any]) -> dict[str, Any]:
        password, locked = args["wanted"]["password"], "locked" in Path(args["source"]).read_text()
        if locked and password != RIGHT:
            raise PasswordWrong() if password else FileEncrypted()
        return super()._inspect(args) | {"prepared": "pdf" if locked else ""}


async def send(h: House, password: str = "", pages: int = 3, label: str = "locked", **more: Any) -> Task:
    """A document that has ended."""
    upload, key = h.upload(pages, label), more.pop("key", "")
    owner = more.pop("owner", "ann")
    (task,) = await h.manager.submit(owner, [upload], ParseOptions(**more), key, password)
    upload.path.unlink()
    return await h.end(task)


def outcome(task: Task) -> str:
    return task.error_code or task.status.value


def kept(h: House, task: Task) -> str:
    return h.manager.store.sync.password(task.id)


@pytest.mark.parametrize(
    ("password", "expected"), [(RIGHT, "completed"), ("neap tide", "password_wrong"), ("", "file_encrypted")]
)
async def test_it_opens_the_file_or_the_error_says_why(tmp_path: Path, password: str, expected: str) -> None:
    async with house(tmp_path, Pool()) as h:
        task = await send(h, password)
        assert (outcome(task), kept(h, task)) == (expected, "")
        assert h.leftovers() == []


async def test_what_is_read_is_the_open_file(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        task = await send(h, RIGHT)
        assert pool.calls == ["locked:inspect", "open:document"]
        assert h.folders.prepared(task.prepared).read_text() == "3 open"


async def test_each_retry_asks_anew(tmp_path: Path) -> None:
    async with house(tmp_path, Pool()) as h:
        task = await send(h)
        for password, expected in (
            ("neap tide", "password_wrong"),
            ("", "file_encrypted"),
            (RIGHT, "completed"),
        ):
            await h.manager.retry(task.id, password)
            assert outcome(await h.end(task)) == expected
            assert kept(h, task) == ""


async def test_what_was_opened_once_needs_none_again(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        pool.faults["open:document"] = [AppError("It broke.")] * 9
        task = await send(h, RIGHT, pages=1)
        assert outcome(task) == "internal_error"
        pool.faults.clear()
        await h.manager.retry(task.id)
        assert outcome(await h.end(task)) == "completed"


async def test_a_crash_of_the_worker_loses_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        pool.faults["locked:inspect"] = [WorkerCrashed()]
        assert outcome(await send(h, RIGHT)) == "completed"


async def test_nor_does_a_stop_of_the_server(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        pool.held_inspection = True
        upload = h.upload(3, "locked")
        (task,) = await h.manager.submit("ann", [upload], ParseOptions(), password=RIGHT)
        await pool.until_running("locked:inspect")
    async with house(tmp_path, Pool()) as h:
        assert outcome(await h.end(task)) == "completed"


async def test_a_file_with_a_password_is_inspected_alone(tmp_path: Path) -> None:
    """Another file of the same job may take the worker over."""
    async with house(tmp_path, pool := Pool()) as h:
        pool.held_inspection = True
        first = await h.submit(1, "first")
        await pool.until_running("first:inspect")
        tasks = [first]
        for number in range(4):
            password = RIGHT if number % 2 else ""
            upload = h.upload(1, "locked" if password else f"d{number}")
            tasks += await h.manager.submit("ann", [upload], ParseOptions(), password=password)
        pool.held_inspection = False
        pool.release_all()
        assert {outcome(task) for task in await asyncio.gather(*map(h.end, tasks))} == {"completed"}
        assert all(each == [RIGHT] for each in pool.given if RIGHT in each)
        assert sum(each == [RIGHT] for each in pool.given) == 2


@pytest.mark.parametrize("other", ["ann", "bob"])
async def test_no_cache_opens_the_file_for_somebody_else(tmp_path: Path, other: str) -> None:
    async with house(tmp_path, pool := Pool(), share_cache=True) as h:
        assert outcome(await send(h, RIGHT)) == "completed"
        assert outcome(await send(h, owner=other)) == "file_encrypted"
        assert outcome(await send(h, "neap tide", owner=other)) == "password_wrong"
        done = await send(h, RIGHT, owner=other)
        assert outcome(done) == "completed" and not done.cached
        assert pool.times("open:document") == 2


async def test_nor_does_a_second_reading_of_a_page(tmp_path: Path) -> None:
    """It is told apart from a document by nothing that a cache knows."""
    async with house(tmp_path, Pool(), share_cache=True) as h:
        task = await send(h, RIGHT)
        second = await h.end(await h.manager.redo_page(task.id, 2, "flash", "auto"))
        assert outcome(second) == "completed"
        for use_cache in (True, False):
            asked = await send(h, owner="bob", tier="flash", page_range="2", use_cache=use_cache)
            assert outcome(asked) == "file_encrypted"


async def test_a_page_is_read_again_from_the_open_file(tmp_path: Path) -> None:
    async with house(tmp_path, pool := Pool()) as h:
        task = await send(h, RIGHT)
        second = await h.end(await h.manager.redo_page(task.id, 2, "flash", "auto"))
        assert (second.status, second.prepared, second.kind) == (
            TaskStatus.COMPLETED,
            task.prepared,
            task.kind,
        )
        assert pool.calls[-2:] == ["open:inspect", "open:document"]
        assert (await h.manager.keep_page(second.id)).redone == "2"
        with pytest.raises(NotFound):
            await h.manager.get(second.id)
        assert h.folders.prepared(task.prepared).read_text() == "3 open"


async def test_without_the_open_file_the_error_is_clear(tmp_path: Path) -> None:
    async with house(tmp_path, Pool()) as h:
        task = await send(h, RIGHT)
        h.folders.prepared(task.prepared).unlink()
        second = await h.end(await h.manager.redo_page(task.id, 2, "flash", "auto"))
        assert outcome(second) == "file_encrypted"


async def test_it_is_no_part_of_what_an_idempotency_key_stands_for(tmp_path: Path) -> None:
    async with house(tmp_path, Pool()) as h:
        first = await send(h, "neap tide", key="once")
        assert (await send(h, RIGHT, key="once")).id == first.id


async def test_an_upload_that_needs_none_takes_any(tmp_path: Path) -> None:
    async with house(tmp_path, Pool()) as h:
        assert outcome(await send(h, "any", label="free")) == "completed"
