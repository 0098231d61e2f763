"""Climbing pages: shards that read pages again by a better reader, and pages that keep their first reading.

A climbing shard has its reader in ``readers`` and its notes from the moment when it is cut.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from gradio_app.base import doubts
from gradio_app.base.notes import Note, notes_to_text
from gradio_app.base.options import format_pages
from gradio_app.base.page_runs import runs_of
from gradio_app.store.containers import Containers
from gradio_app.store.task import Shard, Task, pages_done


@dataclass(frozen=True, slots=True)
class Climb:
    """Pages that ``reader`` shall read again, and the notes on them."""

    pages: tuple[int, ...]
    reader: str
    notes: tuple[Note, ...]


class Climbing(Containers):
    """What the store knows of pages that are read again within their own task."""

    def together(self, durable: bool = True) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def check_current(self, task_id: str, attempt: int) -> Task:
        raise NotImplementedError

    def climb(
        self,
        task_id: str,
        attempt: int,
        climbs: Sequence[Climb],
        notes: Mapping[int, Sequence[Note]],
        complete: bool = True,
    ) -> tuple[Task, list[Shard]]:
        """Cuts these shards, and sets the notes of others by index; the task, and what it has to read.

        Unless ``complete`` the result is not for the cache: the next time more pages may climb. Raises
        ``Superseded`` when a newer attempt has begun.
        """
        self.check_current(task_id, attempt)
        with self.together() as db:
            rows = [(notes_to_text(some), task_id, index) for index, some in notes.items()]
            db.executemany("UPDATE shards SET notes = ? WHERE task_id = ? AND idx = ?", rows)
            first = 1 + max(shard.index for shard in self.shards(task_id))
            for index, each in enumerate(climbs, first):
                readers = json.dumps({each.reader: format_pages(each.pages)})
                row = (task_id, index, json.dumps(each.pages), notes_to_text(each.notes), readers)
                db.execute(
                    "INSERT INTO shards (task_id, idx, pages, notes, readers) VALUES (?, ?, ?, ?, ?)", row
                )
            if not complete:
                self._write(task_id, {"cache_key": None})
            return self._recounted(task_id), [s for s in self.shards(task_id) if s.index >= first]

    def stay(self, task_id: str, attempt: int, index: int, pages: Sequence[int], why: str) -> Task:
        """These pages of a climbing shard keep their first reading, for a reason in a sentence.

        The result is no longer for the cache: the next time they may climb.
        """
        self.check_current(task_id, attempt)
        with self.together() as db:
            for shard in self.shards(task_id):
                if shard.index == index:
                    rest = [page for page in shard.pages if page not in pages]
                    key = (task_id, index)
                    if rest:
                        cut = (json.dumps(rest), *key)
                        db.execute("UPDATE shards SET pages = ? WHERE task_id = ? AND idx = ?", cut)
                    else:
                        db.execute("DELETE FROM shards WHERE task_id = ? AND idx = ?", key)
                elif not set(pages).isdisjoint(shard.pages):
                    told = doubts.told(shard.findings.notes, runs_of(sorted(pages)), "lost", why)
                    row = (notes_to_text(told), task_id, shard.index)
                    db.execute("UPDATE shards SET notes = ? WHERE task_id = ? AND idx = ?", row)
            self._write(task_id, {"cache_key": None})
            return self._recounted(task_id)

    def drop_climbs(self, task: Task, lost: Sequence[Sequence[int]]) -> None:
        """Forgets what was read again of shards whose reading is lost, by the pages of each."""
        pages = {page for some in lost for page in some}
        with self.together(durable=False) as db:
            again = [shard for shard in self.shards(task.id) if task.climbs(shard)]
            rows = [(task.id, shard.index) for shard in again if not pages.isdisjoint(shard.pages)]
            db.executemany("DELETE FROM shards WHERE task_id = ? AND idx = ?", rows)
            self._recounted(task.id)

    def _recounted(self, task_id: str) -> Task:
        shards = self.shards(task_id)
        counts = {"shards_total": len(shards), "pages_done": pages_done(shards)}
        return self._write(task_id, counts) or self.get(task_id)
