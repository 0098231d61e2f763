"""Requests of other servers' clients: which tasks one stands for, and how it wants their results."""

from __future__ import annotations

import json
import sqlite3
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Self

from gradio_app.base import clock
from gradio_app.store.database import insert, transaction

#: a request without a task is kept for so many seconds
KEEP_REQUESTS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """One request. ``tasks`` in the order of its files; ``fields`` are JSON that its family understands."""

    id: str
    family: str
    owner: str
    created_at: float
    tasks: tuple[str, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def new(cls, family: str, owner: str, tasks: tuple[str, ...] = (), **fields: Any) -> Self:
        """One that came now, under a fresh id."""
        return cls(str(uuid.uuid4()), family, owner, clock.stamp(), tasks, fields)

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Self:
        """From the store's columns."""
        made = cls(row["id"], row["family"], row["owner"], row["created_at"])
        return replace(made, tasks=tuple(json.loads(row["tasks"])), fields=json.loads(row["fields"]))

    def to_row(self) -> dict[str, Any]:
        """The store's columns."""
        lists = {"tasks": json.dumps(self.tasks), "fields": json.dumps(self.fields)}
        return {
            "id": self.id,
            "family": self.family,
            "owner": self.owner,
            "created_at": self.created_at,
        } | lists


class Requests:
    """Reads and writes their table; on the store's thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, request: ClientRequest, durable: bool = True) -> ClientRequest:
        """Keeps a new request. Not ``durable``: a power cut may lose it, a crash of ours may not."""
        row = request.to_row()
        with transaction(self._db, durable) as db:
            db.execute(insert("requests", row), row)
        return request

    def change(self, request: ClientRequest) -> ClientRequest:
        """Writes the tasks and fields of one that is kept; nothing where it is gone."""
        row = request.to_row()
        self._db.execute("UPDATE requests SET tasks = :tasks, fields = :fields WHERE id = :id", row)
        return request

    def find(self, request_id: str) -> ClientRequest | None:
        row = self._db.execute("SELECT * FROM requests WHERE id = ?", (request_id,)).fetchone()
        return ClientRequest.from_row(row) if row else None

    def delete(self, request_id: str) -> None:
        self._db.execute("DELETE FROM requests WHERE id = ?", (request_id,))

    def waiting(self, family: str, owner: str) -> int:
        """How many requests of an owner's in a family stand for no task yet."""
        query = "SELECT count(*) FROM requests WHERE family = ? AND owner = ? AND tasks = '[]'"
        return int(self._db.execute(query, (family, owner)).fetchone()[0])

    def unused(self, family: str, owner: str) -> list[ClientRequest]:
        """Those requests, the oldest first."""
        query = "SELECT * FROM requests WHERE family = ? AND owner = ? AND tasks = '[]' ORDER BY created_at"
        return [ClientRequest.from_row(row) for row in self._db.execute(query, (family, owner))]

    def forget(self, before: float) -> None:
        """Drops those from before ``before`` (Unix seconds) of whose tasks none is left."""
        self._db.execute(
            "DELETE FROM requests WHERE created_at < ? AND NOT EXISTS (SELECT 1 FROM "
            "json_each(requests.tasks) AS one JOIN tasks ON tasks.id = one.value)",
            (before,),
        )
