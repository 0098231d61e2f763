"""Results: every format, pages, pictures, and the upload itself."""

from __future__ import annotations

import asyncio
import mimetypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from gradio_app.base.errors import NotFound, OptionInvalid
from gradio_app.base.files import open_beneath, open_folder
from gradio_app.base.options import EXPORT_SUFFIX, MOST_EMBEDDED
from gradio_app.store.states import READABLE
from gradio_app.web.api.access import manager_of, task_to_read
from gradio_app.web.api.downloads import HARMLESS, attachment, file_answer, validator, zip_answer
from gradio_app.web.api.schemas import ERRORS, PageView, binary
from gradio_app.web.part_results import results_of
from gradio_app.web.zip_stream import paths_of, pictures_of, stream_document, stream_zip, stream_zips

FILES = {"markdown": "document.md", "json": "middle.json", "content_list": "content_list.json"}
_MEDIA = {
    ".md": "text/markdown; charset=utf-8",
    ".json": "application/json",
    ".tex": "application/x-tex",
    ".epub": "application/epub+zip",
    ".html": "text/html; charset=utf-8",
    # not from the system's list of types, which differs from machine to machine
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/svg+xml")
#: a longer number would not fit into the name of a file
_PageNumber = Annotated[int, InPath(ge=-(10**9), le=10**9)]
_FORMATS = (*FILES, *EXPORT_SUFFIX, "zip")
#: a page of the upload looks the same each time
_SOON = {"Cache-Control": "private, max-age=3600"}

router = APIRouter(prefix="/api/v1/tasks/{task_id}", tags=["results"], responses=ERRORS)


@router.get("/result", response_class=FileResponse, responses=binary(*_MEDIA.values(), "application/zip"))
async def result(
    request: Request,
    task_id: str,
    format: Annotated[str, Query(max_length=20, json_schema_extra={"enum": list(_FORMATS)})] = "markdown",
    pictures: bool = False,
) -> Response:
    """The result: markdown, json, content_list, html, docx, latex, epub, docling, or everything as zip.

    With `pictures`, a file that links to pictures comes with them, as one zip. The zip of an archive, a mail
    or a portfolio has the results of the documents in it, too.
    """
    task = await task_to_read(request, task_id)
    folders = manager_of(request).folders
    folder = folders.result(task_id)
    if format not in _FORMATS:
        raise OptionInvalid(f"Formats are: {', '.join(_FORMATS)}.")
    if not folders.has_result(task_id):
        raise NotFound("This task has no result yet." if task.status not in READABLE else None)
    stem = Path(task.name).stem or "document"
    if format == "zip":
        name = attachment(f"{stem}.zip", task.id)
        if parts := await manager_of(request).parts(task_id):
            found = await asyncio.to_thread(results_of, folders, task, parts)
            return zip_answer(request, stream_zips(found), name)
        return _zip(request, folder, stream_zip(folder), name)
    name = FILES[format] if format in FILES else await manager_of(request).export(task, format)
    suffix = Path(name).suffix
    if pictures and await asyncio.to_thread(_has_links, folder, format):
        made = stream_document(folder, name, f"{paths_of([('', task.name)])[0]}{suffix}")
        return _zip(request, folder, made, attachment(f"{stem}.zip", task.id))
    headers = {**HARMLESS, "Content-Disposition": attachment(f"{stem}{suffix}", task.id)}
    return file_answer(request, open_beneath(folder, name), _MEDIA[suffix], headers)


def _has_links(folder: Path, format: str) -> bool:
    """Whether a file of this format leads to pictures beside it."""
    found = pictures_of(folder)
    if format == "html":
        return sum(os.lstat(folder / name).st_size for name in found) > MOST_EMBEDDED
    return format in ("markdown", "latex") and bool(found)


def _zip(request: Request, folder: Path, chunks: Iterator[bytes], disposition: str) -> Response:
    """The same result gives the same bytes, so its folder stands for them."""
    held = open_folder(folder)
    try:
        tag = validator(os.fstat(held))
    finally:
        os.close(held)
    return zip_answer(request, chunks, disposition, tag)


@router.get("/pages/{page}.png", response_class=Response, responses=binary("image/png"))
async def page_picture(
    request: Request, task_id: str, page: _PageNumber, width: Annotated[int, Query(ge=50, le=2000)] = 1000
) -> Response:
    """A picture of one page of the upload."""
    task = await task_to_read(request, task_id)
    picture = await manager_of(request).picture(task, page, width)
    return Response(picture, media_type="image/png", headers=_SOON)


@router.get("/pages/{page}", response_model=PageView)
async def page(request: Request, task_id: str, page: _PageNumber) -> Response:
    """One page with its blocks, as soon as that page is done."""
    await task_to_read(request, task_id)
    return file_answer(request, manager_of(request).folders.page(task_id, page), "application/json")


@router.get("/source", response_class=FileResponse, responses=binary("application/octet-stream"))
async def source(request: Request, task_id: str) -> Response:
    """The file as it was uploaded."""
    task = await task_to_read(request, task_id)
    upload = open_beneath(manager_of(request).folders.sources, task.source)
    headers = {**HARMLESS, "Content-Disposition": attachment(task.name, task.id)}
    return file_answer(request, upload, "application/octet-stream", headers)


@router.get("/files/{path:path}", response_class=FileResponse, responses=binary(*_PICTURES))
async def result_file(request: Request, task_id: str, path: str) -> Response:
    """A picture of the result."""
    await task_to_read(request, task_id)
    found = manager_of(request).folders.file(task_id, path)
    media = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return file_answer(request, found, media, HARMLESS | _SOON)
