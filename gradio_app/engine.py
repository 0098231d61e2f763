"""ModelSingleton: the one model server and its life. It wakes for work and gives the card back.

One owner, the task that runs ``_live``, moves the status; everybody else asks and waits. What is behind it
(a server that we start, one that runs elsewhere) is a ``Backend``.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from loguru import logger

from gradio_app.backend import Backend, CardTaken, Endpoint
from gradio_app.backoff import Backoff
from gradio_app.errors import AppError, EngineUnavailable, GpuOutOfMemory, ShuttingDown, as_app_error
from gradio_app.leases import Leases
from gradio_app.states import ENGINE_MOVES, EngineStatus

_S = EngineStatus

#: how often less memory is tried after an out-of-memory: a smaller fraction, then quantised weights
STEPS = 2


class ModelSingleton:
    """The one way to the model server: ``async with model.lease() as endpoint``.

    Idle for ``idle_timeout`` seconds it sleeps, idle for ``release_timeout`` it is stopped (0: never).
    """

    _instance: ClassVar[ModelSingleton | None] = None

    def __init__(
        self,
        backend: Backend,
        idle_timeout: float,
        release_timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._idle_timeout = idle_timeout if backend.can_sleep else 0.0
        self._release_timeout = release_timeout
        self._clock = clock
        self.status = _S.STOPPED
        self.since = time.time()
        self.counts: Counter[str] = Counter()
        self.tokens = 0
        self.error: AppError | None = None
        self.notice: str | None = None
        self._endpoint: Endpoint | None = None
        self._leases = Leases()
        self._asked: EngineStatus | None = None
        self._suspect = False
        self._blamed = False  # the work of an exclusive lease made the server suspect
        self._step = 0
        self._backoff = Backoff()
        self._last_used = clock()
        self._closing = False
        self._changed = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None
        self._death: asyncio.Task[AppError] | None = None

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
        self._owner = asyncio.create_task(self._live(), name="engine")
        return self

    async def close(self) -> None:
        """Stops the server with the application. Whoever waits for a lease gets ``ShuttingDown``."""
        self._closing = True
        self._tell()
        if self._owner is not None:
            self._owner.cancel()
            await asyncio.gather(self._owner, return_exceptions=True)
        if ModelSingleton._instance is self:
            ModelSingleton._instance = None

    # ------------------------------------------------------------ what others ask

    @property
    def available(self) -> bool:
        """Whether there is an engine, and it did not just give up."""
        return self._backend.kind != "none" and not self._given_up()

    @property
    def kind(self) -> str:
        """``sglang``, ``remote`` or ``none``."""
        return self._backend.kind

    @property
    def identity(self) -> str:
        """What would read a page: with another one the same page may read differently. Empty: nothing."""
        return self._backend.identity

    @property
    def trouble(self) -> str:
        """Why there is no engine now, in a sentence; empty when there is one."""
        if self._backend.kind == "none":
            return " ".join(self._backend.describe()["why"])
        return self.error.message if self.error and self._given_up() else ""

    @asynccontextmanager
    async def lease(self, alone: bool = False) -> AsyncGenerator[Endpoint]:
        """A server that is awake for as long as the block runs. With ``alone``, nobody else has one.

        Raises why there is none: ``EngineUnavailable``, ``GpuOutOfMemory``, ``ModelsMissing`` or
        ``ShuttingDown``. When the server fails, the block is cancelled and ``EngineLost`` raised. When
        the block raises ``EngineUnavailable`` itself, the server is looked at.
        """
        endpoint = await self._admit(alone)
        try:
            async with self._leases.taken(alone):
                yield endpoint
            if self.status is _S.READY and self._endpoint is endpoint:
                self._backoff.worked()
        except EngineUnavailable:
            if self._endpoint is endpoint:  # else it is known already
                self._suspect, self._blamed = True, alone
            raise
        finally:
            self._last_used = self._clock()
            self._tell()

    async def _admit(self, alone: bool) -> Endpoint:
        if self._given_up():
            raise self.error or EngineUnavailable()
        given_up = self._backoff.given_up
        try:
            with self._leases.wanted(alone):
                self._tell()
                while not self._closing:
                    if (endpoint := self._may_enter(alone)) is not None:
                        return endpoint
                    if self._backoff.given_up != given_up:
                        raise self.error or EngineUnavailable()
                    await self._changed.wait()
                raise ShuttingDown()
        finally:
            self._tell()

    def _may_enter(self, alone: bool) -> Endpoint | None:
        # without an endpoint it has just failed, and is being put away
        ready = self.status is _S.READY and not self._suspect and self._asked is None
        return self._endpoint if ready and self._leases.room(alone) else None

    async def offload(self) -> None:
        """Puts the server to sleep; returns when it sleeps. What runs is finished first."""
        await self._ask(_S.ASLEEP if self._backend.can_sleep else _S.STOPPED)

    async def release(self) -> None:
        """Stops the server; returns when it is gone. What runs is finished first."""
        await self._ask(_S.STOPPED)

    async def _ask(self, wanted: EngineStatus) -> None:
        # asleep is a way towards stopped, never back
        self._asked = _S.STOPPED if _S.STOPPED in (wanted, self._asked) else wanted
        self._tell()
        while self._to_do() and not self._closing:
            await self._changed.wait()

    def _to_do(self) -> bool:
        return self._asked is not None

    def describe(self) -> dict[str, Any]:
        """What people are told about it."""
        awake = self.status is _S.READY
        resting = (awake or self.status is _S.ASLEEP) and not self._leases.held
        idle = self._clock() - self._last_used if resting else None
        return {
            "kind": self._backend.kind,
            "status": self.status.value,
            "since": self.since,
            "in_flight": self._leases.held,
            "waiting": self._leases.waiting,
            "notice": self.notice,
            "error": self.error.to_dict() if self.error else None,
            "sleeps_in": _left(self._idle_timeout if awake else 0.0, idle),
            "stops_in": _left(self._release_timeout, idle),
            "counts": {name: self.counts[name] for name in ("starts", "sleeps", "wakes", "stops", "crashes")},
            "tokens": self.tokens,
            "can": {
                "offload": self._backend.can_sleep and self.status in (_S.READY, _S.DRAINING),
                "release": self.status in (_S.READY, _S.DRAINING, _S.ASLEEP),
            },
            **self._backend.describe(),
        }

    # ------------------------------------------------------------ the owner

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
            await self._backend.stop("exit")
            if self.status is not _S.STOPPED:
                self._move(_S.STOPPED)

    def _next_step(self) -> Callable[[], Awaitable[None]] | None:
        """What to do now; None: nothing until something changes or a timer ends."""
        resting = self.status in (_S.STOPPED, _S.FAILED)
        if self._asked is not None and (resting or self.status is self._asked):
            self._asked = None
            self._tell()
        if self._death is not None and self._death.done():
            return self._bury
        if resting:
            wanted = self._leases.waiting and not self._given_up() and self._clock() >= self._backoff.retry_at
            return self._start if wanted else None
        if self.status is _S.ASLEEP:
            if self._asked is _S.STOPPED or self._idle_beyond(self._release_timeout):
                return self._stop
            return self._wake if self._leases.waiting else None
        if self._suspect:
            return self._check
        if self._leases.held:
            return None
        if self._asked is None and self._leases.waiting:
            return None
        if self._asked is _S.STOPPED or self._idle_beyond(self._release_timeout):
            return self._drain_and_stop
        if self._asked is _S.ASLEEP or self._idle_beyond(self._idle_timeout):
            return self._drain_and_sleep
        return None

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except AppError as error:
            await self._failed(error)
        except Exception as error:
            logger.opt(exception=error).error("the engine failed")
            await self._failed(as_app_error(error))

    async def _pause(self) -> None:
        """Until somebody tells, the server dies, or the nearest timer ends."""
        timers: list[float] = []
        now = self._clock()
        if self.status is _S.FAILED and self._leases.waiting:
            timers.append(self._backoff.retry_at - now)
        if self.status in (_S.READY, _S.ASLEEP) and not self._leases.held:
            timeouts = (self._idle_timeout if self.status is _S.READY else 0.0, self._release_timeout)
            timers += [self._last_used + timeout - now for timeout in timeouts if timeout]
        changed = asyncio.ensure_future(self._changed.wait())
        waiting = {changed, *([self._death] if self._death else [])}
        try:
            # a little later than the timer: clocks are not exact
            timeout = max(0.0, min(timers)) + 0.001 if timers else None
            await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()

    def _idle_beyond(self, timeout: float) -> bool:
        idle = not self._leases.held and not self._leases.waiting
        return idle and timeout > 0 and self._clock() - self._last_used >= timeout

    # ------------------------------------------------------------ steps

    async def _start(self) -> None:
        self._move(_S.STARTING)
        self.counts["starts"] += 1
        self._endpoint = await self._backend.start(self._step)
        self._last_used = self._clock()
        self._death = asyncio.create_task(self._backend.died(), name="engine-death")
        self._move(_S.READY)

    async def _drain_and_sleep(self) -> None:
        if await self._drain():
            await self._backend.sleep()
            self.counts["sleeps"] += 1
            self._move(_S.ASLEEP)

    async def _drain_and_stop(self) -> None:
        if await self._drain():
            await self._stop()

    async def _drain(self) -> bool:
        """False when work came meanwhile: the server is ready again."""
        self._move(_S.DRAINING)
        await self._backend.settle()
        if self._leases.waiting and self._asked is None:
            self._move(_S.READY)
            return False
        return True

    async def _wake(self) -> None:
        self._move(_S.WAKING)
        try:
            await self._backend.wake()
        except CardTaken as error:
            # a smaller server may still find room: plan it again from what is free now
            self.notice = error.message
            await self._stop()
            return
        self.counts["wakes"] += 1
        self._last_used = self._clock()
        self._move(_S.READY)

    async def _stop(self) -> None:
        self._forget_death()
        self._move(_S.STOPPING)
        self._endpoint = None
        await self._backend.stop()
        self.counts["stops"] += 1
        self._move(_S.STOPPED)

    async def _check(self) -> None:
        await self._backend.check()
        self._suspect = self._blamed = False
        self._tell()

    async def _bury(self) -> None:
        assert self._death is not None
        raise self._death.result()

    # ------------------------------------------------------------ failures

    async def _failed(self, error: AppError) -> None:
        running = self.status is not _S.STARTING
        # what an exclusive lease brings down is that document's fault, and not counted here
        blamed = running and (self._leases.alone_held or self._blamed)
        self._forget_death()
        self._endpoint = None
        self._suspect = self._blamed = False
        self._leases.cut_short()
        self.error = error
        self.counts["crashes"] += running
        logger.bind(action="engine_failed", code=error.code).warning("the engine failed: {}", error.message)
        await self._backend.stop("failure")
        if type(error) is GpuOutOfMemory and self._step < STEPS:
            self._step += 1
            self.notice = "The card's memory ran out; the model was started again with less of it."
            self._move(_S.FAILED)
            return
        self._backoff.failed(error, self._clock(), self._backend.patience(error), counts=not blamed)
        self._move(_S.FAILED)

    def _given_up(self) -> bool:
        return self.status is _S.FAILED and self._backoff.closed(self._clock())

    def _forget_death(self) -> None:
        if self._death is not None:
            self._death.cancel()
            self._death = None

    # ------------------------------------------------------------ small things

    def _move(self, to: EngineStatus) -> None:
        assert to in ENGINE_MOVES[self.status], f"{self.status} -> {to}"
        self.status, self.since = to, time.time()
        if to is _S.READY:
            self.error = None
        logger.bind(action=f"engine_{to}").info("the engine is {}", to)
        self._tell()

    def _tell(self) -> None:
        """Wakes everybody who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()


def _left(timeout: float, idle: float | None) -> float | None:
    return round(max(0.0, timeout - idle), 1) if timeout and idle is not None else None
