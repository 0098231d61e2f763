"""REST: the contract's routes. Every answer passes an owner check."""

from fastapi import APIRouter, Request

from gradio_app.base.errors import NotFound
from gradio_app.web.api import bulk, changes, gpu, page_redo, queue, results, search, tasks

router = APIRouter()
for part in (bulk, tasks, results, page_redo, search, changes, queue, gpu):
    router.include_router(part.router)


@router.api_route(
    "/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
)
async def unknown(_request: Request) -> None:
    """Keeps wrong addresses from falling through to the page, which answers them in its own shape."""
    raise NotFound("There is no such route. See /docs for those that exist.")
