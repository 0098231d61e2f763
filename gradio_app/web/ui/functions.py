"""The public functions for gradio_client and MCP. Names, arguments and docstrings are the contract."""

# No "from __future__ import annotations" here: Gradio needs the return types as types, not as text.

import asyncio
import inspect
import io
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import gradio as gr
from fastapi import FastAPI
from gradio import FileData
from loguru import logger

from gradio_app.base.errors import AppError, Conflict, OptionInvalid, ShuttingDown, TooManyFiles, as_app_error
from gradio_app.base.options import OcrMode, ParseOptions, Tier
from gradio_app.store.listing import Wanted
from gradio_app.store.states import READABLE, QueueStatus
from gradio_app.store.task import Task, Upload
from gradio_app.task_manager import TaskManager
from gradio_app.web.api.access import act, allowed_task, note_submitted, show
from gradio_app.web.auth import audit
from gradio_app.web.auth.credentials import Identity
from gradio_app.web.part_results import results_of
from gradio_app.web.ui import data_address
from gradio_app.web.ui.file_owners import Owners
from gradio_app.web.ui.late_results import Late
from gradio_app.web.uploads import receive_file

#: one wait inside /convert, in seconds; it waits again until the task has ended
_WAIT = 600.0
_MAX_LISTED = 1000
#: bytes of a document's name that go into the name of its archive
_MAX_STEM = 120
_FILE_ROUTE = "/gradio_api/file="


def _with_errors(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Errors reach the caller as ``code: sentence``; unexpected ones go to the log."""

    @wraps(method)
    async def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return await method(*args, **kwargs)
        except Exception as error:
            if not isinstance(error, AppError):
                logger.opt(exception=error).error("a function failed")
            raise _as_gradio_error(as_app_error(error)) from None

    return checked


def _as_gradio_error(error: AppError) -> gr.Error:
    return gr.Error(f"{error.code}: {error.message}", print_exception=False)


class Functions:
    """The functions for scripts and agents. Each checks the caller, as REST does."""

    def __init__(self, app: FastAPI, uploads: Path, owners: Owners, late: Late) -> None:
        self._app = app
        self._owners = owners
        self._late = late
        self._uploads = uploads.resolve()

    def publish(self, demo: gr.Blocks) -> None:
        """Registers the functions with Gradio. Call it inside ``demo``."""
        for name in ("submit", "status", "cancel", "retry", "tasks", "result", "convert"):
            method = _with_errors(getattr(self, name))
            # queue=False lets MCP call them in place, as who asks. gradio_client queues all the same.
            options = {"queue": False, "concurrency_limit": None}
            cast(Any, gr).api(method, api_name=name, api_description=inspect.getdoc(method) or "", **options)
        for event in cast(Any, demo).fns.values():
            for block in event.inputs:
                block.async_move_resource_to_block_cache = _keep_here

    @property
    def _manager(self) -> TaskManager:
        return self._app.state.manager

    async def submit(
        self,
        request: gr.Request,
        files: list[FileData],
        tier: Tier = "auto",
        page_range: str = "",
        ocr_mode: OcrMode = "auto",
    ) -> list[dict[str, Any]]:
        """Queues documents for conversion to Markdown and returns at once, with one task for each file.

        Ask for their state with status, and for the text with result. Takes PDF, scans, pictures, Word,
        PowerPoint, Excel, OpenDocument, HTML, CSV, EPUB, text, mails, and zip archives of these.

        Args:
            files: The documents. Upload them first: POST /gradio_api/upload answers a PATH for each. Pass
                their addresses on this server, http://HOST/gradio_api/file=PATH. Small ones may be passed as
                data: URLs.
            tier: How thoroughly to read. auto takes the vision model where the server has one, else the
                cheapest way that reads each page well. flash takes only text that is in the file, and is
                fastest. basic reads scans, pictures and tables too. standard and advanced use that model.
            page_range: Pages to convert, such as 1-5,8,r2-r1 (r1 is the last page). Empty: all pages.
            ocr_mode: auto recognises text on scanned pages; txt uses the text layer; ocr recognises always.
        """
        who, options = _who(request), _options(tier, page_range, ocr_mode)
        async with self._received(who, files) as uploads:
            tasks = await self._submit(who, uploads, options)
        return [show(self._manager, who, task) for task in tasks]

    async def status(self, request: gr.Request, task_id: str) -> dict[str, Any]:
        """Tells how far a task is: its status, pages done, place in the queue, and seconds left.

        Args:
            task_id: The id of the task, as submit returned it.
        """
        who = _who(request)
        return show(self._manager, who, await allowed_task(self._manager, who, "read", str(task_id)))

    async def cancel(self, request: gr.Request, task_id: str) -> dict[str, Any]:
        """Stops a task that waits or runs. Pages that are finished stay readable.

        Args:
            task_id: The id of the task, as submit returned it.
        """
        who = _who(request)
        return show(self._manager, who, await act(self._manager, who, "cancel", str(task_id)))

    async def retry(self, request: gr.Request, task_id: str) -> dict[str, Any]:
        """Runs a failed, partly done or cancelled task again. Finished pages are not read twice.

        Args:
            task_id: The id of the task, as submit returned it.
        """
        who = _who(request)
        return show(self._manager, who, await act(self._manager, who, "retry", str(task_id)))

    async def tasks(self, request: gr.Request) -> list[dict[str, Any]]:
        """Lists your tasks, the newest first."""
        who = _who(request)
        found = await self._manager.list_tasks(Wanted(who.name, mine=True), _MAX_LISTED)
        return [show(self._manager, who, task) for task in found.page.tasks]

    async def result(self, request: gr.Request, task_id: str) -> tuple[str, FileData]:
        """Returns the Markdown of a finished task, and a ZIP with the Markdown, its pictures and JSON.

        Args:
            task_id: The id of the task, as submit returned it.
        """
        who = _who(request)
        with audit.noted("read", who.name, who.address, str(task_id)):
            task = await allowed_task(self._manager, who, "read", str(task_id))
        return await self._result(task, who)

    async def convert(
        self,
        request: gr.Request,
        file: FileData,
        tier: Tier = "auto",
        page_range: str = "",
        ocr_mode: OcrMode = "auto",
    ) -> tuple[str, FileData]:
        """Converts one document and waits for it: returns its Markdown, and a ZIP with pictures and JSON.

        Takes PDF, scans, pictures, Word, PowerPoint, Excel, OpenDocument, HTML, CSV, EPUB and text.

        Args:
            file: The document. Upload it first: POST /gradio_api/upload answers a PATH. Pass its address on
                this server, http://HOST/gradio_api/file=PATH. A small one may be passed as a data: URL.
            tier: How thoroughly to read. auto takes the vision model where the server has one, else the
                cheapest way that reads each page well. flash takes only text that is in the file, and is
                fastest. basic reads scans, pictures and tables too. standard and advanced use that model.
            page_range: Pages to convert, such as 1-5,8,r2-r1 (r1 is the last page). Empty: all pages.
            ocr_mode: auto recognises text on scanned pages; txt uses the text layer; ocr recognises always.
        """
        who, options = _who(request), _options(tier, page_range, ocr_mode)
        async with self._received(who, [file]) as [upload]:
            # who asks again after a broken connection waits for what is under way
            task = await self._manager.under_way(who.name, upload, options)
            if task is None:
                [task] = await self._submit(who, [upload], options)
            else:
                audit.record("join", who.name, who.address, task.id)
        while not task.ended:
            if self._manager.status is QueueStatus.DRAINING:
                raise ShuttingDown(
                    f"The server restarts. Task {task.id} goes on afterwards; ask for its result then, "
                    "or convert the file again, which waits for the same task."
                )
            task = await self._manager.wait(task.id, _WAIT)
        return await self._result(task, who)

    @asynccontextmanager
    async def _received(self, who: Identity, files: Any) -> AsyncGenerator[list[Upload]]:
        """Files that were uploaded to Gradio, taken in for as long as this lasts."""
        listed = cast(list[Any], files) if isinstance(files, list) else [files]
        if not listed or listed == [None]:
            raise OptionInvalid("No file was sent.")
        settings = self._manager.settings
        if len(listed) > settings.max_files:
            raise TooManyFiles()
        received: list[Upload] = []
        try:
            for file in listed:
                received.append(await asyncio.to_thread(self._receive, file, who))
            yield received
        finally:
            for upload in received:
                await asyncio.to_thread(upload.path.unlink, missing_ok=True)

    async def _submit(self, who: Identity, uploads: list[Upload], options: ParseOptions) -> list[Task]:
        tasks = await self._manager.submit(who.name, uploads, options)
        note_submitted(who, tasks)
        return tasks

    def _receive(self, file: Any, who: Identity) -> Upload:
        """Takes in a document in a ``data:`` address, or a file that the caller uploaded to Gradio.

        Refuses all other files of this machine, and all other addresses.
        """
        folders, limit = self._manager.folders, self._manager.settings.max_file_size
        if isinstance(file, str) and file.startswith(data_address.SCHEME):
            name, data = data_address.read(file, limit)
            return receive_file(io.BytesIO(data), name, folders.tmp, limit)
        path, name = _path_and_name(file)
        try:
            found = Path(path).resolve(strict=True)
        except (OSError, ValueError):
            raise _not_uploaded() from None
        if not found.is_relative_to(self._uploads) or not found.is_file() or not self._owners.may(found, who):
            raise _not_uploaded()
        with found.open("rb") as source:
            return receive_file(source, name or found.name, folders.tmp, limit)

    async def _result(self, task: Task, who: Identity) -> tuple[str, FileData]:
        if task.status not in READABLE:
            raise task.error or Conflict(f"The task is {task.status}; it has no result.")
        folders = self._manager.folders
        folders.check()
        folder = folders.result(task.id)
        markdown = await asyncio.to_thread(self._late.text, folder, "document.md")
        archive = self._uploads / secrets.token_hex(16) / f"{_stem(task.name)}.zip"
        parts = await self._manager.parts(task.id)
        self._late.promise_archive(archive, await asyncio.to_thread(results_of, folders, task, parts))
        self._owners.add(archive, who)
        # as plain JSON: Gradio passes what an API function returns on as it is
        sent = FileData(path=str(archive), orig_name=archive.name)
        return markdown, cast(FileData, sent.model_dump())


def _who(request: gr.Request) -> Identity:
    # gradio_client comes as Gradio's wrapper, MCP as the request itself
    return cast(Any, getattr(request, "request", request)).scope["identity"]


def _options(tier: Any, page_range: Any, ocr_mode: Any) -> ParseOptions:
    given = ["" if value is None else str(value) for value in (tier, page_range, ocr_mode)]
    return ParseOptions.checked(given[0], given[1], given[2])


def _path_and_name(file: Any) -> tuple[str, str]:
    """From what clients send for a file: a record with a path, a path, or its address on this server."""
    if isinstance(file, dict):
        record = cast(dict[str, Any], file)
        return str(record.get("path") or ""), str(record.get("orig_name") or "")
    return _without_address(str(file)), ""


def _without_address(path: str) -> str:
    """The path behind the address of an upload on this server; ``""`` for addresses elsewhere."""
    return unquote(urlsplit(path).path).partition(_FILE_ROUTE)[2] if "://" in path else path


async def _keep_here(path: str | None) -> str | None:
    """Stands in for Gradio's step before each call, which would fetch any web address sent as a file."""
    kept = _without_address(path or "")
    if path and not kept:
        raise _as_gradio_error(_not_uploaded())
    return kept


def _not_uploaded() -> OptionInvalid:
    return OptionInvalid("This file was not uploaded to this server. Upload it first, then pass its path.")


def _stem(name: str) -> str:
    plain = "".join(char if char.isalnum() or char in "._-" else "_" for char in Path(name).stem)
    return plain.encode()[:_MAX_STEM].decode(errors="ignore") or "document"
