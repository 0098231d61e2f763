"""The guard with a house behind it that tells who came in, for the tests of the guard."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from gradio_app.web.auth import sign_in
from gradio_app.web.auth.credentials import Credentials
from gradio_app.web.auth.guard import Guard

TOKEN = "correct horse battery staple"
ADMIN = "the token of the administrator"
SECRET = b"s" * 32
SUFFIX = "_" + Credentials(secret=SECRET).cookie_suffix
SESSION_COOKIE, IDENTITY_COOKIE = sign_in.SESSION_COOKIE + SUFFIX, sign_in.IDENTITY_COOKIE + SUFFIX
HOST = "http://mineru.test"
PAGE = {"accept": "text/html,application/xhtml+xml;q=0.9"}


class House:
    """The application behind the guard: tells who came in."""

    def __init__(self) -> None:
        self.visits: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.visits.append(scope.get("identity", scope["type"]))
        if scope["type"] != "http":
            return
        who = scope["identity"]
        body = json.dumps({"name": who.name, "admin": who.admin}).encode()
        headers = [(b"content-type", b"application/json"), (b"set-cookie", b"theirs=1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def browser(token: str = TOKEN, root_path: str = "", house: House | None = None) -> httpx.AsyncClient:
    """A client that keeps cookies and follows no redirects."""
    app = guard(token, house, root_path)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST)


def guard(token: str = TOKEN, house: House | None = None, root_path: str = "", **more: Any) -> Guard:
    """The guard as a server has it; without a token it is called by the name that the tests use."""
    more.setdefault("allowed_hosts", () if token else ("mineru.test",))
    return Guard(house or House(), Credentials(token, ADMIN, secret=SECRET), root_path, **more)


def bearer(token: str = TOKEN) -> dict[str, Any]:
    return {"authorization": f"Bearer {token}"}


def basic(token: str = TOKEN, user: str = "anyone") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}


async def signed_in(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await client.get("/", params={"token": TOKEN})
    return client


async def never(*_: Any) -> Any:
    pytest.fail("nothing is read or sent")


def socket_scope(headers: dict[str, Any]) -> dict[str, Any]:
    pairs = [(b"host", b"mineru.test")]
    pairs += [(k.encode(), v if isinstance(v, bytes) else v.encode("latin-1")) for k, v in headers.items()]
    return {"type": "websocket", "path": "/", "headers": pairs, "query_string": b""}


def sending(sent: list[Any]) -> Any:
    async def send(message: Any) -> None:
        sent.append(message)

    return send
