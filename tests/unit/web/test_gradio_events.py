"""Sessions, events, uploads and streams of Gradio are continued and ended by who began them only."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gradio_app.web.auth.credentials import Identity
from gradio_app.web.ui.file_owners import Owners
from gradio_app.web.ui.gradio_events import LONGEST_BODY
from gradio_app.web.ui.gradio_gate import Gate
from gradio_app.web.ui.late_results import Late

pytestmark = pytest.mark.anyio

EVENT = "0123456789abcdef0123456789abcdef"
ROOT = "/gradio_api/"


class Gradio:
    """Stands for Gradio behind the gate: answers with a new event, or with what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        answer = json.dumps({"event_id": EVENT}).encode()
        if scope["path"].endswith("mcp/sse"):
            answer = f"event: endpoint\ndata: /gradio_api/mcp/messages/?session_id={EVENT}\n\n".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer[:20], "more_body": True})
        await send({"type": "http.response.body", "body": answer[20:]})


class Visitors:
    """Several people before one gate."""

    def __init__(self) -> None:
        self.gradio = Gradio()
        self.gate = Gate(self.gradio, Owners(), Late())

    async def ask(self, who: str, method: str, path: str, body: Any = None, **more: Any) -> int:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await self.gate(scope | {"identity": Identity(who, who == "root")}, receive, send)

        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://mineru.test") as client:
            return (await client.request(method, ROOT + path, content=content, **more)).status_code


#: how a session comes into being, and every way to get at it afterwards
BEGIN: list[tuple[str, str, Any]] = [
    ("POST", "queue/join", {"session_hash": "s1", "data": []}),
    ("POST", "call/convert", {"session_hash": "s1", "data": []}),
    ("GET", "heartbeat/s1", None),
    ("GET", "queue/data?session_hash=s1", None),
]
SESSION: list[tuple[str, str, Any]] = [
    *BEGIN,
    ("POST", "queue/join/", {"session_hash": "s1"}),
    ("POST", "call/v2/convert", {"session_hash": "s1"}),
    ("POST", "run/convert", {"session_hash": "s1"}),
    ("POST", "api/convert", {"session_hash": "s1"}),
    ("POST", "cancel", {"session_hash": "s1", "fn_index": 1, "event_id": EVENT}),
    ("POST", "cancel/", {"session_hash": "s1", "fn_index": 1}),
    ("GET", "queue/data?session_hash=mine&session_hash=s1", None),
    ("GET", "queue/data?session_hash=s%31", None),
    ("GET", "queue/data?session_hash=s1&session_hash=mine", None),
    ("POST", "cancel", b'{"session_hash": "mine", "session_hash": "s1"}'),
    ("POST", "cancel", '{"session_hash": "s\\u0031"}'.encode("utf-16")),
]
EVENTS: list[tuple[str, str, Any]] = [
    ("GET", f"call/convert/{EVENT}", None),
    ("GET", f"call/other/{EVENT}/", None),
    ("GET", f"queue/data?session_hash={EVENT}", None),
    ("POST", "cancel", {"session_hash": "mine", "fn_index": 1, "event_id": EVENT}),
    ("POST", "reset", {"event_id": EVENT}),
    ("POST", "run/convert", {"event_id": EVENT}),
]


@pytest.mark.parametrize("begin", BEGIN)
@pytest.mark.parametrize("how", SESSION)
async def test_a_session_is_who_began_its(begin: tuple[Any, ...], how: tuple[Any, ...]) -> None:
    visitors = Visitors()
    assert await visitors.ask("ann", *begin) == 200
    before = len(visitors.gradio.bodies)
    for other in ("bob", "root"):
        assert await visitors.ask(other, *how) == 404
    assert len(visitors.gradio.bodies) == before, "Gradio was not asked"
    assert await visitors.ask("ann", *begin) == 200


@pytest.mark.parametrize("begin", ["queue/join", "call/convert", "call/v2/convert"])
@pytest.mark.parametrize("how", EVENTS)
async def test_an_event_is_who_began_its(begin: str, how: tuple[Any, ...]) -> None:
    visitors = Visitors()
    assert await visitors.ask("ann", "POST", begin, {"data": []}) == 200
    assert await visitors.ask("bob", *how) == 404
    assert await visitors.ask("ann", *how) == 200


async def test_events_that_nobody_began_are_nobodys() -> None:
    assert await Visitors().ask("bob", "GET", f"call/convert/{'f' * 32}") == 404


async def test_how_far_an_upload_is_only_its_sender_sees() -> None:
    visitors = Visitors()
    assert await visitors.ask("ann", "GET", "upload_progress?upload_id=u") == 200
    assert await visitors.ask("bob", "GET", "upload_progress?upload_id=u") == 404
    assert await visitors.ask("bob", "POST", "upload?upload_id=u") == 404


@pytest.mark.parametrize("shown", [EVENT, EVENT.upper(), "{" + EVENT + "}", f"{EVENT[:8]}-{EVENT[8:]}"])
async def test_nobody_speaks_into_the_stream_of_another(shown: str) -> None:
    visitors = Visitors()
    assert await visitors.ask("ann", "GET", "mcp/sse") == 200
    for path in ("mcp/messages/", "mcp/messages/x"):
        assert await visitors.ask("bob", "POST", f"{path}?session_id={shown}", {}) == 404
    assert await visitors.ask("ann", "POST", f"mcp/messages/?session_id={EVENT}", {}) == 200


@pytest.mark.parametrize("body", [b"", b"[", b"[" * 5000, b"3", b'{"session_hash": 3}', b'"s1"', b"\xff"])
async def test_bodies_come_through_as_they_were(body: bytes) -> None:
    visitors = Visitors()
    assert await visitors.ask("ann", "POST", "queue/join", body) == 200
    assert visitors.gradio.bodies == [body]


async def test_a_body_may_not_be_long() -> None:
    visitors = Visitors()
    assert await visitors.ask("ann", "POST", "cancel", b" " * (LONGEST_BODY + 1)) == 413
    assert visitors.gradio.bodies == []


async def test_names_take_no_room() -> None:
    owners = Owners()
    assert owners.may_begin("session", "x" * 10**6 + "\ud800", Identity("ann", False))
    assert sum(map(len, owners._names)) < 200


@pytest.mark.parametrize("query", ["queue/data?session_hash={}", "upload_progress?upload_id={}"])
async def test_a_request_names_one(query: str) -> None:
    """Thousands in one request would each take a place among what belongs to somebody."""
    visitors, (path, field) = Visitors(), query.format("one").split("?")
    assert await visitors.ask("bob", "GET", f"{path}?{field}") == 200
    many = "&".join(field.replace("one", str(number)) for number in range(3))
    assert await visitors.ask("bob", "GET", f"{path}?{many}") == 404
