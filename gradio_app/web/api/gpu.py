"""GPU routes: the state of the engine and the cards, and giving their memory back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from gradio_app.web.api.access import for_admin, manager_of
from gradio_app.web.api.schemas import ERRORS, GpuView
from gradio_app.web.card_history import CardHistory

router = APIRouter(prefix="/gpu", tags=["engine"], responses=ERRORS)

#: how long an answer waits for what runs to be finished, in seconds
PATIENCE = 30.0


@router.get("/status", response_model=GpuView)
async def status(request: Request) -> JSONResponse:
    """The engine's state, the cards with everybody who is on them, and the last hour."""
    return JSONResponse(await _watch(request).describe())


@router.post("/offload", response_model=GpuView, responses={202: {"model": GpuView}})
async def offload(request: Request) -> JSONResponse:
    """Puts the model to sleep: its memory is free, and waking takes seconds. For the admin.

    What runs is finished first; 202 when that takes longer. Work that waits wakes it again: pause the
    queue to keep the card free.
    """
    with for_admin(request, "offload"):
        return await _answer(request, manager_of(request).engine.offload())


@router.post("/release", response_model=GpuView, responses={202: {"model": GpuView}})
async def release(request: Request) -> JSONResponse:
    """Stops the model server: all of its memory is free. Otherwise like offload."""
    with for_admin(request, "release"):
        return await _answer(request, manager_of(request).engine.release())


async def _answer(request: Request, wish: Coroutine[Any, Any, None]) -> JSONResponse:
    asked = asyncio.create_task(wish)
    with contextlib.suppress(TimeoutError):
        # the wish stays when nobody waits for it any more
        await asyncio.wait_for(asyncio.shield(asked), PATIENCE)
    return JSONResponse(await _watch(request).describe(), 200 if asked.done() else 202)


def _watch(request: Request) -> CardHistory:
    return request.app.state.card_history
