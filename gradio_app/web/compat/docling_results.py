"""Results as docling's clients expect them: one document as JSON, or a zip with its files side by side.

The documents in an archive or a mail are files of a zip; in JSON their texts follow its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from gradio_app.base.errors import AppError, Conflict
from gradio_app.base.files import open_beneath
from gradio_app.base.notes import Note, notes_to_json
from gradio_app.store.states import READABLE, TaskStatus
from gradio_app.store.task import Task
from gradio_app.task_manager import TaskManager
from gradio_app.web.compat.docling_options import FORMATS, Asked
from gradio_app.web.compat.inner_texts import Text, joined
from gradio_app.web.compat.json_check import check_json
from gradio_app.web.compat.json_stream import Pieces, json_file, object_of, text_of
from gradio_app.web.zip_stream import entries_of, paths_of, stream_entries

#: formats in which documents in one another are one text
_TEXTS = frozenset({"md", "text"})
_ONLY_TEXTS = (
    "The documents inside are in md and text. In other formats they come with target_type=zip, a file each."
)
_STATUS = {TaskStatus.COMPLETED: "success", TaskStatus.PARTIAL: "partial_success"}


@dataclass(frozen=True, slots=True)
class Document:
    """An ended task, the folder of its result, and the files there by format; ``lost``: why one is not.

    ``inner``: the documents in an archive or a mail.
    """

    task: Task
    folder: Path
    files: dict[str, str] = field(default_factory=dict[str, str])
    lost: tuple[AppError, ...] = ()
    inner: tuple[Document, ...] = ()

    @property
    def status(self) -> str:
        """In docling's words."""
        found = _STATUS.get(self.task.status, "failure")
        return "partial_success" if found == "success" and self.lost else found

    @property
    def errors(self) -> list[dict[str, Any]]:
        """In docling's form: why the document, some of its pages or one of its formats is not there."""
        own = [self.task.error] if self.task.error else []
        return [
            {"component_type": "pipeline", "module_name": error.code, "error_message": error.message}
            for error in (*own, *self.lost)
        ]


def failure_of(task: Task) -> AppError:
    """Why an ended task has no result."""
    return task.error or Conflict("The conversion of this document was cancelled.")


async def documents_of(
    manager: TaskManager, asked: Asked, tasks: Sequence[Task], zipped: bool
) -> list[Document]:
    """Ended tasks with their files in all formats, which are made where they are not there yet.

    Raises the first error where there is nothing at all to give.
    """
    found: list[Document] = []
    inside = asked if zipped else replace(asked, formats=tuple(_TEXTS & set(asked.formats)))
    for task in tasks:
        parts = [await _document(manager, inside, part) for part in await manager.parts(task.id)]
        found.append(replace(await _document(manager, asked, task), inner=tuple(parts)))
    if not any(each.files for each in found):
        raise next((error for each in found for error in each.lost), None) or failure_of(tasks[0])
    return found


async def _document(manager: TaskManager, asked: Asked, task: Task) -> Document:
    document = Document(task, manager.folders.result(task.id))
    if task.status not in READABLE:
        return document
    for name in asked.formats:
        kind = FORMATS[name][0]
        # docling's text and doctags hold no pictures
        images = "placeholder" if name in ("text", "doctags") else asked.images
        try:
            file = await manager.export(task, f"{kind}-{images}")
            if name == "json":
                await asyncio.to_thread(check_json, partial(open_beneath, document.folder, file))
            document.files[name] = file
        except AppError as error:
            document = replace(document, lost=(*document.lost, error))
    return document


def notes_of(asked: Asked, documents: Sequence[Document]) -> list[dict[str, str]]:
    """Notes on the request, and on each document."""
    general = [Note.plain("option_without_effect", (), text) for text in asked.notes]
    if any(each.inner for each in documents) and not asked.zipped and set(asked.formats) - _TEXTS:
        general.append(Note.plain("option_without_effect", (), _ONLY_TEXTS))
    return notes_to_json(general) + [
        {**note, "file": each.task.name}
        for each in documents
        for note in notes_to_json(each.task.findings.notes)
    ]


def json_of(asked: Asked, document: Document) -> Pieces:
    """The answer for one document, in pieces."""
    task = document.task
    began, ended = task.started_at or task.created_at, task.finished_at or task.created_at
    return object_of(
        [
            ("document", partial(_contents, document)),
            ("status", document.status),
            ("errors", document.errors),
            ("processing_time", round(max(0.0, ended - began), 3)),
            ("timings", {}),
            ("notes", notes_of(asked, [document])),
        ]
    )


def _contents(document: Document) -> Pieces:
    members: list[tuple[str, Any]] = [("filename", document.task.name)]
    for name, (_, _, title) in FORMATS.items():
        file = document.files.get(name)
        value = (
            None if file is None else _content(document, name, partial(open_beneath, document.folder, file))
        )
        members.append((title, value))
    return object_of(members)


def _content(document: Document, name: str, opened: Text) -> Pieces:
    if name == "json" and not isinstance(opened, str):
        return json_file(opened)
    if name not in _TEXTS:
        return text_of(opened)
    inner = [
        (each.task, partial(open_beneath, each.folder, each.files[name]) if name in each.files else None)
        for each in document.inner
    ]
    return text_of(*joined(opened, inner, name == "md"))


def zip_of(asked: Asked, documents: Sequence[Document]) -> Iterator[bytes]:
    """The answer as a zip: files of the document's name; in a folder each, where they name pictures."""
    named = [
        (one, each.task.name if one is each else f"{PurePosixPath(each.task.name).stem}_{one.task.name}")
        for each in documents
        for one in (each, *each.inner)
    ]
    documents = [one for one, _ in named]
    safe = [PurePosixPath(path).name for path in paths_of([("", name) for _, name in named])]
    apart = len(documents) > 1 and asked.images == "referenced"
    return stream_entries(
        entry
        for each, name in zip(documents, safe, strict=True)
        for entry in _entries(asked, each, name, f"{name}/" if apart else "")
    )


def _entries(asked: Asked, document: Document, name: str, above: str) -> Iterator[tuple[str, int | bytes]]:
    def choose(there: Sequence[str]) -> Iterator[tuple[str, str]]:
        for each, file in document.files.items():
            yield f"{above}{name}.{FORMATS[each][1]}", file
        if asked.images == "referenced":
            yield from ((above + each, each) for each in there if each.startswith("images/"))

    if document.files:
        yield from entries_of(document.folder, choose)
    told: list[dict[str, Any]] = [*notes_of(asked, [document]), *document.errors]
    if document.task.status not in READABLE:
        told.append({"error": failure_of(document.task).message, "file": document.task.name})
    if told:
        yield f"{above}{name}_notes.json", json.dumps(told, ensure_ascii=False, indent=1).encode()
