"""Writing to disk for good: many jobs in one go, and nobody is told too early."""

from __future__ import annotations

import asyncio
import errno
import threading
from pathlib import Path

import pytest

from gradio_app.base.files import sync_disk
from gradio_app.queue import group_sync
from gradio_app.queue.group_sync import GroupSync

pytestmark = pytest.mark.anyio


class Disk:
    """A disk that takes as long as the test wants."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = threading.Event()
        self.fault: OSError | None = None

    def sync(self, _folder: Path) -> None:
        self.begun += 1
        assert self.go.wait(10)
        if self.fault:
            raise self.fault

    async def until_begun(self, times: int) -> None:
        async with asyncio.timeout(5):
            while self.begun < times:
                await asyncio.sleep(0)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(group_sync, "sync_disk", made.sync)
    return made


async def test_who_comes_while_the_disk_is_at_it_waits_for_the_next_time(tmp_path: Path, disk: Disk) -> None:
    ours = GroupSync(tmp_path)
    first = asyncio.create_task(ours.sync())
    await disk.until_begun(1)
    late = [asyncio.create_task(ours.sync()) for _ in range(20)]
    await asyncio.sleep(0)
    disk.go.set()
    await asyncio.gather(first, *late)
    assert disk.begun == 2
    await ours.sync()
    assert disk.begun == 3


async def test_all_who_waited_hear_of_a_fault_and_the_next_time_is_new(tmp_path: Path, disk: Disk) -> None:
    ours, disk.fault = GroupSync(tmp_path), OSError(errno.EIO, "Input/output error")
    disk.go.set()
    told = await asyncio.gather(*(ours.sync() for _ in range(3)), return_exceptions=True)
    assert told == [disk.fault] * 3
    disk.fault = None
    await ours.sync()


async def test_who_goes_away_does_not_stop_it(tmp_path: Path, disk: Disk) -> None:
    ours = GroupSync(tmp_path)
    gone, stays = asyncio.create_task(ours.sync()), asyncio.create_task(ours.sync())
    await disk.until_begun(1)
    gone.cancel()
    disk.go.set()
    await stays
    assert gone.cancelled() or gone.cancelling()


def test_a_stop_does_not_wait_for_a_slow_disk(tmp_path: Path, disk: Disk) -> None:
    async def stop_while_it_syncs() -> None:
        waiting = asyncio.create_task(GroupSync(tmp_path).sync())
        await disk.until_begun(1)
        waiting.cancel()

    asyncio.run(stop_while_it_syncs())  # would hang: the disk is let go afterwards
    disk.go.set()


def test_the_real_thing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    sync_disk(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_disk(tmp_path / "nowhere")
