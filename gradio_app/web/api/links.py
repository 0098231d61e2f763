"""Links to documents: made, listed and ended by their owners; opened by whoever has one."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from gradio_app.base.errors import AppError
from gradio_app.base.files import open_beneath
from gradio_app.web.api.access import identity_of, manager_of, task_of
from gradio_app.web.api.downloads import file_answer
from gradio_app.web.api.schemas import ERRORS, LinkForm, LinkList, LinkView
from gradio_app.web.auth import audit
from gradio_app.web.shared_links import Link, SharedLinks

#: what a shared document may do, which may come from a stranger: be seen
_SHOWN = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
}
_ENDED = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>MinerU Optimized</title>
<meta name="viewport" content="width=device-width,initial-scale=1"></head>
<body style="font:16px/1.6 system-ui,sans-serif;max-width:40em;margin:20vh auto;padding:0 1em">
<h1 style="font-size:1.3em">This link has ended</h1><p>Ask whoever sent it for a new one.</p>
<p lang="zh-CN">此链接已失效，请向发送者索取新的链接。</p></body></html>"""
_USUAL = LinkForm(days=7)

router = APIRouter(prefix="/api/v1/tasks/{task_id}/links", tags=["results"], responses=ERRORS)
opening = APIRouter()


def _links(request: Request) -> SharedLinks:
    return request.app.state.links


def _shown(link: Link) -> dict[str, object]:
    return {"id": link.id, "created_at": link.made, "until": link.until}


@router.get("", response_model=LinkList)
async def list_links(request: Request, task_id: str) -> JSONResponse:
    """The secret links that open this document now; what they are is told only when they are made."""
    task = await task_of(request, task_id, "change")
    return JSONResponse({"links": [_shown(link) for link in _links(request).of_task(task.id)]})


@router.post("", status_code=201, response_model=LinkView)
async def make_link(request: Request, task_id: str, form: LinkForm = _USUAL) -> JSONResponse:
    """A secret link: whoever has its `path` may read the document until the end, without signing in."""
    who = identity_of(request)
    with audit.noted("share", who.name, who.address, task_id):
        task = await task_of(request, task_id, "change")
        link, secret = await asyncio.to_thread(_links(request).make, task.id, form.days)
    return JSONResponse({**_shown(link), "path": f"shared/{secret}"}, 201)


@router.post("/{link_id}/end", status_code=204)
async def end_link(request: Request, task_id: str, link_id: str) -> Response:
    """Ends a link at once. One that is gone already is no error."""
    who = identity_of(request)
    with audit.noted("unshare", who.name, who.address, task_id):
        task = await task_of(request, task_id, "change")
        await asyncio.to_thread(_links(request).end, task.id, link_id)
    return Response(status_code=204)


@opening.get("/shared/{secret}", include_in_schema=False)
async def open_link(request: Request, secret: str) -> Response:
    """The document of a link as one page with its pictures, for whoever has the link."""
    link = _links(request).opened_by(secret)
    if link is None:
        return HTMLResponse(_ENDED, 404, _SHOWN)
    manager = manager_of(request)
    try:
        task = await manager.get(link.task)
        name = await manager.export(task, "html")
        opened = open_beneath(manager.folders.result(task.id), name)
    except AppError as error:
        if error.status != 404:
            raise
        return HTMLResponse(_ENDED, 404, _SHOWN)
    audit.record("read", f"link {link.id}", identity_of(request).address, task.id)
    return file_answer(request, opened, "text/html; charset=utf-8", _SHOWN)
