"""Corrections: a block of a finished document as it is edited, edited, and as it was read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gradio_app.base.errors import OptionInvalid
from gradio_app.web.api.access import identity_of, manager_of, show, task_of
from gradio_app.web.api.schemas import ERRORS, TaskView
from gradio_app.web.auth import audit

#: characters of one correction
MOST_TYPED = 40_000
_Page = Annotated[int, InPath(ge=1, le=10**9)]
_Block = Annotated[int, InPath(ge=0, le=10**9, description="The number after the dash in a block's id")]


async def _may_change(request: Request, task_id: str) -> None:
    """Before the body is looked at: to others the document does not exist."""
    await task_of(request, task_id, "change")


router = APIRouter(
    prefix="/api/v1/tasks/{task_id}/pages/{page}/blocks/{block}",
    tags=["results"],
    responses=ERRORS,
    dependencies=[Depends(_may_change)],
)


class CellView(BaseModel):
    """A cell of a table and how many rows and columns it spans."""

    text: str
    rows: int
    columns: int
    head: bool
    fixed: bool = Field(description="It has more than text in it, and cannot be corrected")


class SaidView(BaseModel):
    """What of a block can be corrected; null where it cannot."""

    text: str | None
    level: int | None = Field(description="Of a heading, 1 to 6; 0 is a paragraph")
    cells: list[list[CellView]] | None


class EditableBlock(SaidView):
    """A block as it is edited: plain text, formulas between dollars, the items of a list on lines."""

    type: str
    rev: int = Field(description="Of its document: a correction names it")
    original: SaidView | None = Field(description="What was read, where it was corrected")


class CellChange(BaseModel):
    """Another text of one cell."""

    row: int = Field(ge=0, le=100_000)
    cell: int = Field(ge=0, le=100_000, description="Its place in the row, from 0; spans count once")
    text: str = Field(max_length=MOST_TYPED // 4)


class Correction(BaseModel):
    """What a block is to say, all of it or some. What is typed is plain text."""

    rev: int = Field(ge=0, description="That of the document when it was looked at", le=2**53)
    text: str | None = Field(None, max_length=MOST_TYPED)
    level: int | None = Field(None, ge=0, le=6)
    cells: list[CellChange] | None = Field(None, max_length=1000)


@router.get("", response_model=EditableBlock)
async def block(request: Request, task_id: str, page: _Page, block: _Block) -> JSONResponse:
    """A block of a finished document as it is edited: its text, its level as a heading, or its cells."""
    rev, found = await manager_of(request).block(task_id, page, block)
    return JSONResponse({"rev": rev, **asdict(found)})


@router.patch("", response_model=TaskView)
async def correct(
    request: Request, task_id: str, page: _Page, block: _Block, correction: Correction
) -> JSONResponse:
    """Corrects a block: all formats of the result say what it says now. Answers with the document.

    Where the document has changed since `rev`, the answer is 409 and nothing is changed.
    """
    change = correction.model_dump(exclude_none=True, exclude={"rev"})
    if not change:
        raise OptionInvalid("Nothing is corrected: name text, level or cells.")
    if cells := correction.cells:
        change["cells"] = [(each.row, each.cell, each.text) for each in cells]
    return await _correct(request, task_id, page, block, correction.rev, change)


@router.delete("", response_model=TaskView)
async def bring_back(
    request: Request, task_id: str, page: _Page, block: _Block, rev: Annotated[int, Query(ge=0, le=2**53)]
) -> JSONResponse:
    """Brings back what was read in place of a correction. Answers with the document."""
    return await _correct(request, task_id, page, block, rev, None)


async def _correct(
    request: Request, task_id: str, page: int, block: int, rev: int, change: Mapping[str, Any] | None
) -> JSONResponse:
    who, manager = identity_of(request), manager_of(request)
    with audit.noted("correct", who.name, who.address, task_id):
        await task_of(request, task_id, "change")
        task = await manager.correct(task_id, page, block, rev, change)
    return JSONResponse(show(manager, who, task))
