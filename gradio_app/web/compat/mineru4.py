"""Routes of MinerU 4's V1 but for uploads: what the server can, jobs, files, and ``file_parse``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from gradio_app.base import clock
from gradio_app.base.errors import FileTooLarge, NotFound, OptionInvalid
from gradio_app.base.versions import mineru_version
from gradio_app.store.requests import ClientRequest
from gradio_app.store.states import READABLE
from gradio_app.store.task import Task, Upload
from gradio_app.web.api.access import manager_of
from gradio_app.web.api.downloads import HARMLESS, Download, attachment, file_answer, zip_answer
from gradio_app.web.compat import mineru4_jobs as jobs
from gradio_app.web.compat import mineru4_uploads as uploads
from gradio_app.web.compat import requests
from gradio_app.web.compat.json_check import check_json
from gradio_app.web.compat.json_stream import Pieces, array_of, gathered, json_file, object_of, text_of
from gradio_app.web.uploads import read_short, receive_body
from gradio_app.web.zip_stream import stream_entries

router = APIRouter(prefix="/v1")

_TIERS = {
    "flash": "The text that is in the file, without models.",
    "basic": "Layout, text and tables, read by small models.",
    "standard": "Read by the vision model.",
    "advanced": "Read by the vision model, with more effort.",
}
#: output formats that are told within an answer
_INLINE = ("markdown", "middle_json", "structured_content")
#: bytes of a job as JSON, with small files in it
_LONGEST = 2 * 2**20
_Form = Literal["json", "zip"]
_Seconds = Annotated[int, Query(ge=1, le=3600)]


@router.get("/health", response_class=JSONResponse)
async def health() -> JSONResponse:
    """MinerU 4: the server lives, and what it takes and gives."""
    features = {"webhook": False, "output_formats": list(jobs.OUTPUTS), "sources": ["file_id", "inline"]}
    return JSONResponse({"status": "ok", "version": mineru_version(), "features": features})


@router.get("/tiers", response_class=JSONResponse)
async def tiers(request: Request) -> JSONResponse:
    """MinerU 4: the tiers that this server reads now."""
    there = list(_TIERS) if manager_of(request).engine.available else ["flash", "basic"]
    data = [{"id": tier, "description": _TIERS[tier], "current_model": _model()["id"]} for tier in there]
    return JSONResponse({"object": "list", "data": data})


@router.get("/models", response_class=JSONResponse)
async def models() -> JSONResponse:
    """MinerU 4: the one model, which stands for the server's version."""
    return JSONResponse({"object": "list", "data": [_model()]})


@router.get("/models/{model_id}", response_class=JSONResponse)
async def model(model_id: str) -> JSONResponse:
    """MinerU 4: that model."""
    if model_id != _model()["id"]:
        raise NotFound()
    return JSONResponse(_model())


def _model() -> dict[str, Any]:
    name = f"mineru-{mineru_version()}"
    said = "Stands for this server; the tier of a request says how a document is read."
    return {"id": name, "object": "model", "created": 0, "owned_by": "mineru", "description": said}


@router.post("/parse/jobs", status_code=202, response_class=JSONResponse)
async def create_job(request: Request, new: jobs.NewJob) -> JSONResponse:
    """MinerU 4: converts files that were uploaded before."""
    asked = await jobs.submitted(request, new)
    return JSONResponse(jobs.job_of(request, asked, await requests.tasks_of(request, asked)), 202)


@router.get("/parse/jobs/{job_id}", response_class=JSONResponse)
async def get_job(request: Request, job_id: str) -> JSONResponse:
    """MinerU 4: how far a job is, and its output files."""
    return JSONResponse(jobs.job_of(request, *await jobs.found(request, job_id)))


@router.delete("/parse/jobs/{job_id}", response_class=JSONResponse)
async def cancel_job(request: Request, job_id: str) -> JSONResponse:
    """MinerU 4: stops a job."""
    asked, tasks = await jobs.found(request, job_id)
    await jobs.cancelled(request, tasks)
    told = {"job_id": jobs.JOB + asked.id, "status": "canceled", "canceled_at": jobs.moment(clock.stamp())}
    return JSONResponse(told)


@router.get("/files/{file_id}", response_class=JSONResponse)
async def get_file(request: Request, file_id: str) -> JSONResponse:
    """MinerU 4: about an upload or an output file."""
    if jobs.is_output(file_id):
        return JSONResponse((await jobs.output_of(request, file_id)).described())
    return JSONResponse(uploads.described(await uploads.file_of(request, file_id)))


@router.delete("/files/{file_id}", response_class=JSONResponse)
async def delete_file(request: Request, file_id: str) -> JSONResponse:
    """MinerU 4: forgets an upload. Output files go with their task."""
    await uploads.drop(request, await uploads.file_of(request, file_id))
    return JSONResponse({"id": file_id, "object": "file", "deleted": True})


@router.get("/files/{file_id}/content", response_class=Response)
async def get_content(request: Request, file_id: str) -> Response:
    """MinerU 4: an output file."""
    output = await jobs.output_of(request, file_id)
    requests.note_read(request, [output.task])
    name = attachment(output.name, output.task.id)
    if output.format == "zip":
        return zip_answer(request, stream_entries(output.entries()), name)
    headers = {**HARMLESS, "Content-Disposition": name}
    return file_answer(request, output.opened(), "application/octet-stream", headers)


# ---------------------------------------------------------------- in one request


@router.post("/file_parse", response_class=Response)
async def file_parse(
    request: Request, response_format: _Form = "json", wait_timeout: _Seconds = 300
) -> Response:
    """MinerU 4: converts files and answers with their results, or with 202 when that takes too long."""
    asked = await _submitted(request, as_zip=response_format == "zip")
    tasks = await requests.wait(request, asked, wait_timeout)
    return await _result(request, asked, tasks, response_format)


@router.post("/tasks", status_code=202, response_class=JSONResponse)
async def create_task(request: Request) -> JSONResponse:
    """MinerU 4: takes files, and answers at once with a `task_id`."""
    asked = await _submitted(request, as_zip=False)
    return JSONResponse(_task(request, asked, await requests.tasks_of(request, asked)), 202)


@router.get("/tasks/{task_id}", response_class=JSONResponse)
async def get_task(request: Request, task_id: str) -> JSONResponse:
    """MinerU 4: how far a task is."""
    return JSONResponse(_task(request, *await jobs.found(request, task_id)))


@router.delete("/tasks/{task_id}", response_class=JSONResponse)
async def cancel_task(request: Request, task_id: str) -> JSONResponse:
    """MinerU 4: stops a task."""
    _, tasks = await jobs.found(request, task_id)
    await jobs.cancelled(request, tasks)
    return JSONResponse(_task(request, *await jobs.found(request, task_id)))


@router.get("/tasks/{task_id}/result", response_class=Response)
async def get_result(request: Request, task_id: str, response_format: _Form = "json") -> Response:
    """MinerU 4: the result of a task; 202 while there is none, 409 when there will be none."""
    return await _result(request, *await jobs.found(request, task_id), response_format)


async def _submitted(request: Request, as_zip: bool) -> ClientRequest:
    """From JSON as for a job, a form with `files`, or one raw file whose options are in the query."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        new = await _json_job(request)
        return await jobs.submitted(request, _with_zip(new) if as_zip else new)
    if kind == "multipart/form-data":
        async with requests.received(request) as form:
            return await jobs.submitted(request, _query_job(request, form.uploads, as_zip), form.uploads)
    manager, name = manager_of(request), request.query_params.get("filename", "")
    if kind != "application/octet-stream" or not name:
        raise OptionInvalid("Send JSON, a form with files, or one raw file with its filename in the query.")
    upload = await receive_body(request.stream(), name, manager.folders.tmp, manager.settings.max_file_size)
    try:
        return await jobs.submitted(request, _query_job(request, [upload], as_zip), [upload])
    finally:
        upload.path.unlink(missing_ok=True)


async def _json_job(request: Request) -> jobs.NewJob:
    body = await read_short(request.stream(), _LONGEST, FileTooLarge("The JSON of a job has at most 2 MB."))
    try:
        return jobs.NewJob.model_validate_json(body)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:3])
        raise OptionInvalid(f"Not a valid value: {where or 'the body'}.") from None


def _query_job(request: Request, sent: Sequence[Upload], as_zip: bool) -> jobs.NewJob:
    """A job for these files with the options of the query."""
    query = request.query_params
    file = jobs.JobFile(
        source=jobs.Source.model_validate({"type": "file_id"}), page_range=query.get("page_range")
    )
    if not sent:
        raise OptionInvalid("No file was sent. Put one or more into fields named 'files'.")
    formats = query.getlist("output_formats")[:20] or ["markdown"]
    new = jobs.NewJob(
        files=[file] * len(sent),
        tier=query.get("tier"),
        ocr_mode=query.get("ocr_mode", "auto"),
        output_formats=formats,
    )
    return _with_zip(new) if as_zip else new


def _with_zip(new: jobs.NewJob) -> jobs.NewJob:
    return new.model_copy(update={"output_formats": [*new.output_formats, "zip"]})


def _task(request: Request, asked: ClientRequest, tasks: Sequence[Task]) -> dict[str, Any]:
    """A job under the names that a task has."""
    told = jobs.job_of(request, asked, tasks)
    task_id = told.pop("job_id")
    link = f"/v1/tasks/{task_id}"
    links = {"links": {"self": link, "cancel": link}, "status_url": link, "result_url": f"{link}/result"}
    return {"task_id": task_id, **told, **links}


async def _result(request: Request, asked: ClientRequest, tasks: Sequence[Task], form: _Form) -> Response:
    told = _task(request, asked, tasks)
    if told["status"] not in ("completed", "partial"):
        return JSONResponse(told, 409 if all(task.ended for task in tasks) else 202)
    requests.note_read(request, tasks)
    formats: list[str] = asked.fields["formats"]
    if form == "zip" and "zip" not in formats:
        raise OptionInvalid("Ask for zip in output_formats when you send the files.")
    readable = [(number, task) for number, task in enumerate(tasks) if task.status in READABLE]
    wanted = ["zip"] if form == "zip" else [name for name in formats if name in _INLINE]
    outputs = {number: [await jobs.made(request, task, name) for name in wanted] for number, task in readable}
    task_id = told["task_id"]
    if form == "zip":
        headers = {"X-MinerU-Task-Id": task_id, "X-MinerU-Task-Status": told["status"]}
        answer = zip_answer(request, stream_entries(_zipped(told, outputs)), attachment(f"{task_id}.zip"))
        answer.headers.update(headers)
        return answer
    for output in (each for some in outputs.values() for each in some if each.format != "markdown"):
        await asyncio.to_thread(check_json, output.opened)
    files = [
        partial(_with_content, file, outputs.get(number, ())) for number, file in enumerate(told["files"])
    ]
    pieces = object_of([*(told | {"files": partial(array_of, files)}).items()])
    return Download(gathered(pieces), 200, HARMLESS, "application/json")


def _zipped(told: dict[str, Any], outputs: dict[int, list[jobs.Output]]) -> Iterator[tuple[str, int | bytes]]:
    """The zip of the only document, or a folder for each with a list of them."""
    if len(told["files"]) == 1:
        yield from outputs[0][0].entries()
        return
    yield "manifest.json", json.dumps(told, ensure_ascii=False).encode()
    for number, (output,) in outputs.items():
        yield from output.entries(f"{number + 1:04d}/")


def _with_content(file: dict[str, Any], outputs: Sequence[jobs.Output]) -> Pieces:
    content = (
        (each.format, partial(text_of if each.format == "markdown" else json_file, each.opened))
        for each in outputs
    )
    return object_of([*file.items(), ("content", partial(object_of, content))])
