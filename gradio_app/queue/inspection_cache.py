"""LRU cache of inspections by content hash and options, in memory."""

from __future__ import annotations

from collections import OrderedDict

from gradio_app.queue.worker_jobs import suffix_of
from gradio_app.store.task import Inspection, Task

#: inspections that are cached, the latest ones
MOST = 1000


class InspectionCache:
    """The latest inspections: the same bytes with the same options give the same.

    In memory only: another version of this program or of MinerU begins with none. Only the store's thread
    uses it.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str | bool, ...], Inspection] = OrderedDict()

    def find(self, task: Task, engine: str, models: bool) -> Inspection | None:
        """The inspection of this content, unless the task wants nothing stored.

        ``engine`` and ``models`` are as for ``WorkerJobs.inspect``.
        """
        if not task.options.use_cache:
            return None
        key = _key(task, engine, models)
        if key in self._found:
            self._found.move_to_end(key)
        return self._found.get(key)

    def add(self, task: Task, engine: str, models: bool, found: Inspection) -> None:
        """Stores an inspection, unless models that are installed later would change it."""
        if task.options.tier == "auto" and engine and found.parse_mode and found.tier == "flash":
            return
        self._found[_key(task, engine, models)] = found
        if len(self._found) > MOST:
            self._found.popitem(last=False)


def _key(task: Task, engine: str, models: bool) -> tuple[str | bool, ...]:
    # the suffix counts because MinerU tells some types apart by it
    options = task.options
    return (
        task.source,
        suffix_of(task.name),
        options.page_range,
        options.tier,
        options.ocr_mode,
        engine,
        models,
    )
