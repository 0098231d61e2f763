"""PDF: what is beside the content of a page becomes part of it, and pages stand upright.

Each step is tried by itself: one that fails leaves the work of the others, with a note.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pikepdf
from loguru import logger

from gradio_app.base.errors import AppError
from gradio_app.parsing.prepare.pdf import attachments, flattening, hidden, layers, symbols
from gradio_app.parsing.prepare.pdf.opening import with_pdfium, with_pikepdf
from gradio_app.parsing.prepare.pdf.upright import upright
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

__all__ = ["prepare", "upright", "with_pdfium"]

#: a step changes an open document, adds notes, and says whether it changed something
Step = Callable[[pikepdf.Pdf, Wanted, Prepared], bool]

#: steps in their order, each with what is to be said when it fails
_STEPS: dict[Step, str] = {
    layers.drop: "Layers that are switched off could not be taken out; their text may be in the result.",
    flattening.flatten: "Form fields and annotations could not be read; what is typed there may be missing.",
    symbols.mend: "Bullets and signs of symbol fonts may be missing.",
    attachments.tell: "Files may be attached to this PDF; they are not converted.",
}
_UNREADABLE = (
    "The PDF is unusual and was read as it came; form values, annotations and layers may be wrong. "
    "Print it into a new PDF and send that."
)


def prepare(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    prepared = Prepared()
    try:
        written = _rewrite(source, out, wanted, prepared)
    except (AppError, MemoryError):
        raise
    except Exception as error:
        logger.opt(exception=error).warning("a PDF is read without what pikepdf makes plain")
        out.unlink(missing_ok=True)
        prepared.notes.clear()
        prepared.note("not_prepared", _UNREADABLE)
        written = False
    written |= _next(upright, source, out, written)
    try:
        written |= _next(partial(hidden.take_out, said=prepared), source, out, written)
    except (AppError, MemoryError):
        raise
    except Exception as error:
        logger.opt(exception=error).warning("hidden text of a PDF was not looked for")
        prepared.note("not_prepared", "Text that nobody can see on the page may be in the result.")
    prepared.kind = "pdf" if written else ""
    return prepared


def _next(step: Callable[[Path, Path], bool], source: Path, out: Path, written: bool) -> bool:
    """A step from a file to a file, of which the first is ``out`` once that is ``written``."""
    then = out.with_name(f"{out.name}.next")
    try:
        if not step(out if written else source, then):
            return False
        os.replace(then, out)
        return True
    finally:
        then.unlink(missing_ok=True)


def _rewrite(source: Path, out: Path, wanted: Wanted, prepared: Prepared) -> bool:
    """Takes the steps that do not fail; writes ``out`` if one of them, or a password, changed the file."""
    failed: list[Step] = []
    while True:
        said = Prepared()
        with with_pikepdf(source, wanted.password) as (document, opened_by_password):
            changed = opened_by_password
            for step in (step for step in _STEPS if step not in failed):
                try:
                    changed |= step(document, wanted, said)
                except (AppError, MemoryError):
                    raise
                except Exception as error:  # it may have changed half: the document is opened anew
                    logger.opt(exception=error).warning("a step of preparing a PDF failed")
                    failed.append(step)
                    break
            else:
                if changed:
                    with warnings.catch_warnings():  # on widgets that no form knows
                        warnings.simplefilter("ignore")
                        document.save(out, deterministic_id=True, fix_metadata_version=False)
                break
    prepared.notes += said.notes
    for step in failed:
        prepared.note("not_prepared", _STEPS[step])
    return changed
