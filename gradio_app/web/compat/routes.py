"""The router of all families, and what answers at addresses of theirs that do not exist."""

from __future__ import annotations

from fastapi import APIRouter, Request

from gradio_app.base.errors import NotFound
from gradio_app.web.compat import mineru2

router = APIRouter(tags=["other servers"])
for part in (mineru2,):
    router.include_router(part.router)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_THEIRS = (
    "/file_parse",
    "/tasks",
    "/tasks/{path:path}",
    "/convert",
    "/v1",
    "/v1/{path:path}",
    "/v1alpha/{path:path}",
)


async def unknown(_request: Request) -> None:
    """Keeps wrong addresses from falling through to the page, which answers in its own shape."""
    raise NotFound("There is no such route. See /docs for those that exist.")


for path in _THEIRS:
    router.add_api_route(path, unknown, methods=_METHODS, include_in_schema=False)
