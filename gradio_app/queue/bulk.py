"""Bulk changes in one write: cancels waiting tasks, retries those that ended early, deletes the ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError
from gradio_app.queue.async_store import AsyncStore
from gradio_app.store.states import RETRYABLE, WAITING, TaskStatus
from gradio_app.store.task import Task


class Bulk:
    """Each call changes the tasks that need no attention one by one (a container does), and returns them.

    A caller sends the others through ``TaskManager``, which stops workers and has errors for each.
    """

    def __init__(
        self, folders: Folders, store: AsyncStore, check_room: Callable[[str, int], Awaitable[None]]
    ) -> None:
        self._folders = folders
        self._store = store
        self._check_room = check_room

    def cancel_waiting(self, task_ids: Sequence[str]) -> list[Task]:
        """Cancels those that wait; on the store's thread."""
        store, now = self._store.sync, clock.stamp()
        with store.together():
            found = [task for task in store.find_all(task_ids) if task.status in WAITING]
            waiting = [task for task in found if not store.has_parts(task.id)]
            tasks = [store.move(task.id, TaskStatus.CANCELLED, finished_at=now) for task in waiting]
        for task in tasks:
            self._folders.park_shards(task.id)
        return tasks

    async def retry_ended(self, task_ids: Sequence[str]) -> list[Task]:
        """Queues those again that ended early, where all of an owner's fit and the upload is still there."""
        mine: dict[str, list[str]] = {}
        for task in await self._store.find_all(task_ids):
            if task.status in RETRYABLE and self._folders.source(task.source).exists():
                mine.setdefault(task.owner, []).append(task.id)
        fitting: list[str] = []
        for owner, ids in mine.items():
            try:
                await self._check_room(owner, len(ids))
                fitting += ids
            except AppError:
                continue
        return await self._store.do(self._requeue, fitting)

    def _requeue(self, task_ids: Sequence[str]) -> list[Task]:
        store = self._store.sync
        with store.together():
            found = [task for task in store.find_all(task_ids) if task.status in RETRYABLE]
            found = [task for task in found if not store.has_parts(task.id)]
            return [store.requeue(task.id) for task in found]

    def delete_ended(self, task_ids: Sequence[str]) -> list[Task]:
        """Forgets those that have ended, and their files, but those that other tasks belong to.

        On the store's thread.
        """
        store = self._store.sync
        with store.together():
            found = [task for task in store.find_all(task_ids) if task.ended]
            with_others = store.second_readings, store.parts
            tasks = [task for task in found if not any(others(task.id) for others in with_others)]
            for task in tasks:
                store.delete(task.id)
        self._drop_files(tasks)
        return tasks

    def delete(self, task_id: str) -> None:
        """Forgets one task that has ended, and its files; on the store's thread.

        Raises ``NotFound`` or ``Conflict``.
        """
        task = self._store.sync.get(task_id)
        self._store.sync.delete(task_id)
        self._drop_files([task])

    def _drop_files(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self._folders.drop_task(task.id)
        self._folders.drop_sources({task.source for task in tasks}, self._store.sync.needs_source)
