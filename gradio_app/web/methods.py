"""HEAD and OPTIONS: ASGI layers that answer them for all routes, Gradio's among them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: what a mounted application takes that does not say so itself: files, and MCP
_MOUNTED = frozenset({"GET", "POST", "DELETE"})
_FILES = frozenset({"GET"})


class Heads:
    """Answers HEAD with the status and headers of GET. What GET would send afterwards is not made."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()

        async def head(message: Message) -> None:
            if message["type"] == "http.response.start" and not answered.is_set():
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                answered.set()

        async def ask() -> None:
            await self._app({**scope, "method": "GET"}, receive, head)

        asked = asyncio.create_task(ask())
        waiting = asyncio.create_task(answered.wait())
        try:
            await asyncio.wait((asked, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (asked, waiting):
                if not task.done():
                    task.cancel()
            ended, _ = await asyncio.gather(asked, waiting, return_exceptions=True)
        if isinstance(ended, Exception) and not answered.is_set():
            raise ended


class Options:
    """Answers OPTIONS with the methods of the route, behind all that decides whether a route exists."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._routes: list[tuple[re.Pattern[str], frozenset[str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = self._allowed(scope) if scope["type"] == "http" and scope["method"] == "OPTIONS" else ""
        answer = Response(status_code=204, headers={"Allow": allowed}) if allowed else self._app
        await answer(scope, receive, send)

    def _allowed(self, scope: Scope) -> str:
        self._routes = self._routes or list(_table(scope["app"].routes))
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        methods = {each for regex, some in self._routes if regex.match(path) for each in some}
        if "GET" in methods:
            methods.add("HEAD")
        return ", ".join(sorted({*methods, "OPTIONS"})) if methods else ""


def _table(routes: Iterable[Any]) -> Iterator[tuple[re.Pattern[str], frozenset[str]]]:
    """Path and methods of each route, but for those that keep unknown addresses."""
    for route in routes:
        if (included := getattr(route, "original_router", None)) is not None:
            yield from _table(included.routes)
        elif isinstance(route, Mount) and not route.path:
            yield from _table(route.routes)
        elif isinstance(route, Mount):
            yield route.path_regex, _MOUNTED if route.routes else _FILES
        elif getattr(route, "methods", None) and route.name != "unknown":
            yield route.path_regex, frozenset(route.methods)
