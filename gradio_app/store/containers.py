"""Containers: tasks whose documents are tasks of their own. They end when those have ended.

Until then a container whose own document has ended stays ``processing``: it has a result or an error already.
Each end of a document writes the container's progress, and the last one its end, in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from gradio_app.base import clock
from gradio_app.base.errors import Conflict
from gradio_app.base.options import pages_in
from gradio_app.store.reads import Reading
from gradio_app.store.states import ACTIVE, READABLE, TERMINAL, TaskStatus
from gradio_app.store.task import Task

#: names of documents in the error of a container
_NAMED = 5


class Containers(Reading):
    """What the store adds to moves of containers and of the documents in them."""

    #: ids of containers that have ended with a document of theirs, until they are told
    _ended_with: set[str]

    def _move(self, task_id: str, to: TaskStatus, changes: dict[str, Any]) -> Task:
        raise NotImplementedError

    def _write(self, task_id: str, columns: dict[str, Any], condition: str = "") -> Task | None:
        raise NotImplementedError

    def parts(self, task_id: str) -> list[Task]:
        """The tasks of the documents in a container, in their order there; none of any other task."""
        return self._list("SELECT * FROM tasks WHERE parent = ? AND parent <> '' ORDER BY seq", (task_id,))

    def has_parts(self, task_id: str) -> bool:
        """Whether a task is a container with documents."""
        return bool(self._fates(task_id))

    def take_ended_with(self) -> list[Task]:
        """Containers that have ended with a document of theirs since the last call."""
        ids, self._ended_with = self._ended_with, set()
        return [task for task in self.find_all(ids) if task.ended]

    def _fates(self, task_id: str) -> Counter[TaskStatus]:
        query = "SELECT status, count(*) AS n FROM tasks WHERE parent = ? AND parent <> '' GROUP BY status"
        return Counter({TaskStatus(row["status"]): row["n"] for row in self._db.execute(query, (task_id,))})

    def _with_parts(
        self, task_id: str, to: TaskStatus, changes: dict[str, Any]
    ) -> tuple[TaskStatus, dict[str, Any], dict[str, Any]]:
        """Where a move really leads, what it writes, and what is written after it.

        The end of a container waits for its documents. The statistics take its pages at its end: those of
        its documents are counted with them already.
        """
        if to not in TERMINAL or not (fates := self._fates(task_id)):
            return to, changes, {}
        task, total = self.get(task_id), sum(fates.values())
        unread = len(pages_in(changes.get("failed_pages", task.failed_pages)))
        pages = len({page for shard in self.shards(task_id) for page in shard.pages}) or 1
        done = pages - unread if to in READABLE else min(task.pages_done, pages)
        lost = sum(fates[status] for status in TERMINAL - READABLE)
        changes = changes | {
            "pages_total": pages + total,
            "pages_done": done,
            "pages_failed": unread + lost,
        }
        counted = {"pages_done": done + sum(fates[status] for status in READABLE)}
        if to is TaskStatus.CANCELLED:
            return to, changes, counted
        if any(fates[status] for status in ACTIVE):
            return TaskStatus.PROCESSING, changes | {"finished_at": None} | counted, {}
        if to is TaskStatus.COMPLETED and fates[TaskStatus.COMPLETED] < total:
            return TaskStatus.PARTIAL, changes | self._why_partial(task_id, total), counted
        return to, changes, counted

    def _why_partial(self, task_id: str, total: int) -> dict[str, Any]:
        bad = [part for part in self.parts(task_id) if part.status is not TaskStatus.COMPLETED]
        code = next((part.error_code for part in bad if part.error_code), Conflict.code)
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        names = f"{', '.join(part.name for part in bad[:_NAMED])}{more}"
        message = f"{len(bad)} of {total} documents inside were not converted completely: {names}. "
        return {
            "error_code": code,
            "error_message": f"{message}Their tasks say why; a retry reads them again.",
        }

    def _part_ended(self, container_id: str) -> None:
        """Writes the progress of a container after a document of it has ended; its end after the last."""
        task = self.find(container_id)
        if task is None:
            return
        if task.status is TaskStatus.PARTIAL and not task.failed_pages:
            # a document was read again by itself
            sound = {"error_code": None, "error_message": None}
            to, changes, counted = self._with_parts(container_id, TaskStatus.COMPLETED, sound)
            if to is TaskStatus.COMPLETED:
                self._move(container_id, to, sound)
                self._ended_with.add(container_id)
            elif to is TaskStatus.PARTIAL:
                self._write(container_id, changes | counted)
            return
        own_ended = task.result_sha256 or task.error_code
        if task.status is not TaskStatus.PROCESSING or not own_ended:
            return
        to = TaskStatus.PARTIAL if task.failed_pages else TaskStatus.COMPLETED
        to = to if task.result_sha256 else TaskStatus.FAILED
        if self._move(container_id, to, {"finished_at": clock.stamp()}).ended:
            self._ended_with.add(container_id)
