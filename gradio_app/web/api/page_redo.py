"""Second readings: begins and keeps one page that is read again. Dropping one is deleting its task."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from gradio_app.base.options import OcrMode
from gradio_app.web.api.access import act, identity_of, manager_of, note_submitted, show, shown, task_of
from gradio_app.web.api.schemas import ERRORS, TaskList, TaskView, TierOrReader

router = APIRouter(prefix="/api/v1/tasks/{task_id}", tags=["results"], responses=ERRORS)


class HowToRead(BaseModel):
    """By which tier a page is read again, and whether its text layer is used."""

    tier: TierOrReader = "auto"
    ocr_mode: OcrMode = "auto"


_BEST = HowToRead()


@router.post("/pages/{page}/redo", status_code=201, response_model=TaskView)
async def redo(
    request: Request, task_id: str, page: Annotated[int, InPath(ge=1, le=10**9)], how: HowToRead = _BEST
) -> JSONResponse:
    """Reads one page of a finished document again, by another tier: a task of its own.

    When it is done, compare its page with that of the document, then `keep` it or delete the task.
    """
    who, manager = identity_of(request), manager_of(request)
    await task_of(request, task_id, "change")
    second = await manager.redo_page(task_id, page, how.tier, how.ocr_mode)
    note_submitted(who, [second])
    return JSONResponse(show(manager, who, second), 201)


@router.get("/readings", response_model=TaskList)
async def readings(request: Request, task_id: str) -> JSONResponse:
    """Tasks that read a page of this document again and were neither kept nor dropped, oldest first.

    The list of tasks leaves them out.
    """
    who, manager = identity_of(request), manager_of(request)
    task = await task_of(request, task_id)
    found = await manager.second_readings(task.id)
    return JSONResponse({"rev": None, "tasks": [show(manager, who, each) for each in found], "next": None})


@router.post("/keep", response_model=TaskView)
async def keep(request: Request, task_id: str) -> JSONResponse:
    """Puts the page that this task has read again into its document; answers with the document."""
    return shown(request, await act(manager_of(request), identity_of(request), "keep", task_id))
