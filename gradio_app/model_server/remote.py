"""Backends that are not ours to start: a server that runs elsewhere (``sglang_url``), and none at all."""

from __future__ import annotations

import asyncio
from typing import Any

from gradio_app.base.errors import AppError, EngineUnavailable
from gradio_app.base.page_readers import DEFAULT, reader_of
from gradio_app.model_server.backend import Backend, End, Endpoint, EngineBroken
from gradio_app.model_server.http_client import ModelApi

#: seconds between two checks of a server in use
CHECK_EVERY = 5.0


class RemoteServer(Backend):
    """A server that somebody else runs: health and leases only. Any that speaks OpenAI's API will do."""

    kind = "remote"

    def __init__(
        self, url: str, api_key: str, patience: float, name: str = "", reader: str = DEFAULT
    ) -> None:
        self._url = url
        self.name = name
        self._key = api_key
        self._patience = patience
        self._reader = reader
        self._api: ModelApi | None = None
        self._known: Endpoint | None = None

    @property
    def identity(self) -> str:
        """Its address stands for what it serves, and the reader that its administrator names."""
        named = "" if self._reader == DEFAULT else f" {reader_of(self._reader).identity}"
        return f"remote {self._url}{named}"

    def patience(self, error: AppError) -> float:
        """Time for its administrator to bring it back."""
        return self._patience

    async def start(self, step: int) -> Endpoint:
        self._api = ModelApi(self._url, self._key)
        self._known = await self._api.endpoint()
        await self.check()
        return self._known

    async def check(self) -> None:
        if self._api is None or not await self._api.healthy():
            raise EngineUnavailable(f"The model server at {self._url} says that it is not well.")

    async def stop(self, end: End = "rest") -> None:
        if self._api is not None:
            await self._api.close()
            self._api = None

    async def died(self) -> AppError:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            try:
                await self.check()
            except AppError as error:
                return error

    def describe(self) -> dict[str, Any]:
        known = {"model": self._known.model, "version": self._known.version} if self._known else {}
        return super().describe() | known | {"why": [f"The model server runs elsewhere, at {self._url}."]}


class NoServer(Backend):
    """A machine without an engine. ``reason`` says why, and what would give it one."""

    kind = "none"

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def start(self, step: int) -> Endpoint:
        raise EngineBroken(self.reason)

    async def died(self) -> AppError:
        return EngineBroken(self.reason)

    def describe(self) -> dict[str, Any]:
        return super().describe() | {"why": [self.reason]}
