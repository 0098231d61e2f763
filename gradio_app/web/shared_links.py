"""Shared links: secrets that open one document for reading until their end; one file in the data folder."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from loguru import logger
from pydantic import TypeAdapter, ValidationError

from gradio_app.base.errors import QuotaExceeded

DAY = 86_400
#: links that one document, and all of them together, may have
MOST_OF_A_TASK, MOST = 20, 10_000


@dataclass(frozen=True, slots=True)
class Link:
    """One link. ``digest`` is the SHA-256 of its secret, which is nowhere kept; times are Unix seconds."""

    id: str
    task: str
    digest: str
    made: int
    until: int


_FILE = TypeAdapter(list[Link])


class SharedLinks:
    """The links of one server. Changes wait for the disk: call them in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._links: dict[str, Link] = {}
        try:
            self._links = {link.digest: link for link in _FILE.validate_json(path.read_bytes())}
        except FileNotFoundError:
            pass
        except ValidationError:
            logger.warning("{} cannot be read: the shared links in it open nothing", path.name)

    def make(self, task: str, days: int) -> tuple[Link, str]:
        """A new link to a task, and its secret; ``QuotaExceeded`` when there are too many."""
        secret = secrets.token_urlsafe(24)
        now = int(time.time())
        link = Link(secrets.token_hex(6), task, _digest(secret), now, now + days * DAY)
        with self._lock:
            self._forget_ended(now)
            if len(self._of(task)) >= MOST_OF_A_TASK or len(self._links) >= MOST:
                raise QuotaExceeded(
                    "There are too many links. End some of those that are not needed any more."
                )
            self._links[link.digest] = link
            self._write()
        return link, secret

    def of_task(self, task: str) -> list[Link]:
        """The links to a task that still open it, the oldest first."""
        with self._lock:
            self._forget_ended(int(time.time()))
            return self._of(task)

    def end(self, task: str, link_id: str) -> bool:
        """Ends a link of a task at once; False when there is none."""
        with self._lock:
            found = [link for link in self._of(task) if link.id == link_id]
            for link in found:
                del self._links[link.digest]
            if found:
                self._write()
        return bool(found)

    def opened_by(self, secret: str) -> Link | None:
        """The link that a secret stands for, if it has not ended."""
        link = self._links.get(_digest(secret))
        return link if link and link.until > time.time() else None

    def _of(self, task: str) -> list[Link]:
        return [link for link in self._links.values() if link.task == task]

    def _forget_ended(self, now: int) -> None:
        self._links = {digest: link for digest, link in self._links.items() if link.until > now}

    def _write(self) -> None:
        new = self._path.with_name(self._path.name + ".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump([asdict(link) for link in self._links.values()], out)
            out.flush()
            os.fsync(out.fileno())
        new.replace(self._path)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
