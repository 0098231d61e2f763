"""Deltas: all changes since a revision, in one body for polling and for server-sent events.

Each open page asks for it each second, so one answer is shared by all equal requests.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gradio_app.base.errors import QuotaExceeded
from gradio_app.store.states import QueueStatus, TaskStatus
from gradio_app.task_manager import TaskManager
from gradio_app.web.api.access import identity_of, manager_of, reads_all, show
from gradio_app.web.api.queue import summary
from gradio_app.web.auth.credentials import Identity
from gradio_app.web.error_answers import problem

#: positions sent along with a delta
MAX_POSITIONS = 100
#: largest delta, in tasks, that is shared by equal requests
MOST_SHARED = 200
#: seconds between two signs of life on an event stream
EVENT_PING = 15.0
#: event streams one person may keep open
MAX_STREAMS = 20

router = APIRouter()


async def delta(
    manager: TaskManager, who: Identity, since: int, wanted: list[TaskStatus], limit: int
) -> Response:
    """The body of a delta; 204 when nothing is newer than ``since``."""
    if since == await manager.rev():
        return Response(status_code=204)
    make = partial(_body, manager, who, since, wanted, limit)
    if limit > MOST_SHARED:
        body = await make()
    else:
        engine = manager.engine
        # the last two change without a change of the tasks
        key = (who.name, who.admin, since, tuple(wanted), limit, manager.status, engine.status)
        body = await manager.once(key, make)
    return Response(body, media_type="application/json") if body else Response(status_code=204)


async def _body(
    manager: TaskManager, who: Identity, since: int, wanted: list[TaskStatus], limit: int
) -> bytes:
    changes = await manager.changes(since, limit, None if reads_all(who) else who.name)
    if changes.rev == since and not changes.reset:
        return b""
    tasks = [task for task in changes.tasks if not wanted or task.status in wanted]
    answer = JSONResponse(
        {
            "rev": changes.rev,
            "tasks": [show(manager, who, task) for task in tasks],
            "next": None,
            "deleted": changes.deleted,
            "reset": changes.reset,
            "places": _positions(manager),
            "queue": await summary(manager, who),
        }
    )
    return bytes(answer.body)


def _positions(manager: TaskManager) -> dict[str, list[float | None]]:
    """Position and ETA of waiting tasks: these change without the tasks themselves."""
    nearest = list(manager.estimates().items())[:MAX_POSITIONS]
    return {task_id: [position or None, round(seconds, 1)] for task_id, (position, seconds) in nearest}


@router.get("/api/v1/events", tags=["queue"], response_class=StreamingResponse)
async def events(request: Request, since: Annotated[int, Query(ge=0, le=2**53)] = 0) -> StreamingResponse:
    """Server-sent events: `tasks` with the same body as a delta of the task list."""
    manager, who = manager_of(request), identity_of(request)
    return _Counted(
        _events(manager, who, since, request.scope.get("still_signed_in", lambda: True)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


class _Counted(StreamingResponse):
    """An event stream of somebody's, of whom only so many are open: counted before anything is awaited."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with counted(scope) as allowed:
            if not allowed:
                too_many = QuotaExceeded("Too many event streams are open. Close some.")
                await problem(too_many, scope)(scope, receive, send)
                return
            await super().__call__(scope, receive, send)


@contextmanager
def counted(scope: Scope) -> Generator[bool]:
    """Counts a stream or socket of somebody's while it is open; False: they have as many as they may."""
    streams: Counter[str] = scope["app"].state.event_streams
    name: str = scope["identity"].name
    if streams[name] >= MAX_STREAMS:
        yield False
        return
    streams[name] += 1
    try:
        yield True
    finally:
        streams[name] -= 1
        if not streams[name]:
            del streams[name]


async def _events(
    manager: TaskManager, who: Identity, since: int, welcome: Callable[[], bool]
) -> AsyncIterator[str]:
    while manager.status is not QueueStatus.DRAINING:
        await manager.wait_for_change(since, EVENT_PING)
        if not welcome():  # signed out meanwhile
            return
        response = await delta(manager, who, since, [], 1000)
        if response.status_code == 204:
            yield ": still here\n\n"
            continue
        body = bytes(response.body).decode()
        since = json.loads(body)["rev"]
        yield f"id: {since}\nevent: tasks\ndata: {body}\n\n"
