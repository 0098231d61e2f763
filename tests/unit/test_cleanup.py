"""Cleanup: what goes, what stays, and when."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gradio_app import cleanup
from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.cleanup import GRADIO_AGE, STALE_JOB, STALLED_UPLOAD, sweep, sweep_gradio, sweep_start
from gradio_app.store.states import TERMINAL, TaskStatus
from gradio_app.store.store import Store
from tests.unit.records import a_task, open_store, put

S = TaskStatus
NOW = 1_000_000.0
DAY = 86400.0


@dataclass
class Place:
    """A data folder with its store."""

    store: Store
    folders: Folders

    def task(
        self, task_id: str, status: TaskStatus, finished_at: float | None = None, source: str = ""
    ) -> None:
        """A task with a source, a finished shard, and a result where its status has one."""
        source = source or f"sha-{task_id}"
        put(self.store, task_id, status, finished_at=finished_at, source=source)
        self.file(self.folders.source(source))
        if status is S.COMPLETED:
            self.file(self.folders.result(task_id) / "document.md")
        else:
            self.file(self.folders.shard(task_id, 0) / "document.md")

    def file(self, path: Path, age: float = 0.0) -> Path:
        """A file that was written ``age`` seconds before ``NOW``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
        os.utime(path, (NOW - age, NOW - age))
        return path

    def left(self, folder: Path) -> list[str]:
        """Everything below a folder."""
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def place(tmp_path: Path) -> Any:
    folders = Folders(tmp_path / "data")
    folders.create()
    made = Place(open_store(folders.root), folders)
    yield made
    made.store.close()


def aged(folder: Path, age: float) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder, (NOW - age, NOW - age))
    return folder


# ---------------------------------------------------------------- at start


def test_temporary_files_of_the_last_run_go(place: Place) -> None:
    folders = place.folders
    place.file(folders.tmp / "upload-1")
    place.file(folders.work("t1", "0") / "tmp/x")
    place.file(folders.gradio / "hash/paper.pdf")
    place.file(folders.run / "tmp/gradio-x/y")
    place.file(folders.run / "worker-1/z")
    place.file(folders.run / "cwd/note")
    sweep_start(place.store, folders)
    assert place.left(folders.tmp) == []
    assert place.left(folders.run) == ["cwd", "cwd/note", "gate", "gradio", "tmp"]


def test_files_of_unknown_tasks_go_and_those_of_known_ones_stay(place: Place) -> None:
    for status in TaskStatus:
        place.task(str(status), status)
    place.file(place.folders.result("orphan") / "document.md")
    place.file(place.folders.tasks / "stray")
    place.file(place.folders.source("orphan"))
    sweep_start(place.store, place.folders)
    assert {path.name for path in place.folders.tasks.iterdir()} == set(TaskStatus)
    assert {path.name for path in place.folders.sources.iterdir()} == {f"sha-{name}" for name in TaskStatus}
    assert (place.folders.result("completed") / "document.md").is_file()


@pytest.mark.parametrize("status", [status for status in TaskStatus if status is not S.COMPLETED])
def test_shards_of_what_has_ended_are_parked_and_those_of_the_rest_stay(
    place: Place, status: TaskStatus
) -> None:
    place.task("t1", status)
    sweep_start(place.store, place.folders)
    kept = place.folders.resume("t1") if status in TERMINAL else place.folders.shards("t1")
    assert place.left(place.folders.task("t1")) == [
        kept.name,
        f"{kept.name}/00000",
        f"{kept.name}/00000/document.md",
    ]


def test_a_link_is_taken_away_and_not_what_it_points_to(place: Place, tmp_path: Path) -> None:
    outside = place.file(tmp_path / "outside/precious").parent
    (place.folders.tmp / "link").symlink_to(outside)
    (place.folders.tasks / "link").symlink_to(outside)
    sweep_start(place.store, place.folders)
    assert place.left(outside) == ["precious"]
    assert place.left(place.folders.tmp) == place.left(place.folders.tasks) == []


def test_an_empty_data_folder_is_fine(place: Place) -> None:
    for folder in (place.folders.tmp, place.folders.gradio, place.folders.sources):
        folder.rmdir()
    sweep_start(place.store, place.folders)
    assert sweep(place.store, place.folders, DAY, NOW) == 0


# ---------------------------------------------------------------- retention


def test_tasks_go_with_their_files_when_they_are_old_enough(place: Place) -> None:
    place.task("old", S.COMPLETED, finished_at=NOW - DAY - 1)
    place.task("young", S.COMPLETED, finished_at=NOW - DAY + 1)
    place.task("running", S.PROCESSING)
    place.file(place.folders.work("old", "export") / "x")
    assert sweep(place.store, place.folders, DAY, NOW) == 1
    assert place.store.task_ids() == {"young", "running"}
    assert {path.name for path in place.folders.tasks.iterdir()} == {"young", "running"}
    assert {path.name for path in place.folders.sources.iterdir()} == {"sha-young", "sha-running"}
    assert place.left(place.folders.tmp) == []
    assert place.store.changes(0, 10).deleted == ["old"], "open pages drop it too"


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_every_way_to_end_counts(place: Place, status: TaskStatus) -> None:
    place.task("t1", status, finished_at=NOW - DAY - 1)
    assert sweep(place.store, place.folders, DAY, NOW) == 1
    assert place.left(place.folders.tasks) == []


def test_a_retention_of_zero_keeps_everything(place: Place) -> None:
    place.task("t1", S.COMPLETED, finished_at=1.0)
    assert sweep(place.store, place.folders, 0, NOW) == 0
    assert place.store.task_ids() == {"t1"} and place.folders.source("sha-t1").exists()


def test_an_upload_stays_while_another_task_uses_it(place: Place) -> None:
    place.task("old", S.COMPLETED, finished_at=1.0, source="same")
    place.task("other", S.QUEUED, source="same")
    sweep(place.store, place.folders, DAY, NOW)
    assert [path.name for path in place.folders.sources.iterdir()] == ["same"]
    place.store.move("other", S.CANCELLED, finished_at=2.0)
    sweep(place.store, place.folders, DAY, NOW)
    assert list(place.folders.sources.iterdir()) == []


def test_one_sweep_takes_a_limited_number_and_the_next_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "BATCH", 2)
    for index in range(5):
        place.task(f"t{index}", S.CANCELLED, finished_at=float(5 - index))
    assert sweep(place.store, place.folders, DAY, NOW) == 2
    assert place.store.task_ids() == {"t0", "t1", "t2"}, "the oldest first"
    assert [sweep(place.store, place.folders, DAY, NOW) for _ in range(3)] == [2, 1, 0]


def test_a_retried_task_is_not_old(place: Place) -> None:
    place.task("t1", S.FAILED, finished_at=1.0)
    place.store.requeue("t1")
    assert sweep(place.store, place.folders, DAY, NOW) == 0


def test_old_keys_and_old_deletions_are_forgotten(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "KEEP_TOMBSTONES", 1)
    place.store.add([a_task("t0")], "key", "print")
    for task_id in ("t1", "t2"):
        put(place.store, task_id, S.CANCELLED)
        place.store.delete(task_id)
    store, folders = place.store, place.folders
    created = store._db.execute("SELECT created_at FROM submissions").fetchone()[0]
    sweep(store, folders, 0, created + cleanup.KEEP_SUBMISSIONS - 1)
    assert store.submission("ann", "key", "print")
    sweep(store, folders, 0, created + cleanup.KEEP_SUBMISSIONS + 1)
    assert store.submission("ann", "key", "print") is None
    assert store.changes(0, 10).reset and store.changes(store.rev() - 1, 10).deleted == ["t2"]


def test_an_upload_that_nobody_sends_any_more_goes(place: Place) -> None:
    tmp = place.folders.tmp
    place.file(tmp / "upload-stalled", STALLED_UPLOAD + 1)
    place.file(tmp / "upload-running", STALLED_UPLOAD - 1)
    sweep(place.store, place.folders, DAY, NOW)
    assert place.left(tmp) == ["upload-running"]


def test_what_a_job_left_goes_when_its_task_has_ended(place: Place) -> None:
    tmp = place.folders.tmp
    for name, status in (("runs", S.PROCESSING), ("ended", S.COMPLETED), ("draws", S.COMPLETED)):
        place.task(name, status)
        place.file(tmp / name / "document.pdf")
        aged(tmp / name, STALE_JOB + (-1 if name == "draws" else 1))
    aged(tmp / "unknown", STALE_JOB + 1)
    sweep(place.store, place.folders, 0, NOW)
    assert sorted(path.name for path in tmp.iterdir()) == ["draws", "runs"]


def test_a_clock_that_is_put_forward_makes_nothing_old(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.task("t1", S.COMPLETED, finished_at=time.time())
    upload = place.folders.gradio / "hash/paper.pdf"
    upload.parent.mkdir()
    upload.write_text("text")
    wall = time.time
    monkeypatch.setattr(clock, "_BEGAN", clock._began())
    monkeypatch.setattr(time, "time", lambda: wall() + 7200)
    assert sweep(place.store, place.folders, 3600) == 0 and upload.exists()
    monkeypatch.setattr(time, "time", lambda: wall() - 7200)
    assert sweep(place.store, place.folders, 3600) == 0 and upload.exists()


# ---------------------------------------------------------------- Gradio's litter


def test_gradios_files_go_when_they_are_old(place: Place) -> None:
    gradio = place.folders.gradio
    old, young = GRADIO_AGE + 1, GRADIO_AGE - 1
    place.file(gradio / "hash1/paper.pdf", old)
    place.file(gradio / "hash2/paper.pdf", young)
    place.file(gradio / "tmpabc123", old)
    place.file(gradio / "tmpdef456", young)
    place.file(gradio / "hash3/.partial-upload", old)
    place.file(gradio / "hash3/still-coming", young)
    assert sweep_gradio(gradio, now=NOW) == 3
    files = [name for name in place.left(gradio) if (gradio / name).is_file()]
    assert files == ["hash2/paper.pdf", "hash3/still-coming", "tmpdef456"]


def test_an_empty_folder_goes_when_it_is_old_and_a_new_one_is_about_to_be_filled(place: Place) -> None:
    gradio = place.folders.gradio
    aged(gradio / "deep/deeper", GRADIO_AGE + 1)
    aged(gradio / "deep", GRADIO_AGE + 1)
    aged(gradio / "fresh", GRADIO_AGE - 1)
    assert sweep_gradio(gradio, now=NOW) == 0, "folders are not counted"
    aged(gradio / "deep", GRADIO_AGE + 1)  # its last entry went just now
    sweep_gradio(gradio, now=NOW)
    assert place.left(gradio) == ["fresh"]


def test_the_folder_itself_stays_and_need_not_be_there(place: Place) -> None:
    aged(place.folders.gradio, 1e9)
    assert sweep_gradio(place.folders.gradio, now=NOW) == 0
    assert place.folders.gradio.is_dir()
    assert sweep_gradio(place.folders.gradio / "nothing", now=NOW) == 0


def test_a_link_in_it_goes_and_not_what_it_points_to(place: Place, tmp_path: Path) -> None:
    precious = place.file(tmp_path / "outside/precious")
    link = place.folders.gradio / "link.pdf"
    link.symlink_to(precious)
    os.utime(link, (NOW - 1e5, NOW - 1e5), follow_symlinks=False)
    (place.folders.gradio / "dir").symlink_to(precious.parent)
    assert sweep_gradio(place.folders.gradio, now=NOW) == 1
    assert precious.is_file() and not link.is_symlink()


def test_the_usual_age_is_another_if_one_is_given(place: Place) -> None:
    place.file(place.folders.gradio / "a", 10)
    assert sweep_gradio(place.folders.gradio, age=11, now=NOW) == 0
    assert sweep_gradio(place.folders.gradio, age=9, now=NOW) == 1


def test_the_timer_sweeps_gradio_too_and_now_is_now(place: Place) -> None:
    place.file(place.folders.gradio / "a", GRADIO_AGE + 1)
    sweep(place.store, place.folders, 0)
    assert place.left(place.folders.gradio) == []
