"""Database of the queue: SQLite's settings, migration of older files, transactions."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gradio_app.base.errors import AppError
from gradio_app.base.files import sync_file
from gradio_app.base.names import label_of
from gradio_app.store.states import ACTIVE, TaskStatus

SCHEMA_VERSION = 8
#: one file a version, frozen: a change of the schema adds the next
MIGRATIONS = Path(__file__).with_name("migrations")
#: milliseconds that a write waits for another program; short, as all calls wait in one line
PATIENCE = 500


def connect(path: Path) -> sqlite3.Connection:
    """The open database, made or brought up to date; ``AppError`` with a sentence when it cannot be used."""
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
                db.execute(f"PRAGMA {pragma}")
            db.create_function("task_label", 2, label_of, deterministic=True)  # for older rows
            _migrate(db, path)
            db.execute(f"PRAGMA busy_timeout={PATIENCE}")
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as error:
        raise AppError(
            f"The queue's database {path} cannot be used: {error}. Is the folder writable, is there room on "
            "the disk, is another program working on it? A damaged one has to be restored, or moved away."
        ) from error
    return db


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise AppError(
            f"The data folder was written by a newer version (schema {version}, this one knows "
            f"{SCHEMA_VERSION}). Update the program, or choose another --data-dir."
        )
    if version < SCHEMA_VERSION:
        if version:
            copy_database(path, path.with_name(f"{path.stem}-schema{version}{path.suffix}"))
        steps = "".join(map(migration, range(version + 1, SCHEMA_VERSION + 1)))
        db.executescript(f"BEGIN; {steps} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy, also while others write. Raises ``AppError``, and leaves no half of one."""
    made = target.with_name(f".{target.name}.unfinished")
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as old,
            contextlib.closing(sqlite3.connect(made)) as new,
        ):
            old.backup(new)
        sync_file(made)
        made.replace(target)
    except (sqlite3.Error, OSError) as error:
        made.unlink(missing_ok=True)
        raise AppError(f"The queue's database cannot be copied to {target}: {error}. Make room.") from error


def migration(version: int) -> str:
    """The SQL that makes schema ``version`` of the one before; 0 is an empty database."""
    return (MIGRATIONS / f"{version}.sql").read_text("utf-8")


@contextmanager
def transaction(db: sqlite3.Connection, durable: bool = True) -> Generator[sqlite3.Connection]:
    """Commits all of what is written inside or nothing; an inner transaction commits with the outer one.

    Not ``durable``: it is on disk only with the next durable one.
    """
    outer = not db.in_transaction
    if outer and not durable:
        db.execute("PRAGMA synchronous=NORMAL")
        try:
            with transaction(db):
                yield db
        finally:
            db.execute("PRAGMA synchronous=FULL")
        return
    db.execute("BEGIN IMMEDIATE" if outer else "SAVEPOINT inner")
    try:
        yield db
        db.execute("COMMIT" if outer else "RELEASE inner")
    except BaseException:
        # SQLite may have rolled back by itself, as when the disk is full; a failed COMMIT leaves it open
        if db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK" if outer else "ROLLBACK TO inner")
                if not outer:
                    db.execute("RELEASE inner")
        raise


def sql_list(statuses: Iterable[TaskStatus]) -> str:
    """``'failed', 'queued'``: statuses as a SQL list. They are our own constants, never input."""
    return ", ".join(f"'{status.value}'" for status in sorted(statuses))


ACTIVE_SQL = sql_list(ACTIVE)


def insert(table: str, columns: Mapping[str, Any]) -> str:
    """The statement that adds a row; names of tables and columns are our own, never input."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(':' + name for name in columns)})"
