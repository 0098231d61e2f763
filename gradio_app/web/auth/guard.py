"""Guard: the ASGI layer that admits requests, to page, REST and Gradio's own routes alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradio_app.base.errors import AppError, Forbidden, Unauthorized
from gradio_app.base.setting_values import Network
from gradio_app.web.addresses import Proxies, address_of
from gradio_app.web.auth import cross_origin
from gradio_app.web.auth.authorizer import LINK, PROBE, authorizer
from gradio_app.web.auth.credentials import LOCAL, Credentials, Identity, Proof, owner_of
from gradio_app.web.auth.origin import foreign, host_allowed, host_name, is_address
from gradio_app.web.auth.rate_limit import RateLimit, TooOften
from gradio_app.web.auth.sign_in import PATHS, SignIn, query_text
from gradio_app.web.error_answers import problem

#: probes that a supervisor asks without a key; they tell nothing about documents
_PROBES = frozenset({"/health", "/ready"})
#: a document by its secret link
_LINK = re.compile(r"/shared/[\w-]{16,64}", re.ASCII)
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: asked by address, too, with a key where one is needed
_FIGURES = "/metrics"
_KEY_HEADERS = ("x-api-key", "authorization")
#: on every answer that does not say otherwise itself: nothing is embedded, sniffed, or told to other sites
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


#: ours: no page of another site asks. cookies: one on an allowed origin. header: any, with a key of its own
Sender = Literal["ours", "cookies", "header", "refused"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Somebody who is let in; ``fresh``: the proof of a browser that has no identity yet."""

    identity: Identity
    fresh: Proof | None = None
    holds: Callable[[], bool] = lambda: True


class Guard:
    """Lets in who can prove who they are, and nobody in the name of another site.

    With open ``credentials`` (loopback) everybody is the local user, who is admin. Else: a bearer token or
    key, a basic password, or the session cookie that signing in sets. Holders of the shared token get an
    identity cookie each, so that each browser owns its tasks; scripts without cookies share one identity.
    Programs on other origins prove themselves by a header; cookies count for ours and ``allowed_origins``.
    Tools on ``trusted_clients`` prove themselves by their address, each machine as an owner of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        credentials: Credentials,
        root_path: str = "",
        allowed_hosts: Collection[str] = (),
        requests_per_minute: float = 0,
        allowed_origins: Collection[str] = (),
        trusted_clients: Collection[Network] = (),
    ) -> None:
        self._app = app
        self._trusted_clients = Proxies(trusted_clients)
        self._credentials = credentials
        self._root = root_path.rstrip("/")
        self._hosts = frozenset(allowed_hosts)
        self._origins = frozenset(allowed_origins)
        self._requests = RateLimit(requests_per_minute)
        self.sign_in = SignIn(credentials, self._root)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        headers = Headers(scope=scope)
        path = scope["path"].removeprefix(self._root)
        sender = self._sender(scope, headers, path)
        if sender in ("cookies", "header"):
            send = cross_origin.readable(send, headers["origin"] if sender == "cookies" else "")
        try:
            answer = await self._admit(scope, receive, headers, path, sender)
        except AppError as error:
            answer = self._refusal(error, scope)
        if isinstance(answer, Response):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await answer(scope, receive, send)
            return
        identity = answer.identity
        if answer.fresh:
            browser, send = self.sign_in.giving_identity(send, scope)
            identity = owner_of(answer.fresh, browser)
        scope["identity"] = replace(identity, address=_address(scope))
        scope["still_signed_in"] = answer.holds
        await self._app(scope, receive, send)

    def _sender(self, scope: Scope, headers: Headers, path: str) -> Sender:
        """From where a request comes, and what may prove who sends it."""
        origin = headers.get("origin", "")
        if not foreign(scope, headers):
            return "ours"
        if origin and origin.lower() in self._origins:
            return "cookies"
        # a form that signs in could make somebody work as somebody else
        if self._credentials.open or path in PATHS:
            return "refused"
        by_key = any(headers.get(name) for name in _KEY_HEADERS)
        return "header" if by_key or cross_origin.is_preflight(scope, headers) else "refused"

    async def _admit(
        self, scope: Scope, receive: Receive, headers: Headers, path: str, sender: Sender
    ) -> Response | _Entry:
        """An answer, or who asks. Raises the ``AppError`` that somebody is turned away with."""
        if not self._known_host(headers, path):
            raise Forbidden("Unknown host name: start the server with --allowed-hosts and this name.")
        if sender == "refused":
            raise Forbidden("This request comes from another site.")
        if sender != "ours" and cross_origin.is_preflight(scope, headers):
            return cross_origin.preflight()
        if (
            path in _PROBES
            and scope.get("method") in _READS
            and authorizer.is_authorized(None, "read", PROBE)
        ):
            return _Entry(LOCAL if self._credentials.open else Identity("probe", admin=False))
        if (
            _LINK.fullmatch(path)
            and scope.get("method") in _READS
            and authorizer.is_authorized(None, "read", LINK)
        ):
            return _Entry(Identity("link", admin=False))
        if scope["type"] == "http" and path in PATHS:
            return await self.sign_in.answer(path, Request(scope, receive), _address(scope))
        if self._credentials.open:
            return _Entry(LOCAL)
        return await self._prove(scope, headers, only_header=sender == "header")

    def _known_host(self, headers: Headers, path: str) -> bool:
        if path in _PROBES or host_allowed(headers, self._hosts, self._credentials.open):
            return True
        # supervisors ask by the address of a container
        return path == _FIGURES and (
            not self._credentials.open or is_address(host_name(headers.get("host", "")))
        )

    async def _prove(self, scope: Scope, headers: Headers, only_header: bool) -> Response | _Entry:
        # not SimpleCookie: it stops at the first odd cookie of another program on this host
        cookies = {} if only_header else cookie_parser(headers.get("cookie", ""))
        address, session = _address(scope), cookies.get(self.sign_in.session_cookie, "")
        key, authorization = (_text(headers.get(name, "")) for name in _KEY_HEADERS)
        may_link = scope["type"] == "http" and scope["method"] == "GET" and not only_header
        if may_link and (token := _token(scope)):
            proof = await self._credentials.of_password("", token, address, keys=False)
            if proof:
                known = self._credentials.of_session(session)
                return self.sign_in.swap(Request(scope), token, proof, known, address)
        elif key:
            proof = await self._credentials.of_password("", key, address)
        elif authorization:
            proof = await self._credentials.of_header(authorization, address)
        else:
            proof = self._credentials.of_session(session)
        if proof is None:
            if key or authorization or only_header or not self._is_trusted(scope, headers):
                raise Unauthorized()
            self._requests.take(address)
            return _Entry(Identity(f"client-{address_of(address)}", admin=False))
        browser = cookies.get(self.sign_in.identity_cookie, "")
        identity = owner_of(proof, browser)
        self._requests.take(f"user {identity.name}" if proof.kind == "user" else address)
        by_header = bool(key or authorization)
        nameless = proof.kind != "user" and not browser and not by_header
        holds = self._credentials.watch(proof, "" if by_header else session)
        return _Entry(identity, proof if nameless else None, holds)

    def _is_trusted(self, scope: Scope, headers: Headers) -> bool:
        """Whether a request comes from a machine that needs no key, and not from others through it.

        A name of a stranger that leads here would bring in a page of theirs, from a browser on it.
        """
        named = host_allowed(headers, self._hosts, True) or is_address(host_name(headers.get("host", "")))
        return named and not scope.get("for_strangers") and _address(scope) in self._trusted_clients

    def _refusal(self, error: AppError, scope: Scope) -> Response:
        accepted = Headers(scope=scope).get("accept", "")
        if isinstance(error, Unauthorized) and "text/html" in accepted and scope.get("method") == "GET":
            return self.sign_in.refused(Request(scope))
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
    return dict(parse_qsl(query_text(scope))).get("token", "")


def _text(header: str) -> str:
    """A header's value; what is beyond ASCII comes as UTF-8 from most programs."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header
