"""The page's own files, served at /page, and the headers that keep strangers' documents harmless."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = Path(__file__).with_name("assets")
FAVICON = ASSETS / "favicon.png"
#: in the order in which they build on each other
STYLES = (
    "tokens.css",
    "shell.css",
    "controls.css",
    "intake.css",
    "queue.css",
    "reader.css",
    "engine.css",
    "cards.css",
)

#: Gradio needs inline scripts and eval. What counts is that nothing is fetched from or sent to another
#: host, whatever a document holds: a picture on somebody's server would tell them who reads it.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def mount(app: FastAPI) -> None:
    """Serves the files, and puts the door in front of the page."""
    app.mount("/page", _Files(directory=ASSETS), name="page")
    app.add_middleware(_Door)


class _Files(StaticFiles):
    """Asks browsers to check for a newer version each time: an update shows without a hard reload."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """A file, or 304 when the browser has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


class _Door:
    """Adds the headers to HTML. Keeps the query of the page from Gradio, whose ``page`` is not ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].removeprefix(scope.get("root_path", "")) in ("", "/"):
            scope = {**scope, "query_string": b""}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    for name, value in _HEADERS.items():
                        headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded)
