"""Errors: the codes of the contract, and messages that a person can act on."""

from __future__ import annotations

import errno
import re
import sqlite3

import pytest

from gradio_app.base import errors
from gradio_app.base.errors import (
    BY_CODE,
    PASSING,
    AppError,
    FileEmpty,
    GpuOutOfMemory,
    as_app_error,
    from_code,
)

#: code -> HTTP status, whether trying again can help; clients rely on these
CONTRACT = {
    "internal_error": (500, True),
    "file_empty": (422, False),
    "file_type_unsupported": (415, False),
    "file_encrypted": (422, False),
    "password_wrong": (422, False),
    "file_corrupt": (422, False),
    "file_without_text": (422, False),
    "file_too_large": (413, False),
    "too_many_files": (413, False),
    "too_many_pages": (422, False),
    "page_range_invalid": (422, False),
    "option_invalid": (422, False),
    "models_missing": (503, False),
    "engine_unavailable": (503, True),
    "gpu_out_of_memory": (503, True),
    "worker_crashed": (500, True),
    "worker_out_of_memory": (500, True),
    "task_timeout": (504, True),
    "disk_full": (507, True),
    "storage_unavailable": (503, True),
    "server_busy": (503, True),
    "quota_exceeded": (429, True),
    "unauthorized": (401, False),
    "forbidden": (403, False),
    "not_found": (404, False),
    "conflict": (409, False),
    "shutting_down": (503, True),
}


def test_the_codes_their_status_and_whether_to_try_again_are_the_contract() -> None:
    assert {code: (cls.status, cls.retryable) for code, cls in BY_CODE.items()} == CONTRACT


def test_no_two_errors_share_a_code() -> None:
    classes = [
        cls
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, AppError) and "code" in vars(cls)
    ]
    assert len(classes) == len(BY_CODE)


@pytest.mark.parametrize("cls", BY_CODE.values())
def test_a_message_is_whole_sentences_on_one_line(cls: type[AppError]) -> None:
    message = cls().message
    assert re.fullmatch(r"[A-Z].*[.]", message)
    assert "  " not in message and "\n" not in message
    assert str(cls()) == message, "logs show the same"


def test_a_message_of_its_own_replaces_the_usual_one() -> None:
    assert FileEmpty("a.pdf is empty.").to_dict() == {
        "code": "file_empty",
        "message": "a.pdf is empty.",
        "retryable": False,
    }
    assert FileEmpty("").message == FileEmpty().message


@pytest.mark.parametrize("code", CONTRACT)
def test_a_stored_code_becomes_its_error_again(code: str) -> None:
    error = from_code(code, "as it was")
    assert (error.code, error.message) == (code, "as it was")
    assert type(error) is BY_CODE[code]


def test_a_code_that_nobody_knows_is_an_internal_error() -> None:
    error = from_code("from_the_future", "what it said")
    assert type(error) is AppError
    assert (error.code, error.message, error.retryable) == ("internal_error", "what it said", True)


def test_a_subclass_elsewhere_does_not_take_its_parents_code_over() -> None:
    class Special(GpuOutOfMemory):
        """Something narrower."""

    assert Special().code == "gpu_out_of_memory"
    assert type(from_code("gpu_out_of_memory")) is GpuOutOfMemory


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_a_full_disk_is_told_as_such(error: Exception) -> None:
    assert as_app_error(error).code == "disk_full"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.EROFS, "Read-only file system"), "storage_unavailable"),
        (OSError(errno.EIO, "Input/output error"), "storage_unavailable"),
        (sqlite3.OperationalError("database is locked"), "storage_unavailable"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "storage_unavailable"),
        (sqlite3.OperationalError("disk I/O error"), "storage_unavailable"),
        (OSError(errno.EMFILE, "Too many open files"), "server_busy"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "server_busy"),
    ],
)
def test_a_fault_of_the_machine_passes_and_is_told_as_such(error: Exception, code: str) -> None:
    told = as_app_error(error)
    assert (told.code, told.retryable, isinstance(told, PASSING)) == (code, True, True)


def test_an_error_of_ours_stays_what_it_is() -> None:
    error = FileEmpty("It is empty.")
    assert as_app_error(error) is error


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "secret/path"), ValueError("secret"), OSError()])
def test_any_other_surprise_is_an_internal_error_that_tells_no_details(error: Exception) -> None:
    told = as_app_error(error)
    assert type(told) is AppError and "secret" not in told.message
