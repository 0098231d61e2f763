"""What users ask for beside the queue does not use the reserve of the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import DiskFull, StorageUnavailable
from gradio_app.base.settings import Settings
from gradio_app.queue.exports import Exports
from gradio_app.queue.worker_jobs import WorkerJobs
from tests.unit.records import a_task

pytestmark = pytest.mark.anyio


class NoWorkers:
    """Fails the test when anything is asked of it."""

    here: Any = None


async def test_nothing_is_made_without_room(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.create()
    task = a_task()
    result = folders.result(task.id)
    result.mkdir(parents=True)
    (result / "middle.json").write_text("{}")
    workers: Any = NoWorkers()
    jobs = WorkerJobs(Settings(disk_reserve=2**60), folders, workers)
    exports = Exports(folders, workers.here, jobs.check_reserve)
    with pytest.raises(DiskFull):
        await exports.export(task, "docx")
    with pytest.raises(DiskFull):
        await exports.picture(task, 1, 1000)
    with pytest.raises(DiskFull):
        await jobs.replace_page(task, task)


def test_a_folder_in_the_place_of_ours_is_not_ours(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.create()
    folders.check()
    folders.root.rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            folders.free_bytes()
        with pytest.raises(StorageUnavailable):
            folders.work("task", "job")
        Folders(tmp_path / "data").create()
    (tmp_path / "data").rename(tmp_path / "other")
    (tmp_path / "away").rename(tmp_path / "data")
    assert folders.free_bytes() > 0
