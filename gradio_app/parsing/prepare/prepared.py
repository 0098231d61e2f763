"""What a preparer is asked for and answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gradio_app.base.notes import Note


@dataclass(frozen=True, slots=True)
class Wanted:
    """What becomes of a file's side matters.

    ``comments``: those of reviewers are given at the end. ``main_content_only``: of a web page only its
    article. ``password`` opens an encrypted file.
    """

    comments: bool = True
    main_content_only: bool = False
    password: str = field(default="", repr=False)


@dataclass(slots=True)
class Prepared:
    """The type of the plain file that was written, empty when the source is plain already; and notes."""

    kind: str = ""
    notes: list[Note] = field(default_factory=list[Note])

    def note(self, code: str, message: str, pages: Iterable[int] = ()) -> None:
        """Adds a note on ``pages`` (from 1; none: all). ``message`` may hold text of the file."""
        self.notes.append(Note.plain(code, pages, message))
