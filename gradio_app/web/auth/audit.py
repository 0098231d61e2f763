"""The audit log: who signed in, submitted, read, cancelled, deleted, or was refused. One JSON object a line.

It holds names, addresses, task ids and outcomes; never a document's text, its name, or a secret. Nobody can
push the lines of others out of it: a request is one line, refusals are limited, and files are kept by time.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter, OrderedDict
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from gradio_app.base.errors import AppError
from gradio_app.base.logs import is_audit
from gradio_app.web.auth.rate_limit import RateLimit, TooOften

if TYPE_CHECKING:
    from loguru import Record

#: one reader turning the pages of one document is one line in so many seconds
READ_AGAIN = 600.0
_MOST_READS = 20_000
#: refusals a minute that are written of one user or address, and of all together; the rest is counted
REFUSALS, REFUSALS_OF_ALL = 120, 600
_FILE_SIZE = "10 MB"
#: a file is kept for so many seconds, unless all of them take more than so many bytes (compressed)
KEPT, KEPT_BYTES = 90 * 86400.0, 500 * 2**20
#: an id that somebody made up may be of any length
_LONGEST = 64
#: ids in the line of a request for many tasks; of those that it deleted all are written
_MOST_IDS = 20

_reads: OrderedDict[tuple[str, str], float] = OrderedDict()
_refusals = RateLimit(REFUSALS)
_refusals_of_all = RateLimit(REFUSALS_OF_ALL)
_left_out: Counter[str] = Counter()


def record(action: str, user: str, address: str, task: str = "", outcome: str = "ok") -> None:
    """Writes one line; ``outcome`` is ``ok`` or the code of the error that the asker got."""
    if action == "read" and outcome == "ok" and _seen_lately((user, task)):
        return
    entry: dict[str, Any] = {"action": action, "user": user, "address": address, "outcome": outcome}
    if outcome == "ok":
        _write(entry | ({"task": task[:_LONGEST]} if task else {}))
    else:
        _write_refusal(entry | ({"task": task[:_LONGEST]} if task else {}))


def record_many(
    action: str, user: str, address: str, tasks: Sequence[str], refused: Sequence[str] = ()
) -> None:
    """One line for a request for many tasks: how many it was ``ok`` for, and the codes of the others.

    All ids of deleted tasks are in it: each can be deleted only once. Of other actions a few stand for all,
    as the same ones can be asked for again and again.
    """
    if action == "read":
        tasks = [task for task in tasks if not _seen_lately((user, task))]
        if not tasks and not refused:
            return
    codes = Counter(refused)
    entry: dict[str, Any] = {"action": action, "user": user, "address": address}
    outcome = "ok" if tasks or not codes else codes.most_common(1)[0][0]
    entry |= {"outcome": outcome, "count": len(tasks)}
    if tasks:
        entry["tasks"] = list(tasks if action == "delete" else tasks[:_MOST_IDS])
    if codes:
        entry["refused"] = dict(codes)
    if tasks:
        _write(entry)
    else:
        _write_refusal(entry)


def _write(entry: dict[str, Any]) -> None:
    logger.bind(audit=entry).info("")


def _write_refusal(entry: dict[str, Any]) -> None:
    """Writes a refusal, or counts it; the next line of the same asker says how many were ``left_out``."""
    who = f"{entry['user']} {entry['address']}"
    try:
        _refusals.take(who)
        _refusals_of_all.take("")
    except TooOften:
        if who in _left_out or len(_left_out) < _MOST_READS:
            _left_out[who] += 1
        return
    left_out = _left_out.pop(who, 0)
    _write(entry | ({"left_out": left_out} if left_out else {}))


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
    _reads[read] = now
    _reads.move_to_end(read)
    if len(_reads) > _MOST_READS:
        _reads.popitem(last=False)
    return False


def open_file(path: Path) -> int:
    """Begins to write to ``path``, rotated at 10 MB and compressed; returns what ``logger.remove`` takes."""
    return logger.add(
        path,
        level="INFO",
        format=_line,
        filter=is_audit,
        rotation=_FILE_SIZE,
        compression="gz",
        retention=_forget,
        catch=True,
    )


def _forget(paths: list[str]) -> None:
    """Deletes files that are too old, and the oldest of those that take too much room."""
    found: list[tuple[float, int, str]] = []
    for path in paths:
        with suppress(OSError):
            entry = os.stat(path)
            found.append((entry.st_mtime, entry.st_size, path))
    room = KEPT_BYTES
    for changed, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0 or time.time() - changed > KEPT:
            with suppress(OSError):
                os.unlink(path)


def _line(record: Record) -> str:
    moment = record["time"].isoformat(timespec="milliseconds")
    extra = record["extra"]
    entry: dict[str, Any] = {"time": moment} | extra["audit"]
    if "request" in extra:
        entry["request"] = extra["request"]
    extra["audit_line"] = json.dumps(entry)
    return "{extra[audit_line]}\n"
