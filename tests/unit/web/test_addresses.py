"""Who asks: a named proxy is believed, any other program is not, and one IPv6 client is one client."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from loguru import logger

from gradio_app.web.addresses import Forwarded, Proxies, network_of

pytestmark = pytest.mark.anyio

PROXIES = Proxies([ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("10.0.0.0/24")])
SAID = {"x-forwarded-for": "6.6.6.6", "x-forwarded-proto": "https", "x-forwarded-host": "evil.test"}


async def seen(peer: str, headers: dict[str, str], kind: str = "http") -> dict[str, Any]:
    """What the application behind the layer sees of a request."""
    found: dict[str, Any] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        found.update(scope)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scheme = "ws" if kind == "websocket" else "http"
    scope = {"type": kind, "client": (peer, 1), "scheme": scheme, "headers": pairs}
    nothing: Any = None
    await Forwarded(app, PROXIES)(scope, nothing, nothing)
    return found


@pytest.mark.parametrize("peer", ["127.0.0.2", "::1", "10.0.1.1", "192.168.0.1", ""])
async def test_a_stranger_is_not_believed(peer: str) -> None:
    found = await seen(peer, {**SAID, "forwarded": "for=6.6.6.6", "x-real-ip": "6.6.6.6", "host": "ours"})
    assert found["client"][0] == peer and found["scheme"] == "http"
    assert found["headers"] == [(b"host", b"ours")]


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7, 10.0.0.9", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("192.0.2.7, <script>", "127.0.0.1"),
    ],
)
async def test_a_named_proxy_is_believed_as_far_as_it_saw(said: str, client: str) -> None:
    found = await seen("127.0.0.1", {**SAID, "x-forwarded-for": said})
    assert found["client"][0] == client and found["scheme"] == "https"
    assert (b"x-forwarded-host", b"evil.test") in found["headers"]


async def test_a_scheme_is_http_or_https() -> None:
    assert (await seen("10.0.0.1", {"x-forwarded-proto": "javascript"}))["scheme"] == "http"
    assert (await seen("10.0.0.1", SAID, "websocket"))["scheme"] == "wss"


async def test_a_proxy_that_is_not_named_is_told_about_once() -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    layer = Forwarded(lambda *_: _nothing(), PROXIES)
    nothing: Any = None
    for _ in range(3):
        scope = {"type": "http", "client": ("127.0.0.2", 1), "headers": [(b"x-forwarded-for", b"1.2.3.4")]}
        await layer(scope, nothing, nothing)
    logger.remove(sink)
    assert len(lines) == 1 and "--trusted-proxies 127.0.0.2" in lines[0]


async def _nothing() -> None: ...


def test_one_client_of_ipv6_has_one_network() -> None:
    assert (
        network_of("2001:db8:1:2::7") == network_of("2001:db8:1:2:ffff::1") != network_of("2001:db8:1:3::7")
    )
    assert network_of("10.0.0.1") != network_of("10.0.0.2")
    assert network_of("::ffff:10.0.0.1") == "10.0.0.1" and network_of("") == ""
