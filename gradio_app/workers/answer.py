"""Answer of a worker's job, checked by the process that asked: a hostile document may have written it."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from gradio_app.base.errors import (
    AppError,
    DiskFull,
    EngineUnavailable,
    StorageUnavailable,
    WorkerCrashed,
    from_code,
)

#: what a job may say of its document. Of the machine only ``_CHECKED`` and, where a model server is asked,
#: its loss: a document that could report any fault would hold the whole queue
_OF_DOCUMENTS = frozenset(
    {
        *(
            "file_empty",
            "file_type_unsupported",
            "file_encrypted",
            "password_wrong",
            "file_corrupt",
            "file_too_large",
            "file_without_text",
        ),
        *(
            "too_many_files",
            "too_many_pages",
            "page_range_invalid",
            "option_invalid",
            "models_missing",
            "not_found",
        ),
        *("engine_unavailable", "worker_out_of_memory", "worker_crashed", "internal_error"),
    }
)
_CHECKED = frozenset({DiskFull.code, StorageUnavailable.code})
#: longest sentence that is shown of what a job says
_LONGEST = 1000
#: bytes that a disk without a fault takes
_PROBE = 2**20


@dataclass(frozen=True)
class Fault:
    """Why a job failed: the code and the sentence of an ``AppError``."""

    code: Annotated[str, Field(max_length=64)]
    message: str


@dataclass(frozen=True)
class Answer:
    """What a worker writes after a job: ``result`` or ``error``, and its resident memory in bytes."""

    rss: Annotated[int, Field(ge=0, lt=2**50)]
    result: dict[str, Any] | None = None
    error: Fault | None = None


_ANSWER = TypeAdapter(Answer)


def read_answer(line: bytes) -> Answer | None:
    """The answer in a line of JSON; None for what no worker of ours writes."""
    try:
        answer = _ANSWER.validate_json(line)
    except ValidationError:
        return None
    return answer if (answer.result is None) is not (answer.error is None) else None


def error_of(fault: Fault, place: Path, asked_a_server: bool) -> AppError:
    """The error that a job reports, as far as it is believed. ``place`` is the folder that it worked in."""
    error = from_code(fault.code, "".join(filter(str.isprintable, fault.message[:_LONGEST])))
    if fault.code in _CHECKED:
        return error if _is_faulty(place) else WorkerCrashed()
    if isinstance(error, EngineUnavailable) and not asked_a_server:
        return WorkerCrashed()
    return error if fault.code in _OF_DOCUMENTS else WorkerCrashed()


def _is_faulty(folder: Path) -> bool:
    """Whether a file cannot be written on its disk now. Workers could be in the way in their own folders."""
    probe = folder.parent.parent / f"probe-{secrets.token_hex(8)}"
    try:
        with open(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(bytes(_PROBE))
            os.fsync(file.fileno())
    except OSError:
        return True
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return False
