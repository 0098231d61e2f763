"""Who is asking: one ASGI middleware in front of everything, page, REST and Gradio's own routes alike."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradio_app.errors import AppError, Forbidden, Unauthorized

SESSION_COOKIE = "mineru_session"
IDENTITY_COOKIE = "mineru_identity"
_YEAR = 365 * 86400
#: probes that a supervisor asks without a key; they tell nothing about documents
_OPEN_PATHS = frozenset({"/health", "/ready"})

_SIGN_IN = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Sign in - MinerU Optimized</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;
min-height:90vh;margin:0}form{width:min(22rem,86vw);display:grid;gap:.75rem}input,button{font:inherit;
padding:.6rem .8rem;border-radius:.5rem;border:1px solid #8886}button{background:#2457d6;color:#fff;border:0}
</style><form method="get"><h1>MinerU Optimized</h1><label for="t">Access token
<br><small>It was printed when the server started. / 访问令牌，服务器启动时已打印。</small></label>
<input id="t" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Sign in / 登录</button></form></html>"""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who may come in. ``name`` owns tasks; an admin sees everybody's."""

    name: str
    admin: bool


LOCAL = Identity("local", admin=True)


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reachable from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Lets nobody in without the token, once there is one.

    Without a token (loopback) everybody is the local user, who is admin. With it: a bearer token, a
    basic password, or a session cookie that ``?token=`` sets. Browsers get an identity cookie each, so
    that they own their tasks; scripts without cookies share one identity.
    """

    def __init__(self, app: ASGIApp, token: str, root_path: str = "") -> None:
        self._app = app
        self._token = token
        self._root = root_path.rstrip("/")
        self._session = hmac.new(token.encode(), b"session", hashlib.sha256).hexdigest() if token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not _same_origin(scope, headers):
            await _refuse(Forbidden("This request comes from another site."), scope, receive, send)
            return
        if not self._token or scope["path"] in _OPEN_PATHS:
            scope["identity"] = LOCAL if not self._token else Identity("probe", admin=False)
            await self._app(scope, receive, send)
            return
        await self._with_token(scope, receive, send, headers)

    async def _with_token(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        # not SimpleCookie: it stops at the first odd cookie of another program on this host
        cookies = cookie_parser(headers.get("cookie", ""))
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        if self._equal(query.get("token", "")) and scope["type"] == "http" and scope["method"] == "GET":
            await self._sign_in(scope, receive, send, query)
            return
        by_header = self._equal(_header_secret(headers))
        by_cookie = hmac.compare_digest(cookies.get(SESSION_COOKIE, "").encode(), self._session.encode())
        if not by_header and not by_cookie:
            await self._turn_away(scope, receive, send, headers)
            return
        known = cookies.get(IDENTITY_COOKIE, "")
        fresh = "" if known or by_header else secrets.token_hex(16)
        scope["identity"] = Identity(_owner(known or fresh), admin=False)
        await self._app(scope, receive, self._setting_cookie(send, fresh) if fresh else send)

    def _equal(self, secret: str) -> bool:
        return bool(secret) and hmac.compare_digest(secret.encode(), self._token.encode())

    def _setting_cookie(self, send: Send, identity: str) -> Send:
        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", self._cookie(IDENTITY_COOKIE, identity))
            await send(message)

        return wrapped

    def _cookie(self, name: str, value: str) -> str:
        path = quote(self._root) or "/"
        return f"{name}={value}; Path={path}; Max-Age={_YEAR}; HttpOnly; SameSite=Lax"

    async def _sign_in(self, scope: Scope, receive: Receive, send: Send, query: dict[str, str]) -> None:
        """Swaps the token in the address for a cookie, so that it stays out of history and referrers."""
        rest = urlencode({name: value for name, value in query.items() if name != "token"})
        path = self._root + scope["path"].removeprefix(self._root)
        # "//host" would leave this server
        target = "/" + path.lstrip("/") + (f"?{rest}" if rest else "")
        response = RedirectResponse(target, 303, headers={"Referrer-Policy": "no-referrer"})
        response.headers.append("set-cookie", self._cookie(SESSION_COOKIE, self._session))
        await response(scope, receive, send)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        wants_page = "text/html" in headers.get("accept", "") and scope["type"] == "http"
        if wants_page and scope["method"] == "GET":
            await HTMLResponse(_SIGN_IN, 401)(scope, receive, send)
            return
        await _refuse(Unauthorized(), scope, receive, send)


def _header_secret(headers: Headers) -> str:
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""


def _owner(identity: str) -> str:
    """An owner's name: cannot be turned back into the cookie."""
    return "guest-" + hashlib.sha256(identity.encode()).hexdigest()[:12] if identity else "token"


def _same_origin(scope: Scope, headers: Headers) -> bool:
    """False for a change that a page of another site asks for."""
    origin = headers.get("origin")
    if origin is None or (scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS")):
        return True
    wanted = {headers.get("host"), headers.get("x-forwarded-host")} - {None, ""}
    # "null", from a sandboxed frame, has no host and must not meet a header that is missing
    return origin.partition("://")[2] in wanted


async def _refuse(error: AppError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    response: Response = JSONResponse({"error": error.to_dict()}, error.status)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    await response(scope, receive, send)
