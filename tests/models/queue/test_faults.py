"""Faults of the machine that pass: work waits for their end, people are told at once."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import (
    AppError,
    DiskFull,
    EngineUnavailable,
    FileCorrupt,
    ServerBusy,
    StorageUnavailable,
    WorkerCrashed,
)
from gradio_app.base.options import ParseOptions
from gradio_app.parsing.error_translation import readable_errors
from gradio_app.queue.async_store import AsyncStore
from gradio_app.queue.faults import Faults, passing, resumable
from gradio_app.queue.retry_policy import CRASH_TRIES
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import House, house
from tests.unit.records import open_store

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_app.queue.faults.FIRST_CHECK", 0.001)
    monkeypatch.setattr("gradio_app.queue.faults.LAST_CHECK", 0.01)


class Sick:
    """Makes the store fail with one fault, so many times or until it is well."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fault: Exception | None = None
        self.met = 0
        self._more = asyncio.Event()
        self._tell: Callable[[], object] = int  # nobody waits
        real = Store.together

        def transaction(store: Store, durable: bool = True) -> Any:
            if self.fault is not None:
                self.met += 1
                self._tell()
                raise self.fault
            return real(store, durable)

        monkeypatch.setattr(Store, "together", transaction)

    async def until_met(self, times: int) -> None:
        loop = asyncio.get_running_loop()
        self._tell = lambda: loop.call_soon_threadsafe(self._more.set)
        async with asyncio.timeout(5):
            while self.met < times:
                await self._more.wait()
                self._more.clear()
        self._tell = int


@pytest.fixture
def sick(monkeypatch: pytest.MonkeyPatch) -> Sick:
    return Sick(monkeypatch)


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[AsyncStore]:
    store = AsyncStore(open_store(folder))
    try:
        yield store
    finally:
        await store.begin_closing()
        await store.close()


FAULTS = [
    (sqlite3.OperationalError("database or disk is full"), DiskFull),
    (sqlite3.OperationalError("database is locked"), StorageUnavailable),
    (sqlite3.OperationalError("attempt to write a readonly database"), StorageUnavailable),
    (OSError(errno.ENOSPC, "No space left on device"), DiskFull),
    (OSError(errno.EROFS, "Read-only file system"), StorageUnavailable),
    (OSError(errno.EMFILE, "Too many open files"), ServerBusy),
]


@pytest.mark.parametrize(("fault", "told"), FAULTS, ids=[str(row[0])[-22:] for row in FAULTS])
async def test_who_asks_is_told_and_who_must_goes_on(
    tmp_path: Path, sick: Sick, fault: Exception, told: type[Exception]
) -> None:
    async with opened(tmp_path) as ours:
        sick.fault = fault
        with pytest.raises(told):
            await ours.do(ours.sync.forget, 1, 0.0)
        insisting = asyncio.create_task(ours.must(ours.sync.forget, 1, 0.0))
        await sick.until_met(4)
        assert ours.faults.current is not None and not insisting.done()
        sick.fault = None
        await asyncio.wait_for(insisting, 5)
        assert ours.faults.current is None


async def test_a_stop_lets_go_of_who_waits(tmp_path: Path, sick: Sick) -> None:
    async with opened(tmp_path) as ours:
        sick.fault = FAULTS[0][0]
        insisting = asyncio.create_task(ours.must(ours.sync.forget, 1, 0.0))
        await sick.until_met(2)
        await ours.begin_closing()
        with pytest.raises(DiskFull):
            await asyncio.wait_for(insisting, 5)


async def test_any_other_error_is_raised_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as ours:
        with pytest.raises(sqlite3.OperationalError):
            await ours.must(ours.sync._db.execute, "nonsense")
        assert ours.faults.current is None


async def test_looks_grow_rarer_until_something_worked() -> None:
    looks: list[float] = []

    async def check() -> None:
        looks.append(trouble._pause)

    async def mended() -> None: ...

    trouble = Faults(check, mended)
    for _ in range(3):
        trouble.report(DiskFull())
        await trouble.wait_over()
    assert looks == sorted(looks) and looks[0] < looks[-1]
    trouble.work_succeeded()
    trouble.report(DiskFull())
    await trouble.wait_over()
    assert looks[-1] == looks[0]
    trouble.close()


def test_a_document_is_no_fault_of_the_machine() -> None:
    assert passing(FileCorrupt()) is None and passing(ValueError("x")) is None


def test_steps_go_on_where_they_failed() -> None:
    done: list[str] = []
    faults = [OSError(errno.ENOSPC, "full")]

    def second() -> None:
        if faults:
            raise faults.pop()
        done.append("second")

    steps = resumable(lambda: done.append("first"), second)
    with pytest.raises(OSError, match="full"):
        steps()
    steps()
    steps()
    assert done == ["first", "second"]


# ------------------------------------------------------------ the queue as a whole


async def until_quiet(h: House, sick: Sick) -> None:
    """The fault was met by whatever could meet it."""
    await sick.until_met(sick.met + 3)


@pytest.mark.parametrize("fault", [row[0] for row in FAULTS], ids=[str(row[0])[-22:] for row in FAULTS])
async def test_a_part_that_is_done_is_counted_when_it_can_be(
    tmp_path: Path, sick: Sick, fault: Exception
) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        task = await h.submit(20)
        await h.pool.until_running("doc:1-6")
        sick.fault = fault
        h.pool.release("doc:1-6")
        await until_quiet(h, sick)
        assert h.manager.notice and h.pool.times("doc:14-20") == 0, "nothing new is begun"
        sick.fault = None
        h.pool.release_all()
        assert (await h.end(task)).status is TaskStatus.COMPLETED
        assert h.pool.times("doc:1-6") == 1, "it is not read again"
        assert h.manager.notice is None and h.leftovers() == []


@pytest.mark.parametrize("status", [TaskStatus.COMPLETED, TaskStatus.FAILED])
async def test_a_task_ends_when_that_can_be_written(tmp_path: Path, sick: Sick, status: TaskStatus) -> None:
    async with house(tmp_path) as h:
        h.pool.hold = True
        task = await h.submit(2)
        await h.pool.until_running("doc:document")
        if status is TaskStatus.FAILED:
            h.pool._parse_document = lambda args: (_ for _ in ()).throw(FileCorrupt())
        sick.fault = FAULTS[1][0]
        h.pool.release_all()
        await until_quiet(h, sick)
        assert not (await h.manager.get(task.id)).ended
        sick.fault = None
        assert (await h.end(task)).status is status
        assert h.pool.times("doc:document") == 1 and h.leftovers() == []


async def test_a_part_that_met_a_full_disk_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradio_app.workers.answer._is_faulty", lambda _folder: True)
    pool = FakePool()
    pool.faults = {"doc:1-6": [DiskFull()] * 7, "assemble": [DiskFull()], "doc:inspect": [DiskFull()] * 3}
    async with house(tmp_path, pool) as h:
        done = await h.end(await h.submit(20))
        assert (done.status, done.error_code) == (TaskStatus.COMPLETED, None)
        assert (pool.times("doc:1-6"), pool.times("doc:7-13"), pool.times("assemble")) == (8, 1, 2)
        assert h.leftovers() == []


async def test_what_fails_oddly_on_a_full_disk_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, free = FakePool(), list[int]()
    pool.faults = {"doc:1-6": [FileCorrupt(), WorkerCrashed()]}
    async with house(tmp_path, pool) as h:
        monkeypatch.setattr(h.folders, "free_bytes", lambda: free.pop() if free else 2**30)
        h.pool.held_inspection = True
        task = await h.submit(20)
        await h.pool.until_running("doc:inspect")
        free += [0, 0]
        h.pool.release("doc:inspect")
        assert (await h.end(task)).status is TaskStatus.COMPLETED
        assert pool.times("doc:1-6") == 3 and free == []


async def test_a_worker_that_crashes_on_a_disk_that_cannot_be_written_is_not_the_documents_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, writable = FakePool(), [False] * 2 * CRASH_TRIES
    pool.faults = {"doc:1-6": [WorkerCrashed() for _ in writable]}
    async with house(tmp_path, pool) as h:
        access = "gradio_app.queue.worker_jobs.os.access"
        monkeypatch.setattr(access, lambda *_: writable.pop() if writable else True)
        done = await h.end(await h.submit(20))
        assert (done.status, pool.times("doc:1-6")) == (TaskStatus.COMPLETED, 2 * CRASH_TRIES + 1)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "full"), "disk_full"),
        (OSError(errno.EFBIG, "large"), "file_too_large"),
        (OSError(errno.EMFILE, "many"), "internal_error"),
        (OSError(errno.EROFS, "read-only"), "storage_unavailable"),
        (ValueError("odd"), "file_corrupt"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_what_the_system_says_in_a_worker(error: Exception, code: str, wrapped: bool) -> None:
    with pytest.raises(AppError) as told, readable_errors():
        if not wrapped:
            raise error
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("a library says so") from cause
    # only what names the disk or a limit is looked for in the depth
    assert told.value.code == (
        code if code in ("disk_full", "file_too_large") or not wrapped else "file_corrupt"
    )


async def test_a_request_in_bad_times_changes_nothing(tmp_path: Path, sick: Sick) -> None:
    async with house(tmp_path, workers=1) as h:
        h.pool.hold = True
        running, waiting = await h.submit(2, "a"), await h.submit(2, "b")
        await h.pool.until_running("a:document")
        await h.settle()
        sick.fault = FAULTS[0][0]
        for task in (running, waiting):
            with pytest.raises(DiskFull):
                await h.manager.cancel(task.id)
        with pytest.raises(DiskFull):
            await h.manager.delete(waiting.id)
        upload = h.upload(3, "c")
        with pytest.raises(DiskFull):
            await h.manager.submit("ann", [upload], ParseOptions())
        upload.path.unlink()
        sick.fault = None
        h.pool.release_all()
        for task in (running, waiting):
            assert (await h.end(task)).status is TaskStatus.COMPLETED
        assert {path.name for path in h.folders.sources.iterdir()} == {running.source, waiting.source}


async def test_a_task_is_cancelled_before_it_was_looked_at(tmp_path: Path, sick: Sick) -> None:
    async with house(tmp_path) as h:
        h.pool.held_inspection = True
        task = await h.submit(2)
        await h.pool.until_running("doc:inspect")
        sick.fault = FAULTS[0][0]
        with pytest.raises(DiskFull):
            await h.manager.cancel(task.id)
        sick.fault = None
        assert (await h.manager.cancel(task.id)).status is TaskStatus.CANCELLED
        assert h.pool.killed == ["doc:inspect"] and h.leftovers() == []


async def test_a_cancel_that_was_begun_comes_to_its_end(tmp_path: Path, sick: Sick) -> None:
    async with house(tmp_path) as h:
        h.pool.hold = True
        task = await h.submit(20)
        await h.pool.until_running("doc:1-6")
        real, calls = h.manager.store.sync.move, list[TaskStatus]()

        def move(task_id: str, to: TaskStatus, **changes: Any) -> Any:
            calls.append(to)
            if to is TaskStatus.CANCELLED and calls.count(to) < 3:
                raise FAULTS[1][0]
            return real(task_id, to, **changes)

        h.manager.store.sync.move = move
        assert (await h.manager.cancel(task.id)).status is TaskStatus.CANCELLED
        assert calls.count(TaskStatus.CANCELLED) == 3 and h.leftovers() == []


async def test_a_stop_in_bad_times_leaves_all_to_the_next_start(tmp_path: Path, sick: Sick) -> None:
    async with house(tmp_path) as h:
        h.pool.hold = True
        task = await h.submit(20)
        await h.pool.until_running("doc:1-6", "doc:7-13")
        sick.fault = FAULTS[2][0]
        h.pool.release("doc:1-6")
        await until_quiet(h, sick)
    sick.fault = None
    async with house(tmp_path) as h:
        assert (await h.end(task)).status is TaskStatus.COMPLETED


async def test_nothing_new_is_taken_in_while_work_is_held(tmp_path: Path, sick: Sick) -> None:
    async with house(tmp_path) as h:
        sick.fault = FAULTS[1][0]
        with pytest.raises(StorageUnavailable):
            await h.submit(1)
        with pytest.raises(StorageUnavailable):
            await h.manager.check_room("ann", 1)
        sick.fault = None
        await h.manager.store.faults.wait_over()
        assert (await h.end(await h.submit(1))).status is TaskStatus.COMPLETED


@pytest.mark.parametrize(
    ("error", "charged"), [(EngineUnavailable(), False), (DiskFull(), False), (WorkerCrashed(), True)]
)
async def test_seconds_are_booked_unless_the_machine_is_at_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: AppError, charged: bool
) -> None:
    booked: list[float] = []
    monkeypatch.setattr(
        "gradio_app.queue.scheduler.Lanes.charge_seconds",
        lambda _lanes, _item, seconds, _pages, _rate: booked.append(seconds),
    )
    pool = FakePool()
    pool.faults = {"doc:document": [error]}
    async with house(tmp_path, pool) as h:
        await h.end(await h.submit(2))
    assert (booked[0] > 0) is charged
