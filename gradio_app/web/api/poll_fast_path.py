"""Fast path for polls: answers the two requests of each open page without routing, which costs more."""

from __future__ import annotations

import re
from contextlib import suppress

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gradio_app.base.errors import AppError
from gradio_app.web.api.changes import delta
from gradio_app.web.api.queue import summary

#: what poll.js asks of the list of tasks
_SINCE = re.compile(rb"since=(\d{1,15})&limit=([1-9]\d{0,2})")


class Polls:
    """The layer behind the guard. Every other request passes, and so does each error."""

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app = app
        self._root = root_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        if scope["type"] == "http" and scope["method"] == "GET":
            with suppress(AppError):  # the route meets it again, and says so
                answer = await self._answer(scope)
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | None:
        path, query = scope["path"].removeprefix(self._root), scope["query_string"]
        if path == "/api/v1/queue" and not query:
            return JSONResponse(await summary(scope["app"].state.manager, scope["identity"]))
        asked = _SINCE.fullmatch(query) if path == "/api/v1/tasks" else None
        if asked is None:
            return None
        since, limit = map(int, asked.groups())
        return await delta(scope["app"].state.manager, scope["identity"], since, [], limit)
