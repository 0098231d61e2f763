"""Search routes: words inside one document, over the pages that are finished."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from gradio_app.base.errors import OptionInvalid
from gradio_app.web.api.access import identity_of, manager_of, task_to_read
from gradio_app.web.api.schemas import ERRORS

_LONGEST = 200
_MOST = 500

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
    hits = await manager_of(request).search(identity_of(request).name, task_id, words, limit + 1)
    return {"query": q, "hits": [asdict(hit) for hit in hits[:limit]], "more": len(hits) > limit}
