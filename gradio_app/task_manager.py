"""TaskManager: the queue. Takes work in, decides what runs, and brings every task to a visible end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

from loguru import logger

from gradio_app import cleanup
from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, Conflict, NotFound
from gradio_app.base.options import ParseOptions
from gradio_app.base.problems import Problems
from gradio_app.base.settings import Settings
from gradio_app.queue.async_store import AsyncStore
from gradio_app.queue.bulk import Bulk
from gradio_app.queue.client_requests import ClientRequests
from gradio_app.queue.corrections import Corrections
from gradio_app.queue.dispatcher import Dispatcher
from gradio_app.queue.estimates import Estimates, Estimator
from gradio_app.queue.exports import Exports
from gradio_app.queue.inspector import Inspector
from gradio_app.queue.intake import Intake
from gradio_app.queue.page_redo import PageRedo
from gradio_app.queue.run import cancel_all
from gradio_app.queue.searches import Searches
from gradio_app.queue.text_index import TextIndex
from gradio_app.queue.worker_jobs import WorkerJobs
from gradio_app.store.states import RETRYABLE, WAITING, QueueStatus, TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Task, Upload
from gradio_app.workers.interface import Workers


class TaskManager:
    """Lives on the server's event loop; one per data folder."""

    def __init__(self, settings: Settings, folders: Folders, store: Store, workers: Workers) -> None:
        self.settings = settings
        self.folders = folders
        self.workers = workers
        self.jobs = WorkerJobs(settings, folders, workers, containers=True, climbs=True)
        self.store = AsyncStore(store, folders.check)
        self._dispatcher = Dispatcher(settings, folders, self.store, self.jobs, workers)
        self._inspector = Inspector(settings, folders, self.store, self.jobs, workers, self._dispatcher.admit)
        self._intake = Intake(settings, folders, self.store, self._inspector.admit)
        self.check_room, self.submit = self._intake.check_room, self._intake.submit
        self._redo = PageRedo(folders, self.store, self.jobs, self.check_room, self._inspector.admit)
        self._bulk = Bulk(folders, self.store, self.check_room)
        self._estimator = Estimator(settings, self._dispatcher, self._inspector.waiting)
        self.engine = workers.engine
        #: held by the one dispatcher that hands out slots
        self.processing_lock = self._dispatcher.processing_lock
        self._loops: list[asyncio.Task[None]] = []
        self.started = False
        #: of services beside the queue, which hold nothing of it up
        self.problems = Problems()
        # what the web package asks of parts of the queue
        self.submitted = self.store.submitted
        self.get, self.find_all, self.wait = self.store.get, self.store.find_all, self.store.wait_ended
        self.rev, self.wait_for_change, self.once = self.store.rev, self.store.wait_change, self.store.once
        self.begin_closing, self.ended = self.store.begin_closing, self.store.ended
        self.notes = self.store.notes
        self.changes, self.second_readings = self.store.changes, self.store.second_readings
        self.parts = self.store.parts
        self.redo_page, self.rate = self._redo.begin, self._estimator.rate
        exports = Exports(folders, workers.here, self.jobs.check_reserve)
        self.export, self.picture = exports.export, exports.picture
        corrections = Corrections(folders, self.store, self.jobs)
        self.block, self.correct = corrections.block, corrections.correct
        self.requests = ClientRequests(self.store)
        self.search = Searches(folders, workers.here).find
        #: the text of all documents; it is kept right by ``run``
        self.texts = TextIndex(folders, self.store, workers.here)
        self.list_tasks, self.list_ids = self.texts.list, self.texts.ids
        self.history = partial(self.store.do, store.history.since)
        self.note_engine = partial(self.store.do, store.history.note_engine)

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Recovers what a crash or a stop left, and starts working."""
        recovered = await self.store.recover()
        # after it: what was being cancelled has ended now, and its shards are put aside too
        await self.store.do(cleanup.sweep_start, self.store.sync, self.folders)
        self._dispatcher.rates.update(await self.store.rates())
        self._dispatcher.paused = await self.store.is_paused()
        for task in recovered:
            self._admit(task)
        self._loops = [
            asyncio.create_task(self._dispatcher.run(), name="dispatch"),
            asyncio.create_task(self._inspector.run(), name="inspector"),
            asyncio.create_task(self._sweep_forever(), name="sweep"),
        ]
        self.started = True

    async def stop(self) -> None:
        """Stops new work, gives shards in flight back to the queue, and closes the store."""
        await self.store.begin_closing()
        await cancel_all(self._loops)
        await self._dispatcher.give_back()
        await self.workers.close()
        await self.store.close()

    def _admit(self, task: Task) -> None:
        if task.status is TaskStatus.PENDING:
            self._inspector.admit(task)
        elif task.status is TaskStatus.QUEUED:
            self._dispatcher.admit(task)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(cleanup.SWEEP_INTERVAL)
            try:
                store, retention = self.store.sync, self.settings.retention
                if await self.store.do(cleanup.sweep, store, self.folders, retention):
                    await self.store.notify()
                if not self._dispatcher.runs:
                    # one for a shard, one for the inspection of files that come with it
                    await self.workers.here.trim(keep=2)
            except Exception as error:
                logger.opt(exception=error).error("a sweep failed; it is tried again")

    # ------------------------------------------------------------ what users do

    async def under_way(self, owner: str, upload: Upload, options: ParseOptions) -> Task | None:
        """The unfinished task of this owner that converts the same file in the same way, if there is one."""
        tasks = await self.store.active_from(owner, upload.sha256)
        return next((task for task in tasks if (task.name, task.options) == (upload.name, options)), None)

    async def cancel(self, task_id: str) -> Task:
        """Stops a task that has not ended; returns when its worker is gone. Else ``Conflict``."""
        parts = await self.parts(task_id)
        task = await self._dispatcher.cancel(task_id)
        await self._inspector.forget(task_id, *(part.id for part in parts))
        return task

    async def retry(self, task_id: str, password: str = "") -> Task:
        """Runs a failed, partial or cancelled task again; finished shards are not parsed again.

        With a container run those of its documents that ended early; it is not taken apart again.

        ``password`` opens an encrypted upload; the one that came with it is not kept.
        """
        task = await self.get(task_id)
        if task.status in RETRYABLE:
            if not self.folders.source(task.source).exists():
                raise Conflict("The uploaded file is gone. Send it again.")
            again = [part for part in await self.parts(task_id) if part.status in RETRYABLE]
            await self.check_room(task.owner, 1 + len(again))
        task = await self.store.requeue(task_id, password)
        parts = [part for part in await self.parts(task_id) if part.status in WAITING]
        for each in (task, *parts):
            self._admit(each)
        await self.store.publish_all(parts)
        return await self.store.publish(task)

    async def read_anew(self, task_id: str, options: ParseOptions, password: str = "") -> Task:
        """Reads the upload of a task with other options: a task of its own, beside the first one."""
        task = await self.get(task_id)
        source = self.folders.source(task.source)
        if not source.exists():
            raise NotFound("The uploaded file is gone. Send it again.")
        upload = Upload(source, task.source, task.size, task.name, task.folder)
        [fresh] = await self.submit(task.owner, [upload], options, password=password)
        return fresh

    async def keep_page(self, task_id: str) -> Task:
        """Puts the page that this task has read into its document, and forgets the task."""
        document = await self._redo.keep(task_id)
        with contextlib.suppress(NotFound):
            await self.delete(task_id)
        return document

    async def delete(self, task_id: str) -> None:
        """Forgets a task, its files, second readings of its pages and the documents in it.

        Stops what has not ended.
        """
        task = await self.get(task_id)
        if not task.ended:
            await self.cancel(task_id)
        for other in (*await self.second_readings(task_id), *await self.parts(task_id)):
            with contextlib.suppress(NotFound):  # somebody was quicker
                await self.delete(other.id)
        await self.store.do(self._bulk.delete, task_id)
        await self.store.notify()

    async def cancel_waiting(self, task_ids: Sequence[str]) -> set[str]:
        """Cancels those that wait, in one write; returns their ids."""
        tasks = await self.store.do(self._bulk.cancel_waiting, task_ids)
        for task in tasks:
            self._dispatcher.discard(task.id)
        await self._inspector.forget(*(task.id for task in tasks))
        await self.store.publish_all(tasks)
        return {task.id for task in tasks}

    async def retry_ended(self, task_ids: Sequence[str]) -> set[str]:
        """Queues those again that ended early, in one write; returns their ids.

        ``retry`` has the errors for the others: no room for all of an owner's, or an upload that is gone.
        """
        tasks = await self._bulk.retry_ended(task_ids)
        for task in tasks:
            self._admit(task)
        await self.store.publish_all(tasks)
        return {task.id for task in tasks}

    async def delete_ended(self, task_ids: Sequence[str]) -> set[str]:
        """Forgets those that have ended, in one write; returns their ids.

        One with second readings of its pages is left for ``delete``.
        """
        tasks = await self.store.do(self._bulk.delete_ended, task_ids)
        await self.store.notify()
        return {task.id for task in tasks}

    async def set_paused(self, paused: bool) -> None:
        """Begins or ends a pause: nothing new starts, running tasks go on. Survives a restart."""
        await self.store.set_paused(paused)
        self._dispatcher.paused = paused
        self._dispatcher.wake()
        await self.store.notify()

    # ------------------------------------------------------------ what users see

    async def counts(self) -> dict[str, int]:
        """How many tasks are in each status."""
        return await self.store.once("counts", self.store.counts)

    async def counts_for(self, viewer: str) -> dict[str, int]:
        """The same without ended tasks of others."""
        return await self.store.once(("counts", viewer), partial(self.store.counts_for, viewer))

    async def longest_wait(self) -> float:
        """Seconds that the oldest waiting task has waited; 0 when none waits."""
        since = await self.store.do(self.store.sync.listing.oldest_waiting)
        return 0.0 if since is None else max(0.0, clock.stamp() - since)

    @property
    def status(self) -> QueueStatus:
        """What the queue as a whole is doing."""
        if self.store.closing:
            return QueueStatus.DRAINING
        if self._dispatcher.paused:
            return QueueStatus.PAUSED
        busy = self._dispatcher.runs or self._dispatcher.lanes or self._inspector.waiting
        return QueueStatus.RUNNING if busy else QueueStatus.IDLE

    @property
    def notice(self) -> AppError | None:
        """The fault of the machine because of which nothing new begins."""
        return self.store.faults.current

    @property
    def pages_parsed(self) -> int:
        """Pages parsed since the start."""
        return self._dispatcher.pages_parsed

    def estimate(self, task_id: str) -> tuple[int | None, float | None]:
        """Position (1 is next; None when it does not wait) and ETA in seconds of a task."""
        position, seconds = self.estimates().get(task_id, (0, None))
        return position or None, seconds

    def estimates(self) -> Estimates:
        """Positions and ETAs of the first unfinished tasks."""
        return self._estimator.all(self.store.version)

    def tail_eta(self) -> float:
        """Seconds until everything that is queued now will be done."""
        return max((seconds for _, seconds in self.estimates().values()), default=0.0)
