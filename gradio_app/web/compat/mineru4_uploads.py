"""Uploads of MinerU 4's V1: announced, sent, completed, and then named by the jobs that read them.

An upload is a request without tasks until a job uses it; its bytes lie in a folder of their own meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from gradio_app.base import clock
from gradio_app.base.errors import Conflict, FileTooLarge, NotFound, OptionInvalid, QuotaExceeded
from gradio_app.base.names import display_name
from gradio_app.store.requests import KEEP_REQUESTS, ClientRequest
from gradio_app.store.task import Upload
from gradio_app.web.api.access import identity_of, manager_of
from gradio_app.web.compat import requests
from gradio_app.web.uploads import receive_body

FAMILY = "mineru4_upload"
_UPLOAD, _FILE = "upload_", "file-"
#: seconds after which uploads that no job used give way to newer ones, where there is no room: those whose
#: bytes never came, and those with bytes, which MinerU's own server keeps as long
_EMPTY, _STALE = 60.0, 3600.0
#: ids of uploads whose bytes are coming just now
_arriving = set[str]()
router = APIRouter(prefix="/v1")

_Digest = Annotated[str | None, Field(pattern="^[0-9a-f]{64}$")]


class NewUpload(BaseModel):
    """What a client announces."""

    filename: str = Field(min_length=1, max_length=1000)
    bytes: int = Field(gt=0, le=2**53)
    mime_type: str = Field("application/octet-stream", max_length=200)
    sha256sum: _Digest = None


class Completion(BaseModel):
    """What a client may say at the end."""

    sha256sum: _Digest = None


@router.post("/uploads", response_class=JSONResponse)
async def create(request: Request, new: NewUpload) -> JSONResponse:
    """MinerU 4: announces a file, which is then sent by PUT to `upload_url`."""
    manager, who = manager_of(request), identity_of(request)
    await manager.check_room(who.name, 1)
    settings = manager.settings
    if new.bytes > settings.max_file_size:
        raise FileTooLarge(f"This server accepts files of up to {settings.max_file_size / 2**20:.0f} MB.")
    await _make_room(request, who.name)
    name = display_name(new.filename)
    made = ClientRequest.new(
        FAMILY, who.name, name=name, bytes=new.bytes, mime=new.mime_type, sha=new.sha256sum, state="pending"
    )
    await manager.requests.add(made)
    return _shown(request, made)


async def _make_room(request: Request, owner: str) -> None:
    """Room for one more upload that no job has used: what was left behind gives way."""
    manager, most = manager_of(request), manager_of(request).settings.max_files
    if await manager.requests.waiting(FAMILY, owner) < most:
        return
    unused = await manager.requests.unused(FAMILY, owner)
    leaving = left_behind(unused, clock.surely())
    wanted = len(unused) - most + 1
    if len(leaving) < wanted:
        raise QuotaExceeded(
            f"{most} uploads wait for a job. Use or cancel some. Those without their bytes give way after "
            f"{_EMPTY / 60:.0f} minute, those with them after {_STALE / 60:.0f} minutes."
        )
    for each in leaving[:wanted]:
        await drop(request, each)


def left_behind(unused: Sequence[ClientRequest], now: float) -> list[ClientRequest]:
    """Uploads that may give way, the first ones first: without bytes, then with bytes that nobody used.

    ``unused`` from the oldest on; ``now`` in Unix seconds. What is being received stays.
    """
    empty = [each for each in unused if each.fields["state"] == "pending" and each.id not in _arriving]
    full = [each for each in unused if each.fields["state"] != "pending"]
    return [
        each
        for some, age in ((empty, _EMPTY), (full, _STALE))
        for each in some
        if each.created_at < now - age
    ]


@router.get("/uploads/{upload_id}", response_class=JSONResponse)
async def get(request: Request, upload_id: str) -> JSONResponse:
    """MinerU 4: how far an upload is."""
    return _shown(request, await _found(request, upload_id))


@router.put("/uploads/{upload_id}/content", name="mineru4_content", response_class=Response)
async def content(request: Request, upload_id: str) -> Response:
    """MinerU 4: the bytes of an upload."""
    asked = await _found(request, upload_id)
    if asked.fields["state"] == "completed":
        raise Conflict("This upload is complete already.")
    _arriving.add(asked.id)
    try:
        await _receive(request, asked)
    finally:
        _arriving.discard(asked.id)
    return Response(status_code=200)


async def _receive(request: Request, asked: ClientRequest) -> None:
    folders, size = manager_of(request).folders, asked.fields["bytes"]
    upload = await receive_body(request.stream(), asked.fields["name"], folders.tmp, size)
    try:
        if upload.size != size:
            raise OptionInvalid(f"{size} bytes were announced, and {upload.size} came. Send the file again.")
        await asyncio.to_thread(folders.put_upload, asked.id, upload.path)
    finally:
        upload.path.unlink(missing_ok=True)
    await _changed(request, asked, state="received", digest=upload.sha256)


@router.post("/uploads/{upload_id}/complete", response_class=JSONResponse)
async def complete(request: Request, upload_id: str, said: Completion | None = None) -> JSONResponse:
    """MinerU 4: the upload is whole. Asked again, it says so again."""
    asked = await _found(request, upload_id)
    fields = asked.fields
    if fields["state"] == "pending":
        raise Conflict("The bytes of this upload did not come yet. Send them to its upload_url.")
    for digest in (fields["sha"], said.sha256sum if said else None):
        if digest not in (None, fields["digest"]):
            raise OptionInvalid("The file is not the one that was announced: its SHA-256 differs.")
    return _shown(request, await _changed(request, asked, state="completed"))


@router.post("/uploads/{upload_id}/cancel", response_class=JSONResponse)
async def cancel(request: Request, upload_id: str) -> JSONResponse:
    """MinerU 4: forgets an upload."""
    asked = await _found(request, upload_id)
    await drop(request, asked)
    return _shown(request, replace(asked, fields={**asked.fields, "state": "cancelled"}))


async def drop(request: Request, asked: ClientRequest) -> None:
    """Forgets an upload and its bytes; tasks that were made of it keep theirs."""
    manager = manager_of(request)
    await manager.requests.delete(asked.id)
    await asyncio.to_thread(manager.folders.upload(asked.id).unlink, missing_ok=True)


async def _found(request: Request, upload_id: str) -> ClientRequest:
    if not upload_id.startswith(_UPLOAD):
        raise NotFound()
    return await requests.found(request, FAMILY, upload_id.removeprefix(_UPLOAD))


async def file_of(request: Request, file_id: str) -> ClientRequest:
    """The complete upload that a file's id stands for; else ``NotFound``."""
    asked = await requests.found(request, FAMILY, file_id.removeprefix(_FILE))
    if not file_id.startswith(_FILE) or asked.fields["state"] != "completed":
        raise NotFound()
    return asked


async def _changed(request: Request, asked: ClientRequest, **fields: Any) -> ClientRequest:
    return await manager_of(request).requests.change(replace(asked, fields={**asked.fields, **fields}))


def as_upload(request: Request, asked: ClientRequest) -> Upload:
    """The file for a task. Raises ``NotFound`` when it was sent too long ago."""
    path: Path = manager_of(request).folders.upload(asked.id)
    if not path.is_file():
        raise NotFound("This upload is no longer kept. Send it again.")
    return Upload(path, asked.fields["digest"], asked.fields["bytes"], asked.fields["name"], "")


def used(asked: ClientRequest, task_id: str) -> ClientRequest:
    """The upload after a task was made of it: it counts no longer as waiting."""
    return replace(asked, tasks=(*asked.tasks, task_id))


def described(asked: ClientRequest) -> dict[str, Any]:
    """The file of an upload as MinerU 4 tells it."""
    return {
        "id": _FILE + asked.id,
        "object": "file",
        "bytes": asked.fields["bytes"],
        "created_at": int(asked.created_at),
        "expires_at": int(asked.created_at + KEEP_REQUESTS),
        "filename": asked.fields["name"],
        "purpose": "parse",
        "sha256sum": asked.fields.get("digest"),
    }


def _shown(request: Request, asked: ClientRequest) -> JSONResponse:
    fields, upload_id = asked.fields, _UPLOAD + asked.id
    state = "pending" if fields["state"] == "received" else fields["state"]
    told = described(asked) | {
        "id": upload_id,
        "object": "upload",
        "mime_type": fields["mime"],
        "status": state,
        "upload_url": None,
        "upload_method": None,
        "upload_headers": None,
        "file": described(asked) if state == "completed" else None,
    }
    if state == "pending":
        told["upload_url"] = str(request.url_for("mineru4_content", upload_id=upload_id))
        told |= {"upload_method": "PUT", "upload_headers": {"Content-Type": "application/octet-stream"}}
    return JSONResponse(told)
