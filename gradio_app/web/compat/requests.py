"""Requests of other servers' clients as groups of tasks: made, found by their owner, and waited for.

Covers: all that the families share. Does not cover: fields, shapes and results, which are each family's own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

from fastapi import Request

from gradio_app.base.errors import Conflict, NotFound, OptionInvalid, ShuttingDown, TaskTimeout
from gradio_app.base.options import ParseOptions
from gradio_app.store.requests import ClientRequest
from gradio_app.store.states import READABLE, WAITING, QueueStatus
from gradio_app.store.task import Task, Upload
from gradio_app.web.api.access import allowed_task, identity_of, manager_of, note_submitted
from gradio_app.web.auth import audit
from gradio_app.web.auth.authorizer import Resource, authorizer
from gradio_app.web.uploads import Receiver

#: a client that waits in one request is told after so many seconds that the work goes on
LONGEST_WAIT = 3600.0

#: how far a group of tasks is; failed: none of its documents can be read
Stage = Literal["pending", "processing", "completed", "failed"]


class ClientGone(Conflict):
    """The client went away while it waited. Its documents are read all the same."""


@asynccontextmanager
async def received(request: Request, *names: str) -> AsyncGenerator[Receiver]:
    """The form of a request, streamed to the disk: files in fields called ``names``; deleted at exit.

    Raises what the receiver raises, and what stops the caller from having tasks at all.
    """
    manager, who = manager_of(request), identity_of(request)
    await manager.check_room(who.name, 1)
    settings = manager.settings
    async with Receiver(
        manager.folders.tmp, settings.max_file_size, settings.max_files, names or ("files",)
    ) as form:
        await form.read(request.headers.get("content-type", ""), request.stream())
        yield form


async def submit(
    request: Request,
    family: str,
    uploads: Sequence[Upload],
    options: ParseOptions,
    password: str = "",
    durable: bool = True,
    **fields: Any,
) -> ClientRequest:
    """Makes a task of each upload and a request of all of them.

    The tasks are on the disk then. So is the request if ``durable``, for a client that is told its id.
    """
    if not uploads:
        raise OptionInvalid("No file was sent. Put one or more into the form.")
    manager, who = manager_of(request), identity_of(request)
    tasks = await manager.submit(who.name, uploads, options, "", password)
    note_submitted(who, tasks)
    made = ClientRequest.new(family, who.name, tuple(task.id for task in tasks), **fields)
    return await manager.requests.add(made, durable)


async def submit_each(
    request: Request,
    family: str,
    uploads: Sequence[Upload],
    options: Sequence[ParseOptions],
    **fields: Any,
) -> ClientRequest:
    """The same with options for each upload; none is taken where there is no room for all."""
    manager, who = manager_of(request), identity_of(request)
    await manager.check_room(who.name, len(uploads))
    tasks: list[Task] = []
    for some, group in groupby(zip(options, uploads, strict=True), key=itemgetter(0)):
        tasks += await manager.submit(who.name, [upload for _, upload in group], some)
    note_submitted(who, tasks)
    made = ClientRequest.new(family, who.name, tuple(task.id for task in tasks), **fields)
    return await manager.requests.add(made)


async def found(request: Request, family: str, request_id: str) -> ClientRequest:
    """The caller's request of a family; ``NotFound`` for that of somebody else, too."""
    who = identity_of(request)
    known = await manager_of(request).requests.find(request_id)
    if known is None or known.family != family:
        raise NotFound()
    if not authorizer.is_authorized(who, "read", Resource("request", frozenset({known.owner}))):
        raise NotFound()
    return known


async def tasks_of(request: Request, asked: ClientRequest) -> list[Task]:
    """The tasks of a request, in order. Raises ``NotFound`` when one of them was deleted."""
    manager, who = manager_of(request), identity_of(request)
    return [await allowed_task(manager, who, "read", task_id) for task_id in asked.tasks]


async def wait(request: Request, asked: ClientRequest, seconds: float = LONGEST_WAIT) -> list[Task]:
    """The tasks when all have ended, or as they are after ``seconds``.

    Raises ``ShuttingDown`` when the server stops meanwhile, and ``ClientGone``: its tasks go on.
    """
    manager, until = manager_of(request), time.monotonic() + seconds

    async def ended() -> list[Task]:
        tasks = await tasks_of(request, asked)
        for task in tasks:
            if not task.ended:
                await manager.wait(task.id, max(0.0, until - time.monotonic()))
        return await tasks_of(request, asked)

    waiting, gone = asyncio.create_task(ended()), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise ClientGone()
        tasks = waiting.result()
    finally:
        for each in (waiting, gone):
            each.cancel()
        await asyncio.gather(waiting, gone, return_exceptions=True)
    if manager.status is QueueStatus.DRAINING and not all(task.ended for task in tasks):
        raise ShuttingDown()
    return tasks


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def all_ended(request: Request, asked: ClientRequest) -> list[Task]:
    """The same for a client that waits until the end in one request: ``TaskTimeout`` when that is far."""
    tasks = await wait(request, asked)
    if not all(task.ended for task in tasks):
        raise TaskTimeout(f"The documents are still being read. Ask for their result by the id {asked.id}.")
    return tasks


def note_read(request: Request, tasks: Sequence[Task]) -> None:
    """Writes that the caller has the results of these tasks to the audit log."""
    who = identity_of(request)
    audit.record_many("read", who.name, who.address, [task.id for task in tasks])


def stage_of(tasks: Sequence[Task]) -> Stage:
    """How far a group of tasks is."""
    if all(task.ended for task in tasks):
        return "completed" if any(task.status in READABLE for task in tasks) else "failed"
    return "pending" if all(task.status in WAITING for task in tasks) else "processing"
