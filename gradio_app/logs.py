"""One log, on stderr: our own lines and those of the libraries, with an action name each."""

from __future__ import annotations

import logging
import sys

from loguru import logger

from gradio_app.audit import is_audit

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


def configure_logging(level: str) -> None:
    """Logs from ``level`` up. Values of variables are never printed: they hold documents and keys."""
    logger.remove()
    logger.add(
        sys.stderr,
        level=level,
        format=_FORMAT,
        filter=lambda record: not is_audit(record),
        backtrace=False,
        diagnose=False,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    for noisy in ("uvicorn.error", "httpx", "mcp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
