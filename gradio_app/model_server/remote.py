"""Model servers that are not ours to start: one that runs elsewhere (``sglang_url``), and none at all."""

from __future__ import annotations

import asyncio
from typing import Any

from gradio_app.base.errors import AppError, EngineUnavailable
from gradio_app.model_server.backend import End, Endpoint, EngineBroken
from gradio_app.model_server.http_client import ModelApi

#: how often a server in use is looked at, in seconds
LOOK_EVERY = 5.0

#: what a server that is not here has none of, for people
_NOTHING_HERE: dict[str, Any] = {"name": "", "profile": "", "card": "", "cards": [], "pids": []}


class _NotOurs:
    """The part of a ``Backend`` that has nothing to do."""

    can_sleep = False
    name: str = ""
    notice = ""
    left_out = False

    async def drain(self) -> None:
        """Its other requests are not ours to abort."""

    async def sleep(self) -> None:
        """Never asked, as it cannot."""

    async def wake(self) -> None:
        """Never asked, as it does not sleep."""


class RemoteServer(_NotOurs):
    """A server that somebody else runs: health and leases only. Any that speaks OpenAI's API will do."""

    kind = "remote"

    def __init__(self, url: str, api_key: str, patience: float, name: str = "") -> None:
        self._url = url
        self.name = name
        self._key = api_key
        self._patience = patience
        self._api: ModelApi | None = None
        self._known: Endpoint | None = None

    def patience(self, error: AppError) -> float:
        """Time for whoever runs it to bring it back."""
        return self._patience

    async def start(self, step: int) -> Endpoint:
        """Finds out what it serves."""
        self._api = ModelApi(self._url, self._key)
        self._known = await self._api.endpoint()
        await self.check()
        return self._known

    async def check(self) -> None:
        """Raises when it does not answer, or says that it is not well."""
        if self._api is None or not await self._api.healthy():
            raise EngineUnavailable(f"The model server at {self._url} says that it is not well.")

    @property
    def identity(self) -> str:
        """Its address stands for what it serves: that is asked only when it is needed."""
        return f"remote {self._url}"

    async def stop(self, end: End = "rest") -> None:
        """Closes our connections to it."""
        if self._api is not None:
            await self._api.close()
            self._api = None

    async def died(self) -> AppError:
        """Returns when it stops answering: why."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.check()
            except AppError as error:
                return error

    def describe(self) -> dict[str, Any]:
        """What people are told about it."""
        model, version = (self._known.model, self._known.version) if self._known else ("", "")
        why = [f"The model server runs elsewhere, at {self._url}."]
        return {**_NOTHING_HERE, "name": self.name, "model": model, "version": version, "why": why}


class NoServer(_NotOurs):
    """A machine without an engine. ``reason`` says why, and what would give it one."""

    kind = "none"
    identity = ""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def patience(self, error: AppError) -> float:
        """It does not pass by waiting."""
        return 0.0

    async def start(self, step: int) -> Endpoint:
        """Always raises ``EngineUnavailable``."""
        raise EngineBroken(self.reason)

    async def check(self) -> None:
        """Never asked, as it is never started."""

    async def stop(self, end: End = "rest") -> None:
        """There is nothing to stop."""

    async def died(self) -> AppError:
        """Never asked."""
        return EngineBroken(self.reason)

    def describe(self) -> dict[str, Any]:
        """What people are told."""
        return {"model": "", "version": "", "why": [self.reason], **_NOTHING_HERE}
