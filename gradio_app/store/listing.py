"""Listing: tasks by words in the name, by status, sorted, page by page.

Pages are cut by key, not by number: a reader meets each unchanged task exactly once while others come and go.
Neither a search nor an order reveals the names of others' documents.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gradio_app.base.errors import OptionInvalid
from gradio_app.base.names import folded
from gradio_app.store.database import ACTIVE_SQL, sql_list
from gradio_app.store.search_text import phrases_of
from gradio_app.store.states import ACTIVE, WAITING, TaskStatus
from gradio_app.store.task import Task

#: order -> its column, which has an index, and whether the largest comes first
SORTS = {
    "newest": ("seq", True),
    "oldest": ("seq", False),
    "name": ("label", False),
    "pages": ("pages_total", True),
    "finished": ("ifnull(finished_at, 0)", True),
}
#: second readings of single pages belong to their document and are not listed
_LISTED = "redo_of = ''"
_LARGEST = 2**63 - 1
#: that many rows can be fetched one by one and sorted
FEW = 5000
_Key = int | float | str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request for tasks. Without ``admin`` the viewer sees their own, and unfinished ones of others.

    ``words`` are searched in names and folders that the viewer may see; ``in_texts``: or their text has them,
    as the temporary table ``found_docs`` says (``text_search``). ``parent``: only documents of this
    container, and only the viewer's own.
    """

    viewer: str
    admin: bool = False
    mine: bool = False
    statuses: frozenset[TaskStatus] = frozenset()
    words: str = ""
    sort: str = "newest"
    parent: str = ""
    in_texts: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some tasks, the cursor of those after them, and how many there are in each status, wanted or not."""

    tasks: list[Task]
    next: str | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Arm:
    """A part of the answer that an index gives in order."""

    where: tuple[str, ...]
    values: tuple[Any, ...] = ()
    key: str = ""  #: in place of the sort's own, where that must not be told

    def and_(self, condition: str, *values: Any) -> _Arm:
        return _Arm((*self.where, condition), (*self.values, *values), self.key)


class Listing:
    """Reads the store's tasks; on the store's thread, as everything there."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def oldest_waiting(self) -> float | None:
        """When the task that has waited longest came in (Unix seconds); None when none waits."""
        query = f"SELECT min(created_at) AS at FROM tasks WHERE status IN ({sql_list(WAITING)})"
        return self._db.execute(query).fetchone()["at"]

    def page(self, wanted: Wanted, limit: int, cursor: str = "") -> Page:
        """At most ``limit`` tasks from ``cursor`` on. Raises ``OptionInvalid`` for one that is not ours."""
        counts = self.counts(wanted)
        after = _read_cursor(wanted.sort, cursor) if cursor else None
        # few that match are found by a walk along all labels, many in the order's own index
        few = bool(wanted.words.strip() and not wanted.parent) and sum(counts.values()) <= FEW
        found = self._read(wanted, limit, after, few) if limit else []
        tasks = [task for _, task in found]
        full = limit > 0 and len(found) == limit
        return Page(tasks, _write_cursor(wanted.sort, found[-1][0], tasks[-1].seq) if full else None, counts)

    def counts(self, wanted: Wanted) -> dict[str, int]:
        """How many tasks there are by status, whichever statuses are wanted."""
        counts: dict[str, int] = {}
        for arm in _arms(wanted, statuses=False):
            query = f"SELECT status, count(*) AS n FROM tasks WHERE {' AND '.join(arm.where)} GROUP BY status"
            for row in self._db.execute(query, arm.values):
                counts[row["status"]] = counts.get(row["status"], 0) + row["n"]
        return counts

    def ids(self, wanted: Wanted, limit: int) -> dict[str, list[str]]:
        """By status the ids of what the viewer may change, the newest first, at most ``limit`` together."""
        arm = next(iter(_arms(wanted, statuses=False)))
        if wanted.statuses:
            arm = arm.and_(f"status IN ({sql_list(wanted.statuses)})")
        query = f"SELECT id, status FROM tasks WHERE {' AND '.join(arm.where)} ORDER BY seq DESC LIMIT ?"
        found: dict[str, list[str]] = {}
        for row in self._db.execute(query, (*arm.values, limit)):
            found.setdefault(row["status"], []).append(row["id"])
        return found

    def _read(
        self, wanted: Wanted, limit: int, after: tuple[_Key, int] | None, few: bool
    ) -> list[tuple[_Key, Task]]:
        table = "tasks INDEXED BY tasks_by_name" if few else "tasks"
        column, falling = SORTS[wanted.sort]
        order = "DESC" if falling else "ASC"
        parts: list[str] = []
        values: list[Any] = []
        for arm in _arms(wanted, statuses=True):
            key = arm.key or column
            if after is not None:
                arm = arm.and_(f"({key}, seq) {'<' if falling else '>'} (?, ?)", *after)
            # the key of what hides it is the same for all
            by = f"{key} {order}, seq {order}" if not arm.key and key != "seq" else f"seq {order}"
            where = " AND ".join(arm.where)
            some = f"SELECT {key} AS key, seq AS at FROM {table} WHERE {where} ORDER BY {by} LIMIT ?"
            parts.append(f"SELECT * FROM ({some})")
            values += [*arm.values, limit]
        query = (
            f"SELECT key, tasks.* FROM ({' UNION ALL '.join(parts)}) JOIN tasks ON seq = at "
            f"ORDER BY key {order}, seq {order} LIMIT ?"
        )
        rows = (dict(row) for row in self._db.execute(query, (*values, limit)))
        return [(row.pop("key"), Task.from_row(row)) for row in rows]


def _arms(wanted: Wanted, statuses: bool) -> Iterator[_Arm]:
    """Own tasks (or everybody's), then those of others, which are hidden from searches and orders by name."""
    own = _Arm((_LISTED,))
    if wanted.mine or not wanted.admin:
        # with a plus: the index that has the order is gone through, not the owner's, which would be sorted
        by_time = wanted.sort in ("newest", "oldest") or not statuses
        own = own.and_("owner = ?" if by_time else "+owner = ?", wanted.viewer)
    if wanted.parent:
        own = own.and_("parent = ? AND parent <> ''", wanted.parent)
    if named := [folded(phrase) for phrase in phrases_of(wanted.words)]:
        has_all = " AND ".join(["instr(label, ?) > 0"] * len(named))
        texts = " OR seq IN (SELECT seq FROM found_docs)" if wanted.in_texts else ""
        own = own.and_(f"({has_all}{texts})", *named)
    yield from _by_status(own, wanted, wanted.statuses) if statuses else [own]
    if wanted.admin or wanted.mine or wanted.words.strip() or wanted.parent:
        return
    key = "''" if wanted.sort == "name" else ""
    others = _Arm((_LISTED, "owner <> ?"), (wanted.viewer,), key)
    if not statuses or not wanted.statuses:
        yield others.and_(f"status IN ({ACTIVE_SQL})")
    else:
        yield from _by_status(others, wanted, wanted.statuses & ACTIVE)


def _by_status(arm: _Arm, wanted: Wanted, statuses: frozenset[TaskStatus]) -> Iterator[_Arm]:
    if not wanted.statuses:
        yield arm
    elif wanted.sort in ("newest", "oldest"):
        # in one status they are in order already
        yield from (arm.and_("status = ?", status.value) for status in sorted(statuses))
    elif statuses:
        yield arm.and_(f"+status IN ({sql_list(statuses)})")


def _write_cursor(sort: str, key: _Key, seq: int) -> str:
    text = json.dumps([sort, key, seq], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(sort: str, cursor: str) -> tuple[_Key, int]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found: Any = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        made_for, key, seq = found
        if made_for == sort and _fits(sort, key) and type(seq) is int and abs(seq) <= _LARGEST:
            return key, seq
    except (ValueError, TypeError, RecursionError, binascii.Error):
        pass
    raise OptionInvalid("This cursor was not given out by this server for this order.")


def _fits(sort: str, key: Any) -> bool:
    if sort == "name":
        return isinstance(key, str) and bool(key.encode() or True)  # half a character cannot be encoded
    if sort == "finished":
        return type(key) in (int, float) and math.isfinite(key) and abs(key) <= _LARGEST
    return type(key) is int and abs(key) <= _LARGEST


def matching(counts: dict[str, int], statuses: Sequence[TaskStatus] | frozenset[TaskStatus]) -> int:
    """How many of the counted tasks are in these statuses; in any, if none is named."""
    return sum(n for status, n in counts.items() if not statuses or status in statuses)
