"""A model server that keeps the rules of the real one, and remembers every one that was broken."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from gradio_app.base.errors import AppError, EngineUnavailable
from gradio_app.model_server.backend import CardTaken, End, Endpoint

ENDPOINT = Endpoint("http://127.0.0.1:1", "model")


class FakeBackend:
    """``starts``, ``sleeps`` and ``wakes`` hold errors for the next calls; None goes well.

    ``holders`` is how many leases the test holds: it is told by those who hold them.
    """

    kind = "sglang"
    identity = "sglang fake"
    notice = ""
    left_out = False

    def __init__(
        self, seconds: float = 1.0, can_sleep: bool = True, patience: float = 0.0, card: str = ""
    ) -> None:
        self.name = self.card = card
        self.seconds = seconds
        self.can_sleep = can_sleep
        self.grace = patience
        self.state = "down"
        self.holders = 0
        self.endpoint = ENDPOINT
        self.broken: list[str] = []
        self.calls: list[str] = []
        self.steps: list[int] = []
        self.starts: deque[AppError | None] = deque()
        self.sleeps: deque[AppError | None] = deque()
        self.wakes: deque[AppError | None] = deque()
        self.checks: deque[AppError | None] = deque()
        self._death: asyncio.Event = asyncio.Event()
        self._cause: AppError = EngineUnavailable("it died")

    def patience(self, error: AppError) -> float:
        return self.grace

    async def start(self, step: int) -> Endpoint:
        self.calls.append("start")
        self.steps.append(step)
        if self.state != "down":
            self.broken.append("a second server")
        self.state = "starting"
        self._death = asyncio.Event()
        await asyncio.sleep(self.seconds)
        self._fail(self.starts)
        self.state = "up"
        self.endpoint = Endpoint(f"http://127.0.0.1:{len(self.calls)}/{self.card}", "model")
        return self.endpoint

    async def drain(self) -> None:
        self._must_be("drain", "up", free=True)
        await asyncio.sleep(self.seconds)
        self._fail_if_dead()

    async def sleep(self) -> None:
        self._must_be("sleep", "up", free=True)
        await asyncio.sleep(self.seconds)
        self._fail_if_dead()
        self._fail(self.sleeps)
        self._must_be("asleep", "up", free=True)
        self.state = "asleep"

    async def wake(self) -> None:
        self._must_be("wake", "asleep")
        pending = self.wakes[0] if self.wakes else None
        if isinstance(pending, CardTaken):
            self._fail(self.wakes)
        await asyncio.sleep(self.seconds)
        self._fail_if_dead()
        self._fail(self.wakes)
        self.state = "up"

    async def stop(self, end: End = "rest") -> None:
        self.calls.append("stop")
        if self.state == "up" and self.holders and not self._death.is_set():
            self.calls.append("stopped under work")
        self.state = "down"
        await asyncio.sleep(0)

    async def died(self) -> AppError:
        await self._death.wait()
        return self._cause

    async def check(self) -> None:
        self.calls.append("check")
        if self.state == "asleep":
            self.broken.append("looked at while asleep")
        self._fail_if_dead()
        try:
            self._fail(self.checks)
        except AppError as error:
            self.die(error)  # one that is not well counts as dead
            raise

    def describe(self) -> dict[str, Any]:
        told: dict[str, Any] = {"name": self.name, "model": "model", "version": "1", "profile": "", "why": []}
        return told | {"card": self.card, "cards": [self.card] if self.card else [], "pids": []}

    def die(self, cause: AppError | None = None) -> None:
        """The server ends by itself."""
        if self.state in ("up", "asleep"):
            self._cause = cause or EngineUnavailable("it died")
            self._death.set()

    @property
    def dead(self) -> bool:
        return self._death.is_set()

    def _must_be(self, what: str, state: str, free: bool = False) -> None:
        self.calls.append(what)
        if self.state != state and not self.dead:
            self.broken.append(f"{what} while {self.state}")
        if free and self.holders:
            self.broken.append(f"{what} while {self.holders} leases are held")

    def _fail_if_dead(self) -> None:
        if self.dead:
            raise self._cause

    def _fail(self, errors: deque[AppError | None]) -> None:
        error = errors.popleft() if errors else None
        if error is not None:
            raise error
