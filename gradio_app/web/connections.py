"""Connections: limits on their number, and on the time that heads, bodies and readers take."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import Callable
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gradio_app.base.errors import AppError
from gradio_app.web.error_answers import problem

#: the head of a request must be there so many seconds after its first byte, or after the connection
HEAD_TIME = 15.0
#: a head, or what frames a body, has so many bytes, and those that come along with the last of them
HEAD_BYTES = 2**16
#: a body must go on after so many seconds, and come this fast on the whole (bytes a second) after the first
BODY_PAUSE = 30.0
BODY_SPEED = 1024
#: the disk is checked for room once in so many bytes of a body
ROOM_BYTES = 16 * 2**20
#: a client that reads nothing of an answer for so many seconds counts as gone
READ_PAUSE = 60.0
#: open files wanted, and those that are kept back for workers, the database and results
_FILES, _KEPT_BACK = 65_536, 256
_MOST = 4096


class TooSlow(AppError, code="request_timeout", status=408):
    """The upload came too slowly and was given up. Check the connection and send it again."""


def most_connections() -> int:
    """How many may be open at once. Takes as many files as this process may have first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return max(16, min(_MOST, soft - _KEPT_BACK if soft > 2 * _KEPT_BACK else soft // 2))


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which by itself waits for ever for the head of a request, and for readers.

    ``most`` connections are open at once; one more is closed at once, so that those that are served have
    files to work with.
    """

    most = _MOST
    #: bytes that came since the last that were of use: parts of a head, of trailers, of what frames a body
    _loose = 0
    _in_head = False
    _timer: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore
        if len(self.connections) >= self.most:
            transport.abort()
            return
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self.transport is None:  # pyright: ignore[reportUnnecessaryComparison]
            return  # it was one too many
        self._loose += len(data)
        super().data_received(data)
        if self._loose > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        cycle = cast(Any, self.cycle)
        if cycle is None or cycle.response_complete:
            self._expect_head()
        else:
            self._timer = _stop(self._timer)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. Those behind a body are left out: they would count as if they had come before it."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._loose, self._in_head = 0, False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer, self._reading = _stop(self._timer), _stop(self._reading)
        if self.transport is not None:  # pyright: ignore[reportUnnecessaryComparison]
            super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading = _stop(self._reading) or self.loop.call_later(READ_PAUSE, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reading = _stop(self._reading)

    def _expect_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_TIME, self._too_slow)

    def _too_slow(self) -> None:
        if self.transport.get_protocol() is self:  # else it is a websocket now
            self.transport.abort()


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


class SteadyBodies:
    """Gives up bodies that stand still or trickle (408), or for which there is no room any more (507).

    ``room`` raises the ``AppError`` that says so; it is asked once in so many bytes.
    """

    def __init__(self, app: ASGIApp, room: Callable[[], None]) -> None:
        self._app = app
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "DELETE", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        body = _Body(receive, send, self._room)
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            if body.given_up is None:
                raise
        if body.given_up is not None and not body.answered:
            answer = problem(body.given_up, scope, headers={"Connection": "close"})
            await answer(scope, receive, send)


class _Body:
    """One request's body and answer. When the body is given up the client counts as gone."""

    def __init__(self, receive: Receive, send: Send, room: Callable[[], None]) -> None:
        self._receive, self._send, self._room = receive, send, room
        self._started, self._bytes, self._complete = time.monotonic(), 0, False
        self.given_up: AppError | None = None
        self.answered = False

    async def receive(self) -> Message:
        if self._complete or self.given_up:  # what comes now is that the client has gone
            return await self._receive()
        try:
            async with asyncio.timeout(BODY_PAUSE):
                message = await self._receive()
            self._check(message)
            return message
        except TimeoutError:
            self.given_up = TooSlow()
        except AppError as error:
            self.given_up = error
        return {"type": "http.disconnect"}

    def _check(self, message: Message) -> None:
        before, self._bytes = self._bytes, self._bytes + len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        late = time.monotonic() - self._started - BODY_PAUSE
        if not self._complete and late > 0 and self._bytes < late * BODY_SPEED:
            raise TooSlow()
        if before // ROOM_BYTES != self._bytes // ROOM_BYTES:
            self._room()

    async def send(self, message: Message) -> None:
        if self.given_up is None:
            self.answered = True
            await self._send(message)
