"""The database's tables: frozen SQL, one file a version in ``migrations``; a change adds the next file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gradio_app.store.states import ACTIVE, TaskStatus

SCHEMA_VERSION = 5
MIGRATIONS = Path(__file__).with_name("migrations")


def sql_list(statuses: Iterable[TaskStatus]) -> str:
    """``'failed', 'queued'``: statuses as a SQL list. They are our own constants, never input."""
    return ", ".join(f"'{status.value}'" for status in sorted(statuses))


ACTIVE_SQL = sql_list(ACTIVE)


def migration(version: int) -> str:
    """The SQL that makes schema ``version`` of the one before; 0 is an empty database."""
    return (MIGRATIONS / f"{version}.sql").read_text("utf-8")
