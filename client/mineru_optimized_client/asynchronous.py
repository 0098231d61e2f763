"""The client for ``asyncio``: requests are repeated while the server is away or full."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from mineru_optimized_client import folders
from mineru_optimized_client.records import ServerError, Task, TaskFailed

#: the first pause before a request is repeated, and the longest, in seconds
FIRST_PAUSE, LAST_PAUSE = 0.5, 15.0
#: statuses of a server that is full, restarting or behind a proxy that cannot reach it
_LATER = frozenset((408, 429, 502, 503, 504))
#: how long one request may wait for the end of a task, in seconds
_LONG_POLL = 30
Progress = Callable[[Task], object]


class AsyncClient:
    """One server, over one set of connections: ``async with AsyncClient(url) as client: ...``

    ``patience``: for so many seconds a server that is away or full is asked again.
    """

    def __init__(
        self, server: str = "http://127.0.0.1:7860", token: str = "", patience: float = 120.0
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        timeout = httpx.Timeout(60.0, connect=10.0)
        self._http = httpx.AsyncClient(
            base_url=server.rstrip("/"), headers=headers, timeout=timeout, trust_env=False
        )
        self._patience = patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes its connections; tasks go on."""
        await self._http.aclose()

    async def submit(self, path: str | Path, **options: str | bool | int) -> Task:
        """Puts a document into the queue.

        ``options`` are those of ``POST /api/v1/tasks``: ``tier``, ``page_range``, ``ocr_mode``, ``priority``,
        ``use_cache``, ``keep_headers``, ``password``. A repeated request makes no second task.
        """
        path = Path(path)
        key = secrets.token_hex(16)
        fields = {name: _text(value) for name, value in options.items()}

        async def send() -> httpx.Response:
            with await asyncio.to_thread(path.open, "rb") as file:
                return await self._http.post(
                    "/api/v1/tasks",
                    data=fields,
                    files={"files": (path.name, file)},
                    headers={"Idempotency-Key": key},
                    timeout=httpx.Timeout(600.0, connect=10.0),
                )

        answer = await self._until_answered(send)
        return Task.from_json(answer["tasks"][0])

    async def task(self, task_id: str, wait: int = 0) -> Task:
        """A task as it is now, or after ``wait`` seconds at most, when it ends."""
        return Task.from_json(
            await self._get(f"/api/v1/tasks/{task_id}", {"wait": str(wait)} if wait else {})
        )

    async def wait(
        self, task_id: str, on_progress: Progress | None = None, seconds: float | None = None
    ) -> Task:
        """A task when it has ended; ``on_progress`` hears of each step. Raises ``TimeoutError``."""
        async with asyncio.timeout(seconds):
            told: tuple[Any, ...] = ()
            while True:
                task = await self.task(task_id, 1 if on_progress else _LONG_POLL)
                step = (task.status, task.pages_done, task.pages_total, task.position)
                if on_progress and step != told:
                    told = step
                    on_progress(task)
                if task.ended:
                    return task

    async def convert(
        self, path: str | Path, on_progress: Progress | None = None, **options: str | bool | int
    ) -> Task:
        """Submits a document and waits for its end. Raises ``TaskFailed`` when it has no result."""
        task = await self.submit(path, **options)
        task = await self.wait(task.id, on_progress)
        if not task.readable:
            raise TaskFailed(task)
        return task

    async def markdown(self, task_id: str) -> str:
        """The result of a task as Markdown."""
        response = await self._until_answered(
            lambda: self._http.get(f"/api/v1/tasks/{task_id}/result", params={"format": "markdown"}), raw=True
        )
        return response.text

    async def download(self, task_id: str, target: str | Path, form: str = "zip") -> Path:
        """Writes the result to ``target``; ``form``: markdown, json, html, docx, zip or another one."""
        target = Path(target)
        part = target.with_name(f".{target.name}.part")
        try:
            async with self._streamed(f"/api/v1/tasks/{task_id}/result", {"format": form}) as chunks:
                with part.open("wb") as out:
                    async for chunk in chunks:
                        out.write(chunk)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    async def cancel(self, task_id: str) -> Task:
        """Ends a task that has not ended."""
        return Task.from_json(
            await self._until_answered(lambda: self._http.post(f"/api/v1/tasks/{task_id}/cancel"))
        )

    async def delete(self, task_id: str) -> None:
        """Deletes an ended task and its result."""
        await self._until_answered(lambda: self._http.delete(f"/api/v1/tasks/{task_id}"), raw=True)

    async def convert_paths(
        self,
        paths: Iterable[str | Path],
        output: str | Path,
        concurrency: int = 8,
        on_outcome: Callable[[folders.Outcome], object] | None = None,
        **options: str | bool | int,
    ) -> list[folders.Outcome]:
        """Converts files and folders into ``output``, one folder a document; goes on where it was broken off.

        ``concurrency``: documents on their way at the same time. See ``folders``.
        """
        return await folders.convert(self, paths, Path(output), concurrency, on_outcome, options)

    async def _get(self, path: str, params: dict[str, str]) -> Any:
        return await self._until_answered(lambda: self._http.get(path, params=params))

    async def _until_answered(self, send: Callable[[], Any], raw: bool = False) -> Any:
        """The JSON of an answer, or it itself; repeats the request while the server is away or full."""
        started, pause = time.monotonic(), FIRST_PAUSE
        while True:
            after: float | None = None
            try:
                response: httpx.Response = await send()
                if response.is_success:
                    return response if raw else _json(response)
                error = ServerError.from_answer(response.status_code, _json(response))
                if response.status_code not in _LATER or error.code == "quota_exceeded":
                    raise error
                after = _seconds(response.headers.get("retry-after"))
            except httpx.TransportError as fault:
                why = str(fault) or type(fault).__name__
                error = ServerError("", f"The server does not answer: {why}.", True)
            wait = min(LAST_PAUSE, after if after is not None else pause * random.uniform(0.7, 1.3))
            if time.monotonic() + wait > started + self._patience:
                raise error
            await asyncio.sleep(wait)
            pause = min(LAST_PAUSE, 2 * pause)

    @asynccontextmanager
    async def _streamed(self, path: str, params: dict[str, str]) -> AsyncGenerator[AsyncIterator[bytes]]:
        opened: list[httpx.Response] = []

        async def send() -> httpx.Response:
            request = self._http.build_request("GET", path, params=params)
            response = await self._http.send(request, stream=True)
            if response.is_success:
                opened.append(response)
            else:
                await response.aread()
                await response.aclose()
            return response

        await self._until_answered(send, raw=True)
        try:
            yield opened[-1].aiter_bytes()
        except httpx.TransportError as fault:
            raise ServerError("", f"The result broke off: {type(fault).__name__}. Ask again.", True) from None
        finally:
            await opened[-1].aclose()


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None


def _text(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
