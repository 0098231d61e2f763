"""Backups: what is in them, and where they may go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, NotFound
from gradio_app.commands import backup
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import house

pytestmark = pytest.mark.anyio


async def test_a_server_starts_from_a_backup(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with house(tmp_path / "data") as h:
        done = await h.end(await h.submit(3, "done"))
        waiting = await h.submit(2, "waiting")
        (h.folders.root / "audit.log").write_text("who did what")
        assert backup.back_up(h.folders, tmp_path / "copy") == 2
        source = h.folders.source(done.source)
        assert os.path.samefile(source, tmp_path / "copy/sources" / done.source), "linked, not copied"
    async with house(tmp_path / "copy", FakePool()) as h:
        assert (h.folders.result(done.id) / "document.md").read_text().startswith("page 1")
        assert (await h.manager.wait(waiting.id, 5)).status == "completed"
        assert (tmp_path / "copy/audit.log").read_text() == "who did what"


async def test_what_is_deleted_while_it_is_copied_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    copied = backup.copy_database
    async with house(tmp_path / "data") as h:
        first, second = [await h.end(await h.submit(1, name)) for name in ("first", "second")]

        def then_delete(source: Path, target: Path) -> None:
            copied(source, target)
            h.folders.drop_task(second.id)

        monkeypatch.setattr(backup, "copy_database", then_delete)
        assert backup.back_up(h.folders, tmp_path / "copy") == 1
    async with house(tmp_path / "copy", FakePool()) as h:
        assert (await h.manager.get(first.id)).status == "completed"
        with pytest.raises(NotFound):
            await h.manager.get(second.id)


async def test_shards_that_were_joined_meanwhile_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    copied, pool = backup.copy_database, FakePool()
    pool.hold = True
    async with house(tmp_path / "data", pool) as h:
        task = await h.submit(16, "long")
        await pool.until_running("long:1-8", "long:9-16")
        pool.release("long:1-8")
        await h.counted(task, 8)

        def then_join(source: Path, target: Path) -> None:
            copied(source, target)
            h.folders.drop_shards(task.id)

        monkeypatch.setattr(backup, "copy_database", then_join)
        assert backup.back_up(h.folders, tmp_path / "copy") == 1
    async with house(tmp_path / "copy", again := FakePool()) as h:
        assert (await h.manager.wait(task.id, 5)).pages_done == 16
        assert again.times("long:1-8") == 1


@pytest.mark.parametrize("where", ["data/copy", "data", "full"])
def test_a_backup_replaces_nothing(tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    folders = Folders(tmp_path / "data")
    folders.create()
    folders.database.write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/of").write_text("mine")
    with pytest.raises(SystemExit, match="Choose another folder"):
        backup.main([str(tmp_path / where), "--data-dir", str(tmp_path / "data")])
    assert (tmp_path / "full/of").read_text() == "mine"


async def test_nobody_prepares_where_the_copies_go(tmp_path: Path) -> None:
    """Where others may write, a link would have led all documents and the secret to them."""
    (tmp_path / "data").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / ".copy.unfinished").symlink_to(tmp_path / "theirs")
    async with house(tmp_path / "data") as h:
        await h.end(await h.submit(1, "secret"))
        with pytest.raises(FileExistsError):
            backup.back_up(h.folders, tmp_path / "copy")
    assert not any((tmp_path / "theirs").iterdir()) and not (tmp_path / "copy").exists()


def test_there_has_to_be_something(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="nothing to back up"):
        backup.main([str(tmp_path / "copy"), "--data-dir", str(tmp_path / "data")])
    assert not (tmp_path / "copy").exists()


async def test_a_full_disk_leaves_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    async with house(tmp_path / "data") as h:
        await h.end(await h.submit(1))

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device", "sources")

        monkeypatch.setattr(backup, "link_or_copy", full)
        with pytest.raises(OSError, match="No space"):
            backup.back_up(h.folders, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


async def test_files_that_keep_changing_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    async with house(tmp_path / "data") as h:
        await h.end(await h.submit(1))

        def vanished(*_: object) -> None:
            raise FileNotFoundError

        monkeypatch.setattr(backup, "link_or_copy", vanished)
        with pytest.raises(AppError, match="keep changing"):
            backup.back_up(h.folders, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
