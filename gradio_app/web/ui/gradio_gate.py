"""Gate before Gradio: which of its routes exist here, who owns its files, what its page may load."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit, urlunsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradio_app.base.errors import AppError, NotFound
from gradio_app.web.api.downloads import HARMLESS, Download, attachment
from gradio_app.web.auth.credentials import Identity
from gradio_app.web.bodies import refuse
from gradio_app.web.error_answers import problem
from gradio_app.web.ui.file_owners import Owners
from gradio_app.web.ui.gradio_events import Events
from gradio_app.web.ui.late_results import Late
from gradio_app.web.ui.upload_limits import refusals

#: Gradio needs inline scripts and eval. What counts is that nothing is fetched from or sent to another
#: host, whatever a document holds: a picture on somebody's server would tell them who reads it.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


_API = "/gradio_api"
_FILE = f"{_API}/file="
_UPLOAD = f"{_API}/upload"
#: what is not Gradio's
_OURS = re.compile(
    r"/(api|gpu|page|docs|static-offline-docs|tasks|v1|v1alpha)(/.*)?"
    r"|/(openapi\.json|health|ready|metrics|file_parse|convert|version|shared/[\w-]+)"
)
#: what the page, gradio_client and MCP use of Gradio. It has more: proxies, a code editor, recorders, run
#: histories, profilers; each would be one more way in.
_NEEDED = re.compile(
    r"/?|/config/?|/(assets|static|svelte)/.+|/(favicon\.ico|theme\.css|manifest\.json|robots\.txt|pwa_icon(/\d+)?)"
    r"|/gradio_api/(user|login_check|app_id|info|openapi\.json|startup-events|theme\.css|upload|upload_progress"
    r"|cancel|reset|queue/(join|data|status)|heartbeat/\w+|(run|api|call|call/v2)/\w+|call/\w+/\w+)/?"
    # no path behind it: Gradio writes what follows into a script of the page that introduces its MCP server
    r"|/gradio_api/mcp(/|/http/?|/sse|/messages/?)?|/gradio_api/file=.+"
)
_MCP = f"{_API}/mcp"
#: where Gradio would take its own address from
_ADDRESSES = {b"x-gradio-server"}
_MCP_ADDRESSES = {*_ADDRESSES, b"x-forwarded-host"}
#: what a host's name and port are made of
_HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]*")
_LONGEST_ANSWER = 1 << 20


class Gate:
    """The innermost layer, before the routes. Requests that are not for Gradio pass."""

    def __init__(self, app: ASGIApp, owners: Owners, late: Late) -> None:
        self._app = app
        self._owners = owners
        self._events = Events(owners)
        self._late = late

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        if path in ("", "/"):
            # Gradio takes "page" in the query for itself, whose pages are not ours
            scope = {**scope, "query_string": b""}
        try:
            if not self._open(path, scope):
                raise NotFound()
            receive = await self._events.check(path, scope, receive)
        except AppError as error:
            await problem(error, scope)(scope, receive, send)
            return
        if path.startswith(_FILE):
            wanted = unquote(path.removeprefix(_FILE))
            try:
                archive = self._late.archive(wanted)
            except NotFound as error:
                await problem(error, scope)(scope, receive, send)
                return
            if archive is not None:
                headers = {**HARMLESS, "Content-Disposition": attachment(PurePosixPath(wanted).name)}
                answer = Download(archive, media_type="application/zip", headers=headers)
                await answer(scope, receive, send)
                return
        hidden = _MCP_ADDRESSES if path.startswith(_MCP) else _ADDRESSES
        headers = [
            (name, value) for name, value in scope["headers"] if name not in hidden and _plain(name, value)
        ]
        scope = {**scope, "headers": headers}
        send = self._events.noting(path, scope, _with_policy(send))
        if path.rstrip("/") == _UPLOAD and scope["method"] == "POST":
            await self._upload(scope, receive, send)
            return
        if path.startswith(_API):
            # compressed answers could not be filled
            headers = [each for each in scope["headers"] if each[0] != b"accept-encoding"]
            scope, send = {**scope, "headers": headers}, self._late.filling(send)
        await self._app(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes an upload if its owner could submit a document now: the same disk and the same queue."""
        who: Identity = scope["identity"]
        try:
            await scope["app"].state.manager.check_room(who.name, 1)
        except AppError as error:
            await refuse(error, scope, receive, send)
            return
        refused: list[AppError] = []
        refusals.set(refused)
        await self._app(scope, receive, _unless(refused, self._noting_owner(send, who)))
        if refused:
            await refuse(refused[0], scope, receive, send)

    def _open(self, path: str, scope: Scope) -> bool:
        if path.startswith(_FILE):
            wanted = unquote(path.removeprefix(_FILE))
            # also keeps Gradio from sending people on to addresses elsewhere
            return "://" not in wanted and "\0" not in wanted and self._owners.may(wanted, scope["identity"])
        return bool(_OURS.fullmatch(path) or _NEEDED.fullmatch(path))

    def _noting_owner(self, send: Send, who: Identity) -> Send:
        """Remembers whose the files are that Gradio says it has stored."""
        body = bytearray()
        good = False

        async def wrapped(message: Message) -> None:
            nonlocal good
            if message["type"] == "http.response.start":
                good = message["status"] == 200
            elif good and message["type"] == "http.response.body":
                body.extend(message.get("body", b"")[:_LONGEST_ANSWER])
                if not message.get("more_body"):
                    for path in json.loads(body):
                        self._owners.add(path, who)
            await send(message)

        return wrapped


def _unless(refused: list[AppError], send: Send) -> Send:
    """A ``send`` that drops the answer to an upload that is refused: the gate has a better one."""

    async def wrapped(message: Message) -> None:
        if not refused:
            await send(message)

    return wrapped


def _plain(name: bytes, value: bytes) -> bool:
    """Whether a header may stand in a script: Gradio writes these into the page on its MCP server."""
    if name == b"x-forwarded-proto":
        return value.split(b",")[0].strip().lower() in (b"http", b"https")
    return name != b"host" or _HOST.fullmatch(value) is not None


def _with_policy(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                headers.setdefault("Content-Security-Policy", _POLICY)
                # it has the name by which it was asked for in it
                headers.setdefault("Cache-Control", "private, no-cache")
            if "://" in headers.get("location", ""):
                # to a path of ours, whatever name came in Host
                found = urlsplit(headers["location"])
                headers["location"] = urlunsplit(("", "", "/" + found.path.lstrip("/"), found.query, ""))
        await send(message)

    return wrapped
