"""Request ids: one for each HTTP request, in its answer, its log records, its audit line and its errors."""

from __future__ import annotations

import asyncio
import re
import secrets

from loguru import logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradio_app.base.errors import ShuttingDown
from gradio_app.web.error_answers import problem, unexpected

_HEADER = b"x-request-id"
#: ids that a proxy or a script may give; any other is replaced
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestIds:
    """The outermost layer. Also answers the exceptions that no other layer has answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        own = given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(8).encode()
        scope["request_id"] = own.decode()
        started = False

        async def with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), (_HEADER, own)]
            await send(message)

        with logger.contextualize(request=scope["request_id"]):
            try:
                await self._app(scope, receive, with_id)
            except Exception as error:
                answer = unexpected(error, scope)
                if started:  # the server breaks the connection off
                    raise
                await answer(scope, receive, with_id)
            except asyncio.CancelledError:  # the server stops, and this request took longer than its grace
                if not started:  # else the server breaks the connection off
                    await problem(ShuttingDown(), scope)(scope, receive, with_id)
