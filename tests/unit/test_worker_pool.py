"""What the pool of workers prepares before it starts one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import gradio_app
from gradio_app.workers import WorkerPool

PACKAGE = Path(gradio_app.__file__).parent


def linked(pool: WorkerPool) -> Path:
    return pool._link_code()  # pyright: ignore[reportPrivateUsage]


def test_several_workers_may_start_at_the_same_time(tmp_path: Path) -> None:
    for attempt in range(20):
        pool, together = WorkerPool(tmp_path / str(attempt), 2**30), Barrier(8)
        (tmp_path / str(attempt)).mkdir()

        def start(pool: WorkerPool = pool, together: Barrier = together) -> Path:
            together.wait()
            return linked(pool)

        with ThreadPoolExecutor(8) as threads:
            [folder] = {done.result() for done in [threads.submit(start) for _ in range(8)]}
        assert [path.name for path in folder.iterdir()] == [PACKAGE.name]
        assert (folder / PACKAGE.name).resolve() == PACKAGE


def test_a_link_of_an_older_place_is_replaced(tmp_path: Path) -> None:
    pool = WorkerPool(tmp_path, 2**30)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / PACKAGE.name).symlink_to(tmp_path / "gone")
    assert (linked(pool) / PACKAGE.name).resolve() == PACKAGE
