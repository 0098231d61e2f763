"""Routes of docling-serve: files and sources, at once or in the background; status, result, version."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request, WebSocket
from fastapi.responses import JSONResponse, Response

from gradio_app import __version__
from gradio_app.base.errors import NotFound, TooManyFiles
from gradio_app.store.requests import ClientRequest
from gradio_app.store.states import READABLE, QueueStatus, TaskStatus
from gradio_app.store.task import Task, Upload
from gradio_app.web.api.access import identity_of, manager_of
from gradio_app.web.api.changes import counted
from gradio_app.web.api.downloads import HARMLESS, Download, attachment
from gradio_app.web.api.schemas import body_of
from gradio_app.web.compat import docling_results as results
from gradio_app.web.compat import requests
from gradio_app.web.compat.docling_options import Asked, FileForm, SourceBody, options_of, target_of
from gradio_app.web.compat.docling_sources import Source, SourceReceiver, sources_of
from gradio_app.web.compat.fetching import fetched
from gradio_app.web.compat.json_stream import gathered

FAMILY = "docling"
#: longest wait of a poll, in seconds: proxies cut connections after about a minute
MAX_WAIT = 55.0
#: a watched status is sent at least so often, in seconds
STATUS_PING = 20.0
#: ... and at most so often: other people's tasks change all the time
STATUS_PAUSE = 0.2
_STATUS = {"pending": "pending", "processing": "started", "completed": "success", "failed": "failure"}
_FORM = body_of(FileForm, "multipart/form-data")
_BODY = body_of(SourceBody, "application/json")

router = APIRouter()


@asynccontextmanager
async def _files(request: Request) -> AsyncGenerator[tuple[dict[str, Any], Any, list[Upload]]]:
    """Options, target and files of a form."""
    async with requests.received(request) as form:
        given = {name: some if len(some) > 1 else some[0] for name, some in form.lists.items()}
        yield given, form.fields.get("target_type"), form.uploads


@asynccontextmanager
async def _sources(request: Request) -> AsyncGenerator[tuple[dict[str, Any], Any, list[Upload]]]:
    """The same of a JSON body with sources, whose addresses are fetched."""
    manager, who = manager_of(request), identity_of(request)
    await manager.check_room(who.name, 1)
    settings, folders = manager.settings, manager.folders
    async with SourceReceiver(folders.tmp, settings.max_file_size, settings.max_files) as form:
        await form.read(request.stream())
        options = form.body.get("options")
        given = cast(dict[str, Any], options) if isinstance(options, dict) else {}
        sources, target = sources_of(form), form.body.get("target")
        if len(sources) > settings.max_files:
            raise TooManyFiles(f"More than {settings.max_files} sources in one go. Send fewer.")
        target_of(target)  # before anything is fetched
        uploads: list[Upload] = []
        try:
            for source in sources:
                uploads.append(source.upload or await fetched(settings, folders, source.url))
            yield given, target, uploads
        finally:
            _drop(sources, uploads)


def _drop(sources: Sequence[Source], uploads: Sequence[Upload]) -> None:
    for source, upload in zip(sources, uploads, strict=False):
        if source.upload is None:
            upload.path.unlink(missing_ok=True)


async def _submitted(request: Request, body: Any, durable: bool) -> ClientRequest:
    async with body(request) as (given, target, uploads):
        engine = manager_of(request).engine.available
        asked = Asked.of(given, target_of(target))
        options = options_of(given, engine)
        return await requests.submit(request, FAMILY, uploads, options, durable=durable, **asked.to_fields())


async def _convert(request: Request, body: Any) -> Response:
    asked = await _submitted(request, body, durable=False)
    return await _answer(request, asked, await requests.all_ended(request, asked))


async def _begin(request: Request, body: Any) -> JSONResponse:
    asked = await _submitted(request, body, durable=True)
    return JSONResponse(status_of(request, asked, await requests.tasks_of(request, asked)))


async def convert_file(request: Request) -> Response:
    """docling-serve: converts `files` and answers with the result, as JSON or zip."""
    return await _convert(request, _files)


async def convert_source(request: Request) -> Response:
    """docling-serve: converts `sources`, files in base64 or addresses, and answers with the result."""
    return await _convert(request, _sources)


async def begin_file(request: Request) -> JSONResponse:
    """docling-serve: takes `files` and answers at once with a `task_id`."""
    return await _begin(request, _files)


async def begin_source(request: Request) -> JSONResponse:
    """docling-serve: takes `sources` and answers at once with a `task_id`."""
    return await _begin(request, _sources)


async def poll(
    request: Request, task_id: str, wait: Annotated[float, Query(ge=0, le=3600)] = 0
) -> JSONResponse:
    """docling-serve: how far a task is; with `wait` when it has ended, or after that many seconds."""
    asked = await requests.found(request, FAMILY, task_id)
    if wait:
        await requests.wait(request, asked, min(wait, MAX_WAIT))
    return JSONResponse(status_of(request, asked, await requests.tasks_of(request, asked)))


async def result(request: Request, task_id: str) -> Response:
    """docling-serve: the result of a task; 404 while there is none, its error when there will be none."""
    asked = await requests.found(request, FAMILY, task_id)
    tasks = await requests.tasks_of(request, asked)
    if not all(task.ended for task in tasks):
        raise NotFound("Task result not found. Please wait for a completion status.")
    return await _answer(request, asked, tasks)


@router.get("/version", response_class=JSONResponse)
async def version() -> JSONResponse:
    """docling-serve: the versions of what answers here."""
    return JSONResponse({"mineru-optimized": __version__, "docling-serve": "1"})


async def _answer(request: Request, asked: ClientRequest, tasks: Sequence[Task]) -> Response:
    wanted = Asked.stored(asked.fields)
    zipped = wanted.zipped or len(tasks) > 1
    documents = await results.documents_of(manager_of(request), wanted, tasks, zipped)
    requests.note_read(request, [one.task for each in documents for one in (each, *each.inner)])
    if zipped:
        pieces, media = results.zip_of(wanted, documents), "application/zip"
        headers = {**HARMLESS, "Content-Disposition": attachment("converted_docs.zip")}
    else:
        pieces, media, headers = results.json_of(wanted, documents[0]), "application/json", HARMLESS
    return Download(gathered(pieces), 200, headers, media)


def status_of(request: Request, asked: ClientRequest, tasks: Sequence[Task]) -> dict[str, Any]:
    """A group of tasks as docling-serve tells it."""
    manager, stage = manager_of(request), requests.stage_of(tasks)
    ended = [task for task in tasks if task.ended]
    partly = sum(task.status is TaskStatus.PARTIAL for task in ended)
    failed = sum(task.status not in READABLE for task in ended)
    positions = filter(None, (manager.estimate(task.id)[0] for task in tasks))
    told: dict[str, Any] = {
        "task_id": asked.id,
        "task_type": "convert",
        "task_status": _STATUS[stage],
        "task_position": min(positions, default=None) if stage == "pending" else None,
        "task_meta": {
            "num_docs": len(tasks),
            "num_processed": len(ended),
            "num_succeeded": len(ended) - partly - failed,
            "num_partially_succeeded": partly,
            "num_failed": failed,
        },
    }
    if stage == "failed":
        told["error_message"] = " ".join(results.failure_of(task).message for task in tasks[:5])
    return told


async def watch(socket: WebSocket, task_id: str) -> None:
    """docling-serve: sends how far a task is whenever that changes, until it has ended."""
    request = cast(Request, socket)  # what is asked of it, a socket has as well
    with counted(socket.scope) as allowed:
        await socket.accept()
        gone = asyncio.create_task(_gone(socket))
        watching = asyncio.create_task(_watch(socket, request, task_id, allowed))
        try:
            await asyncio.wait((gone, watching), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (gone, watching):
                each.cancel()
            await asyncio.gather(gone, watching, return_exceptions=True)
    with contextlib.suppress(RuntimeError):  # it is closed already
        await socket.close()


async def _watch(socket: WebSocket, request: Request, task_id: str, allowed: bool) -> None:
    """Tells at once, then at each change and once in a while, until the end; in silence when we stop."""
    if not allowed:
        await socket.send_json({"message": "error", "error": "Too many sockets are open. Close some."})
        return
    message = "connection"
    try:
        asked = await requests.found(request, FAMILY, task_id)
        told = status_of(request, asked, await requests.tasks_of(request, asked))
        while True:
            await socket.send_json({"message": message, "task": told, "error": None})
            if message == "update":
                if told["task_status"] in ("success", "failure"):
                    return
                told = await _changed(request, asked, told)
            if told is None:
                return
            message = "update"
    except NotFound:
        await socket.send_json({"message": "error", "task": None, "error": "Task not found."})


async def _changed(request: Request, asked: ClientRequest, last: dict[str, Any]) -> dict[str, Any] | None:
    """The status when it is another, or after ``STATUS_PING``; None when we stop or they have gone."""
    manager, welcome = manager_of(request), request.scope.get("still_signed_in", lambda: True)
    until = time.monotonic() + STATUS_PING
    while manager.status is not QueueStatus.DRAINING and welcome():
        since = await manager.rev()
        told = status_of(request, asked, await requests.tasks_of(request, asked))
        if told != last or time.monotonic() > until:
            return told
        await manager.wait_for_change(since, max(0.0, until - time.monotonic()))
        await asyncio.sleep(STATUS_PAUSE)
    return None


async def _gone(socket: WebSocket) -> None:
    """Returns when the client has gone; what it sends means that it is there."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _versioned(prefix: str, shown: bool) -> APIRouter:
    """The routes of one version, which are the same for both."""
    made = APIRouter(prefix=prefix, include_in_schema=shown)
    made.post("/convert/file", response_class=Response, openapi_extra=_FORM)(convert_file)
    made.post("/convert/source", response_class=Response, openapi_extra=_BODY)(convert_source)
    made.post("/convert/file/async", response_class=JSONResponse, openapi_extra=_FORM)(begin_file)
    made.post("/convert/source/async", response_class=JSONResponse, openapi_extra=_BODY)(begin_source)
    made.get("/status/poll/{task_id}", response_class=JSONResponse)(poll)
    made.get("/result/{task_id}", response_class=Response)(result)
    made.websocket("/status/ws/{task_id}")(watch)
    return made


router.include_router(_versioned("/v1", shown=True))
router.include_router(_versioned("/v1alpha", shown=False))
