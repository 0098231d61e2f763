"""What goes wrong with one file, folder or owner: told once, held by itself, and made up for later."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import DiskFull, QuotaExceeded, StorageUnavailable
from tests.unit.web.watch_fixtures import Watched


class Faults:
    """Errors of the operating system below folders or for files, as a disk or the rights would give them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.now = time.monotonic()
        patch.setattr(time, "monotonic", lambda: self.now)

    def fail(self, call: str, where: Path, number: int) -> None:
        """Lets ``os.CALL`` fail for all names in ``where``, or for ``where`` itself."""
        real: Callable[..., Any] = getattr(os, call)

        def run(path: Any, *args: Any, **kwargs: Any) -> Any:
            folder = kwargs.get("dir_fd")
            above = Path(os.readlink(f"/proc/self/fd/{folder}")) if folder is not None else Path()
            whole = above / os.fsdecode(path) if isinstance(path, str | bytes | Path) else above
            if where in (whole, whole.parent):
                raise OSError(number, os.strerror(number))
            return real(path, *args, **kwargs)

        self._patch.setattr(os, call, run)

    def refuse(self, where: Path) -> None:
        """Lets ``os.access`` say that ``where`` cannot be written."""
        real = os.access

        def run(path: Any, mode: int, *, dir_fd: int | None = None, **kwargs: Any) -> bool:
            above = os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd is not None else ""
            return above != str(where) and real(path, mode, dir_fd=dir_fd, **kwargs)

        self._patch.setattr(os, "access", run)

    def mend(self) -> None:
        self._patch.undo()
        self._patch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(monkeypatch)


def done(watched: Watched) -> list[str]:
    """Documents that have a result."""
    return sorted(str(path.parent.relative_to(watched.inbox)) for path in watched.inbox.rglob("document.md"))


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EIO, errno.ENOTCONN])
def test_a_folder_that_cannot_be_written_holds_nobody_else(
    tmp_path: Path, faults: Faults, number: int
) -> None:
    watched = Watched(tmp_path, everybody="")
    for name in ("alice/1.pdf", "alice/2.pdf", "bob/1.pdf", "0.pdf", "alice/own/3.pdf"):
        watched.put(name)
    faults.fail("mkdir", watched.inbox / "alice", number)
    lines = watched.warnings(8)
    assert done(watched) == ["0.pdf.result", "alice/own/3.pdf.result", "bob/1.pdf.result"]
    assert len(lines) == 1 and "alice" in lines[0] and os.strerror(number) in lines[0]
    assert watched.problems("bob", admin=False) == []
    assert len(watched.problems("alice", admin=False)) == len(watched.problems()) == 1
    assert watched.queue.told, "open pages hear of it"
    received = len(watched.queue.received)
    watched.put("alice/later.pdf")
    for _ in range(5):
        faults.now += 100
        assert watched.warnings() == []
    assert len(watched.queue.received) == received, "nothing is read that could not be delivered"
    faults.mend()
    faults.now += 100
    (told,) = [line for line in watched.logged(8) if "again" in line]
    assert "alice" in told and watched.problems() == []
    assert {"alice/1.pdf.result", "alice/2.pdf.result", "alice/later.pdf.result"} <= set(done(watched))
    assert len(watched.queue.received) == received + 1, "what was read is not read again"


def test_an_error_that_changes_is_told_again(tmp_path: Path, faults: Faults) -> None:
    watched = Watched(tmp_path)
    watched.put("a.pdf")
    for number in (errno.EROFS, errno.ENOSPC):
        faults.mend()
        faults.fail("mkdir", watched.inbox, number)
        faults.now += 100
        (line,) = watched.warnings(8)
        assert os.strerror(number) in line


def test_a_result_that_was_not_written_is_not_lost_by_a_restart(tmp_path: Path, faults: Faults) -> None:
    watched = Watched(tmp_path)
    watched.put("a.pdf")
    watched.put("b" * 251 + ".pdf")
    faults.fail("mkdir", watched.inbox, errno.EROFS)
    watched.scan(8)
    received = len(watched.queue.received)
    assert received >= 1 and done(watched) == []
    watched.restart()
    watched.scan(8)
    faults.mend()
    faults.now += 100
    watched.scan(8)
    assert len(done(watched)) == 2 and len(watched.queue.received) == 2


def test_failed_writes_are_tried_less_and_less_often(tmp_path: Path, faults: Faults) -> None:
    watched = Watched(tmp_path)
    watched.put("a.pdf")
    tries: list[float] = []

    def mkdir(*args: Any, **kwargs: Any) -> None:
        tries.append(faults.now)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "mkdir", mkdir)
        for _ in range(150):
            faults.now += 2
            watched.scan(1)
    pauses = [after - before for before, after in pairwise(tries)]
    assert pauses[:4] == [2, 4, 8, 16] and max(pauses) == 60


def test_a_folder_without_the_right_to_write_is_told_before_anything_is_read(
    tmp_path: Path, faults: Faults
) -> None:
    watched = Watched(tmp_path)
    watched.put("shelf/a.pdf")
    watched.put("b.pdf")
    faults.refuse(watched.inbox / "shelf")
    (line,) = watched.warnings(8)
    assert "shelf" in line and "cannot be written" in line
    assert done(watched) == ["b.pdf.result"] and len(watched.queue.received) == 1
    faults.mend()
    watched.scan(8)
    assert watched.problems() == [] and len(done(watched)) == 2


def test_a_folder_that_cannot_be_read_is_told_once(tmp_path: Path, faults: Faults) -> None:
    watched = Watched(tmp_path, everybody="")
    watched.put("alice/a.pdf")
    watched.put("bob/b.pdf")
    faults.fail("open", watched.inbox / "alice", errno.EACCES)
    (line,) = watched.warnings(8)
    assert "alice" in line and done(watched) == ["bob/b.pdf.result"]
    faults.mend()
    watched.scan(8)
    assert watched.problems() == [] and len(done(watched)) == 2


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EAGAIN, errno.ENAMETOOLONG])
def test_a_file_that_cannot_be_read_is_told_once_and_delays_nobody(
    tmp_path: Path, faults: Faults, number: int
) -> None:
    watched = Watched(tmp_path)
    for name in ("a.pdf", "bad.pdf", "c.pdf"):
        watched.put(name)
    faults.fail("open", watched.inbox / "bad.pdf", number)
    (line,) = watched.warnings(8)
    assert "bad.pdf" in line and done(watched) == ["a.pdf.result", "c.pdf.result"]
    (watched.inbox / "bad.pdf").unlink()
    watched.scan(1)
    assert watched.problems() == [], "a file that is gone is no problem"


def test_one_result_that_cannot_be_replaced_holds_only_its_own(tmp_path: Path, faults: Faults) -> None:
    watched = Watched(tmp_path)
    watched.put("bad.pdf")
    watched.put("good.pdf")
    for number in range(2, 100):
        (watched.inbox / f"bad.pdf.result-{number}").mkdir()
    (watched.inbox / "bad.pdf.result").mkdir()
    (line,) = watched.warnings(8)
    assert "bad.pdf" in line and done(watched) == ["good.pdf.result"]
    (watched.inbox / "bad.pdf.result-50").rmdir()
    faults.now += 100
    watched.scan(8)
    assert done(watched) == ["bad.pdf.result-50", "good.pdf.result"]


def test_an_unmounted_folder_is_told_once_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.queue.busy = True
    watched.put("a.pdf")
    watched.scan()
    watched.inbox.rename(tmp_path / "away")
    lines = watched.warnings(8)
    assert len(lines) == 1 and str(watched.inbox) in lines[0]
    watched.inbox.write_text("now it is a file")
    assert len(watched.warnings(8)) == 1, "another error is told"
    watched.inbox.unlink()
    (tmp_path / "away").rename(watched.inbox)
    watched.queue.finish()
    assert any("can be used again" in line for line in watched.logged())
    assert done(watched) == ["a.pdf.result"] and len(watched.queue.received) == 1


def test_the_empty_place_of_a_disk_that_is_gone_is_told(tmp_path: Path) -> None:
    here = tmp_path.stat().st_dev
    others = (
        each for each in ("/dev/shm", "/var/tmp", Path(__file__).parent) if os.stat(each).st_dev != here
    )
    with tempfile.TemporaryDirectory(dir=next(others)) as elsewhere:
        watched = Watched(tmp_path)
        watched.queue.busy = True
        watched.put("a.pdf")
        watched.scan()
        watched.inbox.rename(tmp_path / "disk")
        watched.inbox.symlink_to(elsewhere)
        (line,) = watched.warnings(8)
        assert "another disk" in line
        watched.inbox.unlink()
        watched.inbox.symlink_to(tmp_path / "disk")
        watched.scan(8)
        assert watched.problems() == [] and len(watched.queue.received) == 1


def test_a_full_queue_of_one_owner_holds_only_theirs_and_copies_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path, everybody="")
    for name in ("alice/1.pdf", "alice/2.pdf", "bob/1.pdf"):
        watched.put(name)
    watched.queue.full["alice"] = QuotaExceeded()
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    watched.scan(8)
    assert done(watched) == ["bob/1.pdf.result"]
    count = len(synced)
    watched.scan(8)
    assert len(synced) == count, "no file is copied only to be refused"
    del watched.queue.full["alice"]
    watched.scan(8)
    assert len(done(watched)) == 3


@pytest.mark.parametrize("error", [DiskFull(), StorageUnavailable()])
def test_a_fault_of_the_server_passes(tmp_path: Path, error: Exception) -> None:
    watched = Watched(tmp_path)
    watched.put("a.pdf")
    watched.queue.full["local"] = error
    assert watched.warnings(8) == [] and done(watched) == []
    watched.queue.full.clear()
    watched.scan(8)
    assert done(watched) == ["a.pdf.result"]


def test_many_files_of_one_owner_leave_room_for_another(tmp_path: Path) -> None:
    watched = Watched(tmp_path, everybody="")
    watched.queue.busy = True
    for number in range(120):
        watched.put(f"alice/{number}.pdf", f"text {number}")
    watched.put("bob/1.pdf")
    watched.scan()
    owners = [task.owner for task in watched.queue.tasks.values()]
    assert (owners.count("alice"), owners.count("bob")) == (100, 1)


def test_a_file_with_an_unexpected_error_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path)
    watched.put("a.pdf")
    watched.put("b.pdf")
    submit = watched.queue.submit

    async def broken(owner: str, uploads: Any, *rest: Any) -> Any:
        if uploads[0].name == "a.pdf":
            raise RuntimeError("never seen before")
        return await submit(owner, uploads, *rest)

    monkeypatch.setattr(watched.queue, "submit", broken)
    lines = watched.warnings(8)
    assert done(watched) == ["b.pdf.result"]
    assert sum("never seen before" in line for line in lines) <= 2 and len(lines) == 2
    assert [path.name for path in watched.queue.folders.tmp.iterdir()] == []
