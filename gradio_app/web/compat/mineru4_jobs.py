"""Jobs of MinerU 4's V1 as groups of tasks: made of sources, told in its words, and their output files."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from gradio_app.base.errors import Conflict, NotFound, OptionInvalid, TooManyFiles
from gradio_app.base.files import open_beneath
from gradio_app.base.options import EXPORT_SUFFIX, MINERU_SUFFIX, ParseOptions
from gradio_app.store.requests import ClientRequest
from gradio_app.store.states import READABLE, TaskStatus
from gradio_app.store.task import Task, Upload
from gradio_app.web.api.access import act, allowed_task, identity_of, manager_of
from gradio_app.web.compat import mineru4_uploads as uploads
from gradio_app.web.compat import requests
from gradio_app.web.part_results import results_of
from gradio_app.web.uploads import receive_file
from gradio_app.web.zip_stream import entries_of

FAMILY = "mineru4"
JOB = "job_"
#: output format -> its file in a result (made on demand below exports/), and the end of its name
OUTPUTS = {
    "markdown": ("document.md", "md"),
    "middle_json": ("middle.json", "middle.json"),
    "structured_content": (f"exports/document.{MINERU_SUFFIX['structured']}", "structured_content.json"),
    "html": (f"exports/document.{EXPORT_SUFFIX['html']}", "html"),
    "latex": (f"exports/document.{EXPORT_SUFFIX['latex']}", "tex"),
    "docx": (f"exports/document.{EXPORT_SUFFIX['docx']}", "docx"),
    "zip": ("", "zip"),
}
_EXPORTS = {"structured_content": "structured", "html": "html", "latex": "latex", "docx": "docx"}
#: what a result's files are called in MinerU 4's zip
_IN_ZIP = {"document.md": "markdown.md", "middle.json": "middle_json.json"}
#: largest file within the JSON of a job
_INLINE = 2**20
_OUTPUT = re.compile(r"file-([0-9a-f]{32})-([a-z_]{2,20})")


class Source(BaseModel):
    """From where a file comes."""

    type: Literal["file_id", "inline", "url", "local"]
    file_id: str = Field("", max_length=200)
    name: str = Field("", max_length=1000)
    data: str = ""


class JobFile(BaseModel):
    """One file of a job."""

    source: Source
    page_range: str | None = None


class NewJob(BaseModel):
    """What a client asks for."""

    files: list[JobFile] = Field(min_length=1, max_length=10_000)
    tier: str | None = None
    ocr_mode: str = "auto"
    output_formats: list[str] = Field(["markdown"], max_length=20)
    callback: dict[str, Any] | None = None


async def submitted(request: Request, new: NewJob, sent: Sequence[Upload] = ()) -> ClientRequest:
    """A new job of the files that were ``sent`` with it, else of its sources."""
    manager = manager_of(request)
    if new.callback is not None:
        raise OptionInvalid("Callbacks are not supported: poll the job.")
    if unknown := set(new.output_formats) - OUTPUTS.keys():
        raise OptionInvalid(
            f"There is no output format {min(unknown)[:40]!r}. Formats: {', '.join(OUTPUTS)}."
        )
    if len(new.files) > manager.settings.max_files:
        raise TooManyFiles(f"{len(new.files)} files at once; this server takes {manager.settings.max_files}.")
    options = [
        ParseOptions.checked(new.tier or "auto", each.page_range or "", new.ocr_mode) for each in new.files
    ]
    formats = list(dict.fromkeys(new.output_formats))
    inline: list[Path] = []
    try:
        files = [(upload, None) for upload in sent] or [
            await _file(request, each.source, inline) for each in new.files
        ]
        ids = [upload.id if upload else "" for _, upload in files]
        made = await requests.submit_each(
            request, FAMILY, [upload for upload, _ in files], options, formats=formats, files=ids
        )
    finally:
        for path in inline:
            path.unlink(missing_ok=True)
    for (_, upload), task_id in zip(files, made.tasks, strict=True):
        if upload is not None:
            await manager.requests.change(uploads.used(upload, task_id))
    return made


async def _file(request: Request, source: Source, inline: list[Path]) -> tuple[Upload, ClientRequest | None]:
    if source.type == "file_id":
        asked = await uploads.file_of(request, source.file_id)
        return uploads.as_upload(request, asked), asked
    if source.type != "inline":
        raise OptionInvalid(f"Sources of type {source.type} are not taken here. Upload the file.")
    try:
        data = base64.b64decode(source.data, validate=True)
    except (binascii.Error, ValueError):
        raise OptionInvalid("The data of an inline source must be base64.") from None
    if len(data) > _INLINE:
        raise OptionInvalid("An inline source has at most 1 MB. Upload the file.")
    manager = manager_of(request)
    upload = receive_file(BytesIO(data), source.name or "document", manager.folders.tmp, _INLINE)
    inline.append(upload.path)
    return upload, None


async def found(request: Request, job_id: str) -> tuple[ClientRequest, list[Task]]:
    """A job and its tasks, by its id or that of a V1 task."""
    asked = await requests.found(request, FAMILY, job_id.removeprefix(JOB))
    return asked, await requests.tasks_of(request, asked)


async def cancelled(request: Request, tasks: Sequence[Task]) -> None:
    """Cancels what has not ended; ``Conflict`` when all has."""
    manager = manager_of(request)
    left = [task for task in tasks if not task.ended]
    if not left:
        raise Conflict("This job has ended already.")
    for task in left:
        await act(manager, identity_of(request), "cancel", task.id)


def status_of(tasks: Sequence[Task]) -> str:
    """The status of a job in MinerU 4's words."""
    stage = requests.stage_of(tasks)
    if stage == "completed":
        return "completed" if all(task.status is TaskStatus.COMPLETED for task in tasks) else "partial"
    if stage == "failed" and all(task.status is TaskStatus.CANCELLED for task in tasks):
        return "canceled"
    return {"pending": "queued", "processing": "running"}.get(stage, stage)


def job_of(request: Request, asked: ClientRequest, tasks: Sequence[Task]) -> dict[str, Any]:
    """A job as MinerU 4 tells it."""
    manager = manager_of(request)
    tiers = [task.tier_used for task in tasks]
    tier = next(
        (tier for tier in tiers if tier != "auto"), "standard" if manager.engine.available else "basic"
    )
    ended, readable = [task.ended for task in tasks], [task.status in READABLE for task in tasks]
    done, failed = sum(readable), sum(ended) - sum(readable)
    link = f"/v1/parse/jobs/{JOB}{asked.id}"
    return {
        "job_id": JOB + asked.id,
        "status": status_of(tasks),
        "created_at": moment(asked.created_at),
        "started_at": moment(min((task.started_at for task in tasks if task.started_at), default=0)),
        "finished_at": moment(max(task.finished_at or 0 for task in tasks)) if all(ended) else None,
        "tier": tier,
        "output_formats": asked.fields["formats"],
        "access_level": "registered",
        "progress": {"completed": done, "failed": failed, "total": len(tasks)},
        "files": [
            _file_result(request, asked.fields["formats"], task, file)
            for task, file in zip(tasks, asked.fields["files"], strict=True)
        ],
        "links": {"self": link, "cancel": link},
    }


def _file_result(request: Request, formats: Sequence[str], task: Task, file: str) -> dict[str, Any]:
    folder = manager_of(request).folders.result(task.id)
    readable = task.status in READABLE
    stage = "running" if task.status in ("processing", "cancelling") else "queued"
    error = task.error or (Conflict("The task was cancelled.") if task.status == "cancelled" else None)
    return {
        "file_id": f"file-{file}" if file else None,
        "name": task.name,
        "page_range": task.options.page_range,
        "status": "completed" if readable else "failed" if task.ended else stage,
        "parse": {
            "model_used": None,
            "duration_ms": int(task.parse_seconds * 1000),
            "parser_version": task.parser_version or None,
        }
        if readable
        else None,
        "output_files": {
            name: {"file_id": f"file-{task.id}-{name}", "bytes": _size(folder, name)} for name in formats
        }
        if readable
        else None,
        "error": {"type": "engine_error", "code": error.code, "message": error.message, "param": None}
        if error and task.ended
        else None,
    }


def _size(folder: Path, name: str) -> int:
    """Bytes of an output; of one that is made when it is fetched, those of what it is made of."""
    there = folder / OUTPUTS[name][0]
    paths = [there] if there.is_file() else [folder / "document.md", folder / "middle.json"]
    return sum(path.stat().st_size for path in paths if path.is_file())


@dataclass(frozen=True, slots=True)
class Output:
    """One output file of a task."""

    task: Task
    format: str
    folder: Path
    #: path and folder of the results in a zip: this one, and those of documents in an archive or a mail
    results: Sequence[tuple[str, Path]] = ()

    @property
    def name(self) -> str:
        return f"{self.task.name}.{OUTPUTS[self.format][1]}"

    def opened(self) -> int:
        """A descriptor of it; of all but a zip."""
        return open_beneath(self.folder, OUTPUTS[self.format][0])

    def entries(self, above: str = "") -> Iterator[tuple[str, int]]:
        """The files of its zip, each at its place below ``above``."""
        for path, folder in self.results:
            yield from entries_of(folder, partial(_in_zip, f"{above}{path}/" if path else above))

    def described(self) -> dict[str, Any]:
        """As MinerU 4 tells a file."""
        return {
            "id": f"file-{self.task.id}-{self.format}",
            "object": "file",
            "bytes": _size(self.folder, self.format),
            "created_at": int(self.task.finished_at or 0),
            "expires_at": None,
            "filename": self.name,
            "purpose": "parse_output",
            "sha256sum": None,
        }


def _in_zip(above: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((above + _IN_ZIP.get(name, name), name) for name in names)


def is_output(file_id: str) -> bool:
    """Whether an id is that of an output file, and not of an upload."""
    match = _OUTPUT.fullmatch(file_id)
    return match is not None and match[2] in OUTPUTS


async def output_of(request: Request, file_id: str) -> Output:
    """The output file with this id, which is made where it is not there yet; else ``NotFound``."""
    match = _OUTPUT.fullmatch(file_id)
    if match is None or match[2] not in OUTPUTS:
        raise NotFound()
    task = await allowed_task(manager_of(request), identity_of(request), "read", match[1])
    return await made(request, task, match[2])


async def made(request: Request, task: Task, name: str) -> Output:
    """An output of a task; ``NotFound`` where it has no result."""
    manager = manager_of(request)
    if task.status not in READABLE or not manager.folders.has_result(task.id):
        raise NotFound("This document has no result.")
    if name in _EXPORTS:
        await manager.export(task, _EXPORTS[name])
    folder = manager.folders.result(task.id)
    if name != "zip":
        return Output(task, name, folder)
    return Output(task, name, folder, results_of(manager.folders, task, await manager.parts(task.id)))


def moment(stamp: float) -> str | None:
    """A time (Unix seconds) as MinerU 4 writes it; None for none."""
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if stamp else None
