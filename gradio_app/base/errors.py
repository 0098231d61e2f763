"""Errors that a user can meet: code, message, HTTP status, and whether trying again can help."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any, ClassVar


class AppError(Exception):
    """Something went wrong on our side. The log has the details; try again, or tell the administrator."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = True

    def __init_subclass__(cls, *, code: str = "", status: int = 0, retryable: bool = True) -> None:
        """Without a ``code`` of its own a subclass shares its parent's, with status and retryable."""
        if code:
            cls.code, cls.status, cls.retryable = code, status, retryable

    def __init__(self, message: str | None = None) -> None:
        self.message = message or " ".join((type(self).__doc__ or self.code).split())
        super().__init__(self.message)

    def to_dict(self) -> dict[str, Any]:
        """The wire form: ``{"code", "message", "retryable"}``."""
        return {"code": self.code, "message": self.message, "retryable": self.retryable}


class FileEmpty(AppError, code="file_empty", status=422, retryable=False):
    """The file is empty (0 bytes). Check that it was saved or copied completely, then send it again."""


class FileTypeUnsupported(AppError, code="file_type_unsupported", status=415, retryable=False):
    """This type of file cannot be converted. PDF, pictures, Office files, web pages, tables,
    text, mails and zip archives of these can."""


class FileEncrypted(AppError, code="file_encrypted", status=422, retryable=False):
    """The document needs a password to open. Retry with it, or save a copy without one and send that."""


class PasswordWrong(AppError, code="password_wrong", status=422, retryable=False):
    """The password does not open the document. Check it and retry with the right one."""


class FileCorrupt(AppError, code="file_corrupt", status=422, retryable=False):
    """The file is damaged or not what its name says. Open it yourself, save it again, and send that."""


class FileWithoutText(AppError, code="file_without_text", status=422, retryable=False):
    """The pages are pictures of text, and the models that read them are not installed on this server.
    Add them with ./start_mineru_optimized.sh models --source builtin, then retry."""


class FileTooLarge(AppError, code="file_too_large", status=413, retryable=False):
    """The file is larger than this server accepts. Split it, or ask the administrator to raise the limit."""


class TooManyFiles(AppError, code="too_many_files", status=413, retryable=False):
    """Too many files in one go. Send them in smaller groups."""


class TooManyPages(AppError, code="too_many_pages", status=422, retryable=False):
    """The document has more pages than this server accepts. Choose a page range, or split the document."""


class PageRangeInvalid(AppError, code="page_range_invalid", status=422, retryable=False):
    """The page range cannot be read. Write pages as 1-5,8,10-12; r1 is the last page; empty means all."""


class OptionInvalid(AppError, code="option_invalid", status=422, retryable=False):
    """One of the options has a value that does not exist."""


class ModelsMissing(AppError, code="models_missing", status=503, retryable=False):
    """Tiers standard and advanced need models that are not installed on this server.
    Install them with ./start_mineru_optimized.sh models, then retry, or choose tier basic."""


class EngineUnavailable(AppError, code="engine_unavailable", status=503):
    """The model server cannot be reached. It may be starting; try again in a minute."""


class GpuOutOfMemory(AppError, code="gpu_out_of_memory", status=503):
    """The graphics card ran out of memory. Close other programs on the card, or choose a smaller profile."""


class WorkerCrashed(AppError, code="worker_crashed", status=500):
    """The process that read this document crashed, more than once. The document is probably damaged."""


class WorkerOutOfMemory(AppError, code="worker_out_of_memory", status=500):
    """Reading this document took more memory than a worker may use. Choose fewer pages, or ask the
    administrator to raise worker_memory_limit."""


class TaskTimeout(AppError, code="task_timeout", status=504):
    """Reading this document took longer than allowed. Choose fewer pages, or ask the administrator to
    raise task_timeout."""


class DiskFull(AppError, code="disk_full", status=507):
    """The server's disk is nearly full, so nothing new is accepted. What is running goes on. Delete old
    tasks, or ask the administrator to make room."""


class StorageUnavailable(AppError, code="storage_unavailable", status=503):
    """The server cannot write to its data folder right now. Nothing is lost, and the work goes on when it
    can. Try again in a minute."""


class ServerBusy(AppError, code="server_busy", status=503):
    """The server has too many connections or processes open right now. Try again in a minute."""


class QuotaExceeded(AppError, code="quota_exceeded", status=429):
    """Your queue is full. Wait until some of your tasks are done, or cancel some."""


class Unauthorized(AppError, code="unauthorized", status=401, retryable=False):
    """Sign in first: open the address with the token that the server printed, or send it as bearer token."""


class Forbidden(AppError, code="forbidden", status=403, retryable=False):
    """You may not do this."""


class NotFound(AppError, code="not_found", status=404, retryable=False):
    """There is nothing here: it does not exist, was deleted, or belongs to somebody else."""


class Conflict(AppError, code="conflict", status=409, retryable=False):
    """This cannot be done in the state that the task is in."""


class ShuttingDown(AppError, code="shutting_down", status=503):
    """The server is restarting and accepts nothing new for a moment. Try again in a few seconds."""


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
