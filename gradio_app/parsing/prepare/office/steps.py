"""Steps of a preparer: each is tried by itself, and one that fails takes back what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from gradio_app.base.errors import AppError
from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Step:
    """``what`` the step brings into the text, for a sentence that begins with it, and how."""

    what: str
    run: Callable[[], None]


def finish(package: Package, out: Path, kind: str, prepared: Prepared) -> None:
    """Writes an edited file to ``out``; one that was not edited is left as it came."""
    if not package.is_changed:
        return
    lost = package.write(out)
    prepared.kind = kind
    if lost:
        more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
        message = f"Damaged parts of the file were left out: {', '.join(lost[:5])}{more}. Save it again."
        prepared.note("content_left_out", message)


def run_steps(package: Package, steps: list[Step], prepared: Prepared) -> None:
    """Runs steps in order; one that fails becomes a note."""
    for step in steps:
        try:
            with package.attempt():
                step.run()
        except AppError:
            raise
        except Exception as error:
            logger.opt(exception=error).warning("{} of a file could not be prepared", step.what)
            prepared.note(
                "not_prepared",
                f"{step.what} could not be read and may be missing. Compare the result with the original.",
            )
