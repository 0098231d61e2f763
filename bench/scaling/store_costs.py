"""What changes in the real store cost: computing on its thread, and the wait for the disk."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from bench.scaling.costs import Step
from gradio_app.base.data_folder import Folders
from gradio_app.base.files import sync_disk
from gradio_app.base.options import ParseOptions
from gradio_app.queue.async_store import commit_steps
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Task

TASKS = 40
#: files of a one-page result, and their size in bytes
FILES, SIZE = 8, 4000


class _Clock:
    """Times of one kind of change."""

    def __init__(self) -> None:
        self._found: list[Step] = []

    def time(self, work: Callable[[], object]) -> None:
        wall, computing = time.perf_counter(), time.thread_time()
        work()
        computing = time.thread_time() - computing
        self._found.append(Step(computing, max(0.0, time.perf_counter() - wall - computing)))

    def step(self) -> Step:
        return Step(median(one.computing for one in self._found), median(one.disk for one in self._found))


def store_costs(folder: Path) -> tuple[dict[str, Step], float]:
    """Steps by the name that ``Costs`` gives them, and the seconds of ``Durable``'s sync."""
    folders = Folders(folder)
    folders.create()
    store = Store(folder / "queue.db")
    clocks = {name: _Clock() for name in ("add", "plan", "begin", "checkpoint", "finish", "whole")}
    sync = _Clock()
    try:
        for number in range(TASKS):
            _one_task(store, folders, number, clocks, sync)
    finally:
        store.close()
    settled = sync.step()
    return {name: clock.step() for name, clock in clocks.items()}, settled.computing + settled.disk


def _one_task(store: Store, folders: Folders, number: int, clocks: dict[str, _Clock], sync: _Clock) -> None:
    """The way of a document through the store, as ``Intake``, ``Dispatcher`` and ``Joiner`` take it."""
    task_id = f"{number:032x}"
    task = Task(task_id, "a.pdf", "somebody", TaskStatus.PENDING, ParseOptions(), "0" * 64, 1, time.time())
    out = folders.work(task_id, "0-1") / "out"
    clocks["add"].time(lambda: (store.active_count("somebody"), store.add([task])))
    clocks["plan"].time(
        lambda: (store.get(task_id), store.plan(task_id, [(1,)], tier="flash", pages_total=1))
    )
    clocks["begin"].time(lambda: (store.get(task_id), store.shards(task_id), store.start(task_id)))
    _write_result(out)
    sync.time(lambda: sync_disk(folders.tmp))
    keep = partial(folders.put_result, task_id, out)
    changes = {"pages_done": 1, "result_sha256": "0" * 64}
    fence = partial(store.check_current, task_id, 1)
    if number % 2:
        finish = partial(store.finish_whole, task_id, 0.1, changes)
        clocks["whole"].time(commit_steps(fence, keep, finish))
        return
    finish = partial(store.finish_shard, task_id, 0, seconds=0.1)
    clocks["checkpoint"].time(commit_steps(fence, keep, finish))
    move = partial(store.move, task_id, TaskStatus.COMPLETED, finished_at=time.time(), **changes)
    clocks["finish"].time(lambda: (store.shards(task_id), commit_steps(fence, lambda: None, move)()))


def _write_result(out: Path) -> None:
    out.mkdir(parents=True)
    for number in range(FILES):
        (out / f"{number}.json").write_text(json.dumps("x" * SIZE))
