"""The router of all families, and what answers at addresses of theirs that do not exist."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from gradio_app.base.errors import NotFound
from gradio_app.web.compat import convert, docling, mineru2, mineru4, mineru4_uploads

#: an error has the shape of its family (``errors``)
_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"description": "An error, or what is not ready yet"}
    for code in (202, 400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503, 504, 507)
}
router = APIRouter(tags=["other servers"], responses=_ERRORS)
for part in (convert, docling, mineru2, mineru4, mineru4_uploads):
    router.include_router(part.router)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_THEIRS = (
    "/file_parse",
    "/tasks",
    "/tasks/{path:path}",
    "/convert",
    "/version",
    "/v1",
    "/v1/{path:path}",
    "/v1alpha/{path:path}",
)


async def unknown(_request: Request) -> None:
    """Keeps wrong addresses from falling through to the page, which answers in its own shape."""
    raise NotFound("There is no such route. See /docs for those that exist.")


for path in _THEIRS:
    router.add_api_route(path, unknown, methods=_METHODS, include_in_schema=False)
