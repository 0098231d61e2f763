"""What looks at files have found, by content: the same file again needs no look."""

from __future__ import annotations

from collections import OrderedDict

from gradio_app.queue.worker_jobs import Found, suffix_of
from gradio_app.store.task import Task

#: looks that are kept, the latest ones
MOST = 1000


class Seen:
    """The latest looks. A look at the same bytes with the same options finds the same.

    It is kept in memory only: another version of this program or of MinerU starts with none. Used from the
    store's thread only.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str | bool, ...], Found] = OrderedDict()

    def find(self, task: Task, engine: str, models: bool) -> Found | None:
        """What is known of the file of ``task``; ``engine`` and ``models`` as for ``Jobs.inspect``.

        Who wants no stored result wants no stored look either.
        """
        if not task.options.use_cache:
            return None
        key = _key(task, engine, models)
        if key in self._found:
            self._found.move_to_end(key)
        return self._found.get(key)

    def note(self, task: Task, engine: str, models: bool, found: Found) -> None:
        """Keeps what a look has found, unless models that are installed later would change it."""
        if task.options.tier == "auto" and engine and found[0].parse_mode and found[0].tier == "flash":
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
