"""Search routes: words inside one document, over the pages that are finished."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import NotFound, OptionInvalid
from gradio_app.web.api.access import manager_of, task_to_read
from gradio_app.web.api.schemas import ERRORS

_LONGEST = 200
_MOST = 500
#: characters of the text that are shown before and after what was found
_BEFORE, _AFTER = 40, 80
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
#: what Markdown writes around and between words
_MARKUP = re.compile(r"\\(?=[!-/:-@\[-`{-~])|\*\*|^(?:#{1,6}|>|[-*+]|\d+[.)]) |^[ :|-]+$", re.MULTILINE)

router = APIRouter(prefix="/api/v1/tasks/{task_id}", tags=["results"], responses=ERRORS)


class Hit(BaseModel):
    """One place where the words stand, with the text around it."""

    page: int
    block: str = Field(description="The id of the block, as in pages/N")
    nth: int = Field(description="0 for the first place in its block, 1 for the next one")
    before: str
    match: str
    after: str


class SearchView(BaseModel):
    """What was found, in the order of the pages."""

    query: str
    hits: list[Hit]
    more: bool = Field(description="There are more than ``limit``")


@router.get("/search", response_model=SearchView)
async def search(
    request: Request,
    task_id: str,
    q: Annotated[str, Query(min_length=1, max_length=_LONGEST, description="Words in a row")],
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Where words stand in a document: in its finished pages, whatever their case."""
    await task_to_read(request, task_id)
    words = q.split()
    if not words:
        raise OptionInvalid("Write what to search for.")
    folders = manager_of(request).folders
    hits = await asyncio.to_thread(lambda: list(islice(find(_records(folders, task_id), words), limit + 1)))
    return {"query": q, "hits": hits[:limit], "more": len(hits) > limit}


def _records(folders: Folders, task_id: str) -> Iterator[tuple[int, Any]]:
    for number, path in folders.pages(task_id):
        with suppress(NotFound):  # the parts of a document are joined right now
            yield number, json.loads(folders.read(path))


def find(pages: Iterable[tuple[int, Any]], words: list[str]) -> Iterator[dict[str, Any]]:
    """Each place in the pages where ``words`` follow each other, with whatever white space between them."""
    wanted = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    for number, record in pages:
        for block in record["blocks"]:
            if block["auxiliary"]:
                continue
            text = plain(block["markdown"])
            for nth, match in enumerate(wanted.finditer(text)):
                start, end = match.span()
                yield {
                    "page": number,
                    "block": block["id"],
                    "nth": nth,
                    "before": text[max(0, start - _BEFORE) : start],
                    "match": match[0],
                    "after": text[end : end + _AFTER],
                }


def plain(markdown: str) -> str:
    """What a reader sees of a block, on one line: without tags, marks and addresses of pictures."""
    text = _TAG.sub(" ", _PICTURE.sub(" ", markdown))
    text = _ROW.sub(lambda row: row[0].replace("|", " "), text)
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())
