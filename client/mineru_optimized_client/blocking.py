"""The client for ordinary code: ``AsyncClient`` on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from mineru_optimized_client.asynchronous import AsyncClient, Progress
from mineru_optimized_client.folders import Outcome
from mineru_optimized_client.records import Task

T = TypeVar("T")


class Client:
    """One server: ``with Client(url) as client: ...``; the methods are those of ``AsyncClient``.

    ``on_progress`` and ``on_outcome`` are called on the client's thread.
    """

    def __init__(
        self, server: str = "http://127.0.0.1:7860", token: str = "", patience: float = 120.0
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mineru-client", daemon=True)
        self._thread.start()
        self._client = AsyncClient(server, token, patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections; tasks go on."""
        if not self._loop.is_closed():
            self._run(self._client.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def submit(self, path: str | Path, **options: str | bool | int) -> Task:
        """Puts a document into the queue."""
        return self._run(self._client.submit(path, **options))

    def task(self, task_id: str, wait: int = 0) -> Task:
        """A task as it is now, or after ``wait`` seconds at most, when it ends."""
        return self._run(self._client.task(task_id, wait))

    def wait(self, task_id: str, on_progress: Progress | None = None, seconds: float | None = None) -> Task:
        """A task when it has ended. Raises ``TimeoutError``."""
        return self._run(self._client.wait(task_id, on_progress, seconds))

    def convert(
        self, path: str | Path, on_progress: Progress | None = None, **options: str | bool | int
    ) -> Task:
        """Submits a document and waits for its end. Raises ``TaskFailed`` when it has no result."""
        return self._run(self._client.convert(path, on_progress, **options))

    def markdown(self, task_id: str) -> str:
        """The result of a task as Markdown."""
        return self._run(self._client.markdown(task_id))

    def download(self, task_id: str, target: str | Path, form: str = "zip") -> Path:
        """Writes the result in a form to ``target``."""
        return self._run(self._client.download(task_id, target, form))

    def cancel(self, task_id: str) -> Task:
        """Ends a task that has not ended."""
        return self._run(self._client.cancel(task_id))

    def delete(self, task_id: str) -> None:
        """Deletes an ended task and its result."""
        self._run(self._client.delete(task_id))

    def convert_paths(
        self,
        paths: Iterable[str | Path],
        output: str | Path,
        concurrency: int = 8,
        on_outcome: Callable[[Outcome], object] | None = None,
        **options: str | bool | int,
    ) -> list[Outcome]:
        """Converts files and folders into ``output``; goes on where it was broken off."""
        return self._run(self._client.convert_paths(paths, output, concurrency, on_outcome, **options))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result()
        except BaseException:
            running.cancel()
            raise
