"""Queries: tasks, their shards, changes since a revision, and uploads that are still needed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradio_app.base.errors import NotFound
from gradio_app.store.database import ACTIVE_SQL, sql_list
from gradio_app.store.endings import Endings
from gradio_app.store.states import ACTIVE, TERMINAL, TaskStatus
from gradio_app.store.task import Shard, Task


@dataclass(frozen=True, slots=True)
class Changes:
    """What is newer than a revision. ``reset`` tells a reader to forget what it knew and to list again."""

    rev: int
    tasks: list[Task]
    deleted: list[str]
    reset: bool


class Reading:
    """Queries of the store; on its thread."""

    _db: sqlite3.Connection
    endings: Endings

    def active_count(self, owner: str) -> int:
        """Unfinished tasks of an owner."""
        query = f"SELECT count(*) FROM tasks WHERE owner = ? AND status IN ({ACTIVE_SQL})"
        return int(self._db.execute(query, (owner,)).fetchone()[0])

    def active_from(self, owner: str, source: str) -> list[Task]:
        """Unfinished tasks of an owner that came from the upload with this digest."""
        query = f"SELECT * FROM tasks WHERE owner = ? AND source = ? AND status IN ({ACTIVE_SQL})"
        return self._list(query, (owner, source))

    def find(self, task_id: str) -> Task | None:
        row = self._db.execute("SELECT * FROM tasks WHERE id = ?", (task_id,)).fetchone()
        return Task.from_row(row) if row else None

    def find_all(self, task_ids: Iterable[str]) -> list[Task]:
        """Those tasks that exist, in this order."""
        return [task for task_id in task_ids if (task := self.find(task_id))]

    def get(self, task_id: str) -> Task:
        """The task; raises ``NotFound``."""
        task = self.find(task_id)
        if task is None:
            raise NotFound()
        return task

    def shards(self, task_id: str) -> list[Shard]:
        """The shards of a task, in the order in which they were cut."""
        rows = self._db.execute("SELECT * FROM shards WHERE task_id = ? ORDER BY idx", (task_id,))
        return [Shard.from_row(row) for row in rows]

    def second_readings(self, task_id: str) -> list[Task]:
        """Tasks that read a page of this one again, oldest first."""
        return self._list("SELECT * FROM tasks WHERE redo_of = ? AND redo_of <> '' ORDER BY seq", (task_id,))

    def list_status(self, statuses: Collection[TaskStatus]) -> list[Task]:
        """All tasks in these statuses, oldest first."""
        return self._list(f"SELECT * FROM tasks WHERE status IN ({sql_list(statuses)}) ORDER BY seq", ())

    def changes(self, since: int, limit: int, viewer: str | None = None) -> Changes:
        """Tasks and tombstones newer than ``since``, oldest change first.

        A ``viewer`` gets their own, and unfinished ones of others; of these, those that have ended since
        are told as deleted. Without a viewer: of all owners.
        """
        rev, forgotten = self.rev(), self._counter("forgotten")
        if since > rev or since < forgotten:
            return Changes(rev, [], [], reset=True)
        seen = "" if viewer is None else f"AND (owner = :viewer OR status IN ({ACTIVE_SQL}))"
        values = {"since": since, "limit": limit, "viewer": viewer}
        query = f"SELECT * FROM tasks WHERE rev > :since {seen} ORDER BY rev LIMIT :limit"
        tasks = self._list(query, values)
        upto = tasks[-1].rev if len(tasks) == limit else rev
        own = "" if viewer is None else "AND owner = :viewer"
        query = f"SELECT task_id FROM deleted WHERE rev > :since AND rev <= :upto {own}"
        gone = [row["task_id"] for row in self._db.execute(query, {**values, "upto": upto})]
        if viewer is not None:
            gone += self.endings.of_others(viewer, since, upto)
        return Changes(upto, tasks, gone, reset=viewer is not None and not self.endings.known_from(since))

    def rev(self) -> int:
        return self._counter("rev")

    def counts(self) -> dict[str, int]:
        """Tasks by status."""
        rows = self._db.execute("SELECT status, tasks FROM status_counts WHERE tasks > 0")
        return {row["status"]: row["tasks"] for row in rows}

    def counts_for(self, viewer: str) -> dict[str, int]:
        """Tasks by status: unfinished ones of all owners, and ended ones of the viewer."""
        counts = {status: n for status, n in self.counts().items() if status in ACTIVE}
        # by the index of owners and statuses, in which second readings of pages are not
        query = (
            "SELECT status, count(*) AS n FROM tasks WHERE owner = ? AND redo_of = '' "
            f"AND status IN ({sql_list(TERMINAL)}) GROUP BY status"
        )
        return counts | {row["status"]: row["n"] for row in self._db.execute(query, (viewer,))}

    def cached(self, cache_key: str, owner: str | None = None) -> Task | None:
        """A completed task with the same bytes, options and versions, of this owner if one is named."""
        whose = "" if owner is None else "AND owner = :owner"
        query = (
            f"SELECT * FROM tasks WHERE cache_key = :key AND status = 'completed' {whose} "
            "ORDER BY seq DESC LIMIT 1"
        )
        found = self._list(query, {"key": cache_key, "owner": owner})
        return found[0] if found else None

    def _list(self, query: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Task]:
        return [Task.from_row(row) for row in self._db.execute(query, values)]

    def _counter(self, name: str) -> int:
        return int(self._db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()[0])

    def finished_before(self, moment: float, limit: int) -> list[Task]:
        """Ended tasks that finished before ``moment`` (Unix seconds)."""
        query = "SELECT * FROM tasks WHERE finished_at < ? ORDER BY finished_at LIMIT ?"
        return [task for task in self._list(query, (moment, limit)) if task.ended]

    def used_sources(self) -> set[str]:
        """Digests of uploads that a task still needs."""
        return {row["source"] for row in self._db.execute("SELECT DISTINCT source FROM tasks")}

    def needs_source(self, digest: str) -> bool:
        """Whether a task still needs this upload."""
        return bool(self._list("SELECT * FROM tasks WHERE source = ? LIMIT 1", (digest,)))

    def task_ids(self) -> set[str]:
        return {row["id"] for row in self._db.execute("SELECT id FROM tasks")}
