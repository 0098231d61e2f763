"""Lifecycle of one model server: it starts and wakes for work, sleeps when idle, fails and comes back.

Covers: the status. One task, which runs ``_live``, moves it; all others ask and wait.
Does not cover: the server itself, a ``Backend``; which server gets work (``engine.py``).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from loguru import logger

from gradio_app.base.errors import AppError, EngineUnavailable, GpuOutOfMemory, as_app_error
from gradio_app.model_server.backend import Backend, CardTaken, Endpoint
from gradio_app.model_server.backoff import Backoff
from gradio_app.model_server.leases import Leases
from gradio_app.model_server.states import ENGINE_MOVES, EngineStatus

_S = EngineStatus

#: how often less memory is tried after an out-of-memory: a smaller fraction, then quantised weights
STEPS = 2
#: what is counted in the life of a server
EVENTS = ("starts", "sleeps", "wakes", "stops", "crashes")


class Bell:
    """Signals a change. All servers of an engine, and all waiters, share one bell."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wakes all waiters."""
        self._event.set()
        self._event = asyncio.Event()

    def wait(self) -> Coroutine[Any, Any, Any]:
        """To be awaited: ends with the first ring after this call, whenever it is awaited."""
        return self._event.wait()


@dataclass(frozen=True, slots=True)
class Standing:
    """A server at one moment. ``held``, ``waiting`` and ``exclusive`` count leases.

    ``endpoint``: where it takes requests now, if it does. ``asked``: its memory was asked for. ``pause``:
    seconds until a server that failed is tried again; not above 0: with the next work.
    """

    status: EngineStatus
    held: int
    waiting: int
    exclusive: int
    endpoint: Endpoint | None
    asked: bool
    pause: float


class ModelServer:
    """One server. Idle for ``idle_timeout`` seconds it sleeps, ``release_timeout`` it stops (0: never)."""

    def __init__(
        self,
        backend: Backend,
        idle_timeout: float,
        release_timeout: float,
        clock: Callable[[], float],
        bell: Bell,
    ) -> None:
        self.backend = backend
        self.leases = Leases()
        self.status = _S.STOPPED
        self.since = time.time()
        self.counts: Counter[str] = Counter()
        self.error: AppError | None = None
        self._notice: str | None = None
        self._idle_timeout = idle_timeout if backend.can_sleep else 0.0
        self._release_timeout = release_timeout
        self._clock = clock
        self._bell = bell
        self._endpoint: Endpoint | None = None
        self._asked: EngineStatus | None = None
        self._suspect = False
        self._blamed = False  # the work of an exclusive lease made the server suspect
        self._step = 0
        self.backoff = Backoff()
        self._last_used = clock()
        self._closing = False
        self._owner: asyncio.Task[None] | None = None
        self._death: asyncio.Task[AppError] | None = None

    def open(self) -> None:
        """Begins to watch over the server. Nothing is started yet."""
        self._owner = asyncio.create_task(self._live(), name="model-server")

    async def close(self) -> None:
        """Stops the server for good."""
        self._closing = True
        self._bell.ring()
        if self._owner is not None:
            self._owner.cancel()
            await asyncio.gather(self._owner, return_exceptions=True)

    @property
    def given_up(self) -> bool:
        """Whether it failed too often a moment ago, and is left alone for now."""
        return self.status is _S.FAILED and self.backoff.closed(self._clock())

    def standing(self) -> Standing:
        """The server as it is now."""
        leases, asked = self.leases, self._asked is not None
        # one that is ready without an endpoint has just failed, and is being put away
        ready = self.status is _S.READY and not self._suspect and not asked
        endpoint, pause = self._endpoint if ready else None, self.backoff.retry_at - self._clock()
        return Standing(self.status, leases.held, leases.waiting, leases.exclusive, endpoint, asked, pause)

    @property
    def notice(self) -> str | None:
        """What people should know about how it runs."""
        return self._notice or self.backend.notice or None

    @asynccontextmanager
    async def use(self, endpoint: Endpoint, alone: bool) -> AsyncGenerator[None]:
        """Around the use of a lease: what ``ModelSingleton.lease`` says."""
        try:
            async with self.leases.taken(alone):
                yield
            if self.status is _S.READY and self._endpoint is endpoint:
                self.backoff.worked()
        except EngineUnavailable:
            if self._endpoint is endpoint:  # else it is known already
                self._suspect, self._blamed = True, alone
            raise
        finally:
            self._last_used = self._clock()
            self._bell.ring()

    async def rest(self, wanted: EngineStatus) -> None:
        """Puts the server to sleep, or stops it; returns when that is done. What runs is finished first."""
        # asleep is a way towards stopped, never back
        stop = _S.STOPPED in (wanted, self._asked) or not self.backend.can_sleep
        self._asked = _S.STOPPED if stop else wanted
        self._bell.ring()
        while self.standing().asked and not self._closing:
            await self._bell.wait()

    def describe(self) -> dict[str, Any]:
        """The server for people, in the form of the API; times in seconds."""
        awake = self.status is _S.READY
        resting = (awake or self.status is _S.ASLEEP) and not self.leases.held
        idle = self._clock() - self._last_used if resting else None
        return {
            "kind": self.backend.kind,
            "status": self.status.value,
            "since": self.since,
            "in_flight": self.leases.held,
            "waiting": self.leases.waiting,
            "notice": self.notice,
            "error": self.error.to_dict() if self.error else None,
            "sleeps_in": _left(self._idle_timeout if awake else 0.0, idle),
            "stops_in": _left(self._release_timeout, idle),
            "counts": {name: self.counts[name] for name in EVENTS},
            "can": {
                "offload": self.backend.can_sleep and self.status in (_S.READY, _S.DRAINING),
                "release": self.status in (_S.READY, _S.DRAINING, _S.ASLEEP),
            },
            **self.backend.describe(),
        }

    async def _live(self) -> None:
        try:
            while True:
                step = self._next_step()
                if step is None:
                    await self._pause()
                else:
                    await self._try(step)
        finally:
            self._forget_death()
            if self.status not in (_S.STOPPED, _S.FAILED, _S.STOPPING):
                self._move(_S.STOPPING)
            await self.backend.stop("exit")
            if self.status is not _S.STOPPED:
                self._move(_S.STOPPED)

    def _next_step(self) -> Callable[[], Awaitable[None]] | None:
        """What to do now; None: nothing until something changes or a timer ends."""
        resting = self.status in (_S.STOPPED, _S.FAILED)
        if self._asked is not None and (resting or self.status is self._asked):
            self._asked = None
            self._bell.ring()
        if self._death is not None and self._death.done():
            return self._bury
        if resting:
            wanted = self.leases.waiting and not self.given_up and self._clock() >= self.backoff.retry_at
            return self._start if wanted else None
        if self.status is _S.ASLEEP:
            if self._asked is _S.STOPPED or self._idle_beyond(self._release_timeout):
                return self._stop
            return self._wake if self.leases.waiting else None
        if self._suspect:
            return self._check
        if self.leases.held:
            return None
        if self._asked is None and self.leases.waiting:
            return None
        if self._asked is _S.STOPPED or self._idle_beyond(self._release_timeout):
            return self._drain_and_stop
        if self._asked is _S.ASLEEP or self._idle_beyond(self._idle_timeout):
            return self._drain_and_sleep
        return None

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except Exception as error:
            if not isinstance(error, AppError):
                logger.opt(exception=error).error("the engine failed")
            await self._failed(as_app_error(error))

    async def _pause(self) -> None:
        """Until the bell rings, the server dies, or the nearest timer ends."""
        timers: list[float] = []
        now = self._clock()
        if self.status is _S.FAILED and self.leases.waiting:
            timers.append(self.backoff.retry_at - now)
        if self.status in (_S.READY, _S.ASLEEP) and not self.leases.held:
            timeouts = (self._idle_timeout if self.status is _S.READY else 0.0, self._release_timeout)
            timers += [self._last_used + timeout - now for timeout in timeouts if timeout]
        changed = asyncio.ensure_future(self._bell.wait())
        waiting = {changed, *([self._death] if self._death else [])}
        try:
            # a little later than the timer: clocks are not exact
            timeout = max(0.0, min(timers)) + 0.001 if timers else None
            await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()

    def _idle_beyond(self, timeout: float) -> bool:
        return self.leases.unused and timeout > 0 and self._clock() - self._last_used >= timeout

    async def _start(self) -> None:
        self._move(_S.STARTING)
        self.counts["starts"] += 1
        self._endpoint = await self.backend.start(self._step)
        self._last_used = self._clock()
        self._death = asyncio.create_task(self.backend.died(), name="engine-death")
        self._move(_S.READY)

    async def _drain_and_sleep(self) -> None:
        if await self._drain():
            await self.backend.sleep()
            self.counts["sleeps"] += 1
            self._move(_S.ASLEEP)

    async def _drain_and_stop(self) -> None:
        if await self._drain():
            await self._stop()

    async def _drain(self) -> bool:
        """False when work came meanwhile: the server is ready again."""
        self._move(_S.DRAINING)
        await self.backend.drain()
        if self.leases.waiting and self._asked is None:
            self._move(_S.READY)
            return False
        return True

    async def _wake(self) -> None:
        self._move(_S.WAKING)
        try:
            await self.backend.wake()
        except CardTaken as error:
            # a smaller server may still find room: plan it again from what is free now
            self._notice = error.message
            await self._stop()
            return
        self.counts["wakes"] += 1
        self._last_used = self._clock()
        self._move(_S.READY)

    async def _stop(self) -> None:
        self._forget_death()
        self._move(_S.STOPPING)
        self._endpoint = None
        await self.backend.stop()
        self.counts["stops"] += 1
        self._move(_S.STOPPED)

    async def _check(self) -> None:
        await self.backend.check()
        self._suspect = self._blamed = False
        self._bell.ring()

    async def _bury(self) -> None:
        assert self._death is not None
        raise self._death.result()

    async def _failed(self, error: AppError) -> None:
        running = self.status is not _S.STARTING
        # what an exclusive lease brings down is that document's fault, and not counted here
        blamed = running and (self.leases.alone_held or self._blamed)
        self._forget_death()
        self._endpoint = None
        self._suspect = self._blamed = False
        self.leases.cut_short()
        self.error = error
        self.counts["crashes"] += running
        logger.bind(action="engine_failed", code=error.code).warning("the engine failed: {}", error.message)
        await self.backend.stop("failure")
        if type(error) is GpuOutOfMemory and self._step < STEPS:
            self._step += 1
            self._notice = "The card's memory ran out; the model was started again with less of it."
            self._move(_S.FAILED)
            return
        self.backoff.failed(error, self._clock(), self.backend.patience(error), counts=not blamed)
        self._move(_S.FAILED)

    def _forget_death(self) -> None:
        if self._death is not None:
            self._death.cancel()
            self._death = None

    def _move(self, to: EngineStatus) -> None:
        assert to in ENGINE_MOVES[self.status], f"{self.status} -> {to}"
        self.status, self.since = to, time.time()
        if to is _S.READY:
            self.error = None
        name = self.backend.name
        logger.bind(action=f"engine_{to}").info("the engine is {}{}", to, f" ({name})" if name else "")
        self._bell.ring()


def _left(timeout: float, idle: float | None) -> float | None:
    return round(max(0.0, timeout - idle), 1) if timeout and idle is not None else None
