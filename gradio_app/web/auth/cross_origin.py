"""Cross-origin requests: the answers that let programs on other origins read what they may (CORS)."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Scope, Send

#: what programs send beside what browsers allow anyway; ``*`` would not cover Authorization
_SENT = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Range, X-Api-Key, X-Request-Id"
_READ = "Content-Disposition, Content-Range, ETag, Retry-After, X-Request-Id"
_PREFIX = "access-control-"
#: of a preflight
_KEPT = (f"{_PREFIX}allow-methods", f"{_PREFIX}allow-headers")
_SECONDS = "600"


def is_preflight(scope: Scope, headers: Headers) -> bool:
    """Whether a browser asks if it may send a request."""
    return scope.get("method") == "OPTIONS" and "access-control-request-method" in headers


def preflight() -> Response:
    """Yes. It promises nothing: the request itself must prove who sends it."""
    told = {
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "Access-Control-Allow-Headers": _SENT,
        "Access-Control-Max-Age": _SECONDS,
    }
    return Response(status_code=204, headers=told)


def readable(send: Send, cookies_of: str = "") -> Send:
    """A ``send`` whose answer other origins may read.

    Any may read what it asks for by a header of its own; ``cookies_of`` is the one origin that may also
    come with this browser's cookies.
    """

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name in {*headers.keys()} - set(_KEPT):
                if name.startswith(_PREFIX):
                    del headers[name]
            headers["Access-Control-Allow-Origin"] = cookies_of or "*"
            headers["Access-Control-Expose-Headers"] = _READ
            if cookies_of:
                headers["Access-Control-Allow-Credentials"] = "true"
                headers.add_vary_header("Origin")
        await send(message)

    return wrapped
