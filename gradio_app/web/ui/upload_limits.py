"""Limits of Gradio's upload route. Gradio reads forms by a parser of its own; ours is put in its place."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

from gradio import route_utils
from gradio.route_utils import GradioMultiPartParser
from starlette.formparsers import MultiPartException

from gradio_app.base.errors import AppError, FileTooLarge, OptionInvalid, TooManyFiles
from gradio_app.web.uploads import MAX_FIELD, MAX_FIELDS

#: why the upload of this request is refused; the gate puts an empty list here, and answers with what is in it
refusals: ContextVar[list[AppError]] = ContextVar("refusals")


class _Refused(MultiPartException):
    """Gradio answers this kind of exception without a traceback; the gate has the answer itself."""

    def __init__(self, error: AppError) -> None:
        super().__init__(error.message)
        refusals.get([]).append(error)


def _drop(file: Any) -> None:
    with contextlib.suppress(OSError):
        file.close()
        Path(file.name).unlink()


def install(max_files: int) -> None:
    """Makes Gradio read forms with these limits, in this process.

    Its own parser takes 1,000 files and fields of any length, which it keeps in memory, and leaves files on
    the disk when a client goes away.
    """

    class Parser(GradioMultiPartParser):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "max_files": max_files, "max_fields": MAX_FIELDS})

        def on_headers_finished(self) -> None:
            if self._current_files >= max_files:
                raise _Refused(
                    TooManyFiles(f"More than {max_files} files in one go. Send them in smaller groups.")
                )
            super().on_headers_finished()
            part = self._current_part
            if part.file is not None and part.field_name != "files":
                raise _Refused(OptionInvalid("Files go into fields named 'files'."))

        def on_part_data(self, data: bytes, start: int, end: int) -> None:
            part = self._current_part
            if part.file is None and len(part.data) + end - start > MAX_FIELD:
                raise _Refused(OptionInvalid("A field of the form is too long."))
            super().on_part_data(data, start, end)

        async def parse(self) -> Any:
            try:
                return await super().parse()
            except BaseException as error:
                for file in cast(Any, self)._files_to_close_on_error:
                    _drop(file)
                if isinstance(error, MultiPartException) and not isinstance(error, _Refused):
                    large = "maximum allowed size of" in error.message and "File" in error.message
                    refusals.get([]).append(FileTooLarge() if large else OptionInvalid(error.message))
                raise

    cast(Any, route_utils).GradioMultiPartParser = Parser
