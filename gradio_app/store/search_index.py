"""Search index: ``search.db``, the text of ended documents in SQLite's FTS5. Rebuilt when it cannot be used.

Written by one thread, outside the queue's transactions. Reads ``queue.db`` to see what is to be done.
"""

from __future__ import annotations

import contextlib
import sqlite3
import unicodedata
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from gradio_app.store.database import sql_list, transaction
from gradio_app.store.search_text import cleaned, index_words, pieces
from gradio_app.store.states import READABLE

#: grows with each change of the tables or of ``search_text``; another version is made anew
VERSION = 1
#: a row's id: the number of its task, the page, and which piece of the page
TASK_BITS, PIECE_BITS = 32, 12
_MOST_PIECES = 1 << PIECE_BITS
#: rows in one transaction, so that none takes long
_AT_ONCE = 200
#: pages of the file that one step of ``shred`` writes
_STEP = 256
#: milliseconds that a connection waits for the other one
_PATIENCE = 5000

_TABLES = """
CREATE TABLE made (python TEXT NOT NULL, dirty INTEGER NOT NULL);
CREATE TABLE docs (seq INTEGER PRIMARY KEY, task TEXT NOT NULL, rev INTEGER NOT NULL);
CREATE TABLE pages (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(body, content='', tokenize='ascii')
"""
_ADD = "INSERT INTO words (rowid, body) VALUES (?, ?)"
_TAKE = "INSERT INTO words (words, rowid, body) VALUES ('delete', ?, ?)"
_MERGE = "INSERT INTO words (words, rank) VALUES ('merge', ?)"
#: tasks whose text is searched
_WANTED = f"tasks.status IN ({sql_list(READABLE)}) AND tasks.redo_of = ''"


class IndexDamaged(Exception):
    """The file is damaged, missing, or of another version; ``SearchIndex.remake`` makes it anew."""


@dataclass(frozen=True, slots=True)
class Doc:
    """A task whose text is to be indexed."""

    seq: int
    id: str
    rev: int


def rows_of(seq: int) -> tuple[int, int]:
    """The first and the last id that rows of a task may have."""
    return seq << TASK_BITS, (seq + 1 << TASK_BITS) - 1


def attach(path: Path, queue: Path, mode: str) -> sqlite3.Connection:
    """``search.db`` as ``main``, with the queue's database beside it to be read only."""
    uri = f"file:{quote(str(path))}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        db.row_factory = sqlite3.Row
        db.execute(f"PRAGMA busy_timeout={_PATIENCE}")
        db.execute("PRAGMA temp_store=MEMORY")
        db.execute("ATTACH ? AS queue", (f"file:{quote(str(queue))}?mode=ro",))
    except BaseException:
        db.close()
        raise
    return db


@contextlib.contextmanager
def damage_told() -> Generator[None]:
    """Raises ``IndexDamaged`` for what SQLite says of a file that is broken, or was taken away."""
    try:
        yield
    except sqlite3.OperationalError as error:  # else the disk is full, or the file busy
        if any(sign in str(error) for sign in ("no such table", "malformed", "readonly database")):
            raise IndexDamaged(str(error)) from error
        raise
    except sqlite3.DatabaseError as error:
        raise IndexDamaged(str(error)) from error


class SearchIndex:
    """The one writer. Methods raise ``IndexDamaged``, or ``sqlite3.Error`` for what passes."""

    def __init__(self, path: Path, queue: Path) -> None:
        self.path, self._queue = path, queue
        self._connection: sqlite3.Connection | None = None
        #: revisions of the queue up to which all is put, and up to which all that is gone is dropped
        self._put, self._dropped = -1, -1
        self._merging = False

    def open(self) -> None:
        """Opens the file, which has to be one of ours."""
        with damage_told():
            db = self._connect()
            if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                raise IndexDamaged("another version")
            # words are taken out by the rules by which they came in
            if db.execute("SELECT python FROM made").fetchone()["python"] != unicodedata.unidata_version:
                raise IndexDamaged("another version of Unicode")

    def _connect(self) -> sqlite3.Connection:
        self.close()
        db = self._connection = attach(self.path, self._queue, "rwc")
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            db.execute(f"PRAGMA {pragma}")
        self._put, self._dropped, self._merging = -1, -1, False
        return db

    def remake(self) -> None:
        """Deletes the file and makes an empty one; all documents are then ``due``."""
        self.close()
        for path in self._files():
            path.unlink(missing_ok=True)
        db = self._connect()
        with transaction(db):
            for statement in _TABLES.split(";"):
                db.execute(statement)
            db.execute("INSERT INTO made VALUES (?, 0)", (unicodedata.unidata_version,))
            db.execute(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _files(self) -> list[Path]:
        return [self.path.with_name(self.path.name + suffix) for suffix in ("", "-wal", "-shm")]

    def size(self) -> int:
        """Bytes of its files."""
        return sum(path.stat().st_size for path in self._files() if path.exists())

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None or not self.path.exists():
            raise IndexDamaged("it is not there")
        return self._connection

    # ------------------------------------------------------------ what is to be done

    @property
    def seen(self) -> int:
        """The revision of the queue up to which all was done, after ``due`` has told of nothing."""
        return self._put

    def due(self, limit: int) -> list[Doc]:
        """Documents to be ``put``, as they have ended or changed: ``limit`` at most, by revision.

        Drops those that are gone. What is told once and not put is told again.
        """
        with damage_told():
            now = self._counter("rev")
            self._drop_gone()
            self._dropped = now
            query = (
                f"SELECT tasks.seq, tasks.id, tasks.rev FROM tasks WHERE rev > ? AND {_WANTED} AND "
                "NOT EXISTS (SELECT 1 FROM docs WHERE docs.seq = tasks.seq AND docs.rev = tasks.rev) "
                "ORDER BY tasks.rev LIMIT ?"
            )
            found = [Doc(*row) for row in self._db.execute(query, (self._put, limit))]
            self._put = found[0].rev - 1 if found else now
            return found

    def _drop_gone(self) -> None:
        """Drops what is no document any more. After a start, or after very much, all is compared."""
        if self._dropped < self._counter("forgotten") or self._dropped < 0:
            query = (
                "SELECT seq FROM docs WHERE NOT EXISTS (SELECT 1 FROM tasks "
                f"WHERE tasks.seq = docs.seq AND tasks.id = docs.task AND {_WANTED})"
            )
            gone = self._db.execute(query).fetchall()
        else:
            query = (
                "SELECT docs.seq FROM deleted JOIN docs ON docs.task = deleted.task_id "
                "WHERE deleted.rev > :rev "
                "UNION SELECT docs.seq FROM tasks JOIN docs ON docs.seq = tasks.seq "
                f"WHERE tasks.rev > :rev AND NOT ({_WANTED})"
            )
            gone = self._db.execute(query, {"rev": self._dropped}).fetchall()
        for row in gone:
            self._drop(row["seq"])

    def _counter(self, name: str) -> int:
        return int(self._db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()[0])

    # ------------------------------------------------------------ changes

    def put(self, doc: Doc, texts: Mapping[int, str]) -> None:
        """Makes ``texts``, by page, the text of a document; nothing, when that has changed or gone."""
        rows = dict(_rows(doc.seq, texts))
        with damage_told():
            known = self._db.execute("SELECT id, text FROM pages WHERE id BETWEEN ? AND ?", rows_of(doc.seq))
            old = {row["id"]: row["text"] for row in known}
            changed = sorted(each for each in old.keys() | rows.keys() if old.get(each) != rows.get(each))
            for start in range(0, len(changed) + 1, _AT_ONCE):
                with transaction(self._db) as db:
                    if not self._is_current(doc):
                        return
                    # a row for the document first: by it, what a crash leaves of its pages is found
                    db.execute("INSERT OR REPLACE INTO docs VALUES (?, ?, -1)", (doc.seq, doc.id))
                    some = changed[start : start + _AT_ONCE]
                    self._take({each: old[each] for each in some if each in old})
                    added = [(each, rows[each]) for each in some if each in rows]
                    db.executemany("INSERT INTO pages VALUES (?, ?)", added)
                    db.executemany(_ADD, [(each, index_words(text)) for each, text in added])
                    if start + _AT_ONCE > len(changed):
                        db.execute("UPDATE docs SET rev = ? WHERE seq = ?", (doc.rev, doc.seq))

    def _is_current(self, doc: Doc) -> bool:
        query = f"SELECT 1 FROM tasks WHERE seq = ? AND id = ? AND rev = ? AND {_WANTED}"
        return self._db.execute(query, (doc.seq, doc.id, doc.rev)).fetchone() is not None

    def _drop(self, seq: int) -> None:
        query = "SELECT id, text FROM pages WHERE id BETWEEN ? AND ? LIMIT ?"
        while True:
            with transaction(self._db) as db:
                some = {row["id"]: row["text"] for row in db.execute(query, (*rows_of(seq), _AT_ONCE))}
                self._take(some)
                if len(some) < _AT_ONCE:
                    db.execute("DELETE FROM docs WHERE seq = ?", (seq,))
                    return

    def _take(self, rows: Mapping[int, str]) -> None:
        if rows:
            self._merging = False  # what was merged up to now does not count
            self._db.executemany(_TAKE, [(each, index_words(text)) for each, text in rows.items()])
            self._db.executemany("DELETE FROM pages WHERE id = ?", [(each,) for each in rows])
            self._db.execute("UPDATE made SET dirty = 1")

    def shred(self) -> bool:
        """One short step of taking the words of dropped texts out of the file; False when none are in it.

        FTS5 only marks them as gone: they leave the file when all of its segments are merged.
        """
        with damage_told():
            if not self._db.execute("SELECT dirty FROM made").fetchone()["dirty"]:
                return False
            before = self._db.total_changes
            self._db.execute(_MERGE, (_STEP if self._merging else -_STEP,))
            self._merging = True
            if self._db.total_changes - before >= 2:
                return True
            self._merging = False
            self._db.execute("UPDATE made SET dirty = 0")
            # the log holds pages as they were
            self._db.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchall()
            return False


def _rows(seq: int, texts: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    for page, text in texts.items():
        for nth, piece in enumerate(islice(pieces(cleaned(text)), _MOST_PIECES)):
            yield (seq << TASK_BITS) + (page << PIECE_BITS) + nth, piece
