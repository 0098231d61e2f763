"""Preparation: inputs are made plain before anybody reads them, one module a kind.

Each preparer takes a file and writes another one, or leaves what is plain already alone, byte for byte. What
is read, shown and read again is the prepared file. Runs in workers.
Does not cover: where prepared files are kept (``base.data_folder``).
"""

from __future__ import annotations

from pathlib import Path

from loguru import logger

from gradio_app.base.errors import AppError
from gradio_app.base.file_types import PICTURES
from gradio_app.parsing.prepare import pdf, pictures


def prepare(source: Path, kind: str, out: Path) -> str:
    """Writes a plain file to ``out`` and returns its type; empty when ``source`` is plain already.

    A preparer that fails leaves the original, as MinerU reads most of what is unusual. Raises
    ``TooManyPages`` and ``FileTooLarge`` for a file that nobody should read.
    """
    preparer = pdf.upright if kind == "pdf" else pictures.as_pages if kind in PICTURES else None
    if preparer is None:
        return ""
    try:
        return "pdf" if preparer(source, out) else ""
    except AppError:
        out.unlink(missing_ok=True)
        raise
    except Exception as error:
        logger.warning("a {} is read as it came, as it could not be prepared: {}", kind, error)
        out.unlink(missing_ok=True)
        return ""
