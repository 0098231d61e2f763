"""Other sites and made-up names open nothing, guessing is stopped, and no answer may be embedded."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gradio_app.web.auth.credentials import Credentials, Proof
from gradio_app.web.auth.guesses import GUESSES
from tests.unit.doorway import (
    HOST,
    SECRET,
    SESSION_COOKIE,
    TOKEN,
    House,
    basic,
    bearer,
    browser,
    guard,
    never,
    sending,
    signed_in,
    socket_scope,
)

pytestmark = pytest.mark.anyio

#: of somebody who is signed in
SESSION = Credentials(TOKEN, secret=SECRET).session(Proof("token"))

# ---------------------------------------------------------------- other sites

FOREIGN = [
    "http://evil.test",
    "https://mineru.test.evil.test",
    "http://mineru.test:81",
    "null",
    "",
    "http://[",
]


@pytest.mark.parametrize("origin", [*FOREIGN, "http://a\u2100b".encode(), b"\xff"])
@pytest.mark.parametrize("token", ["", TOKEN])
async def test_another_site_changes_nothing(origin: Any, token: str) -> None:
    house = House()
    async with browser(token, house=house) as client:
        for method in ("POST", "DELETE", "PUT", "PATCH"):
            headers = {"origin": origin, "cookie": f"{SESSION_COOKIE}={SESSION}"}
            answer = await client.request(method, "/api/v1/tasks", headers=headers)
            assert answer.status_code == 403 and answer.json()["error"]["code"] == "forbidden"
    assert house.visits == []


@pytest.mark.parametrize("origin", [HOST, "https://mineru.test"])
async def test_our_own_page_may_change_things(origin: str) -> None:
    async with browser() as client:
        await signed_in(client)
        assert (await client.post("/api/v1/tasks", headers={"origin": origin})).status_code == 200


async def test_behind_a_proxy_the_name_that_people_see_counts() -> None:
    async with browser("") as client:
        headers = {"origin": "https://papers.test", "x-forwarded-host": "papers.test"}
        assert (await client.post("/", headers=headers)).status_code == 200
        headers["origin"] = "https://evil.test"
        assert (await client.post("/", headers=headers)).status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_another_site_reads_nothing_either(method: str) -> None:
    house = House()
    async with browser("", house=house) as client:
        answer = await client.request(method, "/", headers={"origin": "http://evil.test"})
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    assert house.visits == []


@pytest.mark.parametrize(
    ("site", "mode", "method", "status"),
    [
        ("cross-site", "no-cors", "GET", 403),  # a picture or script that another page embeds
        ("cross-site", "cors", "GET", 403),
        ("cross-site", "navigate", "POST", 403),  # a form
        ("cross-site", "navigate", "GET", 200),  # a link
        ("same-origin", "cors", "POST", 200),
        ("none", "navigate", "GET", 200),  # typed
    ],
)
async def test_what_browsers_say_of_where_a_request_comes_from_counts(
    site: str, mode: str, method: str, status: int
) -> None:
    async with browser("") as client:
        headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
        assert (await client.request(method, "/", headers=headers)).status_code == status


# ---------------------------------------------------------------- names of this server


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:7860", 200),
        ("localhost", 200),
        ("LOCALHOST.:7860", 200),
        ("[::1]:7860", 200),
        ("app.localhost:80", 200),
        ("evil.test", 403),
        ("localhost.evil.test", 403),
        ("127.0.0.1.evil.test", 403),
        ("192.168.1.4:7860", 403),
        ("mineru.test@evil.test", 403),
        ("", 403),
    ],
)
async def test_a_name_that_was_turned_to_this_machine_opens_nothing(host: str, status: int) -> None:
    house, sent = House(), list[Any]()
    scope = socket_scope({}) | {"type": "http", "method": "GET", "headers": [(b"host", host.encode())]}
    await guard("", house, allowed_hosts=())(scope, never, sending(sent))
    assert sent[0]["status"] == status and len(house.visits) == (status == 200)


@pytest.mark.parametrize(("allowed", "status"), [((), 200), (("mineru.test",), 200), (("papers.test",), 403)])
async def test_where_people_sign_in_any_name_will_do_until_names_are_given(
    allowed: tuple[str, ...], status: int
) -> None:
    app = guard(TOKEN, allowed_hosts=allowed)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST) as client:
        assert (await client.get("/", headers=bearer())).status_code == status


# ---------------------------------------------------------------- how often


async def test_who_guesses_is_stopped_even_with_the_right_token() -> None:
    async with browser() as client:
        await signed_in(client)
        for _ in range(GUESSES):
            assert (await client.get("/", headers=bearer("wrong"))).status_code == 401
        for attempt in (bearer("wrong"), bearer(), basic()):
            answer = await client.get("/", headers=attempt)
            assert answer.status_code == 429 and answer.json()["error"]["code"] == "quota_exceeded"
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert (await client.get("/")).status_code == 200, "who is signed in already goes on"


async def test_requests_are_counted_where_people_sign_in() -> None:
    app = guard(TOKEN, requests_per_minute=5)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST) as client:
        statuses = [(await client.get("/", headers=bearer())).status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2


# ---------------------------------------------------------------- every answer


@pytest.mark.parametrize("headers", [{}, bearer(), bearer("wrong"), {"origin": "http://evil.test"}])
async def test_no_answer_may_be_embedded_or_guessed_at(headers: dict[str, str]) -> None:
    async with browser() as client:
        answer = await client.get("/", headers=headers)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


# ---------------------------------------------------------------- websockets


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        (TOKEN, {}),
        (TOKEN, bearer("wrong")),
        (TOKEN, {"origin": "http://evil.test", "cookie": f"{SESSION_COOKIE}={SESSION}"}),
        (TOKEN, {"origin": "http://evil.test", **bearer("wrong")}),
        ("", {"origin": "http://evil.test"}),
        ("", {"origin": "null"}),
    ],
)
async def test_a_websocket_that_may_not_come_in_is_closed(token: str, headers: dict[str, Any]) -> None:
    house, sent = House(), list[Any]()
    await guard(token, house)(socket_scope(headers), never, sending(sent))
    assert sent == [{"type": "websocket.close", "code": 1008}] and house.visits == []


@pytest.mark.parametrize(("token", "name"), [(TOKEN, "token"), ("", "local")])
async def test_a_websocket_of_our_own_page_comes_in(token: str, name: str) -> None:
    house, sent = House(), list[Any]()
    await guard(token, house)(socket_scope({"origin": HOST, **bearer()}), never, sending(sent))
    assert [who.name for who in house.visits] == [name] and sent == []


async def test_a_websocket_is_not_signed_in_by_its_address() -> None:
    house, sent = House(), list[Any]()
    scope = socket_scope({}) | {"query_string": b"token=" + TOKEN.encode()}
    await guard(TOKEN, house)(scope, never, sending(sent))
    assert [message["type"] for message in sent] == ["websocket.close"]
