"""What MinerU and its libraries raise, and what a user is told."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool

import pytest

from gradio_app.base.errors import AppError, FileCorrupt, FileEncrypted, WorkerCrashed
from gradio_app.parsing.error_translation import readable_errors


def told(error: Exception) -> AppError:
    """What becomes of an error."""
    with pytest.raises(AppError) as raised, readable_errors():
        raise error
    return raised.value


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("PDF render worker exited: -9"),
        RuntimeError("PDF render worker disconnected"),
        BrokenProcessPool("A process in the process pool was terminated abruptly"),
        BrokenPipeError(32, "Broken pipe"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
)
def test_a_helper_that_was_killed_is_no_fault_of_the_document(error: Exception) -> None:
    """It is tried again, and blamed only when that does not help."""
    assert isinstance(told(error), WorkerCrashed)
    try:
        raise ValueError("page 3") from error
    except ValueError as wrapped:
        assert isinstance(told(wrapped), WorkerCrashed)


def test_what_is_the_documents_fault() -> None:
    assert isinstance(told(EOFError("Compressed file ended before its end-of-stream marker")), FileCorrupt)
    assert isinstance(told(ValueError("PDF render input must not be empty")), FileCorrupt)
    assert isinstance(told(RuntimeError("Incorrect password")), FileEncrypted)
