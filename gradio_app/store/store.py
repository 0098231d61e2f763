"""Store: SQLite (WAL), the only writer of task states. Synchronous; call it from one thread.

Every change of a task takes the next revision, so that a reader can ask for newer ones.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from gradio_app.base import clock
from gradio_app.base.data_folder import lock_folder
from gradio_app.base.errors import AppError, Conflict
from gradio_app.base.findings import NOTHING_FOUND, Findings
from gradio_app.base.page_runs import runs_in
from gradio_app.base.versions import reading_version
from gradio_app.store.climbing import Climbing
from gradio_app.store.database import connect, insert, sql_list, transaction
from gradio_app.store.endings import Endings
from gradio_app.store.listing import Listing
from gradio_app.store.requests import Requests
from gradio_app.store.states import ACTIVE, RETRYABLE, TERMINAL, WAITING, TaskStatus, sources
from gradio_app.store.statistics import History
from gradio_app.store.task import Shard, Task, pages_done
from gradio_app.store.vault import Vault

#: room on the disk without which nothing is begun, in bytes
ROOM = 4 * 2**20


class Superseded(Conflict):
    """A newer attempt of this task has begun; this result is dropped."""


class Store(Climbing):
    """One open data folder. Holds a lock on it until ``close``."""

    def __init__(self, database: Path) -> None:
        self._probe = database.with_name("probe")
        self._vault = Vault(database.with_name("password.key"))
        self._lock = lock_folder(database.with_name("lock"))
        try:
            self._db = connect(database)
        except AppError:
            self._lock.close()
            raise
        self.history = History(self._db)
        self.listing = Listing(self._db)
        self.requests = Requests(self._db)
        self._ended_with = set()
        self.endings = Endings(self.rev(), (task.id for task in self.list_status(ACTIVE)))
        self._renew_vault()

    def close(self) -> None:
        self._db.close()
        self._lock.close()

    def together(self, durable: bool = True) -> AbstractContextManager[sqlite3.Connection]:
        """One transaction with one wait for the disk.

        Not ``durable``: with none. A power cut may undo it, a crash of ours may not.
        """
        return transaction(self._db, durable)

    def check_writable(self) -> None:
        """Raises what stops the queue from working: writes a row, and takes some room for a moment."""
        with self.together() as db:
            db.execute("UPDATE counters SET value = value WHERE name = 'rev'")
        try:
            with self._probe.open("wb") as probe:
                os.posix_fallocate(probe.fileno(), 0, ROOM)
        finally:
            self._probe.unlink(missing_ok=True)

    def _next_rev(self) -> int:
        row = self._db.execute("UPDATE counters SET value = value + 1 WHERE name = 'rev' RETURNING value")
        return int(row.fetchone()[0])

    # ------------------------------------------------------------ taking in

    def submission(self, owner: str, key: str, fingerprint: str) -> list[Task] | None:
        """The tasks an idempotency key stands for; ``Conflict`` when it stood for something else."""
        row = self._submission(owner, key)
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise Conflict("This Idempotency-Key was used before for other files or options.")
        return self.find_all(json.loads(row["task_ids"]))

    def submitted(self, owner: str, key: str) -> list[Task] | None:
        """Like ``submission`` for a caller whose key says itself what was sent: no file has to be read."""
        row = self._submission(owner, key)
        return None if row is None else self.find_all(json.loads(row["task_ids"]))

    def _submission(self, owner: str, key: str) -> sqlite3.Row | None:
        query = "SELECT fingerprint, task_ids FROM submissions WHERE owner = ? AND key = ?"
        return self._db.execute(query, (owner, key)).fetchone()

    def add(
        self, tasks: Sequence[Task], key: str = "", fingerprint: str = "", password: str = ""
    ) -> list[Task]:
        """Records new tasks, durably and all at once. ``password`` opens their uploads."""
        added, sealed = list[Task](), self._vault.seal(password)
        with self.together() as db:
            for task in tasks:
                columns = task.to_row() | {"rev": self._next_rev(), "password": sealed}
                added += self._list(f"{insert('tasks', columns)} RETURNING *", columns)
            if key:
                ids = json.dumps([task.id for task in tasks])
                row = (tasks[0].owner, key, fingerprint, ids, clock.stamp())
                db.execute("INSERT OR REPLACE INTO submissions VALUES (?, ?, ?, ?, ?)", row)
        for task in added:
            self.endings.moved(task)
        return added

    # ------------------------------------------------------------ moves

    def move(self, task_id: str, to: TaskStatus, **changes: Any) -> Task:
        """Moves a task to a status; raises ``NotFound``, or ``Conflict`` if the table of moves forbids it."""
        with self.together():
            return self._move(task_id, to, changes)

    def _move(self, task_id: str, to: TaskStatus, changes: dict[str, Any]) -> Task:
        origins = sql_list(sources(to))
        to, changes, counted = self._with_parts(task_id, to, changes)
        # only a pending task may still need its password; only what has ended has a result
        columns: dict[str, Any] = {"password": ""}
        if to is TaskStatus.QUEUED:
            columns |= {"error_code": None, "error_message": None, "result_sha256": ""}
        columns |= {**changes, "status": to.value}
        moved = self._write(task_id, columns, f"AND status IN ({origins})")
        if moved is None:
            self.check_move(task_id, to)
            raise Conflict()
        moved = (self._write(task_id, counted) if counted else None) or moved
        self.endings.moved(moved)
        if moved.ended and moved.parent:
            self._part_ended(moved.parent)
        return moved

    def check_move(self, task_id: str, to: TaskStatus) -> Task:
        """The task, if it can move to this status; else ``NotFound`` or ``Conflict``."""
        task = self.get(task_id)
        if task.status not in sources(to):
            raise Conflict(f"The task is {task.status}; it cannot become {to}.")
        return task

    def _write(self, task_id: str, columns: dict[str, Any], condition: str = "") -> Task | None:
        """Sets columns (our own names, never input) under the next revision.

        Returns the changed task; None if no task fulfils the ``condition``.
        """
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        statement = f"UPDATE tasks SET {sets}, rev = :rev WHERE id = :id {condition} RETURNING *"
        found = self._list(statement, {**columns, "rev": self._next_rev(), "id": task_id})
        return found[0] if found else None

    def plan(
        self, task_id: str, shards: Sequence[tuple[int, ...]], attempt: int | None = None, **changes: Any
    ) -> Task:
        """Stores the facts from the inspection and the shards, and queues the task.

        Raises ``Superseded`` unless it is pending, in this attempt if one is named. A power cut may undo
        this: then it is inspected again.
        """
        with self.together(durable=False) as db:
            db.execute("DELETE FROM shards WHERE task_id = ?", (task_id,))
            self._cut(task_id, dict(enumerate(shards)))
            task = self.get(task_id)
            if task.status is not TaskStatus.PENDING or attempt not in (None, task.attempt):
                raise Superseded()
            return self._move(task_id, TaskStatus.QUEUED, {**changes, "shards_total": len(shards)})

    def start(self, task_id: str) -> Task:
        """Moves a queued task to processing. A power cut may undo this: then it is still queued."""
        task = self.get(task_id)
        with self.together(durable=False):
            changes = {"started_at": task.started_at or clock.stamp()}
            return self._move(task_id, TaskStatus.PROCESSING, changes)

    def check_current(self, task_id: str, attempt: int) -> Task:
        """Fencing: the task, if ``attempt`` is its running one, else ``Superseded``."""
        task = self.get(task_id)
        if task.attempt != attempt or task.status is not TaskStatus.PROCESSING:
            raise Superseded()
        return task

    def finish_shard(
        self,
        task_id: str,
        index: int,
        *,
        seconds: float,
        engine: str = "",
        bad: Sequence[int] = (),
        reason: AppError | None = None,
        findings: Findings = NOTHING_FOUND,
    ) -> None:
        """Counts a parsed shard. ``bad`` are pages read with blocks missing, for ``reason``."""
        task = self.get(task_id)
        columns = {
            "done": 1,
            "bad": json.dumps(list(bad)),
            "error": _note(reason) if bad else None,
            "seconds": seconds,
            "words": findings.words,
            "version": reading_version(),
            **findings.columns,
        }
        changes = {"parse_seconds": task.parse_seconds + seconds, "engine": engine or task.engine}
        with self.together() as db:
            sets = ", ".join(f"{name} = :{name}" for name in columns)
            values = columns | {"task_id": task_id, "idx": index}
            db.execute(f"UPDATE shards SET {sets} WHERE task_id = :task_id AND idx = :idx", values)
            self._write(task_id, changes | {"pages_done": pages_done(self.shards(task_id))})

    def undo_shards(self, task_id: str, indices: Sequence[int]) -> None:
        """Counts these shards no longer: they are parsed again, and what there is of them is not joined."""
        with self.together(durable=False) as db:
            rows = [(task_id, index) for index in indices]
            db.executemany("UPDATE shards SET done = 0, bad = '[]' WHERE task_id = ? AND idx = ?", rows)
            self._write(task_id, {"pages_done": pages_done(self.shards(task_id))})

    def finish_whole(
        self, task_id: str, seconds: float, changes: dict[str, Any], findings: Findings = NOTHING_FOUND
    ) -> Task:
        """Ends a task that was parsed in one go: counts its only shard and moves it, in one write."""
        changes = changes | findings.columns | ({"tier": findings.tier} if findings.tier else {})
        with self.together() as db:
            done = "UPDATE shards SET done = 1, bad = '[]', error = NULL, seconds = ? WHERE task_id = ?"
            db.execute(done, (seconds, task_id))
            spent = {"parse_seconds": self.get(task_id).parse_seconds + seconds, "finished_at": clock.stamp()}
            return self._move(task_id, TaskStatus.COMPLETED, {**changes, **spent})

    def split_shard(
        self, task_id: str, index: int, attempt: int, parts: Sequence[tuple[int, ...]]
    ) -> tuple[Task, list[Shard]]:
        """Cuts a shard into ``parts``; returns the task, and those. The result is no longer for the cache."""
        self.check_current(task_id, attempt)
        with self.together() as db:
            shards = self.shards(task_id)
            pages = dict(zip(chain([index], _free_indices(shards)), parts, strict=False))
            gone = "DELETE FROM shards WHERE task_id = ? AND idx = ? RETURNING notes, readers"
            marks = db.execute(gone, (task_id, index)).fetchone()
            self._cut(task_id, pages, *marks)
            self._write(task_id, {"shards_total": len(shards) + len(parts) - 1, "cache_key": None})
        return self.get(task_id), [shard for shard in self.shards(task_id) if shard.index in pages]

    def _cut(
        self, task_id: str, pages: Mapping[int, Sequence[int]], notes: str = "", readers: str = ""
    ) -> None:
        rows = [(task_id, index, json.dumps(list(some)), notes, readers) for index, some in pages.items()]
        insertion = "INSERT INTO shards (task_id, idx, pages, notes, readers) VALUES (?, ?, ?, ?, ?)"
        self._db.executemany(insertion, rows)

    def fail_shard(self, task_id: str, index: int, attempt: int, error: AppError) -> None:
        """Notes why a shard could not be parsed; ``Superseded`` when a newer attempt has begun."""
        self.check_current(task_id, attempt)
        with self.together() as db:
            values = (_note(error), task_id, index)
            db.execute("UPDATE shards SET error = ? WHERE task_id = ? AND idx = ?", values)

    def give_back(self, task_id: str, attempt: int) -> Task:
        """Queues a running task again, as the server stops; ``Superseded`` when it has just ended."""
        self.check_current(task_id, attempt)
        return self.move(task_id, TaskStatus.QUEUED, attempt=attempt + 1)

    def amend(self, task: Task, to: TaskStatus, changes: dict[str, Any]) -> Task:
        """Changes the result of an ended task, which may move its status too."""
        with self.together():
            if to is not task.status:
                return self._move(task.id, to, changes)
            self._write(task.id, changes)
        return self.get(task.id)

    def check_unchanged(self, task: Task) -> None:
        """Raises ``Conflict`` when the task is no longer as it was given here."""
        if self.get(task.id).rev != task.rev:
            raise Conflict("The document has changed meanwhile. Look at it again, then decide.")

    def withdraw(self, task: Task) -> None:
        """An unchanged task's result is not for the cache any more; durable before its files change."""
        with self.together() as db:
            self.check_unchanged(task)
            db.execute("UPDATE tasks SET cache_key = NULL WHERE id = ?", (task.id,))

    def requeue(self, task_id: str, password: str = "") -> Task:
        """A user's retry: a new attempt that keeps what is finished. ``Conflict`` unless it ended early.

        With a container go those of its documents that ended early.
        ``password`` opens its upload, if that was never opened.
        """
        task = self.get(task_id)
        if task.status not in RETRYABLE:
            raise Conflict(
                f"The task is {task.status}; only failed, partial or cancelled tasks can be retried."
            )
        target = TaskStatus.QUEUED if task.shards_total else TaskStatus.PENDING
        fresh: dict[str, Any] = dict.fromkeys(("error_code", "error_message", "finished_at"))
        if target is TaskStatus.PENDING:
            fresh["password"] = self._vault.seal(password)
        fresh |= {"pages_failed": 0, "failed_pages": "", "attempt": task.attempt + 1}
        # second readings stay in the document, and so does what they found
        fresh |= replace(task.findings.about(runs_in(task.redone)), coverage=None).columns
        with self.together() as db:
            for part in self.parts(task_id):
                if part.status in RETRYABLE:
                    self.requeue(part.id, password)
            db.execute("UPDATE shards SET error = NULL WHERE task_id = ?", (task_id,))
            return self._move(task_id, target, fresh | self._read_again(task_id))

    def _read_again(self, task_id: str) -> dict[str, Any]:
        """Shards for the pages that were read with parts missing; what is there of them stays meanwhile."""
        shards = self.shards(task_id)
        again = sorted({page for shard in shards for page in shard.bad})
        self._cut(task_id, dict(zip(_free_indices(shards), ((page,) for page in again), strict=False)))
        self._db.execute("UPDATE shards SET bad = '[]' WHERE task_id = ?", (task_id,))
        return {"shards_total": len(shards) + len(again), "pages_done": pages_done(self.shards(task_id))}

    def recover(self) -> list[Task]:
        """At start: what was in flight is queued again, what was being cancelled is cancelled."""
        for task in self.list_status({TaskStatus.PROCESSING}):
            self.move(task.id, TaskStatus.QUEUED, attempt=task.attempt + 1)
        for task in self.list_status({TaskStatus.CANCELLING}):
            waiting = [part.id for part in self.parts(task.id) if part.status in WAITING]
            for task_id in (*waiting, task.id):
                self.move(task_id, TaskStatus.CANCELLED, finished_at=clock.stamp())
        return self.list_status(ACTIVE)

    def delete(self, task_id: str) -> None:
        """Forgets a task and leaves a tombstone, so that open pages drop it too."""
        task = self.get(task_id)
        if task.status not in TERMINAL:
            raise Conflict(f"The task is {task.status}; cancel it first.")
        with self.together() as db:
            db.execute("DELETE FROM tasks WHERE id = ?", (task_id,))
            row = (self._next_rev(), task_id, task.owner)
            db.execute("INSERT INTO deleted (rev, task_id, owner) VALUES (?, ?, ?)", row)

    # ------------------------------------------------------------ passwords

    def password(self, task_id: str) -> str:
        """What was sent to open the upload of a pending task; empty: nothing."""
        row = self._db.execute("SELECT password FROM tasks WHERE id = ?", (task_id,)).fetchone()
        return self._vault.open(row["password"]) if row else ""

    def erase_passwords(self) -> None:
        """Drops all of them: a task that needs its own asks for it anew."""
        with self.together() as db:
            db.execute("UPDATE tasks SET password = '' WHERE password <> ''")

    def _renew_vault(self) -> None:
        """Erased passwords may still lie in old pages of the files: without the key they are lost."""
        query = "SELECT 1 FROM tasks WHERE status = 'pending' AND password <> '' LIMIT 1"
        if self._db.execute(query).fetchone() is None:
            self._vault.forget()

    # ------------------------------------------------------------ beside tasks

    def is_paused(self) -> bool:
        """Whether the queue was paused; survives a restart."""
        return bool(self._counter("paused"))

    def set_paused(self, paused: bool) -> None:
        self._db.execute("UPDATE counters SET value = ? WHERE name = 'paused'", (int(paused),))

    def rates(self) -> dict[str, float]:
        """Learned seconds per page and slot, by tier."""
        return {row["tier"]: row["seconds_per_page"] for row in self._db.execute("SELECT * FROM rates")}

    def set_rate(self, tier: str, seconds_per_page: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO rates VALUES (?, ?)", (tier, seconds_per_page))

    def forget(self, keep_tombstones: int, submissions_before: float) -> None:
        """Drops old tombstones and idempotency keys."""
        with self.together() as db:
            rows = db.execute(
                "SELECT rev FROM deleted ORDER BY rev DESC LIMIT 1 OFFSET ?", (keep_tombstones,)
            )
            row = rows.fetchone()
            if row is not None:
                db.execute("DELETE FROM deleted WHERE rev <= ?", (row["rev"],))
                db.execute("UPDATE counters SET value = ? WHERE name = 'forgotten'", (row["rev"],))
            db.execute("DELETE FROM submissions WHERE created_at < ?", (submissions_before,))


def _free_indices(shards: Sequence[Shard]) -> Iterator[int]:
    return count(max((shard.index for shard in shards), default=-1) + 1)


def _note(error: AppError | None) -> str | None:
    """How an error is kept in a row of the shards."""
    return json.dumps([error.code, error.message]) if error else None
