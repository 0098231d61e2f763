"""Text search: lists tasks whose name or text has the words, by the rules of ``listing``, with hits.

On a connection and a thread of its own, so that a search holds up neither the queue nor the index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gradio_app.store.listing import Listing, Page, Wanted
from gradio_app.store.search_index import PIECE_BITS, TASK_BITS, IndexDamaged, attach, damage_told, rows_of
from gradio_app.store.search_text import Term, line_of, terms_of
from gradio_app.store.task import Task

#: hits of one task in an answer, and tasks of an answer that have some
HITS, MOST_WITH_HITS = 3, 100
_TEMPORARY = (
    "CREATE TEMP TABLE found (id INTEGER PRIMARY KEY)",
    "CREATE TEMP TABLE found_docs (seq INTEGER PRIMARY KEY)",
)
_FIND = (
    "INSERT INTO found_docs SELECT docs.seq FROM docs JOIN tasks ON tasks.seq = docs.seq AND "
    f"tasks.id = docs.task WHERE docs.seq IN (SELECT id >> {TASK_BITS} FROM found)"
)


@dataclass(frozen=True, slots=True)
class TextHit:
    """A page where the words stand: a line of it, and where they begin and end there, in characters."""

    page: int
    line: str
    marks: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Found:
    """Tasks at a revision of the queue, and by id the first hits of those whose text has the words.

    ``complete``: the text of all ended documents was searched.
    """

    rev: int
    page: Page
    hits: dict[str, list[TextHit]]
    complete: bool = True


class TextSearch:
    """The one reader. Raises ``IndexDamaged`` while there is no index, or ``sqlite3.Error``."""

    def __init__(self, path: Path, queue: Path) -> None:
        self._path, self._queue = path, queue
        self._db: sqlite3.Connection | None = None
        #: what the temporary tables hold: the words, and which version of the index
        self._holds: tuple[str, int] | None = None
        #: of the file that is open: one that was made anew has another
        self._inode = 0

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db, self._holds = None, None

    def page(self, wanted: Wanted, limit: int, cursor: str = "") -> Found:
        """As ``Listing.page``, with hits. Raises ``OptionInvalid`` for a cursor that is not ours."""
        with self._finding(wanted.words) as (db, terms):
            rev = int(db.execute("SELECT value FROM counters WHERE name = 'rev'").fetchone()[0])
            page = Listing(db).page(replace(wanted, in_texts=True), limit, cursor)
            hits = {task.id: self._hits(db, task, terms) for task in page.tasks[:MOST_WITH_HITS]}
            return Found(rev, page, {task_id: some for task_id, some in hits.items() if some})

    def ids(self, wanted: Wanted, limit: int) -> dict[str, list[str]]:
        """As ``Listing.ids``."""
        with self._finding(wanted.words) as (db, _):
            return Listing(db).ids(replace(wanted, in_texts=True), limit)

    @contextmanager
    def _finding(self, words: str) -> Generator[tuple[sqlite3.Connection, Sequence[Term]]]:
        """One state of queue and index, with what has the words in the temporary tables."""
        terms = terms_of(words)
        match = " ".join(term.match for term in terms)
        with damage_told():
            db = self._opened()
            db.execute("BEGIN")
            try:
                # the version counts from the first read of a transaction on
                db.execute("SELECT count(*) FROM made").fetchone()
                state = match, int(db.execute("PRAGMA main.data_version").fetchone()[0])
                if state != self._holds:
                    self._holds = None
                    _find(db, match)
                yield db, terms
                db.execute("COMMIT")
                self._holds = state
            except BaseException:
                db.execute("ROLLBACK")
                self._holds = None
                raise

    def _opened(self) -> sqlite3.Connection:
        if not self._path.exists():
            self.close()
            raise IndexDamaged("it is not there")
        inode = self._path.stat().st_ino
        if self._db is None or self._inode != inode:
            self.close()
            self._db, self._inode = attach(self._path, self._queue, "ro"), inode
            for statement in _TEMPORARY:
                self._db.execute(statement)
        return self._db

    def _hits(self, db: sqlite3.Connection, task: Task, terms: Sequence[Term]) -> list[TextHit]:
        query = (
            "SELECT id, text FROM found JOIN pages USING (id) "
            "WHERE found.id BETWEEN ? AND ? ORDER BY id LIMIT ?"
        )
        hits: dict[int, TextHit] = {}
        for row in db.execute(query, (*rows_of(task.seq), HITS)):
            page, line = row["id"] % (1 << TASK_BITS) >> PIECE_BITS, line_of(row["text"], terms)
            hits.setdefault(page, TextHit(page, line.text, line.marks))
        return list(hits.values())


def _find(db: sqlite3.Connection, match: str) -> None:
    db.execute("DELETE FROM found")
    db.execute("DELETE FROM found_docs")
    if match:
        db.execute("INSERT INTO found SELECT rowid FROM words WHERE words MATCH ?", (match,))
        db.execute(_FIND)
