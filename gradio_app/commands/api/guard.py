"""Guard of the ``api`` mode: the ASGI layer that admits requests by host name, origin, key and size of body.

See ``web/auth/guard.py`` for that of the page, whose rules on names and origins count here too.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradio_app.base.errors import AppError, FileTooLarge, Forbidden, Unauthorized
from gradio_app.web.auth.guesses import GUESSES
from gradio_app.web.auth.origin import foreign, host_allowed
from gradio_app.web.auth.rate_limit import RateLimit, TooOften

#: asked by supervisors, without the key
_OPEN_PATHS = frozenset({"/health"})
#: where the files of the documentation page are
_STATIC = "/static-offline-docs"


class Guard:
    """Lets in who sends the key as ``X-API-Key`` or bearer token; without a key, everybody of this machine.

    ``max_body`` in bytes. Wrong keys are counted by address: whoever sends too many gets 429 for a while,
    also for the right one, and nobody at another address does.
    """

    def __init__(self, app: ASGIApp, key: str, allowed_hosts: Collection[str], max_body: int) -> None:
        self._app = app
        self._key = key.encode()
        self._hosts = frozenset(allowed_hosts)
        self._max_body = max_body
        self._guesses = RateLimit(GUESSES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with an error, or passes the request on."""
        if scope["type"] == "websocket":  # this service has none
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._admit(scope, headers)
        except AppError as error:
            await _refusal(error, headers)(scope, receive, send)
            return
        await self._app(scope, self._limited(receive), send)

    def _admit(self, scope: Scope, headers: Headers) -> None:
        """Raises the ``AppError`` that the request is turned away with. Reads no byte of its body."""
        if not host_allowed(headers, self._hosts, open_to_all=not self._key):
            raise Forbidden("Unknown host name: start the service with --allowed-hosts and this name.")
        if foreign(scope, headers):
            raise Forbidden("This request comes from another site.")
        if scope["path"] not in _OPEN_PATHS:
            self._check_key(scope, headers)
        if _length(headers) > self._max_body:
            raise self._too_large()

    def _check_key(self, scope: Scope, headers: Headers) -> None:
        if not self._key:
            return
        client = scope.get("client")
        address = client[0] if client else ""
        self._guesses.check(address, "Too many wrong keys. Wait a minute.")
        kind, _, value = headers.get("authorization", "").partition(" ")
        given = headers.get("x-api-key") or (value.strip() if kind.lower() == "bearer" else "")
        if not hmac.compare_digest(given.encode(), self._key):
            if given:
                self._guesses.take(address)
            raise Unauthorized("Send the service's key as X-API-Key or as bearer token.")

    def _limited(self, receive: Receive) -> Receive:
        """Bodies whose length is not said are cut off when they have grown too large."""
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_body:
                # the only kind that FastAPI passes on when it reads a body
                error = self._too_large()
                raise HTTPException(error.status, error.to_dict())  # pyright: ignore[reportArgumentType]
            return message

        return limited

    def _too_large(self) -> AppError:
        return FileTooLarge(
            f"The request is larger than the {self._max_body / 2**20:.0f} MB that are accepted."
        )


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _refusal(error: AppError, asked: Headers) -> JSONResponse:
    headers: dict[str, str] = {}
    if _length(asked) or "transfer-encoding" in asked:
        headers["Connection"] = "close"  # else the server would read the whole body, for nothing
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(error.seconds)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": error.to_dict()}, error.status, headers)


def document_offline(app: FastAPI) -> None:
    """Has ``/docs`` load its scripts from here instead of a CDN, and takes ``/redoc`` away."""
    of_cdn = {"/docs", "/docs/oauth2-redirect", "/redoc"}
    app.router.routes = [route for route in app.router.routes if getattr(route, "path", "") not in of_cdn]
    app.mount(_STATIC, StaticFiles(directory=Path(fastapi_offline.__file__).with_name("static")))
    app.get("/docs", include_in_schema=False)(_docs_page(app.title))


def _docs_page(title: str) -> Callable[[], HTMLResponse]:
    def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=title,
            swagger_js_url=f"{_STATIC}/swagger-ui-bundle.js",
            swagger_css_url=f"{_STATIC}/swagger-ui.css",
            swagger_favicon_url=f"{_STATIC}/favicon.png",
        )

    return docs
