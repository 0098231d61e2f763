"""Machines that need no key: they come in by their own address only, and as nobody else."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from gradio_app.web.addresses import Forwarded, Proxies
from tests.unit.doorway import ADMIN, TOKEN, House, bearer, guard

pytestmark = pytest.mark.anyio

TRUSTED = (ip_network("10.0.0.5"), ip_network("192.168.1.0/24"), ip_network("2001:db8::/64"))
ADDRESS = "http://10.0.0.1:7860"


async def asked(
    peer: str,
    headers: dict[str, str] | None = None,
    proxies: Any = (),
    method: str = "GET",
    base: str = ADDRESS,
    **more: Any,
) -> httpx.Response:
    """What a client at ``peer`` gets."""
    app = Forwarded(guard(TOKEN, House(), trusted_clients=TRUSTED, **more), Proxies(proxies))
    transport = httpx.ASGITransport(app=app, client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        return await client.request(method, "/api/v1/tasks", headers=headers or {})


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("10.0.0.5", "client-10.0.0.5"),
        ("192.168.1.77", "client-192.168.1.77"),
        ("::ffff:10.0.0.5", "client-10.0.0.5"),
        ("2001:db8::9", "client-2001:db8::9"),
    ],
)
async def test_a_named_machine_comes_in_as_itself(peer: str, name: str) -> None:
    for method in ("GET", "POST"):
        answer = await asked(peer, method=method)
        assert answer.json() == {"name": name, "admin": False}
        assert "set-cookie" not in answer.headers or "theirs" in answer.headers["set-cookie"]


@pytest.mark.parametrize("peer", ["10.0.0.6", "192.168.2.1", "127.0.0.1", "2001:db8:1::9", "unix", ""])
async def test_any_other_machine_does_not(peer: str) -> None:
    assert (await asked(peer)).status_code == 401


async def test_nobody_is_trusted_without_the_setting() -> None:
    transport = httpx.ASGITransport(app=guard(TOKEN), client=("10.0.0.5", 1))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        assert (await client.get("/api/v1/tasks")).status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host"])
async def test_what_a_header_says_opens_nothing(header: str) -> None:
    # a stranger claims to be a trusted machine; a proxy nobody named stands on one
    assert (await asked("10.0.0.9", {header: "10.0.0.5"})).status_code == 401
    assert (await asked("10.0.0.5", {header: "203.0.113.7"})).status_code == 401
    assert (await asked("10.0.0.5", {header: "10.0.0.5"})).status_code == 401


async def test_a_named_proxy_tells_who_asks() -> None:
    proxy = [ip_network("10.0.0.9")]
    through = {"X-Forwarded-For": "10.0.0.5"}
    assert (await asked("10.0.0.9", through, proxy)).json()["name"] == "client-10.0.0.5"
    assert (await asked("10.0.0.9", {"X-Forwarded-For": "203.0.113.7"}, proxy)).status_code == 401
    assert (await asked("10.0.0.9", {"X-Forwarded-For": "10.0.0.5, 203.0.113.7"}, proxy)).status_code == 401


async def test_a_key_says_more_than_an_address() -> None:
    assert (await asked("10.0.0.5", bearer(ADMIN))).json() == {"name": "admin", "admin": True}
    assert (await asked("10.0.0.5", bearer("wrong"))).status_code == 401
    assert (await asked("10.0.0.5", {"x-api-key": "wrong"})).status_code == 401


async def test_a_page_in_a_browser_on_such_a_machine_gets_nothing() -> None:
    assert (await asked("10.0.0.5", {"origin": "https://evil.example"}, method="POST")).status_code == 403
    assert (await asked("10.0.0.5", {"sec-fetch-site": "cross-site"})).status_code == 403
    # a name of theirs that leads here: their page asks as if it were ours
    rebound = {"origin": "http://evil.example:7860"}
    assert (await asked("10.0.0.5", rebound, base="http://evil.example:7860")).status_code == 401
    assert (await asked("10.0.0.5", base="http://evil.example:7860")).status_code == 401


async def test_a_name_of_the_server_is_known_when_it_is_given() -> None:
    named = await asked("10.0.0.5", base="http://mineru:7860", allowed_hosts=("mineru",))
    assert named.json()["name"] == "client-10.0.0.5"


async def test_such_a_machine_has_limits_of_its_own() -> None:
    app = guard(TOKEN, House(), trusted_clients=TRUSTED, requests_per_minute=2)
    for peer in ("10.0.0.5", "192.168.1.9"):
        transport = httpx.ASGITransport(app=app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
            statuses = [(await client.get("/x")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
