"""TaskManager: the queue. Takes work in, decides what runs, and brings every task to a visible end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from loguru import logger

from gradio_app import cleanup
from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, Conflict, NotFound
from gradio_app.base.options import ParseOptions
from gradio_app.base.settings import Settings
from gradio_app.engine import ModelSingleton
from gradio_app.queue import scheduler
from gradio_app.queue.async_store import Ledger
from gradio_app.queue.dispatcher import Dispatcher
from gradio_app.queue.inspector import Looking
from gradio_app.queue.intake import Intake
from gradio_app.queue.page_redo import SecondReadings
from gradio_app.queue.worker_jobs import Jobs
from gradio_app.store.listing import Page, Wanted
from gradio_app.store.states import RETRYABLE, WAITING, QueueStatus, TaskStatus
from gradio_app.store.store import Changes, Store
from gradio_app.store.task import Task, Upload
from gradio_app.workers.interface import Workers

#: positions and ETAs are worked out for this many waiting tasks
PLACES = 2000


class TaskManager:
    """Lives on the server's event loop; one per data folder."""

    def __init__(self, settings: Settings, folders: Folders, store: Store, workers: Workers) -> None:
        self.settings = settings
        self.folders = folders
        self.workers = workers
        self.jobs = Jobs(settings, folders, workers)
        self.ledger = Ledger(store)
        self._dispatcher = Dispatcher(folders, self.ledger, self.jobs, workers)
        queued = self._dispatcher.admit
        self._looking = Looking(settings, folders, self.ledger, self.jobs, workers, queued)
        self._intake = Intake(settings, folders, self.ledger, self._looking.admit)
        self._readings = SecondReadings(
            folders, self.ledger, self.jobs, self._intake.check_room, self._looking.admit
        )
        self._places: tuple[int, dict[str, tuple[int, float]]] = (-1, {})
        self._loops: list[asyncio.Task[None]] = []
        self.started = False
        # what the web package asks of parts of the queue
        self.rev, self.wait_for_change, self.once = self.ledger.rev, self.ledger.wait_change, self.ledger.once
        self.begin_closing, self.ended = self.ledger.begin_closing, self.ledger.ended
        self.export, self.picture = self.jobs.export, self.jobs.picture

    @property
    def engine(self) -> ModelSingleton:
        """The model server of this machine."""
        return self.workers.engine

    @property
    def processing_lock(self) -> asyncio.Lock:
        """Held by the one dispatcher that hands out slots."""
        return self._dispatcher.processing_lock

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Recovers what a crash or a stop left, and starts working."""
        store = self.ledger.store
        recovered = await self.ledger.do(store.recover)
        # after it: what was being cancelled has ended now, and its parts are put aside too
        await self.ledger.do(cleanup.sweep_start, store, self.folders)
        self._dispatcher.rates = await self.ledger.do(store.rates)
        self._dispatcher.paused = await self.ledger.do(lambda: store.paused)
        for task in recovered:
            self._admit(task)
        self._loops = [
            asyncio.create_task(self._dispatcher.run(), name="dispatch"),
            asyncio.create_task(self._looking.run(), name="looking"),
            asyncio.create_task(self._sweep_forever(), name="sweep"),
        ]
        self.started = True

    async def stop(self) -> None:
        """Stops admitting, gives shards in flight back to the queue, and closes the store."""
        await self.ledger.begin_closing()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self._dispatcher.give_back()
        await self.workers.close()
        await self.ledger.close()

    def _admit(self, task: Task) -> None:
        if task.status is TaskStatus.PENDING:
            self._looking.admit(task)
        elif task.status is TaskStatus.QUEUED:
            self._dispatcher.admit(task)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(cleanup.SWEEP_INTERVAL)
            try:
                store = self.ledger.store
                if await self.ledger.do(cleanup.sweep, store, self.folders, self.settings.retention):
                    await self.ledger.notify()
                if not self._dispatcher.runs:
                    # one for a part, one for looks at the files that come with it
                    await self.workers.here.trim(keep=2)
            except Exception as error:
                logger.opt(exception=error).error("a sweep failed; it is tried again")

    # ------------------------------------------------------------ what users do

    async def check_room(self, owner: str, files: int) -> None:
        """Raises what would stop ``files`` new tasks of ``owner``: full queue, full disk, shutdown."""
        await self._intake.check_room(owner, files)

    async def submit(
        self, owner: str, uploads: Sequence[Upload], options: ParseOptions, key: str = ""
    ) -> list[Task]:
        """Accepts files: when this returns, the tasks are on disk and will come to an end.

        The same ``key`` with the same files and options gives the same tasks again; with others it
        raises ``Conflict``. The upload files stay where they are; the caller deletes them.
        """
        return await self._intake.submit(owner, uploads, options, key)

    async def under_way(self, owner: str, upload: Upload, options: ParseOptions) -> Task | None:
        """The unfinished task of this owner that converts the same file in the same way, if there is one."""
        tasks = await self.ledger.do(self.ledger.store.active_from, owner, upload.sha256)
        return next((task for task in tasks if (task.name, task.options) == (upload.name, options)), None)

    async def cancel(self, task_id: str) -> Task:
        """Stops a task that has not ended; returns when its worker is gone. Else ``Conflict``."""
        task = await self._dispatcher.cancel(task_id)
        await self._looking.forget(task_id)
        return task

    async def retry(self, task_id: str) -> Task:
        """Runs a failed, partial or cancelled task again; finished parts are not parsed again."""
        task = await self.get(task_id)
        if task.status in RETRYABLE:
            if not self.folders.source(task.source).exists():
                raise Conflict("The uploaded file is gone. Send it again.")
            await self.check_room(task.owner, 1)
        task = await self.ledger.do(self.ledger.store.requeue, task_id)
        self._admit(task)
        return await self.ledger.moved(task)

    async def redo_page(self, task_id: str, page: int, tier: str, ocr_mode: str) -> Task:
        """The task that reads one page of a finished document again; see ``SecondReadings.begin``."""
        return await self._readings.begin(task_id, page, tier, ocr_mode)

    async def second_readings(self, task_id: str) -> list[Task]:
        """Tasks that read a page of this document again, oldest first."""
        return await self.ledger.do(self.ledger.store.second_readings, task_id)

    async def keep_page(self, task_id: str) -> Task:
        """Puts the page that this task has read into its document, and forgets the task."""
        document = await self._readings.keep(task_id)
        with contextlib.suppress(NotFound):
            await self.delete(task_id)
        return document

    async def delete(self, task_id: str) -> None:
        """Forgets a task, its files and second readings of its pages; stops what has not ended."""
        task = await self.get(task_id)
        for second in await self.ledger.do(self.ledger.store.second_readings, task_id):
            with contextlib.suppress(NotFound):  # somebody was quicker
                await self.delete(second.id)
        if not task.ended:
            await self.cancel(task_id)
        await self.ledger.do(self._delete, task_id)
        await self.ledger.notify()

    def _delete(self, task_id: str) -> None:
        store = self.ledger.store
        task = store.get(task_id)
        store.delete(task_id)
        self._drop_files([task])

    def _drop_files(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self.folders.drop_task(task.id)
        for source in {task.source for task in tasks}:
            if not self.ledger.store.needs_source(source):
                self.folders.source(source).unlink(missing_ok=True)

    async def cancel_waiting(self, task_ids: Sequence[str]) -> set[str]:
        """Cancels those that wait, in one step on the disk; returns which these were."""
        tasks = await self.ledger.do(self._cancel_waiting, task_ids)
        for task in tasks:
            self._dispatcher.lanes.discard(task.id)
        await self._looking.forget(*(task.id for task in tasks))
        await self.ledger.all_moved(tasks)
        return {task.id for task in tasks}

    def _cancel_waiting(self, task_ids: Sequence[str]) -> list[Task]:
        store, now = self.ledger.store, clock.stamp()
        with store.together():
            waiting = [task for each in task_ids if (task := store.find(each)) and task.status in WAITING]
            tasks = [store.move(task.id, TaskStatus.CANCELLED, finished_at=now) for task in waiting]
        for task in tasks:
            self.folders.park_shards(task.id)
        return tasks

    async def retry_ended(self, task_ids: Sequence[str]) -> set[str]:
        """Runs those again that ended early, in one step on the disk; returns which these were.

        Where there is no room for all of an owner's, or an upload is gone, ``retry`` has to tell.
        """
        tasks = [task for task in await self.find_all(task_ids) if task.status in RETRYABLE]
        mine: dict[str, list[str]] = {}
        for task in tasks:
            if self.folders.source(task.source).exists():
                mine.setdefault(task.owner, []).append(task.id)
        for owner, ids in list(mine.items()):
            try:
                await self.check_room(owner, len(ids))
            except AppError:
                del mine[owner]
        again = await self.ledger.do(self._requeue, [task_id for ids in mine.values() for task_id in ids])
        for task in again:
            self._admit(task)
        await self.ledger.all_moved(again)
        return {task.id for task in again}

    def _requeue(self, task_ids: Sequence[str]) -> list[Task]:
        store = self.ledger.store
        with store.together():
            found = [task for each in task_ids if (task := store.find(each)) and task.status in RETRYABLE]
            return [store.requeue(task.id) for task in found]

    async def delete_ended(self, task_ids: Sequence[str]) -> set[str]:
        """Forgets those that have ended, in one step on the disk; returns which these were.

        One with second readings of its pages is left for ``delete``.
        """
        deleted = await self.ledger.do(self._delete_ended, task_ids)
        await self.ledger.notify()
        return deleted

    def _delete_ended(self, task_ids: Sequence[str]) -> set[str]:
        store = self.ledger.store
        with store.together():
            found = [task for each in task_ids if (task := store.find(each)) and task.ended]
            tasks = [task for task in found if not store.second_readings(task.id)]
            for task in tasks:
                store.delete(task.id)
        self._drop_files(tasks)
        return {task.id for task in tasks}

    async def pause(self) -> None:
        """Nothing new starts; what runs goes on. Survives a restart."""
        await self._set_paused(True)

    async def resume(self) -> None:
        """Ends a pause."""
        await self._set_paused(False)
        self._dispatcher.wake()

    async def _set_paused(self, paused: bool) -> None:
        await self.ledger.do(self.ledger.store.set_paused, paused)
        self._dispatcher.paused = paused
        await self.ledger.notify()

    # ------------------------------------------------------------ what users see

    async def get(self, task_id: str) -> Task:
        """The task; raises ``NotFound``."""
        return await self.ledger.get(task_id)

    async def find_all(self, task_ids: Sequence[str]) -> list[Task]:
        """Those tasks that there are, in this order."""
        store = self.ledger.store
        return await self.ledger.do(lambda: [task for each in task_ids if (task := store.find(each))])

    async def wait(self, task_id: str, seconds: float) -> Task:
        """The task as soon as it has ended, or as it is after ``seconds``."""
        return await self.ledger.wait_ended(task_id, seconds)

    async def changes(self, since: int, limit: int) -> Changes:
        """What is newer than revision ``since``, of all owners."""
        return await self.ledger.do(self.ledger.store.changes, since, limit)

    async def list_tasks(self, wanted: Wanted, limit: int, cursor: str = "") -> tuple[int, Page]:
        """The newest revision, and a page of tasks that may be newer."""
        store = self.ledger.store
        return await self.ledger.do(lambda: (store.rev(), store.listing.page(wanted, limit, cursor)))

    async def list_ids(self, wanted: Wanted, limit: int) -> dict[str, list[str]]:
        """By status the ids of tasks that the viewer may change, at most ``limit``, the newest first."""
        return await self.ledger.do(self.ledger.store.listing.ids, wanted, limit)

    async def counts(self) -> dict[str, int]:
        """How many tasks are in each status."""
        store = self.ledger.store
        return await self.ledger.once("counts", lambda: self.ledger.do(store.counts))

    async def longest_wait(self) -> float:
        """For how many seconds the oldest of those that wait has waited; 0 when none does."""
        since = await self.ledger.do(self.ledger.store.listing.oldest_waiting)
        return 0.0 if since is None else max(0.0, clock.stamp() - since)

    @property
    def status(self) -> QueueStatus:
        """What the queue as a whole is doing."""
        if self.ledger.closing:
            return QueueStatus.DRAINING
        if self._dispatcher.paused:
            return QueueStatus.PAUSED
        busy = self._dispatcher.runs or self._dispatcher.lanes or self._looking.waiting
        return QueueStatus.RUNNING if busy else QueueStatus.IDLE

    @property
    def notice(self) -> AppError | None:
        """Why nothing new is begun, while the machine is in trouble."""
        return self.ledger.trouble.error

    @property
    def pages_parsed(self) -> int:
        """Pages parsed since the start."""
        return self._dispatcher.pages_parsed

    def rate(self, tier: str) -> float:
        """Seconds per page and slot, learned or guessed."""
        return self._dispatcher.rates.get(tier) or scheduler.guess_rate(tier)

    def place(self, task_id: str) -> tuple[int | None, float | None]:
        """Position (1 is next; None when it does not wait) and ETA in seconds of a task."""
        position, seconds = self.places().get(task_id, (0, None))
        return position or None, seconds

    def places(self) -> dict[str, tuple[int, float]]:
        """Position (0: it runs) and ETA in seconds of the first ``PLACES`` unfinished tasks."""
        if self._places[0] != self.ledger.version:
            self._places = (self.ledger.version, self._work_out_places())
        return self._places[1]

    def _work_out_places(self) -> dict[str, tuple[int, float]]:
        places: dict[str, tuple[int, float]] = {}
        position = 0
        for vision, slots in self._dispatcher.lanes.slots.items():
            position = max(position, self._places_of_kind(vision, slots, places))
        slots = max(1, self.workers.slots[False])
        ahead = sum(seconds for place, seconds in places.values() if place == 0)
        for item in self._looking.waiting.order(PLACES - position):
            position += 1
            places[item.task_id] = (position, ahead / slots)
        return places

    def _places_of_kind(self, vision: bool, slots: int, places: dict[str, tuple[int, float]]) -> int:
        """Fills in the tasks that use one kind of slot; returns the last position."""
        ahead, position = 0.0, 0
        for run in self._dispatcher.runs.values():
            if run.entry.vision is not vision:
                continue
            per_part = run.task.page_weight / max(1, run.task.shards_total)
            parts = len(run.todo) + len(run.in_flight)
            own = parts * per_part * self.rate(run.task.tier)
            places[run.task.id] = (0, scheduler.eta(own, parts, 0.0, slots))
            ahead += own
        size = self.settings.shard_pages_vlm if vision else self.settings.shard_pages_flash
        for item in self._dispatcher.lanes.order(vision, PLACES):
            if item.task_id in places:
                continue
            position += 1
            own = item.pages * self.rate(item.tier)
            places[item.task_id] = (position, scheduler.eta(own, -(-item.pages // size), ahead, slots))
            ahead += own
        return position

    def tail_eta(self) -> float:
        """Seconds until everything that is queued now will be done."""
        return max((seconds for _, seconds in self.places().values()), default=0.0)

    # ------------------------------------------------------------ what was done, by the hour

    async def history(self, since_hour: int) -> dict[str, list[dict[str, Any]]]:
        """Ended tasks and the engine by hour (Unix time / 3600), oldest first."""
        return await self.ledger.do(self.ledger.store.history.since, since_hour)

    async def note_engine(self, status: str, seconds: float, used: int | None, total: int | None) -> None:
        """Adds to this hour: the engine was in ``status`` for ``seconds`` and used so many bytes."""
        await self.ledger.do(self.ledger.store.history.note_engine, status, seconds, used, total)
