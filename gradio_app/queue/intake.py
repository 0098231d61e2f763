"""Intake: checks limits and room, and makes accepted uploads durable tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, DiskFull, QuotaExceeded, ShuttingDown, TooManyFiles
from gradio_app.base.options import ParseOptions
from gradio_app.base.settings import Settings
from gradio_app.queue.async_store import AsyncStore
from gradio_app.store.task import Task, Upload


@dataclass(slots=True)
class _Submission:
    """A submission that waits for the store; ``outcome`` is its tasks, or why there are none."""

    owner: str
    uploads: Sequence[Upload]
    options: ParseOptions
    key: str
    fingerprint: str
    password: str = field(repr=False)
    outcome: list[Task] | Exception | None = None


class Intake:
    """From uploads to durable tasks that wait for inspection."""

    def __init__(
        self, settings: Settings, folders: Folders, store: AsyncStore, accepted: Callable[[Task], None]
    ) -> None:
        self._settings = settings
        self._folders = folders
        self._store = store
        self._accepted = accepted
        self._waiting: deque[_Submission] = deque()

    async def check_room(self, owner: str, files: int) -> None:
        """Raises what would stop ``files`` new tasks of ``owner``: full queue, full disk, shutdown."""
        self._check_machine(files)
        self._check_quota(await self._store.active_count(owner), files)

    def _check_machine(self, files: int) -> None:
        if self._store.closing:
            raise ShuttingDown()
        if files > self._settings.max_files:
            raise TooManyFiles(
                f"{files} files at once; this server takes {self._settings.max_files}. Send smaller groups."
            )
        if self._store.faults.current:
            raise self._store.faults.current
        if self._folders.free_bytes() < self._settings.disk_reserve:
            raise DiskFull()

    def _check_quota(self, active: int, files: int) -> None:
        if active + files > self._settings.max_queue_per_user:
            raise QuotaExceeded(
                f"You have {active} unfinished tasks and may have {self._settings.max_queue_per_user}. "
                "Wait until some are done, or cancel some."
            )

    async def submit(
        self, owner: str, uploads: Sequence[Upload], options: ParseOptions, key: str = "", password: str = ""
    ) -> list[Task]:
        """Accepts files: when this returns, the tasks are on disk and will come to an end.

        The same ``key`` with the same files and options gives the same tasks again; with others it
        raises ``Conflict``. The upload files stay where they are; the caller deletes them. ``password``
        opens those that are encrypted.
        """
        fingerprint = _fingerprint(uploads, options)
        if key and (known := await self._store.submission(owner, key, fingerprint)) is not None:
            return known
        self._check_machine(len(uploads))
        submission = _Submission(owner, uploads, options, key, fingerprint, password)
        self._waiting.append(submission)
        tasks = await self._store.do(self._outcome, submission)
        for task in tasks:
            self._accepted(task)
        await self._store.notify()
        return tasks

    def _outcome(self, submission: _Submission) -> list[Task]:
        """The tasks of a submission. Those that came meanwhile share its wait for the disk.

        On the store's thread: no other submission can come between its queries and the write.
        """
        if submission.outcome is None:
            self._accept_all()
        if isinstance(submission.outcome, Exception):
            raise submission.outcome
        return submission.outcome or []

    def _accept_all(self) -> None:
        batch: list[_Submission] = []
        while self._waiting:
            batch.append(self._waiting.popleft())
        try:
            with self._store.sync.together():
                for submission in batch:
                    try:
                        submission.outcome = self._accept(submission)
                    except AppError as error:  # its own; any other is one of the disk, and everybody's
                        submission.outcome = error
                self._folders.sync_sources()
        except Exception as error:
            for submission in batch:
                if not isinstance(submission.outcome, AppError):
                    submission.outcome = error
        for submission in batch:
            if isinstance(submission.outcome, Exception):
                digests = {upload.sha256 for upload in submission.uploads}
                self._folders.drop_sources(digests, self._store.sync.needs_source)

    def _accept(self, submission: _Submission) -> list[Task]:
        store, owner, uploads = self._store.sync, submission.owner, submission.uploads
        key, fingerprint = submission.key, submission.fingerprint
        if key and (known := store.submission(owner, key, fingerprint)) is not None:
            return known
        self._check_quota(store.active_count(owner), len(uploads))
        self._folders.adopt(*((upload.path, upload.sha256) for upload in uploads))
        tasks = [Task.new(owner, upload, submission.options) for upload in uploads]
        return store.add(tasks, key, fingerprint, submission.password)


def _fingerprint(uploads: Sequence[Upload], options: ParseOptions) -> str:
    parts = [repr(options), *(f"{upload.sha256} {upload.full_name}" for upload in uploads)]
    return sha256("\n".join(parts).encode()).hexdigest()
