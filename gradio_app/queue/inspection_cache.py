"""LRU cache of inspections by content hash and options; in memory, as a newer MinerU finds others."""

from __future__ import annotations

from collections import OrderedDict

from gradio_app.queue.worker_jobs import suffix_of
from gradio_app.store.task import Inspection, Task

#: inspections that are cached, the latest ones
MOST = 1000


class InspectionCache:
    """The latest inspections; ``engine`` and ``models`` are as for ``WorkerJobs.inspect``.

    Unless ``shared``, each owner has their own: how soon an inspection is over would tell that somebody
    else has sent the same file. Only the store's thread uses it.
    """

    def __init__(self, shared: bool = True) -> None:
        self._shared = shared
        self._found: OrderedDict[tuple[str | bool, ...], Inspection] = OrderedDict()

    def find(self, task: Task, engine: str, models: bool) -> Inspection | None:
        """The inspection of this content, unless the task wants nothing stored."""
        key = self._key(task, engine, models)
        found = self._found.get(key) if task.options.use_cache else None
        if found:
            self._found.move_to_end(key)
        return found

    def add(self, task: Task, engine: str, models: bool, found: Inspection) -> None:
        """Stores an inspection, unless models that are installed later would change it."""
        if task.options.tier == "auto" and engine and found.parse_mode and found.tier == "flash":
            return
        self._found[self._key(task, engine, models)] = found
        if len(self._found) > MOST:
            self._found.popitem(last=False)

    def _key(self, task: Task, engine: str, models: bool) -> tuple[str | bool, ...]:
        asked = task.options
        whose = "" if self._shared else task.owner
        # the suffix counts because MinerU tells some types apart by it; a container in one is not taken apart
        content = task.source, suffix_of(task.name), bool(task.parent or task.redo_of)
        return *content, asked.page_range, asked.tier, asked.ocr_mode, engine, models, whose
