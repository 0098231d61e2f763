"""What MinerU and its libraries raise, told as errors that a user can act on."""

from __future__ import annotations

import errno
from collections.abc import Generator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

from loguru import logger

from gradio_app.base.errors import (
    AppError,
    DiskFull,
    FileCorrupt,
    FileEncrypted,
    FileTooLarge,
    FileTypeUnsupported,
    ModelsMissing,
    ServerBusy,
    WorkerCrashed,
    WorkerOutOfMemory,
    as_app_error,
)

#: how docvortex tells that a process of its own, which draws pages, is gone
_RENDERER_GONE = ("PDF render worker exited", "PDF render worker disconnected")


@contextmanager
def readable_errors() -> Generator[None]:
    """Turns what MinerU and its libraries raise into ``AppError``; the original goes to the log."""
    try:
        yield
    except AppError:
        raise
    except MemoryError as error:
        raise WorkerOutOfMemory() from error
    except Exception as error:
        # the text of an exception may quote the document: debug only
        logger.opt(exception=error).debug("parsing failed")
        raise _translate(error) from error


def _translate(error: Exception) -> AppError:
    own: BaseException | None = error
    while own is not None and not isinstance(own, AppError):  # MinerU may have wrapped one of ours
        own = own.__cause__ or own.__context__
    if own is not None:
        return own
    text = str(error)
    if _out_of_memory(error):
        return WorkerOutOfMemory()
    if _helper_died(error):
        return WorkerCrashed()
    if "password" in text.lower():
        return FileEncrypted()
    if isinstance(error, FileNotFoundError) and "is not ready under" in text:
        return ModelsMissing()
    if "Unsupported file type" in text:
        return FileTypeUnsupported()
    if _met(error, errno.EFBIG):
        return FileTooLarge("Reading this document makes files larger than a worker may write.")
    if _met(error, errno.ENOSPC, errno.EDQUOT):
        return DiskFull()
    # an errno is the system's word, not the document's (PIL's "cannot identify" has none)
    if isinstance(error, OSError) and error.errno is not None:
        # a document that opens too many files is to blame for it, unlike a server with too many visitors
        told = as_app_error(error)
        return AppError() if isinstance(told, ServerBusy) else told
    if isinstance(error, ImportError | NameError):  # a fault of the installation, not of the document
        return AppError()
    return FileCorrupt()


def _helper_died(error: BaseException | None) -> bool:
    """True when a process that draws pages ended: killed from outside, or by a page. Trying again tells.

    Its library says so in words, or the pipe to it breaks.
    """
    while error is not None:
        if isinstance(error, BrokenExecutor | BrokenPipeError | ConnectionResetError):
            return True
        if isinstance(error, RuntimeError) and str(error).startswith(_RENDERER_GONE):
            return True
        error = error.__cause__ or error.__context__
    return False


def _met(error: BaseException | None, *numbers: int) -> bool:
    """True when the system said one of these anywhere below: libraries wrap its errors."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in numbers:
            return True
        error = error.__cause__ or error.__context__
    return False


def _out_of_memory(error: BaseException | None) -> bool:
    """True when memory ran out anywhere below; lxml and zlib report it in words only."""
    while error is not None:
        if isinstance(error, MemoryError) or "memory" in str(error).lower():
            return True
        error = error.__cause__ or error.__context__
    return False
