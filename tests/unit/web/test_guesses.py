"""Guesses that come at once: each counts before it is hashed, few wait, and who is right gets in soon."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from gradio_app.web.auth import audit, guesses
from gradio_app.web.auth.credentials import Credentials
from gradio_app.web.auth.guesses import GUESSES, GUESSES_OF_USER, HASHING, WAITING, WAITING_OF_ONE, Guesses
from gradio_app.web.auth.rate_limit import TooOften
from gradio_app.web.auth.users import User, Users, write

pytestmark = pytest.mark.anyio

PASSWORD = "the right one"


class Slow(Users):
    """Users whose hashes take until they are let go; counts them."""

    def __init__(self, path: Path) -> None:
        write(path, {name: User(name, PASSWORD + name, False, "") for name in ("alice", "bob")})
        super().__init__(path)
        self.hashes = 0
        self.go = threading.Event()

    def check(self, name: str, password: str) -> User | None:
        self.hashes += 1
        assert self.go.wait(10)
        return self.get(name) if password == PASSWORD + name else None


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slow:
    monkeypatch.setattr(audit, "record", lambda *_, **__: None)
    return Slow(tmp_path / "users.txt")


async def outcomes(credentials: Credentials, tries: list[tuple[str, str, str]], users: Slow) -> list[Any]:
    """What tries that come at the same time end with; hashes end when all tries have begun."""
    asked = [asyncio.create_task(credentials.of_password(*each)) for each in tries]
    for _ in range(5):
        await asyncio.sleep(0)
    users.go.set()
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_three_hundred_guesses_at_once_are_not_all_hashed(slow: Slow) -> None:
    credentials = Credentials(users=slow)
    tries = [("alice", PASSWORD + "alice" if n == 250 else f"guess {n}", "10.0.0.4") for n in range(300)]
    found = await outcomes(credentials, tries, slow)
    assert slow.hashes <= HASHING + WAITING_OF_ONE
    assert all(isinstance(each, TooOften) and each.seconds > 0 for each in found[slow.hashes :])


async def test_guesses_one_after_the_other_come_to_an_end_too(slow: Slow) -> None:
    slow.go.set()
    credentials = Credentials(users=slow)
    for n in range(GUESSES):
        assert await credentials.of_password("alice", f"guess {n}", "10.0.0.4") is None
    with pytest.raises(TooOften):
        await credentials.of_password("alice", PASSWORD + "alice", "10.0.0.4")
    assert slow.hashes == GUESSES
    assert await credentials.of_password("alice", PASSWORD + "alice", "10.0.0.5")


async def test_who_is_right_waits_for_few_others(slow: Slow) -> None:
    """Guesses from everywhere fill the queue up to its limit; the next one is told when to come again."""
    credentials = Credentials(users=slow)
    crowd = [(f"user {n}", "guess", f"10.0.{n}.1") for n in range(100)]
    found = await outcomes(
        credentials, [*crowd[:10], ("bob", PASSWORD + "bob", "10.1.0.1"), *crowd[10:]], slow
    )
    assert slow.hashes == HASHING + WAITING
    assert found[10] and found[10].user == "bob"
    assert sum(isinstance(each, TooOften) for each in found) == 101 - slow.hashes


async def test_many_addresses_guess_for_one_user(slow: Slow) -> None:
    slow.go.set()
    credentials = Credentials(users=slow)
    assert await credentials.of_password("alice", PASSWORD + "alice", "10.0.0.1")
    for n in range(GUESSES_OF_USER):
        assert await credentials.of_password("alice", f"guess {n}", f"10.1.{n}.1") is None
    with pytest.raises(TooOften):
        await credentials.of_password("alice", "one more", "10.2.0.1")
    assert await credentials.of_password("alice", PASSWORD + "alice", "10.0.0.1"), (
        "from where she usually comes"
    )
    assert await credentials.of_password("bob", PASSWORD + "bob", "10.2.0.1"), "nobody guesses for him"


async def test_the_addresses_of_one_ipv6_client_are_one(slow: Slow) -> None:
    slow.go.set()
    credentials = Credentials(users=slow)
    for n in range(GUESSES):
        await credentials.of_password("", f"token {n}", f"2001:db8::{n:x}")
    with pytest.raises(TooOften):
        await credentials.of_password("", "token", "2001:db8::ffff")


async def test_right_ones_cost_nothing_however_many(slow: Slow) -> None:
    """A script that sends its password with each of many requests at once is no guesser."""
    credentials = Credentials("the token", users=slow)
    tries = [("alice", PASSWORD + "alice", "10.0.0.4")] * 100 + [("", "the token", "10.0.0.4")] * 100
    found = await outcomes(credentials, tries, slow)
    assert slow.hashes == 1 and all(found)


async def test_a_try_that_was_not_judged_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "WAITING_OF_ONE", -HASHING)
    limit = Guesses()
    for _ in range(3 * GUESSES):
        with pytest.raises(TooOften) as caught, limit.counted("alice", "10.0.0.4"):
            await limit.hashed("10.0.0.4", lambda: None)
        assert "same time" in caught.value.message


async def test_long_names_take_no_memory() -> None:
    limit = Guesses()
    for n in range(10):
        with limit.counted("x" * 100_000 + str(n), f"10.0.{n}.4"):
            pass
    assert all(len(name) <= 64 for name in limit._by_user._buckets)
    assert WAITING > WAITING_OF_ONE
