"""Bodies of requests: how long each may be, by its route, and how fast it has to come.

The one table of limits is ``limits_of``; every route that is not in it takes ``SMALL`` bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradio_app.base.errors import AppError, FileTooLarge, ShuttingDown
from gradio_app.base.settings import Settings
from gradio_app.web.error_answers import problem

#: longest body of a route that takes no files: lists of ids, options, calls of functions
SMALL = 2**20
#: routes that take a form with files
_FILES = (
    *("/api/v1/tasks", "/gradio_api/upload", "/file_parse", "/tasks", "/convert", "/v1/file_parse"),
    *("/v1/convert/file", "/v1/convert/file/async", "/v1alpha/convert/file", "/v1alpha/convert/file/async"),
)
#: routes that take files within JSON, which makes them longer by a third
_ENCODED = tuple(f"/{each}/convert/source{end}" for each in ("v1", "v1alpha") for end in ("", "/async"))
#: stands for the addresses to which single files are sent
_CONTENT = "/v1/uploads/{id}/content"
_ONE_CONTENT = re.compile(r"/v1/uploads/[^/]+/content")
#: longest form of a sign-in
_FORM = 8192
#: what the headers of one part of an upload take, and its other fields together
_PART, _FIELDS = 2**14, 2**20
#: a body must go on after so many seconds, and come this fast on the whole (bytes a second) after the first
BODY_PAUSE = 30.0
BODY_SPEED = 1024
#: the disk is checked for room once in so many bytes of an upload
ROOM_BYTES = 16 * 2**20
#: after a refusal so many bytes and seconds are still taken: a client that sends on must read the answer
LINGER_BYTES, LINGER_TIME = 16 * 2**20, 1.0


class TooSlow(AppError, code="request_timeout", status=408):
    """The upload came too slowly and was given up. Check the connection and send it again."""


class BodyTooLong(FileTooLarge):
    """The body of this request is too long. Send less at once."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest body of a route in bytes; ``files``: it is written to the disk."""

    most: int
    files: bool = False


def limits_of(settings: Settings) -> Mapping[str, Limit]:
    """The routes whose bodies may not be as long as those of all others, by path, and their limits."""
    files = Limit(settings.max_files * (settings.max_file_size + _PART) + _FIELDS, files=True)
    return {
        **dict.fromkeys(_FILES, files),
        **dict.fromkeys(_ENCODED, Limit(files.most // 3 * 4 + _FIELDS, files=True)),
        "/login": Limit(_FORM),
        _CONTENT: Limit(settings.max_file_size, files=True),
        "/v1/parse/jobs": Limit(2 * SMALL),
    }


class Closing:
    """The end of the server: bodies that are under way then are answered, not broken off."""

    def __init__(self) -> None:
        self.begun = False
        self.under_way: set[_Body] = set()

    def begin(self) -> None:
        """Gives up all bodies that are under way, with ``shutting_down``."""
        self.begun = True
        for body in list(self.under_way):
            body.give_up(ShuttingDown())


class Bodies:
    """Answers requests whose body is too long (413), for which there is no room (507), that come too slowly
    (408), or during the end of the server (503).

    What a request announces is judged before its first byte is read; ``100 Continue`` is sent at the first
    reading. ``room`` gets a number of bytes and raises the ``AppError`` that says why they cannot be kept.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Mapping[str, Limit],
        room: Callable[[int], None],
        closing: Closing,
        root_path: str = "",
    ) -> None:
        self._app = app
        self._limits = limits
        self._room = room
        self._closing = closing
        self._root = root_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = _announced(scope) if scope["type"] == "http" else 0
        if announced == 0:
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope)
        body = _Body(receive, send, limit, self._room)
        self._closing.under_way.add(body)
        try:
            body.judge(announced or 0, self._closing.begun)
            await self._app(scope, body.receive, body.send)
        except AppError as error:
            body.given_up = body.given_up or error
        except Exception:
            if body.given_up is None:
                raise
        finally:
            self._closing.under_way.discard(body)
        if body.given_up is not None and not body.answered:
            await refuse(body.given_up, scope, receive, send, body.complete)

    def _limit(self, scope: Scope) -> Limit:
        path = scope["path"].removeprefix(self._root).rstrip("/")
        if scope["method"] == "PUT" and _ONE_CONTENT.fullmatch(path):
            path = _CONTENT
        elif scope["method"] != "POST":
            path = ""
        return self._limits.get(path) or Limit(SMALL)


def _announced(scope: Scope) -> int | None:
    """The length of the body that follows; None when only its end will tell (chunked)."""
    length: int | None = 0
    for name, value in scope["headers"]:
        if name == b"content-length":
            # the parser takes digits only
            length = int(value) if length is not None else None
        elif name == b"transfer-encoding":
            length = None
    return length


async def refuse(error: AppError, scope: Scope, receive: Receive, send: Send, complete: bool = False) -> None:
    """Answers while the client may still be sending, then takes a little more, and ends the connection.

    A connection that is closed with bytes unread is reset, and some systems drop the answer then.
    """
    headers = {"Connection": "close"}
    if error.retryable:
        headers["Retry-After"] = "2"

    async def held(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await problem(error, scope, headers=headers)(scope, receive, held)
    left = 0 if complete else LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_TIME):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    break
    await send({"type": "http.response.body", "body": b""})


class _Body:
    """One request's body and answer. When the body is given up the client counts as gone."""

    def __init__(self, receive: Receive, send: Send, limit: Limit, room: Callable[[int], None]) -> None:
        self._receive, self._send, self._limit, self._room = receive, send, limit, room
        self._started, self._bytes, self.complete = time.monotonic(), 0, False
        self._patience: asyncio.Timeout | None = None
        self.given_up: AppError | None = None
        self.answered = False

    def judge(self, announced: int, closing: bool) -> None:
        """Raises what can be said against a body of so many bytes before any of it is read."""
        if closing:
            raise ShuttingDown()
        self._check_length(announced)
        if self._limit.files:
            self._room(announced)

    def give_up(self, error: AppError) -> None:
        """The body is of no use any more; a step that waits for more of it ends at once."""
        if self.complete or self.answered or self.given_up:
            return
        self.given_up = error
        if self._patience is not None:
            self._patience.reschedule(0)

    async def receive(self) -> Message:
        if self.given_up:
            return {"type": "http.disconnect"}
        if self.complete:  # what comes now is that the client has gone
            return await self._receive()
        try:
            async with asyncio.timeout(BODY_PAUSE) as self._patience:
                message = await self._receive()
            self._check(message)
            return message
        except TimeoutError:
            self.given_up = self.given_up or TooSlow()
        except AppError as error:
            self.given_up = error
        finally:
            self._patience = None
        return {"type": "http.disconnect"}

    def _check(self, message: Message) -> None:
        before, self._bytes = self._bytes, self._bytes + len(message.get("body", b""))
        self.complete = not message.get("more_body", False)
        self._check_length(self._bytes)
        late = time.monotonic() - self._started - BODY_PAUSE
        if not self.complete and late > 0 and self._bytes < late * BODY_SPEED:
            raise TooSlow()
        if self._limit.files and before // ROOM_BYTES != self._bytes // ROOM_BYTES:
            self._room(0)

    def _check_length(self, length: int) -> None:
        most = self._limit.most
        if length <= most:
            return
        if self._limit.files:
            raise FileTooLarge(
                f"This upload is larger than the {most / 2**20:.0f} MB that this server takes at once. Send "
                "the files in smaller groups, or ask the administrator to raise max_file_size or max_files."
            )
        raise BodyTooLong(
            f"The body of this request is longer than the {most / 2**10:.0f} KB that this route takes. "
            "Send less at once; files go to POST /api/v1/tasks."
        )

    async def send(self, message: Message) -> None:
        if self.given_up is None:
            self.answered = True
            await self._send(message)
