"""Who may come in, and who they are."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx
import pytest

from gradio_app.web.auth.credentials import LOCAL, Identity
from gradio_app.web.auth.origin import is_loopback
from tests.unit.doorway import (
    HOST,
    IDENTITY_COOKIE,
    PAGE,
    SESSION_COOKIE,
    TOKEN,
    House,
    basic,
    bearer,
    browser,
    guard,
    never,
    signed_in,
)

pytestmark = pytest.mark.anyio


# ---------------------------------------------------------------- which address is this machine only


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_a_loopback_address_is_reached_from_here_only(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.4", "example.org", "localhost.example.org"])
def test_any_other_address_may_be_reached_from_elsewhere(host: str) -> None:
    assert not is_loopback(host)


# ---------------------------------------------------------------- without a token


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_without_a_token_everybody_is_the_local_admin(method: str) -> None:
    async with browser(token="") as client:
        for headers in ({}, bearer("x"), {"cookie": f"{SESSION_COOKIE}=x"}, {"origin": HOST}):
            answer = await client.request(method, "/api/v1/tasks?token=x", headers=headers)
            assert answer.json() == {"name": LOCAL.name, "admin": True}
        assert IDENTITY_COOKIE not in client.cookies


async def test_an_empty_token_opens_nothing_where_one_is_needed() -> None:
    async with browser() as client:
        for headers in (bearer(""), basic(""), {"cookie": f"{SESSION_COOKIE}="}):
            assert (await client.get("/?token=", headers=headers)).status_code == 401


# ---------------------------------------------------------------- turned away


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/tasks", "/gradio_api/upload", "/health/", "/docs", "//health"]
)
async def test_a_script_without_the_token_gets_an_error_as_json(path: str) -> None:
    house = House()
    async with browser(house=house) as client:
        answer = await client.get(HOST + path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["error"]["code"] == "unauthorized"
    assert house.visits == []


async def test_a_browser_without_the_token_gets_a_page_to_sign_in() -> None:
    async with browser() as client:
        answer = await client.get("/", headers=PAGE)
        assert answer.status_code == 401 and answer.headers["content-type"].startswith("text/html")
        form = r'<form method="post" action="/login">.*<input [^>]*name="password" type="password"'
        assert re.search(form, answer.text, re.S)
        assert "src=" not in answer.text and "http" not in answer.text, "nothing is loaded from elsewhere"
        posted = await client.post("/", headers=PAGE)
        assert posted.status_code == 401 and posted.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize(
    "headers",
    [
        bearer("wrong"),
        bearer(TOKEN + "x"),
        bearer(TOKEN[:-1]),
        basic("wrong"),
        {"authorization": "Basic !!!"},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"authorization": "Basic"},
        {"authorization": TOKEN},
        {"authorization": f"Digest {TOKEN}"},
        {"cookie": f"{SESSION_COOKIE}=wrong"},
        {"cookie": f'{SESSION_COOKIE}="\\351"'},
        {"cookie": f"{SESSION_COOKIE}=é".encode()},
        {"cookie": f"{IDENTITY_COOKIE}=abc"},
        {"cookie": "=;;;=\\"},
        {"cookie": b"\xff\xfe=\x01"},
    ],
)
async def test_what_is_not_the_token_opens_nothing(headers: dict[str, Any]) -> None:
    house = House()
    async with browser(house=house) as client:
        assert (await client.get("/", headers=headers)).status_code == 401
        assert (await client.post("/api/v1/tasks", headers=headers)).status_code == 401
    assert house.visits == []


@pytest.mark.parametrize(
    "query", ["token=wrong", "token=", "token", "token=%ff", "TOKEN=x", "a=1&token=\ud83d"]
)
async def test_a_wrong_token_in_the_address_opens_nothing(query: str) -> None:
    async with browser() as client:
        answer = await client.get(f"/?{query.encode('utf-8', 'replace').decode()}", headers=PAGE)
        assert answer.status_code == 401 and not client.cookies


async def test_probes_need_no_token_and_learn_no_owner() -> None:
    house = House()
    async with browser(house=house) as client:
        for path in ("/health", "/ready"):
            assert (await client.get(path)).status_code == 200
    assert house.visits == [Identity("probe", admin=False, address="127.0.0.1")] * 2


async def test_what_is_no_request_passes() -> None:
    house = House()
    await guard(TOKEN, house)({"type": "lifespan"}, never, never)
    assert house.visits == ["lifespan"]


# ---------------------------------------------------------------- let in


@pytest.mark.parametrize(
    "headers", [bearer(), basic(), basic(user=""), {"authorization": f"bearer  {TOKEN} "}]
)
async def test_the_token_in_a_header_lets_scripts_in_as_one_owner(headers: dict[str, str]) -> None:
    async with browser() as client:
        answer = await client.post("/api/v1/tasks", headers=headers)
        assert answer.json() == {"name": "token", "admin": False}
        assert IDENTITY_COOKIE not in client.cookies


@pytest.mark.parametrize("token", ["秘密", "a:b:c", "a+b&c=d%20 e"])
async def test_a_token_may_have_any_characters(token: str) -> None:
    async with browser(token) as client:
        assert (await client.get("/", headers=basic(token))).status_code == 200
        assert (await client.get("/", params={"token": token})).status_code == 303
        assert (await client.get("/")).status_code == 200


async def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address() -> None:
    async with browser() as client:
        answer = await client.get("/deep/page", params={"a": "1", "token": TOKEN, "b": "ü/&"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/deep/page?a=1&b=%C3%BC%2F%26"
        assert answer.headers["referrer-policy"] == "no-referrer"
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{SESSION_COOKIE}=") and "; Path=/; " in cookie
        assert "; HttpOnly" in cookie and "; SameSite=Lax" in cookie
        assert "horse" not in cookie
        assert (await client.get("/deep/page")).status_code == 200
        assert (await client.post("/api/v1/tasks")).status_code == 200


async def test_the_token_in_the_address_of_a_change_signs_nobody_in() -> None:
    async with browser() as client:
        for method in ("POST", "DELETE", "HEAD"):
            answer = await client.request(method, "/", params={"token": TOKEN})
            assert answer.status_code == 401 and not client.cookies


@pytest.mark.parametrize(
    "path",
    ["//evil.test", "///evil.test/x", "/%2Fevil.test", "/\\evil.test", "//evil.test//", "/%09/evil.test"],
)
@pytest.mark.parametrize("root", ["", "/mineru", "/mineru/"])
async def test_signing_innever_leads_to_another_site(path: str, root: str) -> None:
    async with browser(root_path=root) as client:
        answer = await client.get(f"{HOST}{path}", params={"token": TOKEN})
    target = answer.headers["location"]
    assert answer.status_code == 303 and re.match(r"/[^/\\]", target), target
    assert httpx.URL(HOST).join(target).host == "mineru.test"
    assert "token" not in target


async def test_signing_in_cannot_add_headers() -> None:
    async with browser() as client:
        answer = await client.get("/a%0d%0aset-cookie: x=1", params={"token": TOKEN, "q": "\r\nx: y"})
    assert "\n" not in answer.headers["location"] and "x" not in answer.headers
    assert len(answer.headers.get_list("set-cookie")) == 1


@pytest.mark.parametrize("path", ["/page", "/mineru/page"])
async def test_behind_a_prefix_cookie_and_redirect_stay_below_it(path: str) -> None:
    async with browser(root_path="/mineru/") as client:
        answer = await client.get(path, params={"token": TOKEN})
    assert answer.headers["location"] == "/mineru/page"
    assert "; Path=/mineru; " in answer.headers["set-cookie"]


async def test_another_token_ends_old_sessions() -> None:
    async with browser("first") as client:
        await client.get("/", params={"token": "first"})
        cookies = dict(client.cookies)
    async with browser("second") as client:
        client.cookies.update(cookies)
        assert (await client.get("/")).status_code == 401


@pytest.mark.parametrize("others", ['prefs={"a":1}', "bad[name]=1", "a=b=c", 'quoted="x;y"', "über=1"])
async def test_cookies_of_other_programs_on_this_host_do_no_harm(others: str) -> None:
    async with browser() as client:
        signed = await client.get("/", params={"token": TOKEN})
        session = signed.headers["set-cookie"].split(";")[0]
        client.cookies.clear()
        for cookie in (f"{others}; {session}", f"{session}; {others}"):
            assert (await client.get("/", headers=[(b"cookie", cookie.encode())])).status_code == 200


# ---------------------------------------------------------------- who they are


async def test_each_browser_is_an_owner_of_its_own_and_stays_it() -> None:
    async with browser() as first, browser() as second:
        names = [(await (await signed_in(client)).get("/")).json()["name"] for client in (first, second)]
        assert names[0] != names[1] and all(re.fullmatch("guest-[0-9a-f]{12}", name) for name in names)
        again = await first.get("/")
        assert again.json() == {"name": names[0], "admin": False}
        assert again.headers.get_list("set-cookie") == ["theirs=1"], "the cookie is given once"
        await signed_in(first)
        assert (await first.get("/")).json()["name"] == names[0], "also after signing in again"


async def test_the_identity_comes_as_a_cookie_beside_those_of_the_application() -> None:
    async with browser() as client:
        answer = await (await signed_in(client)).get("/")
        theirs, ours = answer.headers.get_list("set-cookie")
        assert theirs == "theirs=1"
        assert re.fullmatch(
            IDENTITY_COOKIE + r"=[0-9a-f]{32}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", ours
        )


async def test_an_owners_name_does_not_give_the_cookie_away() -> None:
    async with browser() as client:
        name = (await (await signed_in(client)).get("/")).json()["name"].removeprefix("guest-")
        identity = client.cookies[IDENTITY_COOKIE]
        assert name not in identity and identity not in name
        taken = await client.get("/", headers={"cookie": f"{IDENTITY_COOKIE}={name}", **bearer()})
        assert taken.json()["name"] != f"guest-{name}", "the name is no key"


async def test_a_script_that_sends_an_identity_has_it() -> None:
    async with browser() as client:
        cookie = {"cookie": f"{IDENTITY_COOKIE}=abc"}
        names = [(await client.get("/", headers={**cookie, **bearer()})).json()["name"] for _ in range(2)]
    assert names[0] == names[1] != "token"
