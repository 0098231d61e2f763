"""HTTP client of one model server: health, what it serves, its load, draining, sleep and wake."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Generator
from functools import cache
from typing import Any, cast

import httpx

from gradio_app.base.errors import EngineUnavailable
from gradio_app.model_server.backend import Endpoint

#: SGLang's /health generates one token, which waits behind the batch that runs, in seconds
HEALTH_TIMEOUT = 30.0
#: sleeping and waking copy the weights to host memory and back, in seconds
COPY_TIMEOUT = 120.0
#: SGLang reports its load from a snapshot that may be this old, and a request whose picture is still
#: being prepared is not in it: so nothing may run for as long as this, in seconds
QUIET = 1.0
_ASK_EVERY = 0.1
#: longest wait until requests that were aborted are gone, in seconds
DRAIN_TIMEOUT = 60.0
#: an idle connection lives for so many seconds: less than the five of SGLang, as a question
#: that is just then on its way would be lost
IDLE = 1.0

#: image tokens of the largest picture that MinerU sends (2,048 x 28 x 28 pixels), and its prompt
_INPUT_TOKENS = 2048 + 200
#: no block of a page is longer; an answer that goes on is a repetition (tokens)
_LONGEST_ANSWER = 8192
#: least that an answer may have, whatever the context
_SHORTEST_ANSWER = 256

#: SGLang unpickles this. Written by hand, as a reference to one of its own classes: this process has
#: neither SGLang nor dill.
_GUARD_CLASS = "sglang.srt.sampling.custom_logit_processor", "DeepseekOCRNoRepeatNGramLogitProcessor"
GUARD = json.dumps({"callable": f"c{_GUARD_CLASS[0]}\n{_GUARD_CLASS[1]}\n.".encode().hex()})


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: that takes 20 ms."""
    return httpx.create_ssl_context()


class ModelApi:
    """One server's HTTP interface. Every method raises ``EngineUnavailable`` when it does not answer."""

    def __init__(self, url: str, api_key: str = "", admin_key: str = "") -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self.api_key = api_key
        self._admin_key = admin_key or api_key
        # proxies of the environment are for the way out, not for our own server
        limits = httpx.Limits(keepalive_expiry=IDLE)
        self._http = httpx.AsyncClient(
            base_url=self.url, trust_env=False, timeout=10, verify=_trusted(), limits=limits
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def healthy(self) -> bool:
        """Whether it can generate. Never ask while it sleeps: SGLang would run the model then.

        Servers of other makes may have no such route; that they answer has to do.
        """
        answer = await self._ask("GET", "/health", self.api_key, timeout=HEALTH_TIMEOUT)
        return answer.status_code in (200, 404)

    async def endpoint(self) -> Endpoint:
        """The model that it serves, for the senders of pages."""
        listed = await self._json("/v1/models", needed=True)
        facts = await self._json("/server_info")
        with self._understood("/v1/models"):
            models: list[dict[str, Any]] = listed.get("data") or []
            if not models or not isinstance(models[0].get("id"), str):
                raise EngineUnavailable(f"The model server at {self.url} offers no model.")
            context = int(models[0].get("max_model_len") or facts.get("context_length") or 0)
            guarded = facts.get("enable_custom_logit_processor") is True
            return Endpoint(
                url=self.url,
                model=models[0]["id"],
                api_key=self.api_key,
                version=str(facts.get("version") or ""),
                max_tokens=answer_cap(context),
                guard=GUARD if guarded else "",
                slots=int(facts.get("max_running_requests") or 0),
                context=context,
            )

    async def requests(self) -> int:
        """How many requests run or wait there (at most a fraction of a second ago)."""
        answer = await self._json("/v1/loads", needed=True)
        with self._understood("/v1/loads"):
            ranks: list[dict[str, Any]] = answer.get("loads") or []
            return sum(int(rank["num_running_reqs"]) + int(rank["num_waiting_reqs"]) for rank in ranks)

    @contextlib.contextmanager
    def _understood(self, path: str) -> Generator[None]:
        """Around the reading of an answer: one of unknown shape comes from no model server."""
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise EngineUnavailable(f"What answers at {self.url} is no model server ({path}).") from error

    async def drain(self) -> None:
        """Aborts every request, and returns when the server has been quiet for a while.

        A request whose client has gone would run to its end, and SGLang dies when it sleeps under one.
        """
        loop = asyncio.get_running_loop()
        began = quiet_since = loop.time()
        await self._abort()
        while loop.time() - quiet_since < QUIET:
            await asyncio.sleep(_ASK_EVERY)
            if await self.requests():
                quiet_since = loop.time()
                await self._abort()
            if loop.time() - began > DRAIN_TIMEOUT:
                raise EngineUnavailable("The model server goes on with requests that were taken back.")

    async def _abort(self) -> None:
        await self._admin("/abort_request", 10, rid="", abort_all=True)

    async def sleep(self) -> None:
        """Weights to host memory, cache freed. Only when nothing runs, and only once: else it dies."""
        await self._admin("/release_memory_occupation", COPY_TIMEOUT)

    async def wake(self) -> None:
        """Takes the memory again, and returns when the model generates."""
        await self._admin("/resume_memory_occupation", COPY_TIMEOUT)
        if not await self.healthy():
            raise EngineUnavailable("The model server is not well after it was woken.")

    async def _admin(self, path: str, seconds: float, **body: Any) -> None:
        answer = await self._ask("POST", path, self._admin_key, json=body, timeout=seconds)
        if answer.status_code != 200:
            raise EngineUnavailable(f"The model server answers {answer.status_code} to {path}.")

    async def _json(self, path: str, needed: bool = False) -> dict[str, Any]:
        answer = await self._ask("GET", path, self.api_key)
        if answer.status_code in (401, 403) and needed:
            raise EngineUnavailable(
                f"The model server at {self.url} refuses the key. Check the setting sglang_api_key."
            )
        with contextlib.suppress(ValueError):
            value: object = answer.json() if answer.status_code == 200 else None
            if isinstance(value, dict):
                return cast(dict[str, Any], value)
        if needed:
            raise EngineUnavailable(f"What answers at {self.url} is no model server ({path}).")
        return {}

    async def _ask(self, method: str, path: str, key: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            return await self._http.request(method, path, headers=headers, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EngineUnavailable(
                f"The model server at {self.url} does not answer ({type(error).__name__})."
            ) from error


def answer_cap(context: int) -> int:
    """Most tokens of one answer, for a server with ``context`` tokens (0: not known)."""
    room = context - _INPUT_TOKENS if context else _LONGEST_ANSWER
    return max(_SHORTEST_ANSWER, min(_LONGEST_ANSWER, room))
