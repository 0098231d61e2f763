"""Every error a user can meet: code, message, HTTP status, and whether trying again can help."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any, ClassVar


class AppError(Exception):
    """Something went wrong on our side. The log has the details; try again, or tell the administrator."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = True

    def __init__(self, message: str | None = None) -> None:
        self.message = message or " ".join((type(self).__doc__ or self.code).split())
        super().__init__(self.message)

    def to_dict(self) -> dict[str, Any]:
        """The wire form: ``{"code", "message", "retryable"}``."""
        return {"code": self.code, "message": self.message, "retryable": self.retryable}


class FileEmpty(AppError):
    """The file is empty (0 bytes). Check that it was saved or copied completely, then send it again."""

    code, status, retryable = "file_empty", 422, False


class FileTypeUnsupported(AppError):
    """This type of file cannot be converted. PDF, pictures, Office files, HTML, CSV and EPUB can."""

    code, status, retryable = "file_type_unsupported", 415, False


class FileEncrypted(AppError):
    """The document needs a password to open. Save a copy without the password and send that."""

    code, status, retryable = "file_encrypted", 422, False


class FileCorrupt(AppError):
    """The file is damaged or not what its name says. Open it yourself, save it again, and send that."""

    code, status, retryable = "file_corrupt", 422, False


class FileTooLarge(AppError):
    """The file is larger than this server accepts. Split it, or ask the administrator to raise the limit."""

    code, status, retryable = "file_too_large", 413, False


class TooManyFiles(AppError):
    """Too many files in one go. Send them in smaller groups."""

    code, status, retryable = "too_many_files", 413, False


class TooManyPages(AppError):
    """The document has more pages than this server accepts. Choose a page range, or split the document."""

    code, status, retryable = "too_many_pages", 422, False


class PageRangeInvalid(AppError):
    """The page range cannot be read. Write pages as 1-5,8,10-12; r1 is the last page; empty means all."""

    code, status, retryable = "page_range_invalid", 422, False


class OptionInvalid(AppError):
    """One of the options has a value that does not exist."""

    code, status, retryable = "option_invalid", 422, False


class ModelsMissing(AppError):
    """This document needs the OCR and layout models, which are not installed on this server.
    Install them with ./start_mineru_optimized.sh models and convert the document again."""

    code, status, retryable = "models_missing", 503, False


class EngineUnavailable(AppError):
    """The model server cannot be reached. It may be starting; try again in a minute."""

    code, status, retryable = "engine_unavailable", 503, True


class GpuOutOfMemory(AppError):
    """The graphics card ran out of memory. Close other programs on the card, or choose a smaller profile."""

    code, status, retryable = "gpu_out_of_memory", 503, True


class WorkerCrashed(AppError):
    """The process that read this document crashed, more than once. The document is probably damaged."""

    code, status, retryable = "worker_crashed", 500, True


class WorkerOutOfMemory(AppError):
    """Reading this document took more memory than a worker may use. Choose fewer pages, or ask the
    administrator to raise worker_memory_limit."""

    code, status, retryable = "worker_out_of_memory", 500, True


class TaskTimeout(AppError):
    """Reading this document took longer than allowed. Choose fewer pages, or ask the administrator to
    raise task_timeout."""

    code, status, retryable = "task_timeout", 504, True


class DiskFull(AppError):
    """The server's disk is nearly full, so nothing new is accepted. What is running goes on. Delete old
    tasks, or ask the administrator to make room."""

    code, status, retryable = "disk_full", 507, True


class StorageUnavailable(AppError):
    """The server cannot write to its data folder right now. Nothing is lost, and the work goes on when it
    can. Try again in a minute."""

    code, status, retryable = "storage_unavailable", 503, True


class ServerBusy(AppError):
    """The server has too many connections or processes open right now. Try again in a minute."""

    code, status, retryable = "server_busy", 503, True


class QuotaExceeded(AppError):
    """Your queue is full. Wait until some of your tasks are done, or cancel some."""

    code, status, retryable = "quota_exceeded", 429, True


class Unauthorized(AppError):
    """Sign in first: open the address with the token that the server printed, or send it as bearer token."""

    code, status, retryable = "unauthorized", 401, False


class Forbidden(AppError):
    """You may not do this."""

    code, status, retryable = "forbidden", 403, False


class NotFound(AppError):
    """There is nothing here: it does not exist, was deleted, or belongs to somebody else."""

    code, status, retryable = "not_found", 404, False


class Conflict(AppError):
    """This cannot be done in the state that the task is in."""

    code, status, retryable = "conflict", 409, False


class ShuttingDown(AppError):
    """The server is restarting and accepts nothing new for a moment. Try again in a few seconds."""

    code, status, retryable = "shutting_down", 503, True


class EngineLost(EngineUnavailable):
    """The model server went away while it read these pages. They are read again."""


class NodeLost(WorkerCrashed):
    """The machine that read these pages was lost. They are read again on another one."""


def _tree(cls: type[AppError]) -> list[type[AppError]]:
    return [cls, *(leaf for child in cls.__subclasses__() for leaf in _tree(child))]


#: code -> the class that defines it; a subclass without a code of its own shares its parent's
BY_CODE: dict[str, type[AppError]] = {cls.code: cls for cls in _tree(AppError) if "code" in vars(cls)}

#: faults of the machine that go away again: whoever meets one waits, and no document is to blame
PASSING: tuple[type[AppError], ...] = (DiskFull, StorageUnavailable, ServerBusy)
_BY_ERRNO: dict[int | None, type[AppError]] = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EROFS: StorageUnavailable,
    errno.EIO: StorageUnavailable,
    errno.EMFILE: ServerBusy,
    errno.ENFILE: ServerBusy,
    errno.EAGAIN: ServerBusy,
    errno.ENOMEM: ServerBusy,
}
#: what SQLite says
_BY_WORDS: dict[str, type[AppError]] = {
    "disk is full": DiskFull,
    "is locked": StorageUnavailable,
    "readonly database": StorageUnavailable,
    "disk I/O error": StorageUnavailable,
    "unable to open database": StorageUnavailable,
}


def as_app_error(error: BaseException) -> AppError:
    """What an exception is for a user: itself, a fault of the machine, else ``internal_error``."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno, AppError)()
    if isinstance(error, sqlite3.Error):
        return next((kind() for words, kind in _BY_WORDS.items() if words in str(error)), AppError())
    return DiskFull() if "disk is full" in str(error) else AppError()


def from_code(code: str, message: str | None = None) -> AppError:
    """The error with this code; an unknown code becomes ``internal_error``."""
    return BY_CODE.get(code, AppError)(message)
