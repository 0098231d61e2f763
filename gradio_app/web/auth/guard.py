"""Guard: the ASGI layer that admits requests, to page, REST and Gradio's own routes alike."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradio_app.base.errors import AppError, Forbidden, Unauthorized
from gradio_app.web.auth.credentials import LOCAL, Credentials, Identity, Proof, owner_of
from gradio_app.web.auth.origin import foreign, host_allowed
from gradio_app.web.auth.rate_limit import RateLimit, TooOften
from gradio_app.web.auth.sign_in import PATHS, SignIn
from gradio_app.web.error_answers import problem

#: probes that a supervisor asks without a key; they tell nothing about documents
_OPEN_PATHS = frozenset({"/health", "/ready"})
#: on every answer that does not say otherwise itself: nothing is embedded, sniffed, or told to other sites
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """Lets in who can prove who they are, and nobody in the name of another site.

    With open ``credentials`` (loopback) everybody is the local user, who is admin. Else: a bearer token or
    key, a basic password, or the session cookie that signing in sets. Holders of the shared token get an
    identity cookie each, so that each browser owns its tasks; scripts without cookies share one identity.
    """

    def __init__(
        self,
        app: ASGIApp,
        credentials: Credentials,
        root_path: str = "",
        allowed_hosts: Collection[str] = (),
        requests_per_minute: float = 0,
    ) -> None:
        self._app = app
        self._credentials = credentials
        self._root = root_path.rstrip("/")
        self._hosts = frozenset(allowed_hosts)
        self._requests = RateLimit(requests_per_minute)
        self.sign_in = SignIn(credentials, self._root)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        try:
            answer = await self._admit(scope, receive)
        except AppError as error:
            answer = self._refusal(error, scope)
        if isinstance(answer, Response):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await answer(scope, receive, send)
            return
        identity, fresh = answer
        if fresh:
            browser, send = self.sign_in.giving_identity(send, scope)
            identity = owner_of(fresh, browser)
        scope["identity"] = replace(identity, address=_address(scope))
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive) -> Response | tuple[Identity, Proof | None]:
        """An answer, or who asks; with the proof of a browser that has no identity yet.

        Raises the ``AppError`` that somebody is turned away with.
        """
        headers = Headers(scope=scope)
        if not host_allowed(headers, self._hosts, self._credentials.open):
            raise Forbidden("Unknown host name: start the server with --allowed-hosts and this name.")
        if foreign(scope, headers):
            raise Forbidden("This request comes from another site.")
        path = scope["path"].removeprefix(self._root)
        if path in _OPEN_PATHS:
            return LOCAL if self._credentials.open else Identity("probe", admin=False), None
        if scope["type"] == "http" and path in PATHS:
            return await self.sign_in.answer(path, Request(scope, receive), _address(scope))
        if self._credentials.open:
            return LOCAL, None
        return await self._prove(scope, headers)

    async def _prove(self, scope: Scope, headers: Headers) -> Response | tuple[Identity, Proof | None]:
        # not SimpleCookie: it stops at the first odd cookie of another program on this host
        cookies = cookie_parser(headers.get("cookie", ""))
        address, authorization = _address(scope), headers.get("authorization", "")
        if scope["type"] == "http" and scope["method"] == "GET" and (token := _token(scope)):
            proof = await self._credentials.of_password("", token, address)
            if proof:
                return self.sign_in.swap(Request(scope), proof, address)
        elif authorization:
            proof = await self._credentials.of_header(authorization, address)
        else:
            proof = self._credentials.of_session(cookies.get(self.sign_in.session_cookie, ""))
        if proof is None:
            raise Unauthorized()
        browser = cookies.get(self.sign_in.identity_cookie, "")
        identity = owner_of(proof, browser)
        self._requests.take(f"user {identity.name}" if proof.kind == "user" else address)
        nameless = proof.kind != "user" and not browser and not authorization
        return identity, proof if nameless else None

    def _refusal(self, error: AppError, scope: Scope) -> Response:
        accepted = Headers(scope=scope).get("accept", "")
        if isinstance(error, Unauthorized) and "text/html" in accepted and scope.get("method") == "GET":
            return self.sign_in.page(Request(scope), 401)
        response = problem(error, scope)
        if isinstance(error, Unauthorized):
            response.headers["WWW-Authenticate"] = "Bearer"
        if isinstance(error, TooOften):
            response.headers["Retry-After"] = str(error.seconds)
        return response


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ())]
            there = {name.lower() for name, _ in headers}
            message["headers"] = headers + [each for each in _HEADERS if each[0] not in there]
        await send(message)

    return wrapped


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _token(scope: Scope) -> str:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))).get("token", "")
