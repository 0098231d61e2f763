"""ModelSingleton: the one way to the vision model, whichever of its servers is behind a lease.

Here it is chosen which server gets work, and which one is woken for it; the life of each is its own
(``model_server.py``).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any, ClassVar

from gradio_app.base.errors import AppError, EngineUnavailable, ShuttingDown
from gradio_app.model_server.backend import Backend, Endpoint
from gradio_app.model_server.lifecycle import EVENTS, Changes, ModelServer
from gradio_app.model_server.states import EngineStatus

_S = EngineStatus

#: parts that one of several servers reads at the same time, unless told otherwise
ROOM = 4
#: the engine as a whole is where the most awake of its servers is
_MOST_AWAKE = (
    *(_S.READY, _S.WAKING, _S.STARTING, _S.DRAINING),
    *(_S.ASLEEP, _S.STOPPING, _S.STOPPED, _S.FAILED),
)
#: places to wait for a lease, best first: it comes; it wakes in seconds; it starts; it failed and may start;
#: it failed a moment ago; it is full, or was asked for its memory
_COMES, _WAKES, _STARTS, _FAILED, _PAUSES, _FULL = range(6)
_PLACES = {
    _S.READY: _COMES,
    _S.STARTING: _COMES,
    _S.WAKING: _COMES,
    _S.DRAINING: _COMES,
    _S.ASLEEP: _WAKES,
    _S.STOPPED: _STARTS,
    _S.STOPPING: _STARTS,
}


class _Waiter:
    """Somebody who wants a lease, and the server that they wait for."""

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

    Each of the ``backends`` is a server of its own, idle for ``idle_timeout`` seconds it sleeps, idle for
    ``release_timeout`` it is stopped (0: never). Where there are several, each takes up to ``room`` leases,
    and a further one is woken only when those that are awake are full. A single one takes any number.
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
        backends = backends if isinstance(backends, Sequence) else [backends]
        self._changes = Changes()
        self.servers = [
            ModelServer(backend, idle_timeout, release_timeout, clock, self._changes) for backend in backends
        ]
        self.tokens = 0
        self._room = room
        self._line: list[_Waiter] = []
        self._closing = False

    # ------------------------------------------------------------ the one instance

    @classmethod
    def get(cls) -> ModelSingleton:
        """The engine of this process; ``EngineUnavailable`` before ``open``."""
        if cls._instance is None:
            raise EngineUnavailable()
        return cls._instance

    def open(self) -> ModelSingleton:
        """Makes this the engine of the process and begins to look after it. Nothing is started yet."""
        ModelSingleton._instance = self
        for server in self.servers:
            server.open()
        return self

    async def close(self) -> None:
        """Stops all servers with the application. Whoever waits for a lease gets ``ShuttingDown``."""
        self._closing = True
        self._changes.tell()
        await asyncio.gather(*(server.close() for server in self.servers))
        if ModelSingleton._instance is self:
            ModelSingleton._instance = None

    # ------------------------------------------------------------ what others ask

    @property
    def available(self) -> bool:
        """Whether there is an engine, and it did not just give up."""
        return self.kind != "none" and not self._given_up()

    @property
    def kind(self) -> str:
        """``sglang``, ``remote`` or ``none``."""
        return self.servers[0].backend.kind

    @property
    def identity(self) -> str:
        """What would read a page: with another one the same page may read differently. Empty: nothing."""
        return " ".join(dict.fromkeys(server.backend.identity for server in self.servers))

    @property
    def trouble(self) -> str:
        """Why there is no engine now, in a sentence; empty when there is one."""
        if self.kind == "none":
            return " ".join(self.servers[0].backend.describe()["why"])
        return self._why().message if self._given_up() else ""

    @property
    def size(self) -> int:
        """How many servers there can be."""
        return len(self._usable())

    @property
    def status(self) -> EngineStatus:
        """Where the most awake of its servers stands."""
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
        await asyncio.gather(*(server.offload() for server in self.servers))

    async def release(self) -> None:
        """Stops every server; returns when all are gone. What runs is finished first."""
        await asyncio.gather(*(server.release() for server in self.servers))

    def describe(self) -> dict[str, Any]:
        """What people are told about it: as a whole, and about each of its ``servers``."""
        told = {server: server.describe() for server in self.servers}
        each = list(told.values())
        return {
            **told[self._first()],
            "name": "",
            "in_flight": sum(one["in_flight"] for one in each),
            "waiting": sum(one["waiting"] for one in each),
            "notice": self.notice,
            "counts": {name: self.counts[name] for name in EVENTS},
            "tokens": self.tokens,
            "can": {name: any(one["can"][name] for one in each) for name in ("offload", "release")},
            "pids": [pid for one in each for pid in one["pids"]],
            "servers": [told[server] for server in self._usable()],
        }

    def _usable(self) -> list[ModelServer]:
        return [server for server in self.servers if not server.backend.left_out] or self.servers[:1]

    def _first(self) -> ModelServer:
        """The most awake server; among equals one that works."""
        return min(self._usable(), key=lambda server: (_MOST_AWAKE.index(server.status), -server.leases.held))

    def _given_up(self) -> bool:
        return all(server.given_up for server in self._usable())

    def _why(self) -> AppError:
        """Why there is none: what the server said that is tried again first."""
        failed = (server for server in self._usable() if server.error)
        server = min(failed, key=lambda server: server.retry_in, default=None)
        return (server.error if server else None) or EngineUnavailable()

    # ------------------------------------------------------------ leases

    @asynccontextmanager
    async def lease(self, alone: bool = False) -> AsyncGenerator[Endpoint]:
        """A server that is awake for as long as the block runs. With ``alone``, nobody else has that one.

        Raises why there is none: ``EngineUnavailable``, ``GpuOutOfMemory``, ``ModelsMissing`` or
        ``ShuttingDown``. When the server fails, the block is cancelled and ``EngineLost`` raised. When
        the block raises ``EngineUnavailable`` itself, the server is looked at.
        """
        server, endpoint = await self._admit(alone)
        async with server.use(endpoint, alone):
            yield endpoint

    async def _admit(self, alone: bool) -> tuple[ModelServer, Endpoint]:
        if self._given_up():
            raise self._why()
        waiter = _Waiter(alone)
        before = {server: server.times_given_up for server in self.servers}
        self._line.append(waiter)
        try:
            while not self._closing:
                if (found := self._may_enter(waiter)) is not None:
                    return found
                if all(
                    server.given_up or server.times_given_up != before[server] for server in self._usable()
                ):
                    raise self._why()
                self._place(waiter)
                await self._changes.wait()
            raise ShuttingDown()
        finally:
            self._line.remove(waiter)
            waiter.wait_for(None)
            self._changes.tell()

    def _may_enter(self, waiter: _Waiter) -> tuple[ModelServer, Endpoint] | None:
        """The least loaded server that takes this one now."""
        most = self._most()
        open_now = [
            (server, endpoint)
            for server in self._usable()
            if (endpoint := server.endpoint)
            and server.leases.room(waiter.alone)
            and server.leases.held < most
        ]
        free = sum(most - server.leases.held for server, _ in open_now)
        if not waiter.alone and free <= self._ahead(waiter):
            return None  # who has waited longer comes first
        return min(open_now, key=lambda found: found[0].leases.held, default=None)

    def _most(self) -> int:
        """How many leases a server takes. With a single one nobody would be better off by waiting."""
        return self._room if self.size > 1 else sys.maxsize

    def _ahead(self, waiter: _Waiter) -> int:
        return sum(not other.alone for other in self._line[: self._line.index(waiter)])

    def _place(self, waiter: _Waiter) -> None:
        """Lets it wait for the server that takes it soonest: one that is waited for starts or wakes."""
        best = min(self._places(waiter))
        here = next((place for place in self._places(waiter) if self._server(place) is waiter.server), None)
        if here is None or best[0] < here[0]:
            waiter.wait_for(self._server(best))
            self._changes.tell()

    def _server(self, place: tuple[int, float, int]) -> ModelServer:
        return self.servers[place[2]]

    def _places(self, waiter: _Waiter) -> Iterator[tuple[int, float, int]]:
        """Kind of place, what counts among places of a kind, and the server's position; lowest is best."""
        usable = self._usable()
        for position, server in enumerate(self.servers):
            if server in usable:
                yield *self._place_at(server, waiter), position

    def _place_at(self, server: ModelServer, waiter: _Waiter) -> tuple[int, float]:
        leases, itself = server.leases, server is waiter.server
        load = leases.load - itself
        fits = load == 0 if waiter.alone else load < self._most() and leases.reserved == 0
        if not fits or server.asked:
            return _FULL, load
        if server.status is _S.FAILED:
            return (_FAILED if server.retry_in <= 0 else _PAUSES), server.retry_in
        return _PLACES[server.status], 0.0
