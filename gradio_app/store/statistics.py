"""Statistics by the hour. The database counts tasks as they end, also those that are deleted later."""

from __future__ import annotations

import sqlite3
from typing import Any

from gradio_app.base import clock

#: hours for which statistics are kept
KEPT = 400 * 24
HOUR = 3600


class History:
    """Reads and writes two tables; on the store's thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def note_engine(self, status: str, seconds: float, used: int | None, total: int | None) -> None:
        """The engine was in ``status`` for so long; the card had ``used`` of ``total`` bytes taken."""
        self._db.execute(
            "INSERT INTO engine_history VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "seconds = seconds + excluded.seconds, total = coalesce(excluded.total, total), "
            "used = CASE WHEN excluded.used IS NULL THEN used ELSE max(coalesce(used, 0), excluded.used) END",
            (int(clock.stamp() // HOUR), status, seconds, used, total),
        )

    def since(self, hour: int) -> dict[str, list[dict[str, Any]]]:
        """Ended tasks and the engine by hour (Unix time / 3600), oldest first; sums in pages and seconds."""
        names = "hour, tier, status, tasks, pages, waited, parsed"
        tasks = self._db.execute(f"SELECT {names} FROM history WHERE hour >= ? ORDER BY hour", (hour,))
        engine = self._db.execute("SELECT * FROM engine_history WHERE hour >= ? ORDER BY hour", (hour,))
        return {"tasks": [dict(row) for row in tasks], "engine": [dict(row) for row in engine]}

    def forget(self) -> None:
        """Drops what is older than ``KEPT`` hours."""
        oldest = int(clock.surely() // HOUR) - KEPT
        for table in ("history", "engine_history"):
            self._db.execute(f"DELETE FROM {table} WHERE hour < ?", (oldest,))
