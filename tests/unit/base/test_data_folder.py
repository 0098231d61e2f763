"""The data folder: what moves where, that a crash leaves whole folders, and that nobody reads outside."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.data_folder import Folders
from gradio_app.base.files import link_or_copy, replace_folder


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(tmp_path / "data")
    made.create()
    return made


def written(folder: Path, **files: str) -> Path:
    """A folder with files; ``_`` in a name stands for ``/``."""
    for name, text in files.items():
        path = folder / name.replace("_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def inside(folder: Path) -> dict[str, str]:
    """All files below a folder and their texts."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# ---------------------------------------------------------------- layout


def test_the_layout_is_that_of_the_contract(folders: Folders, tmp_path: Path) -> None:
    root = tmp_path / "data"
    assert folders.database == root / "queue.db"
    assert folders.source("abc") == root / "sources/abc"
    assert folders.result("t1") == root / "tasks/t1/result"
    assert folders.shard("t1", 7) == root / "tasks/t1/shards/00007"
    assert folders.job("t1") == root / "tmp/t1"


def test_all_folders_are_there_and_private(folders: Folders) -> None:
    folders.create()  # a second start finds them
    run = folders.run
    made = (folders.root, folders.sources, folders.tasks, folders.tmp, run, run / "cwd", run / "tmp")
    for folder in (*made, folders.gradio):
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_a_relative_folder_stays_the_same_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Folders(Path("data")).root == tmp_path / "data"


def test_free_space_is_that_of_the_disk(folders: Folders) -> None:
    assert 0 < folders.free_bytes() <= shutil.disk_usage(folders.root).total


# ---------------------------------------------------------------- uploads


def test_the_same_content_is_stored_once(folders: Folders) -> None:
    incoming = folders.tmp / "upload-1"
    incoming.write_text("text")
    folders.adopt((incoming, "digest"))
    again = folders.tmp / "upload-2"
    again.write_text("text")
    inode = folders.source("digest").stat().st_ino
    folders.adopt((again, "digest"))
    assert folders.source("digest").stat().st_ino == inode == incoming.stat().st_ino, "linked, not copied"
    incoming.unlink()
    assert inside(folders.sources) == {"digest": "text"}


def test_where_links_are_impossible_the_upload_is_copied(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", _refuse)
    incoming = folders.tmp / "upload-1"
    incoming.write_text("text")
    folders.adopt((incoming, "digest"))
    assert inside(folders.sources) == {"digest": "text"}


def test_a_copy_that_breaks_off_is_not_taken_for_the_upload(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = folders.tmp / "upload-1"
    incoming.write_text("text")

    def half(_source: Any, target: Any) -> None:
        Path(target).write_text("te")
        _refuse()

    with monkeypatch.context() as broken:
        broken.setattr(os, "link", _refuse)
        broken.setattr(shutil, "copyfile", half)
        with pytest.raises(OSError, match="not here"):
            folders.adopt((incoming, "digest"))
    folders.adopt((incoming, "digest"))
    assert inside(folders.sources) == {"digest": "text"}


def _refuse(*_args: Any, **_kwargs: Any) -> None:
    raise OSError("not here")


@pytest.mark.parametrize(
    ("suffix", "name"),
    [
        ("pdf", "document.pdf"),
        ("DOCX", "document.docx"),
        ("", "document.bin"),
        ("../x", "document.bin"),
        ("a b", "document.bin"),
        ("toolongasuffix", "document.bin"),
    ],
)
def test_a_job_sees_the_upload_under_a_neutral_name(folders: Folders, suffix: str, name: str) -> None:
    folders.source("digest").write_text("text")
    linked = folders.linked_source("digest", folders.work("t1", "0"), suffix)
    assert linked.name == name and linked.read_text() == "text"


def test_a_link_replaces_what_was_there(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("new")
    target.write_text("old")
    link_or_copy(source, target)
    assert target.read_text() == "new"


# ---------------------------------------------------------------- jobs


def test_each_job_has_a_folder_of_its_own_with_a_place_for_temporary_files(folders: Folders) -> None:
    first, second = folders.work("t1", "0-1"), folders.work("t1", "0-1")
    assert first != second and first.parent == second.parent == folders.job("t1")
    assert first.is_dir() and first.name.startswith("0-1-")


def test_the_last_job_takes_the_tasks_temporary_folder_along(folders: Folders) -> None:
    first, second = folders.work("t1", "0"), folders.work("t1", "1")
    written(first, tmp_x="litter")
    folders.drop_work(first)
    assert not first.exists() and second.is_dir()
    folders.drop_work(second)
    folders.drop_work(second)
    assert not folders.job("t1").exists() and folders.tmp.is_dir()


def test_a_job_begins_also_when_another_takes_the_folder_away_at_that_moment(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir, raced = Path.mkdir, list[Path]()

    def race(self: Path, *args: Any, **kwargs: Any) -> None:
        if self.parent == folders.job("t1") and not raced:
            raced.append(self)
            self.parent.rmdir()
        mkdir(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", race)
    assert folders.work("t1", "0").is_dir() and raced


# ---------------------------------------------------------------- shards and results


def test_a_finished_shard_is_kept_and_a_newer_one_replaces_it(folders: Folders) -> None:
    for text in ("old", "new"):
        out = written(folders.work("t1", "0") / "out", **{"document.md": text})
        folders.put_shard("t1", 3, out)
        assert not out.exists()
    assert inside(folders.shards("t1")) == {"00003/document.md": "new"}


def test_a_result_is_kept_and_a_newer_one_replaces_it(folders: Folders) -> None:
    for text in ("old", "new"):
        folders.put_result("t1", written(folders.work("t1", "0") / "out", **{f"{text}.md": text}))
    assert inside(folders.task("t1")) == {"result/new.md": "new"}


def test_finished_shards_wait_for_a_retry_and_come_back(folders: Folders) -> None:
    written(folders.shard("t1", 0), **{"document.md": "a"})
    folders.park_shards("t1")
    folders.park_shards("t1")
    assert inside(folders.task("t1")) == {"resume/00000/document.md": "a"}
    assert not folders.shards("t1").exists()
    folders.unpark_shards("t1")
    folders.unpark_shards("t1")
    assert inside(folders.task("t1")) == {"shards/00000/document.md": "a"}
    assert not folders.resume("t1").exists()


def test_an_empty_folder_of_shards_is_not_parked(folders: Folders) -> None:
    written(folders.resume("t1") / "00000", **{"document.md": "a"})
    folders.shards("t1").mkdir()
    folders.park_shards("t1")
    assert inside(folders.task("t1")) == {"resume/00000/document.md": "a"}
    assert not folders.shards("t1").exists()


def test_what_is_dropped_is_gone(folders: Folders) -> None:
    for folder in (folders.shards("t1"), folders.resume("t1"), folders.result("t1"), folders.result("t2")):
        written(folder, x="x")
    written(folders.work("t1", "0"), x="x")
    folders.drop_shards("t1")
    assert inside(folders.tasks) == {"t1/result/x": "x", "t2/result/x": "x"}
    folders.drop_task("t1")
    folders.drop_task("t1")
    assert inside(folders.tasks) == {"t2/result/x": "x"} and not folders.job("t1").exists()


def test_a_stored_result_is_shared_without_its_exports(folders: Folders) -> None:
    files = {"document.md": "text", "images_a.png": "png", "exports_document.html": "html"}
    donor = written(folders.result("donor"), **files)
    assert folders.link_result("donor", "t1")
    assert inside(folders.result("t1")) == {"document.md": "text", "images/a.png": "png"}
    same = (folders.result("t1") / "document.md").stat().st_ino
    assert same == (donor / "document.md").stat().st_ino, "linked, not copied"
    folders.drop_task("donor")
    assert inside(folders.result("t1")) == {"document.md": "text", "images/a.png": "png"}
    assert list(folders.tmp.iterdir()) == []


def test_a_stored_result_that_is_gone_is_not_shared(folders: Folders) -> None:
    assert not folders.link_result("donor", "t1")
    assert not folders.result("t1").exists() and list(folders.tmp.iterdir()) == []


def test_a_result_that_can_be_shared_in_part_only_is_not_shared(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folders.result("donor"), **{"document.md": "text", "middle.json": "{}"})
    copy = shutil.copyfile

    def fail_second(source: Any, target: Any) -> Any:
        return copy(source, target) if str(source).endswith(".md") else _refuse()

    monkeypatch.setattr(os, "link", _refuse)
    monkeypatch.setattr(shutil, "copyfile", fail_second)
    assert not folders.link_result("donor", "t1")
    assert not folders.result("t1").exists() and list(folders.tmp.iterdir()) == []


# ---------------------------------------------------------------- crashes


@pytest.mark.parametrize("step", [1, 2])
def test_a_crash_between_the_steps_leaves_both_folders_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    old, new = {"a.md": "old", "b.md": "old"}, {"b.md": "new", "c.md": "new"}
    source, target = written(tmp_path / "out", **new), written(tmp_path / "result", **old)
    rename, calls = Path.rename, list[Path]()

    def crash(self: Path, to: Path) -> Path:
        calls.append(self)
        if len(calls) == step:
            raise KeyboardInterrupt
        return rename(self, to)

    with monkeypatch.context() as dying:
        dying.setattr(Path, "rename", crash)
        with pytest.raises(KeyboardInterrupt):
            replace_folder(source, target)
    left = [inside(folder) for folder in tmp_path.iterdir()]
    assert len(left) == 2 and old in left and new in left
    replace_folder(source, target)
    assert {folder.name: inside(folder) for folder in tmp_path.iterdir()} == {"result": new}


def test_a_crash_before_the_old_folder_is_gone_leaves_the_new_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = written(tmp_path / "result", a="old")
    with monkeypatch.context() as dying:
        dying.setattr(shutil, "rmtree", lambda path, **_: None)
        replace_folder(written(tmp_path / "out", a="new"), target)
    assert inside(target) == {"a": "new"}
    replace_folder(written(tmp_path / "out", a="newer"), target)
    assert {folder.name: inside(folder) for folder in tmp_path.iterdir()} == {"result": {"a": "newer"}}


def test_shards_go_whole_or_not_at_all(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill while they are deleted left some of their files, which the next start took for whole shards."""
    for place in (folders.shards("t1"), folders.resume("t1")):
        (place / "00000").mkdir(parents=True)
        (place / "00000" / "model.json").write_text("{}")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        folders.drop_shards("t1")
    assert not folders.shards("t1").exists()
