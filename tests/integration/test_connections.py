"""Connections that dawdle, over real sockets: cut off, answered, and never in the way of others."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from gradio_app.base.errors import DiskFull
from gradio_app.web import connections
from gradio_app.web.connections import PatientProtocol, SteadyBodies, most_connections

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

HEAD = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
CHUNKED = b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED_SEEN = CHUNKED.replace(b"Host: x", b"Host: x\r\nX-Seen: before")
#: more than the buffers of two sockets hold
MUCH = 64 * 2**20


class House:
    """Reads a body and says how long it was; ``GET /much`` answers more than anybody's buffers hold."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
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

    def room(self) -> None:
        if self.full:
            raise DiskFull()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience as the tests have it."""
    for name in ("HEAD_TIME", "BODY_PAUSE", "READ_PAUSE"):
        monkeypatch.setattr(connections, name, 0.3)
    monkeypatch.setattr(connections, "ROOM_BYTES", 1000)
    monkeypatch.setattr(PatientProtocol, "most", 20)


@asynccontextmanager
async def serving(house: House) -> AsyncGenerator[int]:
    """A server on a port of its own."""
    config = uvicorn.Config(
        SteadyBodies(house, house.room), port=0, http=PatientProtocol, log_config=None, lifespan="off"
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


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET / HTT",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHo",
    ],
)
async def test_who_does_not_finish_a_head_is_cut_off(start: bytes) -> None:
    async with serving(House()) as port:
        got = await answer(port, start)
        assert got.count(b"200 OK") == start.count(b"\r\n\r\n")


async def test_a_head_in_pieces_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_TIME", 5.0)
    async with serving(House()) as port:
        reader, writer = await ask(port, b"")
        for byte in b"GET / HTTP/1.1\r\nHost: x\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


ENDLESS = b"x" * 2**20


@pytest.mark.parametrize(
    "start",
    [
        b"GET /" + ENDLESS,
        b"GET / HTTP/1.1\r\nHost: " + ENDLESS,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"Some: more\r\n" * 100_000,
        CHUNKED + b"1;" + ENDLESS,
        CHUNKED + b"1\r\nx\r\n0\r\n" + b"Some: more\r\n" * 100_000,
    ],
    ids=["address", "header", "headers", "frame", "trailers"],
)
async def test_a_head_without_end_is_refused(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_TIME", "BODY_PAUSE"):
        monkeypatch.setattr(connections, name, 60.0)
    async with serving(House()) as port:
        reader, writer = await ask(port, b"")
        got = b""
        async with asyncio.timeout(10):
            with suppress(ConnectionError):  # a reset may overtake the answer
                writer.write(start)
                await writer.drain()
                got = await reader.read()
        assert got == b"" or got.startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_a_header_behind_the_body_is_none() -> None:
    async with serving(House()) as port:
        trailers = b"Authorization: Bearer x\r\nX-Seen: behind\r\n\r\n"
        reader, writer = await ask(port, CHUNKED_SEEN + b"1\r\nx\r\n0\r\n" + trailers)
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200") and b"seen: before\r\n" in head and b"behind" not in head
        writer.close()


async def test_requests_one_after_the_other_are_all_answered() -> None:
    async with serving(House()) as port:
        reader, writer = await ask(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        async with asyncio.timeout(10):
            for _ in range(50):
                assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_body_that_stands_still_is_answered() -> None:
    house = House()
    async with serving(house) as port:
        got = await answer(port, HEAD + b"x" * 10)
        assert got.startswith(b"HTTP/1.1 408 ") and b'"request_timeout"' in got and house.gone.is_set()


async def test_a_body_that_trickles_is_answered() -> None:
    async with serving(House()) as port:
        reader, writer = await ask(port, HEAD)

        async def trickle() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.05)

        drops = asyncio.create_task(trickle())
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        drops.cancel()
        writer.close()


async def test_a_body_for_which_there_is_no_room_is_answered_while_it_comes() -> None:
    house = House()
    async with serving(house) as port:
        reader, writer = await ask(port, HEAD + b"x" * 5000)
        house.full = True
        writer.write(b"x" * 5000)
        async with asyncio.timeout(10):
            got = await reader.read()
        assert got.startswith(b"HTTP/1.1 507 ") and b'"disk_full"' in got
        writer.close()


async def test_a_quick_body_comes_in() -> None:
    async with serving(House()) as port:
        reader, writer = await ask(port, HEAD + b"x" * 1_000_000)
        async with asyncio.timeout(10):
            got = await reader.readuntil(b"1000000")
        assert got.startswith(b"HTTP/1.1 200")
        writer.close()


async def test_who_does_not_read_is_cut_off() -> None:
    async with serving(House()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
        cast_transport: Any = writer.transport
        cast_transport.pause_reading()
        async with asyncio.timeout(10):
            while not closed_by_server(port):
                await asyncio.sleep(0.05)
        cast_transport.resume_reading()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            async with asyncio.timeout(10):
                await reader.readexactly(MUCH)
        writer.close()


def closed_by_server(port: int) -> bool:
    """Whether nothing established is left on the server's side but this look itself."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return not any(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


async def test_more_connections_than_there_are_files_for_are_refused_and_the_others_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "HEAD_TIME", 60.0)  # the first one waits for the others
    async with serving(House()) as port:
        first = await ask(port, b"")
        crowd = [await ask(port, b"") for _ in range(40)]
        gone = [await reader.read() for reader, _ in crowd[19:]]
        assert gone == [b""] * 21, "one too many is closed at once"
        first[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            assert (await first[0].readline()).startswith(b"HTTP/1.1 200")
        for _, writer in (first, *crowd):
            writer.close()


@pytest.mark.parametrize(
    ("limits", "most"), [((1024, 1024), 768), ((256, 1024), 768), ((64, 64), 32), ((1024, 10**6), 4096)]
)
def test_connections_leave_files_for_the_work(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], most: int
) -> None:
    set_to: list[Any] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: set_to.append(new))
    assert most_connections() == most
    assert set_to == ([(min(limits[1], 65_536), limits[1])] if limits[0] < limits[1] else [])
