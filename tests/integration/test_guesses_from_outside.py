"""Guesses of a password, all at once, against a running server that hashes for real."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from gradio_app.web.auth.users import User, hash_password, write
from tests.live import LiveServer

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

#: more than one address may send in a minute, and more than may wait for a hash
GUESSES = 150


@pytest.mark.slow
async def test_guesses_at_once_are_as_few_as_guesses_in_a_row(tmp_path: Path) -> None:
    """The right password is the last one: it is not tried, and its owner elsewhere comes in meanwhile."""
    write(tmp_path / "users.txt", {"ann": User("ann", hash_password("correct horse"), False, "")})
    flags = ("--users", str(tmp_path / "users.txt"), "--trusted-proxies", "127.0.0.1")
    with LiveServer(tmp_path / "data", *flags) as live:
        limits = httpx.Limits(max_connections=GUESSES)
        async with httpx.AsyncClient(base_url=live.url, timeout=120, limits=limits) as client:

            async def sign_in(password: str, address: str) -> int:
                form = {"username": "ann", "password": password}
                answer = await client.post("/login", data=form, headers={"X-Forwarded-For": address})
                if answer.status_code == 429:
                    assert int(answer.headers["retry-after"]) > 0
                return answer.status_code

            words = [f"guess {number}" for number in range(GUESSES - 1)] + ["correct horse"]
            guessing = [asyncio.create_task(sign_in(word, "10.0.0.66")) for word in words]
            mine = asyncio.create_task(sign_in("correct horse", "10.0.0.7"))
            answers = Counter(await asyncio.gather(*guessing))
            assert await mine == 200
            assert answers[200] == 0 and answers[429] >= GUESSES - 20 and sum(answers.values()) == GUESSES
            assert await sign_in("correct horse", "10.0.0.8") == 200
