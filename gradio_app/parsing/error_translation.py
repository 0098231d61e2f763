"""Translation of errors: what MinerU and its libraries raise, as errors that a user can act on."""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterator
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
    for own in chain(error):
        if isinstance(own, AppError):  # MinerU may have wrapped one of ours
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


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those below it, from the outside in: libraries wrap what they meet."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _helper_died(error: BaseException) -> bool:
    """Whether a process that draws pages ended, by its library's words or a broken pipe."""
    return any(
        isinstance(one, BrokenExecutor | BrokenPipeError | ConnectionResetError)
        or (isinstance(one, RuntimeError) and str(one).startswith(_RENDERER_GONE))
        for one in chain(error)
    )


def _met(error: BaseException, *numbers: int) -> bool:
    """Whether the system said one of these."""
    return any(isinstance(one, OSError) and one.errno in numbers for one in chain(error))


def _out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out; lxml and zlib say so in words only."""
    return any(isinstance(one, MemoryError) or "memory" in str(one).lower() for one in chain(error))
