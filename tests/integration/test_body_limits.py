"""Bodies over real sockets: too long, too slow, without room, or at the end of the server."""

from __future__ import annotations

import asyncio

import pytest

from gradio_app.web import bodies, connections
from tests.sockets import CHUNKED, HEAD, House, answer, ask, serving

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience as the tests have it."""
    monkeypatch.setattr(connections, "HEAD_TIME", 0.3)
    monkeypatch.setattr(bodies, "BODY_PAUSE", 0.3)
    monkeypatch.setattr(bodies, "ROOM_BYTES", 1000)


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


EXPECT = HEAD.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue")


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (EXPECT.replace(b"1000000", b"50000000000"), b"file_too_large"),
        (EXPECT.replace(b"1000000", b"2000001"), b"file_too_large"),
        (EXPECT.replace(b"/upload", b"/other").replace(b"1000000", b"1048577"), b"file_too_large"),
        (EXPECT.replace(b"POST /upload", b"PUT /upload").replace(b"1000000", b"1048577"), b"file_too_large"),
    ],
    ids=["terabyte", "one more", "other route", "other method"],
)
async def test_a_body_that_is_too_long_is_refused_before_it_comes(head: bytes, code: bytes) -> None:
    async with serving(House()) as port:
        got = await answer(port, head)
        assert got.startswith(b"HTTP/1.1 413 ") and code in got and b"100 Continue" not in got


async def test_a_body_for_which_there_is_no_room_is_refused_before_it_comes() -> None:
    house = House()
    house.full = True
    async with serving(house) as port:
        got = await answer(port, EXPECT)
        assert got.startswith(b"HTTP/1.1 507 ") and b"100 Continue" not in got


async def test_a_body_that_is_awaited_is_asked_for() -> None:
    async with serving(House()) as port:
        reader, writer = await ask(port, EXPECT)
        async with asyncio.timeout(10):
            assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
            writer.write(b"x" * 1_000_000)
            assert b"HTTP/1.1 200" in await reader.readuntil(b"1000000")
        writer.close()


@pytest.mark.parametrize(("path", "most"), [(b"/upload", 2 * 10**6), (b"/other", 2**20)])
async def test_a_chunked_body_is_cut_off_at_the_limit(path: bytes, most: int) -> None:
    house = House()
    chunk = b"10000\r\n" + b"x" * 2**16 + b"\r\n"
    async with serving(house) as port:
        reader, writer = await ask(port, CHUNKED.replace(b"/upload", path))
        for _ in range(most // 2**16 + 1):
            writer.write(chunk)
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 413 ") and house.gone.is_set()
        writer.close()


async def test_who_sends_on_after_a_refusal_can_read_it() -> None:
    async with serving(House()) as port:
        reader, writer = await ask(port, HEAD.replace(b"1000000", b"3000000") + b"x" * 3_000_000)
        async with asyncio.timeout(10):
            got = await reader.read()
        assert got.startswith(b"HTTP/1.1 413 ") and b'"file_too_large"' in got
        writer.close()


async def test_a_body_under_way_is_answered_when_the_server_stops() -> None:
    house = House()
    async with serving(house) as port:
        reader, writer = await ask(port, EXPECT)
        async with asyncio.timeout(10):
            assert b"100" in await reader.readline()  # the house waits for it
            writer.write(b"x" * 1000)
            house.closing.begin()
            got = await reader.read()
        assert b"HTTP/1.1 503 " in got and b'"shutting_down"' in got and b'"retryable":true' in got
        assert house.gone.is_set()
        writer.close()
        late = await answer(port, HEAD + b"x")
        assert late.startswith(b"HTTP/1.1 503 ") and b'"shutting_down"' in late


async def test_a_quick_body_comes_in() -> None:
    async with serving(House()) as port:
        reader, writer = await ask(port, HEAD + b"x" * 1_000_000)
        async with asyncio.timeout(10):
            got = await reader.readuntil(b"1000000")
        assert got.startswith(b"HTTP/1.1 200")
        writer.close()
