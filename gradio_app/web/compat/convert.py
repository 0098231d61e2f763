"""``POST /convert``: one file in, Markdown out, for tools that call an address with a file (FastGPT)."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gradio_app.base.errors import Conflict
from gradio_app.base.files import open_beneath
from gradio_app.base.notes import notes_to_json
from gradio_app.base.options import ParseOptions
from gradio_app.store.states import READABLE
from gradio_app.store.task import Task
from gradio_app.web.api.access import manager_of
from gradio_app.web.api.downloads import HARMLESS, Download
from gradio_app.web.compat import requests
from gradio_app.web.compat.inner_texts import Text, joined
from gradio_app.web.compat.json_stream import gathered, object_of, text_of

router = APIRouter()


@router.post("/convert", response_class=Response)
async def convert(request: Request) -> Response:
    """Converts `file` and answers with `markdown`, `pages` and `error`.

    Markdown of an archive or a mail has that of the documents in it, each under its name.
    """
    async with requests.received(request, "file", "files") as form:
        get = form.fields.get
        options = ParseOptions.checked(get("tier", ""), get("page_range", ""), get("ocr_mode", ""))
        password = get("password", "")
        asked = await requests.submit(request, "convert", form.uploads[:1], options, password, durable=False)
    [task] = await requests.all_ended(request, asked)
    if task.status not in READABLE:
        raise task.error or Conflict("The conversion was cancelled.")
    manager = manager_of(request)
    inner = await manager.parts(task.id)
    requests.note_read(request, [task, *inner])

    def opened(one: Task) -> Text:
        return partial(open_beneath, manager.folders.result(one.id), "document.md")

    parts = [(each, opened(each) if each.status in READABLE else None) for each in inner]
    members = [
        ("pages", task.pages_total),
        ("error", None),
        ("notes", notes_to_json(task.findings.notes)),
        ("markdown", partial(text_of, *joined(opened(task), parts))),
    ]
    return Download(gathered(object_of(members)), 200, HARMLESS, "application/json")
