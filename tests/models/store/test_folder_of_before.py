"""A data folder that the version before left after a kill, with tasks in each state, goes on.

``tests/data/data_folder_schema_5.zip`` was written by that version (flat modules, schema 5) over the stand-in
pool of these tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from gradio_app.store.states import TaskStatus
from tests.fakes.pool import FakePool
from tests.unit.manager_fixtures import house

BEFORE = Path(__file__).parents[2] / "data" / "data_folder_schema_5.zip"

pytestmark = pytest.mark.anyio


async def test_every_task_of_before_comes_to_its_end(tmp_path: Path) -> None:
    with ZipFile(BEFORE) as old:
        old.extractall(tmp_path)
    names: dict[str, str] = json.loads((tmp_path / "names.json").read_text("utf-8"))
    async with house(tmp_path, pool := FakePool()) as h:
        ended = {name: await h.manager.wait(task_id, 5) for name, task_id in names.items()}
        assert {name: task.status for name, task in ended.items()} == {
            "completed": TaskStatus.COMPLETED,
            "completed_long": TaskStatus.COMPLETED,
            "partial": TaskStatus.PARTIAL,
            "failed": TaskStatus.FAILED,
            "cancelled": TaskStatus.CANCELLED,
            "cancelling": TaskStatus.CANCELLED,
            "processing": TaskStatus.COMPLETED,
            "processing_too": TaskStatus.COMPLETED,
            "queued": TaskStatus.COMPLETED,
            "pending": TaskStatus.COMPLETED,
            "pending_too": TaskStatus.COMPLETED,
        }
        assert pool.times("processing:1-8") == 1, "shards of an older version are never joined to newer ones"
        for name in ("completed", "completed_long", "partial", "processing"):
            task = ended[name]
            assert (h.folders.result(task.id) / "document.md").is_file()
            assert len(h.folders.pages(task.id)) == task.pages_done
        for name, pages in (("partial", 12), ("cancelled", 40), ("failed", 1)):
            again = await h.end(await h.manager.retry(names[name]))
            assert (again.status, again.pages_done) == (TaskStatus.COMPLETED, pages)
        assert pool.times("cancelled:1-8") == 1
        assert h.leftovers() == []
