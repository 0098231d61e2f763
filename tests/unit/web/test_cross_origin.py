"""Programs on other origins come in with a header of their own; cookies count for allowed origins only."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gradio_app.web.auth.credentials import Credentials
from gradio_app.web.auth.guard import Guard
from gradio_app.web.auth.users import User, Users, hash_key, write
from tests.unit.doorway import HOST, SECRET, TOKEN, House, basic, bearer, browser, guard, signed_in

pytestmark = pytest.mark.anyio

APPS = ["app://papers", "chrome-extension://abcdef", "https://other.test", "null", "http://mineru.test:81"]
ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,x-api-key"}


@pytest.mark.parametrize("origin", APPS)
@pytest.mark.parametrize("key", [bearer(), basic(), {"x-api-key": TOKEN}])
async def test_who_proves_itself_by_a_header_may_come_from_anywhere(origin: str, key: dict[str, Any]) -> None:
    async with browser() as client:
        await signed_in(client)
        await client.get("/")
        asked = await client.options("/api/v1/tasks", headers={"origin": origin, **ASKS})
        assert asked.status_code == 204 and asked.headers["access-control-allow-origin"] == "*"
        assert {"authorization", "x-api-key"} <= set(
            asked.headers["access-control-allow-headers"].lower().split(", ")
        )
        assert "DELETE" in asked.headers["access-control-allow-methods"]
        for method in ("GET", "POST", "DELETE"):
            answer = await client.request(method, "/api/v1/tasks", headers={"origin": origin, **key})
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers
            assert answer.json()["name"] == "token", "the cookies of this browser do not count"


@pytest.mark.parametrize("key", [bearer("wrong"), {"x-api-key": "wrong"}, {"x-api-key": ""}, {}])
async def test_a_wrong_header_is_no_way_around(key: dict[str, Any]) -> None:
    house = House()
    async with browser(house=house) as client:
        await signed_in(client)
        await client.get("/")
        house.visits.clear()
        answer = await client.post("/", headers={"origin": "https://other.test", **key})
        assert answer.status_code in (401, 403) and house.visits == []
        link = await client.get("/", params={"token": TOKEN}, headers={"origin": "null", **key})
        assert link.status_code in (401, 403)
        assert house.visits == []


@pytest.mark.parametrize("path", ["/login", "/logout"])
async def test_nobody_is_signed_in_or_out_from_elsewhere(path: str) -> None:
    async with browser() as client:
        await signed_in(client)
        headers = {"origin": "https://other.test", **bearer()}
        answer = await client.post(path, data={"password": TOKEN}, headers=headers)
        assert answer.status_code == 403 and (await client.get("/")).status_code == 200


async def test_where_nobody_is_asked_a_made_up_header_opens_nothing() -> None:
    house = House()
    async with browser("", house=house) as client:
        for extra in (bearer("x"), {"x-api-key": "x"}):
            answer = await client.post("/", headers={"origin": "app://papers", **extra})
            assert answer.status_code == 403
        asked = await client.options("/", headers={"origin": "app://papers", **ASKS})
        assert asked.status_code == 403
    assert house.visits == []


@pytest.mark.parametrize("token", [TOKEN, ""])
async def test_an_allowed_origin_may_use_this_browsers_sign_in(token: str) -> None:
    origin = "http://mineru.test:81"
    app = guard(token, allowed_origins=[origin])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST) as client:
        await signed_in(client)
        asked = await client.options("/", headers={"origin": origin, **ASKS})
        answer = await client.post("/", headers={"origin": origin})
        assert (asked.status_code, answer.status_code) == (204, 200)
        for each in (asked, answer):
            assert each.headers["access-control-allow-origin"] == origin
            assert each.headers["access-control-allow-credentials"] == "true"
            assert "Origin" in each.headers["vary"]
        assert (await client.post("/", headers={"origin": origin + "0"})).status_code == 403


async def test_the_key_of_a_user_works_as_a_header(tmp_path: Any) -> None:
    write(tmp_path / "users.txt", {"bob": User("bob", "x", key=hash_key("mo-bob"))})
    app = Guard(House(), Credentials(TOKEN, "", Users(tmp_path / "users.txt"), SECRET))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST) as client:
        assert (await client.get("/", headers={"x-api-key": "mo-bob"})).json()["name"] == "bob"
        assert (await client.get("/", headers={"x-api-key": "mo-bobby"})).status_code == 401


# ---------------------------------------------------------------- probes by any name


@pytest.mark.parametrize("host", ["10.1.2.3:7860", "pod.cluster.test", "[fd00::1]:7860"])
async def test_supervisors_ask_by_any_name(host: str) -> None:
    app = guard(TOKEN, allowed_hosts=frozenset({"papers.test"}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"http://{host}") as client:
        assert [(await client.get(path)).status_code for path in ("/health", "/ready")] == [200, 200]
        assert (await client.get("/metrics")).status_code == 401, "figures need a key as before"
        assert (await client.get("/metrics", headers=bearer())).status_code == 200
        assert (await client.get("/api/v1/queue", headers=bearer())).status_code == 403
        assert (await client.get("/health/../metricsx", headers=bearer())).status_code == 403


@pytest.mark.parametrize(("host", "status"), [("10.1.2.3", 200), ("evil.test", 403)])
async def test_where_nobody_is_asked_figures_are_not_for_names_that_strangers_turned_here(
    host: str, status: int
) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=guard("", allowed_hosts=frozenset({"papers.test"}))),
        base_url=f"http://{host}",
    ) as client:
        assert (await client.get("/metrics")).status_code == status
        assert (await client.get("/ready")).status_code == 200
