"""Weights of the model that the engine is to serve: whether they are there, and their licence accepted."""

from __future__ import annotations

from pathlib import Path

from gradio_app.base.page_readers import MINERU, PageReader
from gradio_app.machine import weights

#: beside the weights of a reader whose licence must be accepted: which one was, by whom the file belongs to
_ACCEPTED = "{}.licence_accepted"
_COMMAND = "./start_mineru_optimized.sh models"


def missing(folder: Path, reader: PageReader) -> list[str]:
    """What the model of a reader lacks below the folder of all weights: names of files."""
    return weights.missing_vision(folder, reader.weights.folder)


def accepted(folder: Path, reader: PageReader) -> bool:
    """Whether the licence of its model need not be accepted, or was."""
    return not reader.weights.must_accept or _text(folder, reader) == reader.weights.licence


def accept(folder: Path, reader: PageReader) -> None:
    """Notes that the licence was accepted. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _ACCEPTED.format(reader.weights.folder)).write_text(reader.weights.licence, "utf-8")


def _text(folder: Path, reader: PageReader) -> str:
    try:
        return (folder / _ACCEPTED.format(reader.weights.folder)).read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def command(reader: PageReader) -> str:
    """What fetches its weights."""
    if reader is MINERU:
        return _COMMAND
    return f"{_COMMAND} --reader {reader.name}{' --accept-licence' * reader.weights.must_accept}"


def problem(folder: Path, reader: PageReader) -> str:
    """Why its model cannot be served, in sentences that say what to do; empty: it can."""
    if missing(folder, reader):
        said = "The vision model is not installed"
        if reader is not MINERU:
            said = f"The model of reader {reader.name} is not installed"
        return f"{said} on this server. Install it with {command(reader)}, then "
    if not accepted(folder, reader):
        return (
            f"The licence of {reader.titles['en']} ({reader.weights.licence}, {reader.weights.terms}) was "
            f"not accepted on this server. Read it, run {command(reader)}, then "
        )
    return ""


def served(folder: Path, reader: PageReader) -> Path | None:
    """The folder with its complete weights, where they may be used."""
    return None if problem(folder, reader) else folder / reader.weights.folder
