"""Connections that dawdle and heads with two meanings, over real sockets: cut off, in nobody's way."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
from contextlib import suppress
from typing import Any

import pytest

from gradio_app.web import bodies, connections
from gradio_app.web.addresses import Proxies
from gradio_app.web.connections import PatientProtocol, most_connections
from tests.sockets import CHUNKED, CHUNKED_SEEN, MUCH, House, answer, ask, serving

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience as the tests have it."""
    for module, name in ((connections, "HEAD_TIME"), (bodies, "BODY_PAUSE"), (connections, "READ_PAUSE")):
        monkeypatch.setattr(module, name, 0.3)
    monkeypatch.setattr(bodies, "ROOM_BYTES", 1000)
    monkeypatch.setattr(PatientProtocol, "most", 20)


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
    for module, name in ((connections, "HEAD_TIME"), (bodies, "BODY_PAUSE")):
        monkeypatch.setattr(module, name, 60.0)
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


@pytest.mark.parametrize(
    "head",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n",
        b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT b:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_a_head_with_two_meanings_is_refused(head: bytes) -> None:
    async with serving(House()) as port:
        got = await answer(port, head)
        assert got.startswith(b"HTTP/1.1 400 ") and got.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("host", [b"a", b"a_b.c:80", b"[::1]:7860", b"10.0.0.4", b"xn--fa-hia.de."])
async def test_usual_heads_are_answered(host: bytes) -> None:
    async with serving(House()) as port:
        for version in (b"1.0", b"1.1"):
            got = await answer(
                port, b"GET /a?b HTTP/%b\r\nHost: %b\r\nConnection: close\r\n\r\n" % (version, host)
            )
            assert got.startswith(b"HTTP/1.1 200 ")


async def test_requests_one_after_the_other_are_all_answered() -> None:
    async with serving(House()) as port:
        reader, writer = await ask(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        async with asyncio.timeout(10):
            for _ in range(50):
                assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200")
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


async def test_half_sent_heads_of_one_address_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_TIME", 60.0)
    monkeypatch.setattr(PatientProtocol, "most_of_one", 5)
    # 127.0.0.9 is somebody elsewhere here, and 127.0.0.1 this machine
    monkeypatch.setattr(
        PatientProtocol, "_share", lambda self, address: 5 if address == "127.0.0.9" else self.most
    )
    async with serving(House()) as port:
        crowd = [
            await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0)) for _ in range(12)
        ]
        for _, writer in crowd:
            with suppress(ConnectionError):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        async with asyncio.timeout(10):
            for reader, _ in crowd[5:]:
                with suppress(ConnectionError):
                    assert await reader.read() == b""
        for _ in range(8):
            assert (await answer(port, b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")
        for _, writer in crowd:
            writer.close()


@pytest.mark.parametrize(
    ("address", "share"),
    [
        ("127.0.0.1", 15),
        ("::1", 15),
        ("::ffff:127.0.0.1", 15),
        ("10.0.0.4", 15),
        ("10.0.1.4", 8),
        ("2001:db8::1", 8),
        ("::ffff:10.0.1.4", 8),
    ],
)
def test_who_may_have_how_many_connections(address: str, share: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("most", "most_of_one", "most_of_near", "proxies"):
        monkeypatch.setattr(PatientProtocol, name, getattr(PatientProtocol, name))
    PatientProtocol.limit_to(16, Proxies([ipaddress.ip_network("10.0.0.0/24")]))
    bare: Any = object.__new__(PatientProtocol)
    assert bare._share(address) == share


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
