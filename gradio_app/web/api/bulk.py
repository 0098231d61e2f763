"""Bulk actions: cancel, retry and delete many tasks, and one zip of many results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import compress
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field, TypeAdapter

from gradio_app.base.errors import AppError, Conflict, FileTooLarge, OptionInvalid
from gradio_app.store.states import READABLE
from gradio_app.store.task import Task
from gradio_app.task_manager import TaskManager
from gradio_app.web.api.access import allowed_tasks, change, identity_of, manager_of
from gradio_app.web.api.downloads import attachment, zip_answer
from gradio_app.web.api.schemas import ERRORS, BulkView, binary, body_of
from gradio_app.web.api.tasks import MOST_IDS
from gradio_app.web.auth import audit
from gradio_app.web.auth.credentials import Identity
from gradio_app.web.uploads import read_short
from gradio_app.web.zip_stream import paths_of, stream_zips

#: tasks in one write; other writers have their turn between two groups
GROUP = 50
#: a form with that many ids is shorter, in bytes
_LONGEST_FORM = 1 << 20

router = APIRouter(prefix="/api/v1/tasks", responses=ERRORS)

_TEXTS = TypeAdapter(list[str])
TaskId = Annotated[str, Field(min_length=1, max_length=64)]


class Ids(BaseModel):
    """Many tasks."""

    ids: list[TaskId] = Field(min_length=1, max_length=MOST_IDS)


class BulkOrder(Ids):
    """An action, and the tasks for it."""

    action: Literal["cancel", "retry", "delete"]


@router.post("/bulk", tags=["tasks"], response_model=BulkView)
async def bulk(request: Request, order: BulkOrder) -> JSONResponse:
    """Cancels, retries or deletes many tasks. One with which it cannot be done does not stop the others."""
    manager, who = manager_of(request), identity_of(request)
    done: list[str] = []
    failed: list[dict[str, Any]] = []
    for group in _groups(list(dict.fromkeys(order.ids))):
        quick = await _together(manager, who, order.action, group)
        done += [task_id for task_id in group if task_id in quick]
        for task_id in (each for each in group if each not in quick):
            try:
                await change(manager, who, order.action, task_id)
                done.append(task_id)
            except AppError as error:
                failed.append({"id": task_id, "error": error.to_dict()})
            await asyncio.sleep(0)
    codes = [each["error"]["code"] for each in failed]
    audit.record_many(order.action, who.name, who.address, done, codes)
    return JSONResponse({"done": len(done), "ids": done, "failed": failed})


def _groups(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + GROUP] for start in range(0, len(ids), GROUP)]


async def _together(manager: TaskManager, who: Identity, action: str, ids: Sequence[str]) -> set[str]:
    """Cancels waiting tasks, or begins ended ones again or deletes them, all in one step."""
    ways = {"cancel": manager.cancel_waiting, "retry": manager.retry_ended, "delete": manager.delete_ended}
    own = allowed_tasks(who, "change", await manager.find_all(ids))
    return await ways[action]([task.id for task in own])


@router.post(
    "/download",
    tags=["results"],
    response_class=StreamingResponse,
    responses=binary("application/zip"),
    openapi_extra=body_of(Ids, "application/json", "application/x-www-form-urlencoded"),
)
async def download(request: Request) -> Response:
    """One zip with many results, each in a folder of its own. Documents without one are left out.

    As a form, so that a browser saves it while it is made: `ids` once for each, or joined by commas.
    """
    manager, who = manager_of(request), identity_of(request)
    readable: list[Task] = []
    for group in _groups(await _ids(request)):
        own = allowed_tasks(who, "read", await manager.find_all(group))
        readable += [task for task in own if task.status in READABLE]
    audit.record_many("read", who.name, who.address, [task.id for task in readable])
    folders = manager.folders
    there = await asyncio.to_thread(lambda: [folders.has_result(task.id) for task in readable])
    if not any(there):
        raise Conflict("None of these documents has a result.")
    paths = paths_of([(task.folder, task.name) for task in readable])
    results = [(path, folders.result(task.id)) for path, task in zip(paths, readable, strict=True)]
    return zip_answer(request, stream_zips(compress(results, there)), attachment("documents.zip"))


async def _ids(request: Request) -> list[str]:
    body = await read_short(request.stream(), _LONGEST_FORM, FileTooLarge("The list of ids is too long."))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        given = json.loads(body)["ids"] if kind == "application/json" else _from_form(body.decode())
        texts = _TEXTS.validate_python(given, strict=True)
    except (ValueError, LookupError, TypeError, RecursionError):
        raise OptionInvalid("Send the ids as a list in JSON, or as a form with a field 'ids'.") from None
    ids = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    if not ids or len(ids) > MOST_IDS:
        raise OptionInvalid(f"Send between 1 and {MOST_IDS} ids.")
    return ids


def _from_form(text: str) -> list[str]:
    return ",".join(parse_qs(text, max_num_fields=MOST_IDS).get("ids", [])).split(",")
