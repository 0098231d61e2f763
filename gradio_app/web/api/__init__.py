"""REST: the contract's routes. Every answer passes an owner check."""

from fastapi import APIRouter, Request

from gradio_app.base.errors import NotFound
from gradio_app.web.api import (
    bulk,
    changes,
    corrections,
    gpu,
    links,
    page_redo,
    queue,
    results,
    search,
    tasks,
)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_OURS = ("/api", "/gpu", "/docs", "/openapi.json", "/health", "/ready", "/metrics")

router = APIRouter()
for part in (bulk, tasks, links, results, page_redo, corrections, search, changes, queue, gpu):
    router.include_router(part.router)
router.include_router(links.opening)


async def unknown(_request: Request) -> None:
    """Keeps wrong addresses and methods from falling through to the page, which answers in its own shape."""
    raise NotFound("There is no such route. See /docs for those that exist.")


for path in ("/api/{path:path}", "/gpu/{path:path}", "/docs/{path:path}", *_OURS):
    router.add_api_route(path, unknown, methods=_METHODS, include_in_schema=False)
