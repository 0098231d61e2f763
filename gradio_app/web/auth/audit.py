"""The audit log: who signed in, submitted, read, cancelled, deleted, or was refused. One JSON object a line.

It holds names, addresses, task ids and outcomes; never a document's text, its name, or a secret.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from gradio_app.base.errors import AppError
from gradio_app.base.logs import is_audit

if TYPE_CHECKING:
    from loguru import Record

#: one reader turning the pages of one document is one line in so many seconds
READ_AGAIN = 600.0
_MOST_READS = 4096
_FILE_SIZE = "10 MB"
_FILES = 10
#: an id that somebody made up may be of any length
_LONGEST = 64

_reads: dict[tuple[str, str], float] = {}


def record(action: str, user: str, address: str, task: str = "", outcome: str = "ok") -> None:
    """Writes one line; ``outcome`` is ``ok`` or the code of the error that the asker got."""
    if action == "read" and outcome == "ok" and _seen_lately((user, task)):
        return
    entry = {"action": action, "user": user, "address": address, "outcome": outcome}
    logger.bind(audit=entry | ({"task": task[:_LONGEST]} if task else {})).info("")


@contextmanager
def noted(action: str, user: str, address: str, task: str = "") -> Generator[None]:
    """Writes a line for what happens inside, whether it goes well or ends in an ``AppError``."""
    try:
        yield
    except AppError as error:
        record(action, user, address, task, error.code)
        raise
    record(action, user, address, task)


def _seen_lately(read: tuple[str, str]) -> bool:
    now = time.monotonic()
    if now - _reads.get(read, -READ_AGAIN) < READ_AGAIN:
        return True
    if len(_reads) >= _MOST_READS:
        _reads.clear()
    _reads[read] = now
    return False


def open_file(path: Path) -> int:
    """Begins to write to ``path`` (rotated at 10 MB, ten kept); returns what ``logger.remove`` takes."""
    return logger.add(
        path, level="INFO", format=_line, filter=is_audit, rotation=_FILE_SIZE, retention=_FILES, catch=True
    )


def _line(record: Record) -> str:
    moment = record["time"].isoformat(timespec="milliseconds")
    extra = record["extra"]
    entry: dict[str, Any] = {"time": moment} | extra["audit"]
    if "request" in extra:
        entry["request"] = extra["request"]
    extra["audit_line"] = json.dumps(entry)
    return "{extra[audit_line]}\n"
