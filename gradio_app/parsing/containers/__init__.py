"""Containers: archives, mails and PDF portfolios are taken apart, within limits, in a worker.

What stays is a page that says what was in it; a mail's own text is on that page. Each document is written
into a folder of its own, under a number: its name is told, and never used as a path.
Does not cover: what becomes of the documents (``queue.inspector``). See: docs/adr/0020-containers.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from loguru import logger

from gradio_app.base.errors import AppError, FileCorrupt, FileTooLarge, TooManyFiles
from gradio_app.parsing.containers import archive, eml, outlook, portfolio
from gradio_app.parsing.containers.mail_page import write_mail
from gradio_app.parsing.containers.parts import Limits, Parts
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

__all__ = ["Limits", "Parts", "open_container", "open_portfolio"]

#: the note by which a PDF with attachments is known
_LEFT = "attachments_not_converted"


def _eml(source: Path, out: Path, wanted: Wanted, parts: Parts) -> Prepared:
    return write_mail(eml.read(source.read_bytes()), out, wanted, parts)


def _msg(source: Path, out: Path, wanted: Wanted, parts: Parts) -> Prepared:
    return write_mail(outlook.read(source), out, wanted, parts)


_OPENERS: dict[str, Callable[[Path, Path, Wanted, Parts], Prepared]] = {
    "zip": archive.unpack,
    "eml": _eml,
    "msg": _msg,
}


def open_container(source: Path, kind: str, out: Path, wanted: Wanted, parts: Parts) -> Prepared:
    """Writes the page of a container to ``out`` and its documents into ``parts``.

    Raises the ``AppError`` of one that is refused whole: encrypted, damaged, over a limit, without documents.
    """
    try:
        return _OPENERS[kind](source, out, wanted, parts)
    except (AppError, MemoryError):
        raise
    except Exception as error:
        raise FileCorrupt() from error


def open_portfolio(source: Path, wanted: Wanted, parts: Parts, prepared: Prepared) -> None:
    """Takes the documents out of a PDF portfolio; in ``prepared`` they are no longer told as left out.

    Any other PDF, and one that cannot be taken apart, stays as it is. Raises what is over a limit.
    """
    if not parts.taken_apart or not any(note.code == _LEFT for note in prepared.notes):
        return
    try:
        if not portfolio.unpack(source, wanted, parts):
            return
    except (FileTooLarge, TooManyFiles, MemoryError):
        raise
    except Exception as error:
        logger.opt(exception=error).warning("a portfolio was not taken apart")
        parts.forget()
        return
    prepared.notes[:] = [note for note in prepared.notes if note.code != _LEFT]
    parts.tell(prepared, "PDF portfolio")
