"""What every route starts with: the queue, who asks, and whether the task is theirs."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from gradio_app.auth import Identity
from gradio_app.errors import NotFound
from gradio_app.task import Task
from gradio_app.task_manager import TaskManager


def manager_of(request: Request) -> TaskManager:
    """The server's queue."""
    return request.app.state.manager


def identity_of(request: Request) -> Identity:
    """Who asks, as the guard found out."""
    return request.scope["identity"]


async def own_task(manager: TaskManager, who: Identity, task_id: str) -> Task:
    """The task, if this person may see it; else ``NotFound``, as if it did not exist."""
    task = await manager.get(task_id)
    if task.owner != who.name and not who.admin:
        raise NotFound()
    return task


async def task_of(request: Request, task_id: str) -> Task:
    """The task in the path, if who asks may see it."""
    return await own_task(manager_of(request), identity_of(request), task_id)


def show(manager: TaskManager, who: Identity, task: Task) -> dict[str, Any]:
    """A task as JSON, with its place in the queue."""
    position, seconds = manager.place(task.id)
    return task.to_json(who.name, who.admin, position, seconds)


def shown(request: Request, task: Task) -> JSONResponse:
    """The answer for one task."""
    return JSONResponse(show(manager_of(request), identity_of(request), task))
