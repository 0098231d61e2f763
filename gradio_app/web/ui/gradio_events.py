"""Owner check of Gradio's queue: sessions, events, uploads and MCP streams belong to who began them.

Gradio itself opens each of them by its id alone. Covers the routes that name one, in path, query or body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope, Send

from gradio_app.base.errors import FileTooLarge, NotFound
from gradio_app.web.auth.credentials import Identity
from gradio_app.web.ui.file_owners import Began, Owners

_ROOT = "/gradio_api/"
#: a body that names a session is longer only with files in it, which are uploaded apart
LONGEST_BODY = 1 << 20
#: routes whose body may name a session or an event
_WITH_BODY = re.compile(r"(queue/join|cancel|reset|(run|api|call|call/v2)/\w+)")
#: of these the answer names the new event
_BEGINS_EVENT = re.compile(r"(queue/join|(call|call/v2)/\w+)")
_EVENT = re.compile(r"call/\w+/(\w+)")
_HEARTBEAT = re.compile(r"heartbeat/(\w+)")
_MCP_STREAM = re.compile(r"mcp/sse")
_MCP_MESSAGES = re.compile(r"mcp/messages(/.*)?")
_MCP_ID = re.compile(rb"session_id=([0-9a-fA-F-]+)")
#: which query of a route names what
_QUERY: dict[str, tuple[str, Began]] = {
    "queue/data": ("session_hash", "session"),
    "upload": ("upload_id", "upload"),
    "upload_progress": ("upload_id", "upload"),
}


class Events:
    """Checks requests to Gradio's queue, and notes from its answers who has begun what."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def check(self, path: str, scope: Scope, receive: Receive) -> Receive:
        """What to receive from afterwards; ``NotFound`` for what somebody else has begun."""
        route, who = path.removeprefix(_ROOT).rstrip("/"), cast(Identity, scope["identity"])
        if not path.startswith(_ROOT):
            return receive
        if scope["method"] == "POST" and _WITH_BODY.fullmatch(route):
            body, receive = await _read(receive)
            self._check_body(body, who)
        elif route in _QUERY:
            name, what = _QUERY[route]
            names = _in_query(scope, name)
            if len(names) > 1:
                raise NotFound()  # each would be noted
            self._all(self._owners.may_begin, what, names, who)
        elif found := _EVENT.fullmatch(route):
            self._all(self._owners.may_use, "event", [found[1]], who)
        elif found := _HEARTBEAT.fullmatch(route):
            self._all(self._owners.may_begin, "session", [found[1]], who)
        elif _MCP_MESSAGES.fullmatch(route):
            ids = [_plain(one) for one in _in_query(scope, "session_id")]
            self._all(self._owners.may_use, "mcp", ids, who)
        return receive

    def _check_body(self, body: bytes, who: Identity) -> None:
        try:
            fields: Any = json.loads(body)
        except (ValueError, RecursionError):
            return  # Gradio says so
        if not isinstance(fields, dict):
            return
        given = cast(dict[str, Any], fields)
        if isinstance(event := given.get("event_id"), str):
            self._all(self._owners.may_use, "event", [event], who)
        if isinstance(session := given.get("session_hash"), str):
            self._all(self._owners.may_begin, "session", [session], who)

    def _all(
        self, may: Callable[[Began, str, Identity], bool], what: Began, names: Iterable[str], who: Identity
    ) -> None:
        if not all(may(what, name, who) for name in names):
            raise NotFound()

    def noting(self, path: str, scope: Scope, send: Send) -> Send:
        """A ``send`` that notes whose the event or the stream is that an answer names first."""
        route, who = path.removeprefix(_ROOT).rstrip("/"), cast(Identity, scope["identity"])
        begins = scope["method"] == "POST" and _BEGINS_EVENT.fullmatch(route)
        if not path.startswith(_ROOT) or not (begins or _MCP_STREAM.fullmatch(route)):
            return send
        head = bytearray()

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.body" and len(head) < LONGEST_BODY:
                head.extend(message.get("body", b""))
                if begins and not message.get("more_body"):
                    self._note_event(bytes(head), who)
                elif not begins and (found := _MCP_ID.search(head)):
                    self._owners.began("mcp", _plain(found[1].decode()), who)
                    head.extend(bytes(LONGEST_BODY))  # it says so once
            await send(message)

        return wrapped

    def _note_event(self, body: bytes, who: Identity) -> None:
        try:
            event = json.loads(body)["event_id"]
        except (ValueError, LookupError, TypeError):
            return
        if isinstance(event, str):
            self._owners.began("event", event, who)
            # a call without a session has one of the same name
            self._owners.may_begin("session", event, who)


def _in_query(scope: Scope, name: str) -> list[str]:
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return [value for key, value in query if key == name]


def _plain(session: str) -> str:
    """A UUID may be written with hyphens and capitals, too."""
    return session.replace("-", "").lower()


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """The whole body, and what gives it out again."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            gone = message
            return bytes(body), _again(b"", receive, gone)
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LONGEST_BODY:
            raise FileTooLarge("The request is too long. Upload files first, then pass their paths.")
    return bytes(body), _again(bytes(body), receive)


def _again(body: bytes, receive: Receive, first: Message | None = None) -> Receive:
    waiting: list[Message] = [first or {"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
