"""Revocation list: sessions that were ended by signing out. Bounded, and the same after a restart."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from loguru import logger

#: most entries. Beyond it the older half goes, and with it all sessions that are as old as they are
MOST = 10_000
#: in place of an id: every session that ends no later has ended
_ALL = "*"


class SignedOut:
    """Ids of sessions, with the time (Unix seconds) at which they would have ended by themselves.

    ``path`` has one ``TIME ID`` a line; without it the list ends with the process. An id opens nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._ended: dict[str, int] = {}
        #: sessions that end no later than this have ended
        self._floor = 0
        if path is not None:
            with contextlib.suppress(FileNotFoundError):
                self._read(path.read_text("utf-8", "replace"))

    def has(self, session: str, until: int) -> bool:
        """Whether a session, which would last ``until`` then, was ended."""
        return until <= self._floor or session in self._ended

    def add(self, session: str, until: int) -> None:
        """Ends a session. Waits for the disk: call it in a thread. Where the disk fails the log says so."""
        with self._lock:
            self._ended[session] = until
            try:
                if len(self._ended) > MOST:
                    self._shrink()
                    self._replace()
                else:
                    self._append(f"\n{until} {session}\n")
            except OSError as error:
                logger.warning(
                    "signing out is not on the disk and ends with this process: {}", error.strerror
                )

    def _read(self, text: str) -> None:
        now = time.time()
        for line in text.splitlines():
            until, _, session = line.partition(" ")
            if not until.isdecimal() or not session or int(until) < now:
                continue  # torn by a power cut, or over by itself
            if session == _ALL:
                self._floor = max(self._floor, int(until))
            else:
                self._ended[session] = int(until)

    def _shrink(self) -> None:
        now = time.time()
        by_time = sorted((until, session) for session, until in self._ended.items() if until >= now)
        if len(by_time) > MOST:
            by_time, dropped = by_time[-MOST // 2 :], by_time[: -MOST // 2]
            self._floor = max(self._floor, dropped[-1][0])
        self._ended = {session: until for until, session in by_time}

    def _append(self, text: str) -> None:
        if self._path is None:
            return
        with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())

    def _replace(self) -> None:
        if self._path is None:
            return
        new = self._path.with_name(self._path.name + ".new")
        lines = [f"{self._floor} {_ALL}", *(f"{until} {session}" for session, until in self._ended.items())]
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write("\n".join(lines) + "\n")
            out.flush()
            os.fsync(out.fileno())
        new.replace(self._path)
