"""What the pool of workers prepares before it starts one."""

from __future__ import annotations

from pathlib import Path

import pytest

import gradio_app
from gradio_app.workers.pool import WorkerPool

PACKAGE = Path(gradio_app.__file__).parent


def linked(pool: WorkerPool) -> Path:
    return pool._link_code()  # pyright: ignore[reportPrivateUsage]


def test_a_worker_that_starts_at_the_same_time_may_be_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, truly, faster = WorkerPool(tmp_path, 2**30), Path.symlink_to, list[Path]()

    def symlink_to(link: Path, target: Path) -> None:
        if not faster:
            faster.append(link)
            linked(pool)
        truly(link, target)

    monkeypatch.setattr(Path, "symlink_to", symlink_to)
    folder = linked(pool)
    assert [path.name for path in folder.iterdir()] == [PACKAGE.name] and faster
    assert (folder / PACKAGE.name).resolve() == PACKAGE


def test_a_link_of_an_older_place_is_replaced(tmp_path: Path) -> None:
    pool = WorkerPool(tmp_path, 2**30)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / PACKAGE.name).symlink_to(tmp_path / "gone")
    assert (linked(pool) / PACKAGE.name).resolve() == PACKAGE
