"""Exports and page pictures: made by workers when they are asked for; exports are kept beside the result."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import Conflict, WorkerCrashed
from gradio_app.base.files import open_folder
from gradio_app.base.options import DOCLING_SUFFIX, EXPORT_SUFFIX, MINERU_SUFFIX
from gradio_app.queue.worker_jobs import LIGHT_TIMEOUT, suffix_of
from gradio_app.store.task import Task
from gradio_app.workers.pool import WorkerPool

#: no picture of a page is larger, in bytes: it has at most 8 million pixels
MOST_PICTURE = 64 * 2**20
#: how often an export is made while its result changes under it
_TRIES = 3


class Exports:
    """Lives on the server's event loop. ``check_reserve`` raises ``DiskFull``."""

    def __init__(self, folders: Folders, pool: WorkerPool, check_reserve: Callable[[], None]) -> None:
        self._folders = folders
        self._pool = pool
        self._check_reserve = check_reserve

    async def export(self, task: Task, form: str) -> str:
        """Makes the result in a form that ``base.options`` names, once; its path below the result.

        Raises ``Conflict`` when the result was changed again and again meanwhile.
        """
        name = f"document.{(EXPORT_SUFFIX | MINERU_SUFFIX | DOCLING_SUFFIX)[form]}"
        for _ in range(_TRIES):
            if await asyncio.to_thread(self._folders.exported, task.id, name):
                return f"exports/{name}"
            self._check_reserve()
            result = await asyncio.to_thread(open_folder, self._folders.result(task.id))
            try:
                await self._export(task, form, name, result)
            finally:
                os.close(result)
        raise Conflict("The document is being changed right now. Try again in a moment.")

    async def _export(self, task: Task, form: str, name: str, result: int) -> None:
        """Makes it of ``result``, the open folder; one that came in its place meanwhile does not get it."""
        folder = await asyncio.to_thread(self._folders.work, task.id, f"export-{form}")
        title = Path(task.name).stem or "document"
        try:
            made = folder / "made"
            args = {"result": str(self._folders.result(task.id)), "form": form, "title": title}
            fn = "export_for_mineru" if form in MINERU_SUFFIX else "export"
            if form == "docling" or form in DOCLING_SUFFIX:
                fn, args["form"] = "export_for_docling", "json-embedded" if form == "docling" else form
                args |= {"filename": task.name, "sha256": task.source}
            await self._pool.run_light(fn, args, seconds=LIGHT_TIMEOUT, out=made)
            await asyncio.to_thread(self._folders.put_export, task.id, result, name, made)
        finally:
            await asyncio.to_thread(self._folders.drop_work, folder)

    async def picture(self, task: Task, page: int, width: int) -> bytes:
        """One page (1-based) drawn as PNG, about ``width`` pixels wide."""
        self._check_reserve()
        folder = await asyncio.to_thread(self._folders.work, task.id, f"picture-{page}-{width}")
        try:
            target = folder / "page.png"
            prepared, digest = task.prepared, task.source
            source = self._folders.prepared(prepared) if prepared else self._folders.source(digest)
            args = {
                "source": str(source),
                "kind": suffix_of(prepared) or task.kind,
                "page": page,
                "width": width,
            }
            await self._pool.run_light("page_picture", args, seconds=LIGHT_TIMEOUT, out=target)
            if target.stat().st_size > MOST_PICTURE:
                raise WorkerCrashed()
            return await asyncio.to_thread(target.read_bytes)
        finally:
            await asyncio.to_thread(self._folders.drop_work, folder)
