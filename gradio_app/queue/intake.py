"""Taking work in: room, and durable acceptance."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, DiskFull, QuotaExceeded, ShuttingDown, TooManyFiles
from gradio_app.base.options import ParseOptions
from gradio_app.base.settings import Settings
from gradio_app.queue.async_store import Ledger
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Task, Upload


@dataclass(slots=True)
class _Arrival:
    """A submission that waits for the store; ``outcome`` is its tasks, or why there are none."""

    owner: str
    uploads: Sequence[Upload]
    options: ParseOptions
    key: str
    fingerprint: str
    outcome: list[Task] | Exception | None = None


class Intake:
    """From uploads to tasks that are on the disk and wait to be looked at."""

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        ledger: Ledger,
        accepted: Callable[[Task], None],
    ) -> None:
        self._settings = settings
        self._folders = folders
        self._ledger = ledger
        self._accepted = accepted
        self._arrivals: deque[_Arrival] = deque()

    async def check_room(self, owner: str, files: int) -> None:
        """Raises what would stop ``files`` new tasks of ``owner``, before any bytes are read."""
        self._check_machine(files)
        active = await self._ledger.do(self._ledger.store.active_count, owner)
        self._check_quota(active, files)

    def _check_machine(self, files: int) -> None:
        if self._ledger.closing:
            raise ShuttingDown()
        if files > self._settings.max_files:
            raise TooManyFiles(
                f"{files} files at once; this server takes {self._settings.max_files}. Send smaller groups."
            )
        if self._ledger.trouble.error:
            raise self._ledger.trouble.error
        if self._folders.free_bytes() < self._settings.disk_reserve:
            raise DiskFull()

    def _check_quota(self, active: int, files: int) -> None:
        if active + files > self._settings.max_queue_per_user:
            raise QuotaExceeded(
                f"You have {active} unfinished tasks and may have {self._settings.max_queue_per_user}. "
                "Wait until some are done, or cancel some."
            )

    async def submit(
        self, owner: str, uploads: Sequence[Upload], options: ParseOptions, key: str
    ) -> list[Task]:
        """See ``TaskManager.submit``."""
        fingerprint = _fingerprint(uploads, options)
        store = self._ledger.store
        if key and (known := await self._ledger.do(store.submission, owner, key, fingerprint)) is not None:
            return known
        self._check_machine(len(uploads))
        arrival = _Arrival(owner, uploads, options, key, fingerprint)
        self._arrivals.append(arrival)
        tasks = await self._ledger.do(self._settle, arrival)
        for task in tasks:
            self._accepted(task)
        await self._ledger.notify()
        return tasks

    def _settle(self, arrival: _Arrival) -> list[Task]:
        """What has become of one that came in. Those that came meanwhile share its wait for the disk.

        On the store's thread: no other submission can come between the looks at the store and the write.
        """
        if arrival.outcome is None:
            self._accept_all()
        if isinstance(arrival.outcome, Exception):
            raise arrival.outcome
        return arrival.outcome or []

    def _accept_all(self) -> None:
        batch: list[_Arrival] = []
        while self._arrivals:
            batch.append(self._arrivals.popleft())
        try:
            with self._ledger.store.together():
                for arrival in batch:
                    try:
                        arrival.outcome = self._accept(arrival)
                    except AppError as error:  # its own; any other is one of the disk, and everybody's
                        arrival.outcome = error
                self._folders.settle_sources()
        except Exception as error:
            for arrival in batch:
                if not isinstance(arrival.outcome, AppError):
                    arrival.outcome = error
        for arrival in batch:
            if isinstance(arrival.outcome, Exception):
                self._forget_sources(arrival.uploads)

    def _accept(self, arrival: _Arrival) -> list[Task]:
        store, owner, uploads = self._ledger.store, arrival.owner, arrival.uploads
        key, fingerprint = arrival.key, arrival.fingerprint
        if key and (known := store.submission(owner, key, fingerprint)) is not None:
            return known
        self._check_quota(store.active_count(owner), len(uploads))
        self._folders.adopt(*((upload.path, upload.sha256) for upload in uploads))
        return store.add(self._new_tasks(owner, uploads, arrival.options), key, fingerprint)

    def _forget_sources(self, uploads: Sequence[Upload]) -> None:
        for upload in uploads:
            if not self._ledger.store.needs_source(upload.sha256):
                self._folders.source(upload.sha256).unlink(missing_ok=True)

    def _new_tasks(self, owner: str, uploads: Sequence[Upload], options: ParseOptions) -> list[Task]:
        now = clock.stamp()
        return [
            Task(
                id=uuid.uuid4().hex,
                name=upload.name,
                owner=owner,
                status=TaskStatus.PENDING,
                options=options,
                source=upload.sha256,
                size=upload.size,
                created_at=now,
                folder=upload.folder,
            )
            for upload in uploads
        ]


def _fingerprint(uploads: Sequence[Upload], options: ParseOptions) -> str:
    parts = [repr(options), *(f"{upload.sha256} {upload.full_name}" for upload in uploads)]
    return sha256("\n".join(parts).encode()).hexdigest()
