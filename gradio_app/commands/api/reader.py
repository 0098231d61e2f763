"""Reader of the ``api`` mode: a document from bytes to result, without queue, database or leftovers."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, OptionInvalid
from gradio_app.base.files import read_beneath, replace_folder
from gradio_app.base.findings import Findings, joined
from gradio_app.base.notes import notes_to_json
from gradio_app.base.options import needs_engine
from gradio_app.base.settings import Settings
from gradio_app.commands.api.options import Order
from gradio_app.engine import ModelSingleton
from gradio_app.model_server.choose import choose_backends
from gradio_app.queue import scheduler
from gradio_app.queue.worker_jobs import Parsed, WorkerJobs
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Shard, Task
from gradio_app.web.zip_stream import stream_zip
from gradio_app.workers.interface import Workers
from gradio_app.workers.local import LocalWorkers
from gradio_app.workers.pool import WorkerPool


class Reader:
    """Reads one document after the other, each in a worker process that can be killed and limited."""

    def __init__(self, settings: Settings, folders: Folders, workers: Workers) -> None:
        self._settings = settings
        self._folders = folders
        self._jobs = WorkerJobs(settings, folders, workers)
        self._workers = workers

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Settings, root: Path) -> AsyncGenerator[Reader]:
        """A reader with processes of its own and a folder for temporary files."""
        folders = Folders(root)
        folders.create()
        pool = WorkerPool.of(settings, folders, keep=1)
        backends = choose_backends(settings, folders.run)
        engine = ModelSingleton(backends, settings.gpu_idle_timeout, settings.gpu_release_timeout).open()
        try:
            await pool.warm(1)
            yield cls(settings, folders, LocalWorkers(settings, folders, pool, engine))
        finally:
            await pool.close()
            await engine.close()

    async def read(self, order: Order, keep_in: Path | None = None) -> dict[str, Any]:
        """Markdown, content list and facts of a document; its files in ``keep_in``, or as an archive.

        Raises an ``AppError``. Nothing is left behind, however it ends.
        """
        if order.server_url and order.server_url != self._settings.sglang_url.rstrip("/"):
            # else anybody could let this server knock at any door of its network
            raise OptionInvalid("server_url is not the model server that this service was started with.")
        task = self._task(order)
        try:
            source = self._folders.source(task.source)
            await asyncio.to_thread(source.write_bytes, order.data)
            task = await self._parse(task)
            return await asyncio.to_thread(self._answer, task, order, keep_in)
        finally:
            await asyncio.to_thread(self._forget, task)

    def _task(self, order: Order) -> Task:
        return Task(
            id=uuid.uuid4().hex,
            name=order.name,
            owner="",
            status=TaskStatus.PROCESSING,
            options=order.options,
            source=sha256(order.data).hexdigest(),
            size=len(order.data),
            created_at=clock.stamp(),
        )

    async def _parse(self, task: Task) -> Task:
        folder = await asyncio.to_thread(self._jobs.prepare, task, "inspect")
        engine, reason = self._workers.identity, self._workers.no_engine
        (found,) = await self._jobs.inspect([task], {task.id: folder}, engine, reason)
        await self._jobs.drop(folder.path)
        if isinstance(found, AppError):
            raise found
        vision = needs_engine(found.tier)
        size = self._settings.shard_pages_vlm if vision else self._settings.shard_pages_flash
        cuts = scheduler.cut(found.pages, size, found.scans)
        task = dataclasses.replace(task, **found.columns, shards_total=len(cuts))
        shards = [Shard(task.id, index, cut, done=True) for index, cut in enumerate(cuts)]
        parts = [await self._parse_part(task, shard) for shard in shards]
        if task.whole:
            return _with(task, parts[0].result.findings)
        return await self._join(task, shards, [part.result.findings for part in parts])

    async def _join(self, task: Task, shards: Sequence[Shard], parts: Sequence[Findings]) -> Task:
        parsed = await self._jobs.assemble(task, shards)
        task = _with(task, joined([*parts, parsed.result.findings], parsed.result.coverage))
        await self._put_result(task, parsed)
        return task

    async def _put_result(self, task: Task, parsed: Parsed) -> None:
        await self._jobs.put_notes(parsed, task.findings.notes)
        self._folders.put_result(task.id, parsed.folder / "out")
        await self._jobs.drop(parsed.folder)

    async def _parse_part(self, task: Task, shard: Shard) -> Parsed:
        parsed = await self._jobs.parse(task, shard)
        if task.whole:
            await self._put_result(_with(task, parsed.result.findings), parsed)
        else:
            self._folders.put_shard(task.id, shard.index, parsed.folder / "out")
            await self._jobs.drop(parsed.folder)
        return parsed

    def _answer(self, task: Task, order: Order, keep_in: Path | None) -> dict[str, Any]:
        result = self._folders.result(task.id)
        answer: dict[str, Any] = {
            "id": task.id,
            "name": task.name,
            "tier": task.tier_used,
            "pages": task.pages_total,
            "markdown": read_beneath(result, "document.md").decode(),
            "content_list": json.loads(read_beneath(result, "content_list.json")),
            "output_dir": None,
            "archive": None,
            "notes": notes_to_json((*order.notes, *task.findings.notes)),
            "coverage": task.coverage,
            "readers": dict(task.findings.readers),
            "versions": {"mineru": task.parser_version},
        }
        if keep_in is not None:
            target = keep_in / task.id
            replace_folder(result, target)
            answer["output_dir"] = str(target)
        elif order.archive:
            answer["archive"] = base64.b64encode(b"".join(stream_zip(result))).decode()
        return answer

    def _forget(self, task: Task) -> None:
        self._folders.drop_task(task.id)
        self._folders.drop_sources([task.source], lambda _: False)


def _with(task: Task, found: Findings) -> Task:
    return dataclasses.replace(task, **joined([task.preparing, found]).columns)
