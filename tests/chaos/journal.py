"""What happened, line by line with its time, and what must not have happened."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any


class Journal:
    """A file of JSON lines. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.violations: list[str] = []
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._file = path.open("w", encoding="utf-8")

    @property
    def now(self) -> float:
        """Seconds since the beginning of the run."""
        return time.monotonic() - self._began

    def note(self, what: str, **more: Any) -> None:
        """Adds a line."""
        line = json.dumps({"at": round(self.now, 3), "what": what, **more})
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()

    def wrong(self, what: str, **more: Any) -> None:
        """Something that must not happen has happened."""
        self.note("WRONG " + what, **more)
        with self._lock:
            self.violations.append(f"{what} {json.dumps(more, default=str)}" if more else what)

    def close(self) -> None:
        self._file.close()
