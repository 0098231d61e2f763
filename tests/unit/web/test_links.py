"""Links with a token: who comes from elsewhere, or is signed in already, is asked for one click."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from gradio_app.base.settings import Settings
from gradio_app.web.auth.credentials import Credentials
from gradio_app.web.auth.guard import Guard
from gradio_app.web.auth.users import User, Users, hash_key, write
from gradio_app.web.server import address
from tests.unit.doorway import ADMIN, HOST, PAGE, SECRET, SESSION_COOKIE, TOKEN, House, browser

pytestmark = pytest.mark.anyio

ELSEWHERE: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"},
    {"referer": "https://evil.test/page"},
    {"referer": "http://mineru.test.evil.test/"},
    {"referer": "http://mineru.test:81/"},
    {"referer": "android-app://chat"},
    {"referer": ""},
]
AT_ONCE: list[dict[str, str]] = [
    {},
    {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    {"referer": HOST + "/docs"},
    {"sec-fetch-site": "same-origin", "referer": HOST + "/"},
]


@pytest.mark.parametrize("headers", AT_ONCE)
async def test_typed_addresses_bookmarks_and_links_in_mail_work_at_once(headers: dict[str, str]) -> None:
    async with browser() as client:
        answer = await client.get("/", params={"token": TOKEN}, headers={**PAGE, **headers})
        assert answer.status_code == 303 and SESSION_COOKIE in client.cookies


@pytest.mark.parametrize("headers", ELSEWHERE)
@pytest.mark.parametrize("root", ["", "/mineru"])
async def test_a_link_on_another_site_needs_a_click(headers: dict[str, str], root: str) -> None:
    async with browser(root_path=root) as client:
        params = {"a": '"><b>', "token": TOKEN}
        answer = await client.get("/deep", params=params, headers={**PAGE, **headers})
        assert answer.status_code == 200 and not client.cookies
        assert answer.headers["cache-control"] == "no-store"
        # without a referrer browsers send the form from "null", which is another site
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "<b>" not in answer.text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))
        form = {name: unescape(value) for name, value in fields.items()}
        action = re.findall(r'action="([^"]*)"', answer.text)[0]
        evil = await client.post(action, data=form, headers={**PAGE, "origin": "http://evil.test"})
        assert evil.status_code == 403 and not client.cookies
        done = await client.post(action, data=form, headers={**PAGE, "origin": HOST})
        assert done.status_code == 303
        assert done.headers["location"] == f"{root}/deep?a=%22%3E%3Cb%3E"
        assert (await client.get(f"{root}/")).status_code == 200


async def test_a_script_is_told_what_to_do() -> None:
    async with browser() as client:
        answer = await client.get("/", params={"token": TOKEN}, headers=ELSEWHERE[0])
        assert answer.status_code == 401 and "click" in answer.json()["error"]["message"]


async def test_nobody_becomes_somebody_else_by_a_link() -> None:
    async with browser() as client:
        await client.get("/", params={"token": ADMIN})
        session = client.cookies[SESSION_COOKIE]
        answer = await client.get("/", params={"token": TOKEN}, headers=PAGE)
        assert answer.status_code == 200 and client.cookies[SESSION_COOKIE] == session
        assert (await client.get("/")).json()["admin"] is True


@pytest.mark.parametrize("headers", [*AT_ONCE, *ELSEWHERE])
async def test_a_bookmark_goes_on_working_for_who_is_signed_in_with_it(headers: dict[str, str]) -> None:
    async with browser() as client:
        await client.get("/", params={"token": TOKEN})
        session = client.cookies[SESSION_COOKIE]
        answer = await client.get("/x", params={"token": TOKEN}, headers={**PAGE, **headers})
        assert (answer.status_code, answer.headers["location"]) == (303, "/x")
        assert client.cookies[SESSION_COOKIE] == session


@pytest.mark.parametrize(
    "target", ["//evil.test", "/\\evil.test", "\\\\evil.test", "https://evil.test", "///x/"]
)
async def test_a_click_never_leads_to_another_site(target: str) -> None:
    async with browser() as client:
        answer = await client.post("/login", data={"password": TOKEN, "next": target}, headers=PAGE)
        assert httpx.URL(HOST).join(answer.headers["location"]).host == "mineru.test"


async def test_a_users_key_is_taken_from_no_address(tmp_path: Path) -> None:
    write(tmp_path / "users.txt", {"eve": User("eve", "x", key=hash_key("mo-eve"))})
    app = Guard(House(), Credentials(TOKEN, "", Users(tmp_path / "users.txt"), SECRET))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST) as client:
        answer = await client.get("/", params={"token": "mo-eve"}, headers=PAGE)
        assert answer.status_code == 401 and not client.cookies


TOKENS = ["a+b/c=d&e", "秘密 token", "%41#?", "é"]


@pytest.mark.parametrize("token", TOKENS)
async def test_the_printed_address_signs_in(token: str) -> None:
    class Sock:
        def getsockname(self) -> tuple[str, int]:
            return "127.0.0.1", 80

    sock: Any = Sock()
    printed = httpx.URL(address(Settings.load(["--host", "127.0.0.1"], {}), sock, token))
    async with browser(token) as client:
        answer = await client.get(f"/?{printed.query.decode()}", headers=PAGE)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("token", TOKENS)
async def test_a_token_in_a_header_may_have_any_characters(token: str) -> None:
    async with browser(token) as client:
        for name, value in (("authorization", f"Bearer {token}"), ("x-api-key", token)):
            answer = await client.get("/", headers=[(name.encode(), value.encode())])
            assert answer.status_code == 200


def test_ipv6_is_printed_with_brackets_however_it_was_given() -> None:
    class Sock:
        def getsockname(self) -> tuple[str, int]:
            return "::1", 7860

    sock: Any = Sock()
    for host in ("::1", "[::1]"):
        assert address(Settings.load(["--host", host], {}), sock, "") == "http://[::1]:7860"
