"""One text of an archive or a mail: its own, then those of the documents in it, each under its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from gradio_app.store.task import Task

#: what could become a link, a picture or a tag; names have none
_SIGNS = re.compile(r"[\\`*\[\]<>&]")

#: a text, or a function that opens a file with one
Text = Callable[[], int] | str


def joined(own: Text, parts: Sequence[tuple[Task, Text | None]], markdown: bool = True) -> Iterator[Text]:
    """Pieces of one text; None for a document that has none, which is said in its place."""
    yield own
    for task, text in parts:
        path = f"{task.folder}/{task.name}".removeprefix("/")
        title = "# " + _SIGNS.sub(r"\\\g<0>", path) if markdown else path
        yield f"\n\n{title}\n\n"
        why = task.error.message if task.error else "It was cancelled."
        yield f"This document was not converted. {why}" if text is None else text
