"""Steps of a preparer: each is tried by itself, and one that fails takes back what it did."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from loguru import logger

from gradio_app.base.errors import AppError
from gradio_app.parsing.prepare.prepared import Prepared


class Attempts(Protocol):
    """A file whose edits can be taken back."""

    def attempt(self) -> AbstractContextManager[None]:
        """Edits inside are taken back when they raise."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """``what`` the step brings into the text, for a sentence that begins with it, and how."""

    what: str
    run: Callable[[], None]


def run_steps(file: Attempts, steps: list[Step], prepared: Prepared) -> None:
    """Runs steps in order; one that fails becomes a note."""
    for step in steps:
        try:
            with file.attempt():
                step.run()
        except AppError:
            raise
        except Exception as error:
            logger.opt(exception=error).warning("{} of a file could not be prepared", step.what)
            prepared.note(
                "not_prepared",
                f"{step.what} could not be read and may be missing. Compare the result with the original.",
            )
