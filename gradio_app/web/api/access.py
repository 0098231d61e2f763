"""Access: the queue, the identity of a caller, and the owner check; every route starts here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from gradio_app.base.errors import Forbidden, NotFound
from gradio_app.store.task import Task
from gradio_app.task_manager import TaskManager
from gradio_app.web.auth import audit
from gradio_app.web.auth.credentials import Identity


def manager_of(request: Request) -> TaskManager:
    """The server's queue."""
    return request.app.state.manager


def identity_of(request: Request) -> Identity:
    """The caller, as the guard identified them."""
    return request.scope["identity"]


async def own_task(manager: TaskManager, who: Identity, task_id: str) -> Task:
    """The task, if the caller may see it; else ``NotFound``, as if it did not exist."""
    task = await manager.get(task_id)
    if task.owner != who.name and not who.admin:
        raise NotFound()
    return task


@contextmanager
def for_admin(request: Request, action: str) -> Generator[None]:
    """Admits the administrator and writes the action to the audit log; else ``Forbidden``."""
    who = identity_of(request)
    with audit.noted(action, who.name, who.address):
        if not who.admin:
            raise Forbidden("Only the administrator may do this.")
        yield


async def act(manager: TaskManager, who: Identity, action: str, task_id: str) -> Any:
    """Cancels, retries, keeps or deletes a task of the caller's; returns what the queue returns."""
    does: dict[str, Callable[[str], Awaitable[Any]]] = {
        "cancel": manager.cancel,
        "retry": manager.retry,
        "keep": manager.keep_page,
        "delete": manager.delete,
    }
    with audit.noted(action, who.name, who.address, task_id):
        await own_task(manager, who, task_id)
        return await does[action](task_id)


def note_submitted(who: Identity, tasks: Sequence[Task]) -> None:
    """Writes new tasks to the audit log."""
    for task in tasks:
        audit.record("submit", who.name, who.address, task.id)


async def task_to_read(request: Request, task_id: str) -> Task:
    """The task in the path, if the caller may see it; writes a read to the audit log."""
    who = identity_of(request)
    with audit.noted("read", who.name, who.address, task_id):
        return await task_of(request, task_id)


async def task_of(request: Request, task_id: str) -> Task:
    """The task in the path, if the caller may see it."""
    return await own_task(manager_of(request), identity_of(request), task_id)


def show(manager: TaskManager, who: Identity, task: Task) -> dict[str, Any]:
    """A task as JSON, with its place in the queue."""
    position, seconds = manager.estimate(task.id)
    return task.to_json(who.name, who.admin, position, seconds)


def shown(request: Request, task: Task) -> JSONResponse:
    """The answer for one task."""
    return JSONResponse(show(manager_of(request), identity_of(request), task))
