"""Tasks: submit, list, wait, cancel, retry, delete. Thin over ``TaskManager``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from gradio_app.base.errors import OptionInvalid
from gradio_app.base.options import MOST_PASSWORD, ParseOptions
from gradio_app.store.listing import SORTS, Wanted, matching
from gradio_app.store.states import TaskStatus
from gradio_app.web.api.access import (
    act,
    identity_of,
    manager_of,
    note_submitted,
    reads_all,
    show,
    shown,
    task_of,
)
from gradio_app.web.api.changes import delta
from gradio_app.web.api.schemas import (
    ERRORS,
    AgainForm,
    RetryForm,
    TaskIds,
    TaskList,
    TaskView,
    UploadForm,
    body_of,
)
from gradio_app.web.auth.credentials import Identity
from gradio_app.web.uploads import Receiver

#: longest long poll, in seconds; proxies cut connections after about a minute
MAX_WAIT = 55.0
#: a body up to this many bytes is read before it is asked whether there is room, which is asked then anyway
SMALL_BODY = 1 << 20
#: ids in one answer, or in one request for many tasks
MOST_IDS = 10_000

_FINDS = (
    "Words that are all in the name or the folder, or all on one page of a finished document; "
    'words of the text as beginnings, "in quotes" whole and in a row'
)
Statuses = Annotated[str, Query(max_length=200, description="Statuses, comma-separated")]
Words = Annotated[str, Query(max_length=200, description=_FINDS)]
Parent = Annotated[str, Query(max_length=64, description="Only documents of this archive, mail or portfolio")]
Mine = Annotated[bool, Query(description="Only your own")]

_AS_BEFORE = AgainForm.model_validate({})
SUBMISSION = body_of(UploadForm, "multipart/form-data")
router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], responses=ERRORS)


@router.post("", status_code=201, response_model=TaskList, openapi_extra=SUBMISSION)
async def submit(
    request: Request, idempotency_key: Annotated[str, Header(max_length=200)] = ""
) -> JSONResponse:
    """Accepts documents. When the answer arrives they are on disk and will come to an end.

    Repeat a request with the same `Idempotency-Key` after a broken connection: nothing is done twice.
    """
    manager, who = manager_of(request), identity_of(request)
    if not 0 < int(request.headers.get("content-length", 0)) <= SMALL_BODY:
        await manager.check_room(who.name, 0 if idempotency_key else 1)
    folders, settings = manager.folders, manager.settings
    async with Receiver(folders.tmp, settings.max_file_size, settings.max_files) as form:
        await form.read(request.headers.get("content-type", ""), request.stream())
        if not form.uploads:
            raise OptionInvalid("No file was sent. Put one or more into fields named 'files'.")
        options, password = _options(form.fields), form.fields.get("password", "")
        if len(password) > MOST_PASSWORD:
            raise OptionInvalid(f"A password has at most {MOST_PASSWORD} characters.")
        tasks = await manager.submit(who.name, form.uploads, options, idempotency_key, password)
    note_submitted(who, tasks)
    return JSONResponse({"tasks": [show(manager, who, task) for task in tasks]}, 201)


def _options(fields: dict[str, str]) -> ParseOptions:
    try:
        priority = int(fields.get("priority", "") or 0)
    except ValueError:
        raise OptionInvalid("Priority must be a whole number.") from None
    get = fields.get
    return ParseOptions.checked(
        get("tier", "auto"),
        get("page_range", ""),
        get("ocr_mode", "auto"),
        priority,
        _is_on(fields, "use_cache", "true"),
        _is_on(fields, "keep_headers", "false"),
    )


def _is_on(fields: dict[str, str], name: str, default: str) -> bool:
    text = (fields.get(name, "") or default).strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise OptionInvalid(f"{name} must be true or false.")
    return text in ("true", "1")


@router.get("", response_model=TaskList, responses={204: {"description": "Nothing newer"}})
async def list_tasks(
    request: Request,
    since: Annotated[
        int | None, Query(ge=0, le=2**53, description="Only what is newer than this revision")
    ] = None,
    status: Statuses = "",
    q: Words = "",
    parent: Parent = "",
    mine: Mine = False,
    sort: Annotated[str, Query(max_length=20, json_schema_extra={"enum": list(SORTS)})] = "newest",
    limit: Annotated[int, Query(ge=0, le=1000, description="0 counts only")] = 100,
    cursor: Annotated[str, Query(max_length=4000, description="`next` of the page before")] = "",
) -> Response:
    """Tasks, newest first or sorted otherwise; or with `since` what has changed, for polling.

    `total` counts all that match, `counts` by status all that match but for their status. `since` goes with
    `status` and `limit` only. Second readings of single pages are told with `since`, and not listed.

    With `q` each task has `hits`: pages whose text has the words, the first 3 of each of the first 100 tasks.
    A document can be found by its text a moment after it has ended.
    """
    manager, who = manager_of(request), identity_of(request)
    statuses = statuses_of(status)
    if since is not None:
        return await delta(manager, who, since, statuses, max(1, limit))
    wanted = wanted_by(who, q, mine, statuses, sort, parent)
    found = await manager.list_tasks(wanted, limit, cursor)
    page = found.page
    tasks = [show(manager, who, task) for task in page.tasks]
    if q.strip():
        for task in tasks:
            task["hits"] = [asdict(hit) for hit in found.hits.get(task["id"], ())]
    return JSONResponse(
        {
            "rev": found.rev,
            "complete": found.complete,
            "tasks": tasks,
            "next": page.next,
            "total": matching(page.counts, wanted.statuses),
            "counts": page.counts,
        }
    )


@router.get("/ids", response_model=TaskIds)
async def list_ids(
    request: Request, status: Statuses = "", q: Words = "", parent: Parent = "", mine: Mine = False
) -> dict[str, Any]:
    """The ids of all tasks that match and that you may change, for `bulk` and `download`."""
    manager, who = manager_of(request), identity_of(request)
    wanted = wanted_by(who, q, mine, statuses_of(status), "newest", parent)
    found = await manager.list_ids(wanted, MOST_IDS + 1)
    more = sum(map(len, found.values())) > MOST_IDS
    if more:
        max(found.values(), key=len).pop()
    return {"ids": found, "more": more}


def wanted_by(
    who: Identity, q: str, mine: bool, statuses: list[TaskStatus], sort: str, parent: str = ""
) -> Wanted:
    """What somebody asks for; raises ``OptionInvalid``."""
    if sort not in SORTS:
        raise OptionInvalid(f"Orders are: {', '.join(SORTS)}.")
    return Wanted(who.name, reads_all(who), mine, frozenset(statuses), q, sort, parent)


def statuses_of(text: str) -> list[TaskStatus]:
    """``queued,failed``; raises ``OptionInvalid``."""
    try:
        return [TaskStatus(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise OptionInvalid(f"Statuses are: {', '.join(TaskStatus)}.") from None


@router.get("/{task_id}", response_model=TaskView)
async def get_task(
    request: Request, task_id: str, wait: Annotated[float, Query(ge=0, le=3600)] = 0
) -> JSONResponse:
    """One task; with `wait` as soon as it has ended, or as it is after that many seconds (55 at most)."""
    task = await task_of(request, task_id)
    if wait and not task.ended:
        task = await manager_of(request).wait(task_id, min(wait, MAX_WAIT))
    return shown(request, task)


@router.post("/{task_id}/cancel", response_model=TaskView)
async def cancel(request: Request, task_id: str) -> JSONResponse:
    """Stops a task that waits or runs."""
    return shown(request, await act(manager_of(request), identity_of(request), "cancel", task_id))


@router.post("/{task_id}/retry", response_model=TaskView)
async def retry(request: Request, task_id: str, form: RetryForm | None = None) -> JSONResponse:
    """Runs a failed, partial or cancelled task again; finished pages are kept.

    An encrypted document that was not opened needs its `password` each time.
    """
    password = form.password if form else ""
    task = await act(manager_of(request), identity_of(request), "retry", task_id, password=password)
    return shown(request, task)


@router.post("/{task_id}/again", status_code=201, response_model=TaskView)
async def again(request: Request, task_id: str, form: AgainForm = _AS_BEFORE) -> JSONResponse:
    """Reads the same upload once more with other options: a task of its own, with the same owner."""
    manager, who = manager_of(request), identity_of(request)
    await task_of(request, task_id, "change")
    options = ParseOptions.checked(form.tier, form.page_range, form.ocr_mode)
    task = await manager.read_anew(task_id, options, form.password)
    note_submitted(who, [task])
    return JSONResponse(show(manager, who, task), 201)


@router.delete("/{task_id}", status_code=204)
async def delete(request: Request, task_id: str) -> Response:
    """Deletes a task with its upload and result; a running one is cancelled first."""
    await act(manager_of(request), identity_of(request), "delete", task_id)
    return Response(status_code=204)
