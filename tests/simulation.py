"""The engine under random interleavings, in virtual time, with servers that count broken rules."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import strategies as st

from gradio_app.base.errors import (
    AppError,
    EngineUnavailable,
    GpuOutOfMemory,
    ModelsMissing,
    ShuttingDown,
)
from gradio_app.engine import ModelSingleton
from gradio_app.model_server.backend import CardTaken, EngineBroken
from gradio_app.model_server.states import EngineStatus
from tests.fakes.backend import FakeBackend
from tests.fakes.virtual_time import run

#: virtual seconds after which everybody must have got an answer
LONG = 20_000.0
#: how many leases one of several servers takes
ROOM = 2
_ERRORS = (EngineUnavailable, EngineBroken, GpuOutOfMemory, CardTaken, ModelsMissing)

_seconds = st.sampled_from([0.0, 0.3, 1.0, 5.0, 31.0, 61.0, 700.0])
_outcome = st.none() | st.sampled_from(_ERRORS)


@dataclass(frozen=True)
class Event:
    """Something that happens ``after`` seconds: a lease of ``seconds``, an ask, a crash of a server."""

    after: float
    what: str
    seconds: float = 0.0
    server: int = 0


_events = st.builds(
    Event,
    _seconds,
    st.sampled_from(
        ["lease", "lease", "lease", "alone", "lost", "lost alone", "impatient", "offload", "release", "die"]
    ),
    _seconds,
    st.integers(0, 2),
)


@dataclass(frozen=True)
class Scene:
    """What happens, how many servers there are and how they behave, and when the application is closed.

    The outcomes of starts and the like are dealt out to the servers in turns.
    """

    servers: int
    events: tuple[Event, ...]
    seconds: float
    can_sleep: bool
    starts: tuple[type[AppError] | None, ...]
    sleeps: tuple[type[AppError] | None, ...]
    wakes: tuple[type[AppError] | None, ...]
    checks: tuple[type[AppError] | None, ...]
    closes_after: float | None


_failures = st.lists(_outcome, max_size=4).map(tuple)

scenes = st.builds(
    Scene,
    st.sampled_from([1, 2, 3]),
    st.lists(_events, min_size=1, max_size=14).map(tuple),
    st.sampled_from([0.0, 0.4, 3.0]),
    st.booleans(),
    _failures,
    _failures,
    _failures,
    _failures,
    st.none() | _seconds,
)


def play(scene: Scene) -> None:
    """Raises ``AssertionError`` when a rule was broken or somebody got no answer."""
    run(_play(scene))


async def _play(scene: Scene) -> None:
    backends = [_backend(scene, number) for number in range(scene.servers)]
    clock = asyncio.get_running_loop().time
    model = ModelSingleton(backends, 60, 600, clock, ROOM).open()
    actors: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(LONG):
            for event in scene.events:
                await asyncio.sleep(event.after)
                actors.append(asyncio.create_task(_act(event, model, backends)))
            if scene.closes_after is None:
                await asyncio.gather(*actors)
                _check_rest(model)
                await asyncio.sleep(1500)
                # nobody wants them any more: they went to their rest by themselves
                rests = {server.status for server in model.servers}
                assert rests <= {EngineStatus.STOPPED, EngineStatus.FAILED}, rests
            else:
                await asyncio.sleep(scene.closes_after)
    finally:
        # as the application does it: whoever works is stopped first
        for actor in actors:
            actor.cancel()
        results = await asyncio.gather(*actors, return_exceptions=True)
        await model.close()
    assert not [error for error in results if isinstance(error, Exception)], results
    _check_rest(model)
    assert model.status is EngineStatus.STOPPED
    for backend in backends:
        assert backend.state == "down"
        assert backend.broken == []
        assert "stopped under work" not in backend.calls


def _backend(scene: Scene, number: int) -> FakeBackend:
    backend = FakeBackend(scene.seconds, scene.can_sleep, patience=40.0, card=f"card-{number}")
    for queue, kinds in (
        (backend.starts, scene.starts),
        (backend.sleeps, scene.sleeps),
        (backend.wakes, scene.wakes),
        (backend.checks, scene.checks),
    ):
        queue.extend(kind() if kind else None for kind in kinds[number :: scene.servers])
    return backend


def _check_rest(model: ModelSingleton) -> None:
    assert not model._line and all(server.leases.unused for server in model.servers)


async def _act(event: Event, model: ModelSingleton, backends: list[FakeBackend]) -> None:
    try:
        if event.what == "offload":
            await model.offload()
        elif event.what == "release":
            await model.release()
        elif event.what == "die":
            backends[event.server % len(backends)].die()
        elif event.what == "impatient":
            async with asyncio.timeout(event.seconds):
                await _work(event, model, backends)
        else:
            await _work(event, model, backends)
    except (*_ERRORS, ShuttingDown, TimeoutError):
        pass


async def _work(event: Event, model: ModelSingleton, backends: list[FakeBackend]) -> None:
    alone = "alone" in event.what
    async with model.lease(alone) as endpoint:
        backend = next(backend for backend in backends if backend.endpoint is endpoint)
        assert backend.state == "up" or backend.dead, f"a lease of a server that is {backend.state}"
        assert not (alone and backend.holders), "not alone"
        assert len(backends) == 1 or backend.holders < ROOM, "more than it has room for"
        backend.holders += 1
        try:
            await asyncio.sleep(event.seconds)
            assert not (alone and backend.holders > 1), "not alone any more"
            if event.what.startswith("lost"):
                raise EngineUnavailable("the connection broke")
        finally:
            backend.holders -= 1
