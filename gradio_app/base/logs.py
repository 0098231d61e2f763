"""Log: one stream on stderr for our own records and those of libraries, with an action name each."""

from __future__ import annotations

import json
import logging
import math
import sys
import traceback
from datetime import UTC
from typing import TYPE_CHECKING, Any

from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

_FORMAT = "<green>{time:YYYY-MM-DD HH:mm:ss}</green> <level>{level: <7}</level> {message}"


class _Forward(logging.Handler):
    """Brings the standard library's log records into loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Called by ``logging`` for each record."""
        level = record.levelname if record.levelname in logger._core.levels else record.levelno  # pyright: ignore
        try:
            message = record.getMessage()
        except Exception:  # a faulty line of a library must not stop the library
            message = f"{record.msg} {record.args}"
        logger.opt(exception=record.exc_info).bind(action=record.name).log(level, message)


def configure_logging(level: str, form: str = "text") -> None:
    """Logs from ``level`` up, as ``text`` or ``json``. Values of variables are never printed: they hold
    documents and keys.
    """
    logger.remove()
    stream = sys.stderr

    def write(message: Message) -> None:
        stream.write(as_json(message.record) + "\n")
        stream.flush()

    logger.add(
        write if form == "json" else stream,
        level=level,
        format=_line,
        filter=lambda record: not is_audit(record),
        backtrace=False,
        diagnose=False,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    for noisy in ("uvicorn.error", "httpx", "mcp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _line(record: Record) -> str:
    """The format for people; a record of an HTTP request ends with the request's id."""
    return _FORMAT + (" [{extra[request]}]" if "request" in record["extra"] else "") + "\n{exception}"


def as_json(record: Record) -> str:
    """One line: ``time`` (UTC, ISO 8601), ``level``, ``action``, ``message``, what was bound to it, and
    ``exception`` where there is one (the traceback, without values of variables).
    """
    extra = record["extra"]
    line: dict[str, Any] = {
        "time": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": record["level"].name.lower(),
        "action": _plain(extra.get("action", "")),
        "message": record["message"],
    }
    line |= {name: _plain(value) for name, value in extra.items() if name not in line}
    if (error := record["exception"]) is not None:
        line["exception"] = "".join(traceback.format_exception(error.type, error.value, error.traceback))
    return json.dumps(line)


def _plain(value: object) -> object:
    """What JSON can hold; everything else in words."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def is_audit(record: Record) -> bool:
    """Whether a record of the log belongs here, and only here."""
    return "audit" in record["extra"]
