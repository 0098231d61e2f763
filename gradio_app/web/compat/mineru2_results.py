"""Results as clients of MinerU 2 and 3 expect them: one JSON object, or a zip with a folder a document."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from gradio_app.base.errors import AppError, Conflict
from gradio_app.base.files import names_beneath, open_beneath
from gradio_app.base.names import unique
from gradio_app.base.notes import Note, notes_to_json
from gradio_app.store.states import READABLE
from gradio_app.store.task import Task
from gradio_app.task_manager import TaskManager
from gradio_app.web.compat.json_stream import Pieces, data_address, object_of, text_of
from gradio_app.web.compat.mineru2_form import Asked
from gradio_app.web.zip_stream import entries_of, paths_of, stream_entries

#: part of a result -> its file, the end of its name in a zip, and its name in JSON
_FILES = {
    "md": ("document.md", ".md", "md_content"),
    "middle": ("exports/document.middle2.json", "_middle.json", "middle_json"),
    "list": ("exports/document.list2.json", "_content_list.json", "content_list"),
}
#: read by MinerU 3 in a way of their own
_OFFICE = frozenset({"docx", "pptx", "xlsx"})
_EXPORTS = {"middle": "middle2", "list": "list2"}
#: what MinerU 2 leaves of the name of a file, by which some clients look for its result
_ODD, _PATHS = re.compile(r"[^\w.-]"), re.compile(r"[/\\.]{2,}|[/\\]")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a request: its task, the name of its result, and the folder with its files."""

    task: Task
    name: str
    folder: Path
    source: Callable[[], int]

    @property
    def readable(self) -> bool:
        return self.task.status in READABLE

    @property
    def failure(self) -> AppError:
        """Why it has no result."""
        return self.task.error or Conflict("The conversion of this document was cancelled.")


async def documents_of(manager: TaskManager, asked: Asked, tasks: Sequence[Task]) -> list[Document]:
    """Ended tasks with all that their results need; makes what is not there yet.

    After an archive or a mail come the documents in it, by its name and theirs. Raises the error of the first
    where none has a result.
    """
    folders, taken = manager.folders, {name.casefold() for name in asked.names}

    def document(task: Task, name: str) -> Document:
        source = partial(open_beneath, folders.sources, task.source)
        return Document(task, name, folders.result(task.id), source)

    found: list[Document] = []
    for task, name in zip(tasks, asked.names, strict=True):
        found.append(document(task, name))
        for part in await manager.parts(task.id):
            inner = f"{name}_{PurePosixPath(part.name).stem}"
            found.append(document(part, unique(inner, taken, "{}_{}")))
    if not any(each.readable for each in found):
        raise found[0].failure
    for each in found:
        for part in _EXPORTS.keys() & set(asked.parts):
            if each.readable:
                await manager.export(each.task, _EXPORTS[part])
    return found


def notes_of(asked: Asked, documents: Sequence[Document]) -> list[dict[str, str]]:
    """Notes on the request, and on each document."""
    general = [Note.plain("option_without_effect", (), text) for text in asked.notes]
    return notes_to_json(general) + [
        {**note, "file": each.name} for each in documents for note in notes_to_json(each.task.findings.notes)
    ]


def json_of(asked: Asked, documents: Sequence[Document], about: dict[str, Any]) -> Pieces:
    """The answer as JSON, in pieces; ``about`` is told first."""
    version = next((each.task.parser_version for each in documents if each.task.parser_version), "")
    results = ((each.name, partial(_result, asked, each)) for each in documents)
    return object_of(
        [
            *about.items(),
            ("backend", asked.backend),
            ("version", version),
            ("notes", notes_of(asked, documents)),
            ("results", partial(object_of, results)),
        ]
    )


def _result(asked: Asked, document: Document) -> Pieces:
    if not document.readable:
        return object_of([("error", document.failure.message)])
    folder = document.folder
    members: list[tuple[str, Any]] = [
        (name, text_of(partial(open_beneath, folder, file)))
        for part, (file, _, name) in _FILES.items()
        if part in asked.parts
    ]
    if "images" in asked.parts:
        members.append(("images", partial(object_of, _images(folder))))
    return object_of(members)


def _images(folder: Path) -> Iterator[tuple[str, Pieces]]:
    for name in names_beneath(folder, "images"):
        yield name, data_address(partial(open_beneath, folder, f"images/{name}"), name)


def zip_of(asked: Asked, documents: Sequence[Document]) -> Iterator[bytes]:
    """The answer as a zip: a folder for each document, and another where its sanitised name is different."""
    safe = [PurePosixPath(path).name for path in paths_of([("", f"{each.name}.x") for each in documents])]
    taken = {name.casefold() for name in safe}
    names = [[name] for name in safe]
    for some in () if asked.folder else names:
        other = sanitised(some[0])
        if other.casefold() not in taken:
            taken.add(other.casefold())
            some.append(other)
    return stream_entries(
        entry
        for each, some in zip(documents, names, strict=True)
        for name in some
        for entry in _entries(asked, each, name)
    )


def sanitised(name: str) -> str:
    """A name as MinerU 2 writes it in a zip."""
    clean = _ODD.sub("_", _PATHS.sub("", name))
    return f"_{clean[1:]}" if clean.startswith(".") else clean or "unnamed"


def _above(asked: Asked, document: Document, name: str) -> str:
    folder = "office" if asked.folder and document.task.kind in _OFFICE else asked.folder
    return "/".join(filter(None, (name, folder))) + "/"


def _entries(asked: Asked, document: Document, name: str) -> Iterator[tuple[str, int | bytes]]:
    told = notes_of(asked, [document])
    if not document.readable:
        told.append({"error": document.failure.message, "code": document.failure.code, "file": document.name})
    above = _above(asked, document, name)
    if told:
        yield f"{above}{name}_notes.json", json.dumps(told, ensure_ascii=False, indent=1).encode()
    if not document.readable:
        return

    def choose(there: Sequence[str]) -> Iterator[tuple[str, str]]:
        for part, (file, end, _) in _FILES.items():
            if part in asked.parts:
                yield f"{above}{name}{end}", file
        if "images" in asked.parts:
            yield from ((f"{above}{each}", each) for each in there if each.startswith("images/"))

    yield from entries_of(document.folder, choose)
    if "origin" in asked.parts:
        suffix = os.path.splitext(document.task.name)[1][:10]
        yield f"{above}{name}_origin{suffix}", document.source()
