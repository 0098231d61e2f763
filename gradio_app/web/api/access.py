"""Access: the queue, the identity of a caller, and what the authorizer says; every route starts here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from gradio_app.base.errors import Forbidden, NotFound
from gradio_app.store.task import Task
from gradio_app.task_manager import TaskManager
from gradio_app.web.auth import audit
from gradio_app.web.auth.authorizer import ALL_TASKS, SERVER, Action, authorizer, of_task
from gradio_app.web.auth.credentials import Identity


def manager_of(request: Request) -> TaskManager:
    """The server's queue."""
    return request.app.state.manager


def identity_of(request: Request) -> Identity:
    """The caller, as the guard identified them."""
    return request.scope["identity"]


async def allowed_task(manager: TaskManager, who: Identity, action: Action, task_id: str) -> Task:
    """The task, if the caller may do this with it; else ``NotFound``, as if it did not exist."""
    task = await manager.get(task_id)
    if not authorizer.is_authorized(who, action, of_task(task)):
        raise NotFound()
    return task


def allowed_tasks(who: Identity, action: Action, tasks: Iterable[Task]) -> list[Task]:
    """Those with which the caller may do this, in their order."""
    return [task for task in tasks if authorizer.is_authorized(who, action, of_task(task))]


def reads_all(who: Identity) -> bool:
    """Whether the caller sees everybody's tasks, with their names and ends."""
    return authorizer.is_authorized(who, "read", ALL_TASKS)


@contextmanager
def for_admin(request: Request, action: str) -> Generator[None]:
    """Admits the administrator and writes the action to the audit log; else ``Forbidden``."""
    who = identity_of(request)
    with audit.noted(action, who.name, who.address):
        if not authorizer.is_authorized(who, "administer", SERVER):
            raise Forbidden("Only the administrator may do this.")
        yield


async def act(manager: TaskManager, who: Identity, action: str, task_id: str, **given: str) -> Any:
    """Cancels, retries, keeps or deletes a task of the caller's; returns what the queue returns.

    A retry may be ``given`` a password.
    """
    with audit.noted(action, who.name, who.address, task_id):
        return await change(manager, who, action, task_id, **given)


async def change(manager: TaskManager, who: Identity, action: str, task_id: str, **given: str) -> Any:
    """The same without a line in the audit log, which the caller writes."""
    does: dict[str, Callable[..., Awaitable[Any]]] = {
        "cancel": manager.cancel,
        "retry": manager.retry,
        "keep": manager.keep_page,
        "delete": manager.delete,
    }
    await allowed_task(manager, who, "change", task_id)
    return await does[action](task_id, **given)


def note_submitted(who: Identity, tasks: Sequence[Task]) -> None:
    """Writes new tasks to the audit log."""
    for task in tasks:
        audit.record("submit", who.name, who.address, task.id)


async def task_to_read(request: Request, task_id: str) -> Task:
    """The task in the path, if the caller may see it; writes a read to the audit log."""
    who = identity_of(request)
    with audit.noted("read", who.name, who.address, task_id):
        return await task_of(request, task_id)


async def task_of(request: Request, task_id: str, action: Action = "read") -> Task:
    """The task in the path, if the caller may do this with it."""
    return await allowed_task(manager_of(request), identity_of(request), action, task_id)


def show(manager: TaskManager, who: Identity, task: Task) -> dict[str, Any]:
    """A task as JSON, with its place in the queue."""
    # a container that has ended is estimated while a document of it is read again
    position, seconds = (None, None) if task.ended else manager.estimate(task.id)
    return task.to_json(who.name, authorizer.is_authorized(who, "read", of_task(task)), position, seconds)


def shown(request: Request, task: Task) -> JSONResponse:
    """The answer for one task."""
    return JSONResponse(show(manager_of(request), identity_of(request), task))
