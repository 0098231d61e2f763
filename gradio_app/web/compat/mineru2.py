"""Routes of MinerU 2 and 3: ``/file_parse`` in one request, ``/tasks`` with a status and a result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from gradio_app.store.requests import ClientRequest
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Task
from gradio_app.web.api.access import identity_of, manager_of, show
from gradio_app.web.api.downloads import HARMLESS, Download, attachment
from gradio_app.web.api.schemas import body_of
from gradio_app.web.compat import mineru2_results as results
from gradio_app.web.compat import requests
from gradio_app.web.compat.json_stream import gathered
from gradio_app.web.compat.mineru2_form import Asked, Form, options_of

FAMILY = "mineru2"
_FORM = body_of(Form, "multipart/form-data")
router = APIRouter()


async def _submitted(request: Request, durable: bool) -> ClientRequest:
    manager = manager_of(request)
    async with requests.received(request) as form:
        # lists of languages come as one field, or as several
        fields = {**form.fields, "lang_list": ",".join(form.lists.get("lang_list", ()))}
        engine = manager.engine.available
        names = [upload.name for upload in form.uploads]
        asked = Asked.of(fields, names, engine, version=3 if durable else 2)
        options, password = options_of(fields, engine), form.fields.get("password", "")
        return await requests.submit(
            request, FAMILY, form.uploads, options, password, durable, **asked.to_fields()
        )


@router.post("/file_parse", response_class=Response, openapi_extra=_FORM)
async def file_parse(request: Request) -> Response:
    """MinerU 2 and 3: converts `files` and answers with their results, as JSON or zip."""
    asked = await _submitted(request, durable=False)
    tasks = await requests.all_ended(request, asked)
    return await _answer(request, asked, tasks, _status(request, asked, tasks))


@router.post("/tasks", status_code=202, response_class=JSONResponse, openapi_extra=_FORM)
async def submit(request: Request) -> JSONResponse:
    """MinerU 3: takes `files` and answers at once with a `task_id`."""
    asked = await _submitted(request, durable=True)
    status = _status(request, asked, await requests.tasks_of(request, asked))
    return JSONResponse(status | {"message": "Task submitted successfully"}, 202)


@router.get("/tasks/{task_id}", name="mineru2_status", response_class=JSONResponse)
async def get_status(request: Request, task_id: str) -> JSONResponse:
    """MinerU 3: how far a task is."""
    asked = await requests.found(request, FAMILY, task_id)
    return JSONResponse(_status(request, asked, await requests.tasks_of(request, asked)))


@router.get("/tasks/{task_id}/result", name="mineru2_result", response_class=Response)
async def get_result(request: Request, task_id: str) -> Response:
    """MinerU 3: the result of a task; 202 while there is none, 409 when there will be none."""
    asked = await requests.found(request, FAMILY, task_id)
    tasks = await requests.tasks_of(request, asked)
    status = _status(request, asked, tasks)
    if status["status"] == "failed":
        more = {"message": "Task execution failed", "detail": status["error"]}
        return JSONResponse(status | more, 409)
    if status["status"] != "completed":
        return JSONResponse(status | {"message": "Task result is not ready yet"}, 202)
    return await _answer(request, asked, tasks, {})


async def _answer(
    request: Request, asked: ClientRequest, tasks: Sequence[Task], about: dict[str, Any]
) -> Response:
    wanted = Asked.stored(asked.fields)
    documents = await results.documents_of(manager_of(request), wanted, tasks)
    requests.note_read(request, [each.task for each in documents])
    if wanted.zipped:
        pieces, media = results.zip_of(wanted, documents), "application/zip"
        headers = {**HARMLESS, "Content-Disposition": attachment(f"{asked.id}.zip")}
    else:
        pieces, media, headers = results.json_of(wanted, documents, about), "application/json", HARMLESS
    told = {"X-MinerU-Task-Id": asked.id, "X-MinerU-Task-Status": "completed"}
    return Download(gathered(pieces), 200, {**headers, **told}, media)


def _status(request: Request, asked: ClientRequest, tasks: Sequence[Task]) -> dict[str, Any]:
    """A group of tasks as MinerU 3 tells it."""
    manager, who = manager_of(request), identity_of(request)
    wanted, stage = Asked.stored(asked.fields), requests.stage_of(tasks)
    ended = all(task.ended for task in tasks)
    failures = [
        f"{name}: {task.error.message if task.error else 'cancelled'}"
        for task, name in zip(tasks, wanted.names, strict=True)
        if task.status in (TaskStatus.FAILED, TaskStatus.CANCELLED)
    ]
    positions = [show(manager, who, task)["position"] or 0 for task in tasks]
    return {
        "task_id": asked.id,
        "status": stage,
        "backend": wanted.backend,
        "file_names": list(wanted.names),
        "created_at": _moment(asked.created_at),
        "started_at": _moment(min((task.started_at for task in tasks if task.started_at), default=None)),
        "completed_at": _moment(max(task.finished_at or 0 for task in tasks)) if ended else None,
        "error": " ".join(failures) or None,
        "status_url": str(request.url_for("mineru2_status", task_id=asked.id)),
        "result_url": str(request.url_for("mineru2_result", task_id=asked.id)),
        **({"queued_ahead": max(0, max(positions) - 1)} if stage == "pending" else {}),
    }


def _moment(stamp: float | None) -> str | None:
    return datetime.fromtimestamp(stamp, UTC).isoformat() if stamp else None
