"""Connections that cost us nothing: not more than we have files for, and none that dawdles."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from typing import Any, cast

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from gradio_app.errors import AppError

#: the head of a request must be there so many seconds after its first byte, or after the connection
HEAD_TIME = 15.0
#: a body must go on after so many seconds, and come this fast on the whole (bytes a second) after the first
BODY_PAUSE = 30.0
BODY_SPEED = 1024
#: who reads nothing of an answer for so long is not there any more
READ_PAUSE = 60.0
#: open files wanted, and those that are kept back for workers, the database and results
_FILES, _KEPT_BACK = 65_536, 256
_MOST = 4096


class TooSlow(AppError):
    """The upload came too slowly and was given up. Check the connection and send it again."""

    code, status, retryable = "request_timeout", 408, True


def most_connections() -> int:
    """How many may be open at once. Takes as many files as this process may have first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return max(16, min(_MOST, soft - _KEPT_BACK if soft > 2 * _KEPT_BACK else soft // 2))


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP, which by itself waits for ever for the head of a request and for readers.

    ``most`` connections are open at once; one more is closed at once, so that those that are served have
    files to work with.
    """

    most = _MOST
    _timer: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore
        """A new connection."""
        if len(self.connections) >= self.most:
            transport.abort()
            return
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        if self.transport is None:  # pyright: ignore[reportUnnecessaryComparison]
            return  # it was one too many
        super().data_received(data)
        cycle = cast(Any, self.cycle)
        if cycle is None or cycle.response_complete:
            self._expect_head()
        else:
            self._timer = _stop(self._timer)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._timer, self._reading = _stop(self._timer), _stop(self._reading)
        if self.transport is not None:  # pyright: ignore[reportUnnecessaryComparison]
            super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The reader has not taken what was sent."""
        super().pause_writing()
        self._reading = _stop(self._reading) or self.loop.call_later(READ_PAUSE, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader goes on."""
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
    """Gives up bodies that stand still or trickle; answers them with 408."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "DELETE", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        body = _Body(receive, send)
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            if not body.slow:
                raise
        if body.slow and not body.answered:
            await _TOO_SLOW(scope, receive, send)


class _Body:
    """One request's body and answer. When the body is too slow the client counts as gone."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._started, self._bytes, self._complete = time.monotonic(), 0, False
        self.slow = self.answered = False

    async def receive(self) -> Message:
        if self._complete:  # what comes now is that the client has gone
            return await self._receive()
        try:
            async with asyncio.timeout(BODY_PAUSE):
                message = await self._receive()
        except TimeoutError:
            return self._give_up()
        self._bytes += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        late = time.monotonic() - self._started - BODY_PAUSE
        trickles = not self._complete and late > 0 and self._bytes < late * BODY_SPEED
        return self._give_up() if trickles else message

    def _give_up(self) -> Message:
        self.slow = True
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if not self.slow:
            self.answered = True
            await self._send(message)


_TOO_SLOW = JSONResponse({"error": TooSlow().to_dict()}, TooSlow.status, headers={"Connection": "close"})
