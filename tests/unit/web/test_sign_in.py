"""Signing in by name, with a key, with the administrator's token; sessions, cookies, and signing out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gradio_app.web.auth import audit, credentials, users
from gradio_app.web.auth.credentials import Credentials, Proof, server_secret
from gradio_app.web.auth.guard import Guard
from gradio_app.web.auth.guesses import GUESSES
from gradio_app.web.auth.rate_limit import TooOften
from gradio_app.web.auth.signed_out import SignedOut
from gradio_app.web.auth.users import User, Users, hash_key
from tests.unit.doorway import (
    ADMIN,
    HOST,
    IDENTITY_COOKIE,
    PAGE,
    SECRET,
    SESSION_COOKIE,
    TOKEN,
    House,
    basic,
    bearer,
    browser,
)

pytestmark = pytest.mark.anyio

KEY = "mo-key-of-alice"
FORM = {"username": "alice", "password": "wonderland"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A users file with alice, who is admin and has a key, and bob."""
    monkeypatch.setattr(users, "_N", 2)
    path = tmp_path / "users.txt"
    alice = User("alice", users.hash_password("wonderland"), admin=True, key=hash_key(KEY))
    users.write(path, {"alice": alice, "bob": User("bob", users.hash_password("builder: yes"))})
    return path


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the audit log was told."""
    lines: list[tuple[Any, ...]] = []

    def record(action: str, user: str, address: str, task: str = "", outcome: str = "ok") -> None:
        lines.append((action, user, outcome))

    monkeypatch.setattr(audit, "record", record)
    return lines


def at(path: Path, token: str = "", house: House | None = None) -> httpx.AsyncClient:
    """A browser at a server with a users file."""
    known = Credentials(token, ADMIN if token else "", Users(path), SECRET)
    app = Guard(house or House(), known)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST)


async def name(client: httpx.AsyncClient, **headers: str) -> str:
    """Who the house takes the client for; ``!`` marks an admin."""
    answer = await client.get("/", headers=headers)
    if answer.status_code != 200:
        return str(answer.status_code)
    who = answer.json()
    return who["name"] + ("!" if who["admin"] else "")


# ---------------------------------------------------------------- by name


async def test_a_user_signs_in_with_the_form(file: Path, told: list[Any]) -> None:
    async with at(file) as client:
        page = await client.get("/", headers=PAGE)
        assert page.status_code == 401 and 'name="username"' in page.text
        done = await client.post("/login", data=FORM, headers=PAGE)
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert await name(client) == "alice!"
    assert told == [("sign_in", "alice", "ok")]


async def test_gradio_client_signs_in_the_same_way(file: Path) -> None:
    async with at(file) as client:
        done = await client.post("/login", data={"username": "bob", "password": "builder: yes"})
        assert done.json() == {"success": True} and await name(client) == "bob"


@pytest.mark.parametrize(
    "form",
    [
        {"username": "alice", "password": "wrong"},
        {"username": "alice", "password": ""},
        {"username": "bob", "password": "wonderland"},
        {"username": "carol", "password": "wonderland"},
        {"username": "", "password": "wonderland"},
        {},
    ],
)
async def test_what_is_not_right_opens_nothing(file: Path, form: dict[str, str], told: list[Any]) -> None:
    async with at(file) as client:
        answer = await client.post("/login", data=form)
        assert answer.status_code == 401 and answer.json()["error"]["code"] == "unauthorized"
        page = await client.post("/login", data=form, headers=PAGE)
        assert page.status_code == 401 and 'role="alert"' in page.text
        assert not client.cookies and await name(client) == "401"
    assert told == [("sign_in", "", "unauthorized")] * 2
    assert "wonderland" not in page.text


async def test_scripts_send_a_password_or_a_key(file: Path) -> None:
    async with at(file) as client:
        assert await name(client, **basic("wonderland", "alice")) == "alice!"
        assert await name(client, **basic("builder: yes", "bob")) == "bob"
        assert await name(client, **bearer(KEY)) == "alice!"
        assert await name(client, **basic(KEY, "")) == "alice!"
        for wrong in (
            bearer("wonderland"),
            basic("wonderland", "bob"),
            basic("", "alice"),
            bearer(hash_key(KEY)),
        ):
            assert await name(client, **wrong) == "401"


async def test_a_password_is_hashed_once_and_not_with_every_request(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = list[str]()
    true_check = users.password_fits

    def check(password: str, stored: str) -> bool:
        hashed.append(password)
        return true_check(password, stored)

    monkeypatch.setattr(users, "password_fits", check)
    async with at(file) as client:
        for _ in range(5):
            assert await name(client, **basic("wonderland", "alice")) == "alice!"
        assert hashed == ["wonderland"]
        users.write(file, {"alice": User("alice", "another")})
        assert await name(client, **basic("wonderland", "alice")) == "401"


async def test_a_stranger_waits_as_long_as_a_user(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = list[str]()

    def check(_password: str, against: str) -> bool:
        stored.append(against)
        return False

    monkeypatch.setattr(users, "password_fits", check)
    async with at(file) as client:
        await client.post("/login", data=FORM)
        await client.post("/login", data={**FORM, "username": "nobody"})
    assert len(stored) == 2 and all(one.startswith("scrypt$") for one in stored)


async def test_guessing_with_the_form_is_stopped(file: Path) -> None:
    async with at(file) as client:
        for _ in range(GUESSES):
            await client.post("/login", data={**FORM, "password": "wrong"})
        page = await client.post("/login", data=FORM, headers=PAGE)
        assert page.status_code == 429 and "Too many" in page.text and page.headers["retry-after"]
        assert (await client.post("/login", data=FORM)).status_code == 429


async def test_a_form_may_not_be_large(file: Path) -> None:
    async with at(file) as client:
        answer = await client.post("/login", content=b"a=" + b"x" * 100_000)
        assert answer.status_code == 422 and answer.json()["error"]["code"] == "option_invalid"


# ---------------------------------------------------------------- tokens beside names


async def test_a_token_and_names_live_side_by_side(file: Path) -> None:
    async with at(file, TOKEN) as client:
        assert await name(client, **bearer()) == "token"
        assert await name(client, **bearer(ADMIN)) == "admin!"
        assert await name(client, **basic("wonderland", "alice")) == "alice!"
        await client.post("/login", data={"username": "", "password": TOKEN})
        assert (await name(client)).startswith("guest-")
        await client.post("/login", data=FORM)
        assert await name(client) == "alice!", "the name wins over the browser's cookie"


async def test_the_administrators_token_makes_an_admin_of_a_browser() -> None:
    async with browser() as client:
        await client.get("/", params={"token": ADMIN})
        first = await name(client)
        assert first.startswith("guest-") and first.endswith("!")
        await client.post("/login", data={"password": TOKEN})
        assert await name(client) == first.rstrip("!"), "the same person, without the powers"


# ---------------------------------------------------------------- sessions


def users_without(path: Path, gone: str) -> None:
    users.write(path, {name: user for name, user in users.read(path).items() if name != gone})


def new_password(path: Path) -> None:
    users.write(path, {**users.read(path), "alice": User("alice", "plain and new")})


@pytest.mark.parametrize("change", [lambda path: users_without(path, "alice"), new_password])
async def test_a_session_ends_with_what_it_rests_on(file: Path, change: Callable[[Path], None]) -> None:
    async with at(file) as client:
        await client.post("/login", data=FORM)
        assert await name(client) == "alice!"
        change(file)
        assert await name(client) == "401"


async def test_a_role_changes_at_once(file: Path) -> None:
    async with at(file) as client:
        await client.post("/login", data=FORM)
        found = users.read(file)["alice"]
        users.write(file, {"alice": User("alice", found.password)})
        assert await name(client) == "alice"


def test_a_session_cannot_be_made_up(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Credentials(TOKEN, "", Users(file), SECRET)
    good = known.session(Proof("user", "bob"))
    assert known.of_session(good) == Proof("user", "bob")
    kind, encoded, until, session, signature = good.split(".")
    alice = base64.urlsafe_b64encode(b"alice").decode().rstrip("=")
    forged = [
        f"{kind}.{alice}.{until}.{session}.{signature}",
        f"{kind}.{encoded}.{int(until) + 1}.{session}.{signature}",
        f"{kind}.{encoded}.{until}.{session}0.{signature}",
        f"{kind}.{encoded}.{until}.{signature}",
        f"token.{encoded}.{until}.{session}.{signature}",
        f"admin..{until}.{session}.{signature}",
        f"{kind}.{encoded}.{until}.{session}.",
        f"{kind}.{encoded}.{until}.{session}",
        f"nobody.{encoded}.{until}.{session}.{signature}",
        *("", ".", "...", "user.!.9.x", "user.\xff.9.x", f"user.{'A' * 5}.9e9.x", "é" * 50),
    ]
    assert [known.of_session(value) for value in forged] == [None] * len(forged)
    assert Credentials(TOKEN, "", Users(file), b"t" * 32).of_session(good) is None, "another server's"
    monkeypatch.setattr(credentials.time, "time", lambda: float(until) + 1)
    assert known.of_session(good) is None, "a year later"


def test_no_admin_without_an_administrators_token() -> None:
    nobody = Credentials(TOKEN, "", secret=SECRET)
    forged = Credentials(TOKEN, ADMIN, secret=SECRET).session(Proof("admin", admin=True))
    assert nobody.of_session(forged) is None


def test_the_secret_stays_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    made = server_secret(path)
    assert len(made) == 32 and server_secret(path) == made and path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"short")
    assert len(server_secret(path)) == 32, "a broken one is made anew"


async def test_signing_out_ends_the_session_and_the_identity_opens_nothing(told: list[Any]) -> None:
    async with browser() as client:
        await client.get("/", params={"token": TOKEN})
        before = await name(client)
        assert (await client.get("/logout")).status_code == 422 and await name(client) == before
        assert (await client.post("/logout", headers={"origin": "http://evil.test"})).status_code == 403
        done = await client.post("/logout", headers=PAGE)
        assert done.status_code == 303 and set(client.cookies) == {"theirs", IDENTITY_COOKIE}
        assert await name(client) == "401"
        assert told[-1] == ("sign_out", "token", "ok")
        await client.get("/", params={"token": TOKEN})
        assert await name(client) == before, "a guest finds their documents again"


@pytest.mark.parametrize("by_name", [True, False])
async def test_a_copy_of_the_cookie_opens_nothing_after_signing_out(file: Path, by_name: bool) -> None:
    async with at(file, TOKEN) as client:
        form = FORM if by_name else {"password": TOKEN}
        await client.post("/login", data=form)
        copied = {"cookie": f"{SESSION_COOKIE}={client.cookies[SESSION_COOKIE]}"}
        async with at(file, TOKEN) as other:
            await other.post("/login", data=form)
            assert await name(client) != "401" != await name(other)
            await client.post("/logout")
            assert await name(client, **copied) == "401"
            assert await name(other) != "401", "another session of the same person goes on"


async def test_a_session_that_was_ended_stays_so_after_a_restart(tmp_path: Path) -> None:
    first = Credentials(TOKEN, secret=SECRET, signed_out=SignedOut(tmp_path / "signed_out"))
    ended, other = first.session(Proof("token")), first.session(Proof("token"))
    assert await first.sign_out(ended, HOST) == Proof("token")
    again = Credentials(TOKEN, secret=SECRET, signed_out=SignedOut(tmp_path / "signed_out"))
    assert again.of_session(ended) is None and again.of_session(other) == Proof("token")
    assert again.of_session(ended.replace(".", "..", 1)) is None


async def test_an_answer_that_lasts_notices_that_its_reader_has_left(file: Path) -> None:
    known = Credentials(TOKEN, "", Users(file), SECRET)
    cookie = known.session(Proof("user", "bob"))
    by_cookie, by_key = known.watch(Proof("user", "bob"), cookie), known.watch(Proof("user", "alice"), "")
    assert by_cookie() and by_key()
    await known.sign_out(cookie, HOST)
    assert not by_cookie() and by_key()
    new_password(file)
    assert not by_key()


async def test_cookies_are_secure_where_the_connection_is() -> None:
    app = Guard(House(), Credentials(TOKEN, secret=SECRET))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://a.test") as client:
        answer = await client.get("/", params={"token": TOKEN})
        assert answer.headers["set-cookie"].endswith("; HttpOnly; SameSite=Lax; Secure")


def test_two_servers_on_one_host_do_not_share_cookies() -> None:
    one, other = (Guard(House(), Credentials(TOKEN, secret=secret)) for secret in (b"1" * 32, b"2" * 32))
    assert one.sign_in.session_cookie != other.sign_in.session_cookie
    assert one.sign_in.identity_cookie != other.sign_in.identity_cookie


async def test_where_nobody_is_asked_signing_in_is_welcome_all_the_same() -> None:
    async with browser("") as client:
        assert (await client.post("/login", data=FORM)).json() == {"success": True}
        assert json.dumps(dict(client.cookies)) == "{}"


async def test_nobody_signs_everybody_out_by_signing_out_very_often(file: Path) -> None:
    """10,000 sign-outs, in 48 seconds, filled the list of them: the sessions of all others ended with it."""
    known = Credentials(TOKEN, users=Users(file))
    session = known.session(Proof("user", "bob"))
    with pytest.raises(TooOften):
        for number in range(200):
            await known.sign_out(known.session(Proof("user", "bob")), f"10.0.0.{number}")
    with pytest.raises(TooOften):
        for _ in range(200):
            await known.sign_out(known.session(Proof("token")), "10.0.0.1")
    assert await known.sign_out(known.session(Proof("token")), "10.0.0.2") == Proof("token")
    assert known.of_session(session) == Proof("user", "bob"), "a refused sign-out ends nothing"
