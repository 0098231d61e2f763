"""A small application behind our protocol and the layer for bodies, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import Receive, Scope, Send

from gradio_app.base.errors import DiskFull
from gradio_app.web.bodies import Bodies, Closing, Limit
from gradio_app.web.connections import PatientProtocol

HEAD = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
CHUNKED = b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED_SEEN = CHUNKED.replace(b"Host: x", b"Host: x\r\nX-Seen: before")
#: more than the buffers of two sockets hold
MUCH = 64 * 2**20


class House:
    """Reads a body and says how long it was; ``GET /much`` answers more than anybody's buffers hold."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.closing = Closing()
        self.full = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = 0, scope["method"] == "POST"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
                raise RuntimeError("the client has gone")
            body, more = body + len(message["body"]), message.get("more_body", False)
        text = b"." * MUCH if scope["path"] == "/much" else str(body).encode()
        seen = [(b"seen", value) for name, value in scope["headers"] if name == b"x-seen"]
        headers = [(b"content-length", str(len(text)).encode()), *seen]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for start in range(0, len(text), 2**16):
            await send({"type": "http.response.body", "body": text[start : start + 2**16], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def room(self, _more: int) -> None:
        if self.full:
            raise DiskFull()


@asynccontextmanager
async def serving(house: House) -> AsyncGenerator[int]:
    """A server on a port of its own."""
    layer = Bodies(house, {"/upload": Limit(2 * 10**6, files=True)}, house.room, house.closing)
    config = uvicorn.Config(
        layer, port=0, http=PatientProtocol, log_config=None, lifespan="off", proxy_headers=False
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        server.force_exit = True
        await task


async def ask(port: int, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    return reader, writer


async def answer(port: int, data: bytes) -> bytes:
    """All that comes back until the server closes; empty also when it resets."""
    reader, writer = await ask(port, data)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
