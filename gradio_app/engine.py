"""The engine: ``ModelSingleton`` owns the leases of the vision model, over one model server or several.

Covers: which server a lease comes from, who waits for which server, and the engine as people see it.
Does not cover: start, sleep, failures of one server. See ``model_server/lifecycle.py``.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from gradio_app.base.errors import AppError, EngineUnavailable, ShuttingDown
from gradio_app.model_server.backend import Backend, Endpoint
from gradio_app.model_server.lifecycle import EVENTS, Bell, ModelServer, Standing
from gradio_app.model_server.states import EngineStatus

_S = EngineStatus

#: leases that one of several servers gives at the same time, unless set otherwise
ROOM = 4
#: the engine as a whole has the status of the most awake of its servers
_MOST_AWAKE = (
    *(_S.READY, _S.WAKING, _S.STARTING, _S.DRAINING),
    *(_S.ASLEEP, _S.STOPPING, _S.STOPPED, _S.FAILED),
)


class Wait(IntEnum):
    """What a lease of a server waits for, shortest first."""

    READY = 0  # also: nearly ready
    WAKE = 1
    START = 2
    RESTART = 3  # it failed, and may be started now
    PAUSE = 4  # it failed a moment ago
    ROOM = 5  # it is full, or was asked for its memory


_WAITS = {_S.ASLEEP: Wait.WAKE, _S.STOPPED: Wait.START, _S.STOPPING: Wait.START}


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A server as a waiter sees it; the least one gives a lease soonest.

    ``cost`` orders candidates with the same wait: seconds of the pause, or leases that come before.
    """

    wait: Wait
    cost: float
    position: int


def candidate(server: Standing, position: int, room: int, alone: bool, counted: bool) -> Candidate:
    """The server at ``position`` for a waiter that wants a lease. ``counted``: the waiter is in its load."""
    load = server.held + server.waiting - counted
    fits = load == 0 if alone else load < room and not server.exclusive
    if not fits or server.asked:
        return Candidate(Wait.ROOM, load, position)
    if server.status is _S.FAILED:
        return Candidate(Wait.PAUSE if server.pause > 0 else Wait.RESTART, server.pause, position)
    return Candidate(_WAITS.get(server.status, Wait.READY), 0.0, position)


def entrance(servers: Sequence[Standing], room: int, alone: bool, ahead: int) -> int | None:
    """Position of the least loaded server that gives a lease now, to a waiter behind ``ahead`` others."""
    found = [
        position
        for position, server in enumerate(servers)
        if server.endpoint and server.held < room and not (server.held if alone else server.exclusive)
    ]
    if not alone and sum(room - servers[position].held for position in found) <= ahead:
        return None
    return min(found, key=lambda position: servers[position].held, default=None)


class _Waiter:
    """One request for a lease, and the server that it waits for."""

    def __init__(self, alone: bool) -> None:
        self.alone = alone
        self.server: ModelServer | None = None
        self._stack = ExitStack()

    def wait_for(self, server: ModelServer | None) -> None:
        """Waits for that server from now on, and no longer for the one before."""
        self._stack.close()
        self.server = server
        if server is not None:
            self._stack.enter_context(server.leases.wanted(self.alone))


class ModelSingleton:
    """The one way to the model: ``async with model.lease() as endpoint``.

    Each of the ``backends`` is a server of its own. Idle for ``idle_timeout`` seconds it sleeps, idle for
    ``release_timeout`` it is stopped (0: never). One of several gives up to ``room`` leases, and a further
    one is woken only when those that are awake are full. A single one gives any number.
    Everything here runs on the event loop that called ``open``.
    """

    _instance: ClassVar[ModelSingleton | None] = None

    def __init__(
        self,
        backends: Backend | Sequence[Backend],
        idle_timeout: float,
        release_timeout: float,
        clock: Callable[[], float] = time.monotonic,
        room: int = ROOM,
    ) -> None:
        self._backends = backends if isinstance(backends, Sequence) else [backends]
        self._bell = bell = Bell()
        self.servers = [
            ModelServer(backend, idle_timeout, release_timeout, clock, bell) for backend in self._backends
        ]
        self.tokens = 0
        self._room = room
        self._line: list[_Waiter] = []
        self._closing = False

    @classmethod
    def get(cls) -> ModelSingleton:
        """The engine of this process; ``EngineUnavailable`` before ``open``.

        The contract's name for code outside this package: inside, each user is handed the engine.
        """
        if cls._instance is None:
            raise EngineUnavailable()
        return cls._instance

    def open(self) -> ModelSingleton:
        """Makes this the engine of the process, and begins to watch over its servers. Starts none yet."""
        ModelSingleton._instance = self
        for server in self.servers:
            server.open()
        return self

    async def close(self) -> None:
        """Stops all servers with the application. Each waiter gets ``ShuttingDown``."""
        self._closing = True
        self._bell.ring()
        await asyncio.gather(*(server.close() for server in self.servers))
        if ModelSingleton._instance is self:
            ModelSingleton._instance = None

    @property
    def available(self) -> bool:
        """Whether there is an engine, and it did not just give up."""
        return self.kind != "none" and not self._given_up()

    @property
    def kind(self) -> str:
        """``sglang``, ``remote`` or ``none``."""
        return self._backends[0].kind

    @property
    def identity(self) -> str:
        """What would read a page: with another one the same page may read differently. Empty: nothing."""
        return " ".join(dict.fromkeys(backend.identity for backend in self._backends))

    @property
    def problem(self) -> str:
        """Why there is no engine now, in a sentence; empty when there is one."""
        if self.kind == "none":
            return " ".join(self._backends[0].describe()["why"])
        return self._why().message if self._given_up() else ""

    @property
    def size(self) -> int:
        """How many servers there can be."""
        return len(self._usable())

    @property
    def status(self) -> EngineStatus:
        """The status of the most awake of its servers."""
        return self._first().status

    @property
    def counts(self) -> Counter[str]:
        """Starts, sleeps, wakes, stops and crashes of all servers together."""
        return sum((server.counts for server in self.servers), Counter[str]())

    @property
    def notice(self) -> str | None:
        """What people should know about how it runs, in sentences."""
        return " ".join(dict.fromkeys(filter(None, (server.notice for server in self.servers)))) or None

    async def offload(self) -> None:
        """Puts every server to sleep; returns when all sleep. What runs is finished first."""
        await asyncio.gather(*(server.rest(_S.ASLEEP) for server in self.servers))

    async def release(self) -> None:
        """Stops every server; returns when all are gone. What runs is finished first."""
        await asyncio.gather(*(server.rest(_S.STOPPED) for server in self.servers))

    def describe(self) -> dict[str, Any]:
        """The engine for people: as a whole, and each of its ``servers``."""
        facts = {server: server.describe() for server in self.servers}
        each = list(facts.values())
        return {
            **facts[self._first()],
            "name": "",
            "in_flight": sum(one["in_flight"] for one in each),
            "waiting": sum(one["waiting"] for one in each),
            "notice": self.notice,
            "counts": {name: self.counts[name] for name in EVENTS},
            "tokens": self.tokens,
            "can": {name: any(one["can"][name] for one in each) for name in ("offload", "release")},
            "pids": [pid for one in each for pid in one["pids"]],
            "servers": [facts[server] for server in self._usable()],
        }

    def _usable(self) -> list[ModelServer]:
        both = zip(self.servers, self._backends, strict=True)
        return [server for server, backend in both if not backend.left_out] or self.servers[:1]

    def _first(self) -> ModelServer:
        """The most awake server; among equals one that works."""
        return min(
            self._usable(),
            key=lambda server: (_MOST_AWAKE.index(server.status), -server.standing().held),
        )

    def _given_up(self) -> bool:
        return all(server.given_up for server in self._usable())

    def _why(self) -> AppError:
        """Why there is none: the error of the server that is tried again first."""
        failed = (server for server in self._usable() if server.error)
        server = min(failed, key=lambda server: server.backoff.retry_at, default=None)
        return (server.error if server else None) or EngineUnavailable()

    @asynccontextmanager
    async def lease(self, alone: bool = False) -> AsyncGenerator[Endpoint]:
        """A server that is awake for as long as the block runs. With ``alone``, nobody else has that one.

        Raises why there is none: ``EngineUnavailable``, ``GpuOutOfMemory``, ``ModelsMissing`` or
        ``ShuttingDown``. When the server fails, the block is cancelled and ``EngineLost`` raised. When
        the block raises ``EngineUnavailable`` itself, the server is checked.
        """
        server, endpoint = await self._admit(alone)
        async with server.use(endpoint, alone):
            yield endpoint

    async def _admit(self, alone: bool) -> tuple[ModelServer, Endpoint]:
        if self._given_up():
            raise self._why()
        waiter = _Waiter(alone)
        before = {server: server.backoff.given_up for server in self.servers}
        self._line.append(waiter)
        try:
            while not self._closing:
                usable = self._usable()
                servers = [server.standing() for server in usable]
                # with a single server nobody would be better off by waiting
                room = self._room if len(usable) > 1 else sys.maxsize
                ahead = sum(not other.alone for other in self._line[: self._line.index(waiter)])
                found = entrance(servers, room, alone, ahead)
                if found is not None and (endpoint := servers[found].endpoint):
                    return usable[found], endpoint
                if all(server.given_up or server.backoff.given_up != before[server] for server in usable):
                    raise self._why()
                self._choose(waiter, usable, servers, room)
                await self._bell.wait()
            raise ShuttingDown()
        finally:
            self._line.remove(waiter)
            waiter.wait_for(None)
            self._bell.ring()

    def _choose(
        self, waiter: _Waiter, usable: Sequence[ModelServer], servers: Sequence[Standing], room: int
    ) -> None:
        """Makes it wait for the server that comes soonest: a server starts and wakes for its waiters."""
        candidates = [
            candidate(server, position, room, waiter.alone, usable[position] is waiter.server)
            for position, server in enumerate(servers)
        ]
        best = min(candidates)
        here = next((one for one in candidates if usable[one.position] is waiter.server), None)
        if here is None or best.wait < here.wait:
            waiter.wait_for(usable[best.position])
            self._bell.ring()
