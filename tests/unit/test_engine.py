"""ModelSingleton: lazy start, leases, drain, sleep, wake, stop, failures. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gradio_app.base.errors import (
    EngineLost,
    EngineUnavailable,
    GpuOutOfMemory,
    ModelsMissing,
    ShuttingDown,
)
from gradio_app.engine import ModelSingleton, Wait, candidate, entrance
from gradio_app.model_server.backend import CardTaken, Endpoint, EngineBroken
from gradio_app.model_server.backoff import COOL_DOWN
from gradio_app.model_server.lifecycle import Standing
from gradio_app.model_server.remote import NoServer
from gradio_app.model_server.states import ENGINE_MOVES, EngineStatus
from tests.fakes.backend import FakeBackend
from tests.fakes.virtual_time import run


def timed(scene: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """A test whose body runs in virtual time."""

    def test() -> None:
        run(_awaited(scene))

    test.__name__ = scene.__name__  # type: ignore[attr-defined]
    return test


async def _awaited(scene: Callable[[], Awaitable[None]]) -> None:
    await scene()


@asynccontextmanager
async def engine(backend: Any, idle: float = 60, release: float = 600) -> AsyncGenerator[ModelSingleton]:
    model = ModelSingleton(backend, idle, release, asyncio.get_running_loop().time).open()
    try:
        yield model
    finally:
        await model.close()


async def hold(model: ModelSingleton, backend: FakeBackend, seconds: float, alone: bool = False) -> Endpoint:
    async with model.lease(alone) as endpoint:
        assert backend.state == "up"
        backend.holders += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            backend.holders -= 1
        return endpoint


@timed
async def test_nothing_starts_until_somebody_wants_it() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        await asyncio.sleep(1000)
        assert backend.calls == [] and model.status is EngineStatus.STOPPED
        assert ModelSingleton.get() is model
    with pytest.raises(EngineUnavailable):
        ModelSingleton.get()


@timed
async def test_many_who_want_it_share_one_server() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        given = await asyncio.gather(*(hold(model, backend, 5) for _ in range(20)))
        assert len({endpoint.url for endpoint in given}) == 1
        assert backend.calls == ["start"] and not model._line and model.servers[0].leases.unused


@timed
async def test_idle_it_sleeps_then_stops_and_wakes_for_the_next() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        await hold(model, backend, 1)
        await asyncio.sleep(59)
        assert model.status is EngineStatus.READY
        assert model.describe()["sleeps_in"] == 1.0
        await asyncio.sleep(5)
        assert model.status is EngineStatus.ASLEEP
        await hold(model, backend, 1)
        assert backend.calls == ["start", "drain", "sleep", "asleep", "wake"]
        await asyncio.sleep(605)
        assert model.status is EngineStatus.STOPPED and backend.state == "down"
        await hold(model, backend, 1)
        assert model.counts == {"starts": 2, "sleeps": 2, "wakes": 1, "stops": 1}
        assert backend.broken == []


@timed
async def test_zero_switches_the_timers_off() -> None:
    backend = FakeBackend()
    async with engine(backend, idle=0, release=0) as model:
        await hold(model, backend, 1)
        await asyncio.sleep(10_000)
        assert model.status is EngineStatus.READY


@timed
async def test_a_server_that_cannot_sleep_is_stopped_only() -> None:
    backend = FakeBackend(can_sleep=False)
    async with engine(backend) as model:
        await hold(model, backend, 1)
        await asyncio.sleep(100)
        assert model.status is EngineStatus.READY
        await asyncio.sleep(520)
        assert backend.calls == ["start", "drain", "stop"]


@timed
async def test_an_offload_waits_for_what_runs_and_lets_nobody_new_in_before() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        running = asyncio.create_task(hold(model, backend, 30))
        await asyncio.sleep(2)
        offload = asyncio.create_task(model.offload())
        await asyncio.sleep(1)
        late = asyncio.create_task(hold(model, backend, 1))
        await asyncio.sleep(5)
        assert not offload.done() and not late.done() and backend.state == "up"
        await running
        await offload
        assert backend.calls[:4] == ["start", "drain", "sleep", "asleep"]
        await late
        assert backend.calls[4:] == ["wake"] and backend.broken == []


@timed
async def test_a_release_stops_it_also_from_sleep() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        await model.release()
        assert backend.calls == []
        await hold(model, backend, 1)
        await model.offload()
        assert model.status is EngineStatus.ASLEEP
        await asyncio.gather(model.offload(), model.release())
        assert model.status is EngineStatus.STOPPED and backend.state == "down"


@timed
async def test_work_that_comes_while_it_drains_keeps_it_awake() -> None:
    backend = FakeBackend(seconds=3)
    async with engine(backend) as model:
        await hold(model, backend, 1)
        await asyncio.sleep(61)
        assert model.status is EngineStatus.DRAINING
        await hold(model, backend, 1)
        assert "sleep" not in backend.calls and model.status is EngineStatus.READY


@timed
async def test_alone_means_alone() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        most = 0

        async def watched(alone: bool) -> None:
            nonlocal most
            async with model.lease(alone):
                backend.holders += 1
                most = max(most, backend.holders if alone else 0)
                assert not (alone and backend.holders > 1)
                await asyncio.sleep(2)
                assert not (alone and backend.holders > 1)
                backend.holders -= 1

        await asyncio.gather(*(watched(index % 3 == 0) for index in range(9)))
        assert most == 1


@timed
async def test_a_crash_is_followed_by_a_new_server() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        await hold(model, backend, 1)
        backend.die()
        await asyncio.sleep(0.1)
        assert model.status is EngineStatus.FAILED and backend.state == "down"
        assert model.describe()["error"]["code"] == "engine_unavailable"
        began = asyncio.get_running_loop().time()
        await hold(model, backend, 1)
        assert asyncio.get_running_loop().time() - began == pytest.approx(3, abs=0.2)
        assert model.describe()["error"] is None
        assert model.counts["crashes"] == 1 and backend.calls.count("start") == 2


@timed
async def test_who_works_hears_of_a_crash_at_once() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        work = [asyncio.create_task(hold(model, backend, 1000)) for _ in range(3)]
        await asyncio.sleep(5)
        backend.die()
        results = await asyncio.gather(*work, return_exceptions=True)
        assert [type(result) for result in results] == [EngineLost] * 3
        assert asyncio.get_running_loop().time() == pytest.approx(5, abs=0.1)
        await hold(model, backend, 1)
        assert (
            backend.calls == ["start", "stop", "start"] and not model._line and model.servers[0].leases.unused
        )


@timed
async def test_it_gives_up_after_some_failures_and_tries_again_later() -> None:
    backend = FakeBackend()
    backend.starts.extend([EngineUnavailable("no")] * 3)
    async with engine(backend) as model:
        with pytest.raises(EngineUnavailable, match="no"):
            await hold(model, backend, 1)
        assert backend.calls.count("start") == 3 and not model.available
        began = asyncio.get_running_loop().time()
        with pytest.raises(EngineUnavailable, match="no"):
            await hold(model, backend, 1)
        assert asyncio.get_running_loop().time() == began
        await asyncio.sleep(COOL_DOWN)
        assert model.available
        await hold(model, backend, 1)


@timed
async def test_with_patience_it_tries_for_longer() -> None:
    backend = FakeBackend(patience=300)
    backend.starts.extend([EngineUnavailable("no")] * 8)
    async with engine(backend) as model:
        await hold(model, backend, 1)
        assert backend.calls.count("start") == 9
        assert 100 < asyncio.get_running_loop().time() < 300


@pytest.mark.parametrize("error", [EngineBroken("no flag"), ModelsMissing("no weights")])
def test_what_waiting_cannot_mend_is_told_at_once(error: EngineUnavailable) -> None:
    async def scene() -> None:
        backend = FakeBackend()
        backend.starts.append(error)
        async with engine(backend) as model:
            with pytest.raises(type(error), match=error.message):
                await hold(model, backend, 1)
            assert backend.calls.count("start") == 1

    run(scene())


@timed
async def test_out_of_memory_steps_down_twice_and_then_says_so() -> None:
    backend = FakeBackend()
    backend.starts.extend([GpuOutOfMemory(), GpuOutOfMemory()])
    async with engine(backend) as model:
        await hold(model, backend, 1)
        assert backend.steps == [0, 1, 2] and model.notice
        backend.die(GpuOutOfMemory("full"))
        await asyncio.sleep(0.1)
        with pytest.raises(GpuOutOfMemory, match="full"):
            await hold(model, backend, 1)


@timed
async def test_a_card_taken_while_it_slept_means_a_smaller_server() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        await hold(model, backend, 1)
        await model.offload()
        backend.wakes.append(CardTaken("by a game"))
        await hold(model, backend, 1)
        assert backend.calls[-3:] == ["wake", "stop", "start"] and model.notice == "by a game"


@timed
async def test_a_lost_request_makes_the_server_suspect() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        with pytest.raises(EngineUnavailable):
            async with model.lease():
                raise EngineUnavailable("the connection broke")
        backend.checks.append(None)
        await hold(model, backend, 1)
        assert backend.calls == ["start", "check"]
        backend.checks.append(EngineUnavailable("it hangs"))
        with pytest.raises(EngineUnavailable):
            async with model.lease():
                raise EngineUnavailable("the connection broke")
        await hold(model, backend, 1)
        assert backend.calls[2:] == ["check", "stop", "start"]


@timed
async def test_what_an_exclusive_lease_brings_down_is_not_the_engines_fault() -> None:
    backend = FakeBackend()
    async with engine(backend) as model:
        for _ in range(10):
            with pytest.raises(EngineUnavailable):
                async with model.lease(alone=True):
                    backend.die()
                    raise EngineUnavailable("gone")
        await hold(model, backend, 1)
        assert backend.calls.count("start") == 11


@timed
async def test_closing_lets_everybody_go() -> None:
    backend = FakeBackend(seconds=30)
    async with engine(backend) as model:
        waiting = [asyncio.create_task(hold(model, backend, 1)) for _ in range(3)]
        await asyncio.sleep(1)
        assert model.status is EngineStatus.STARTING
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, ShuttingDown) for result in results)
    assert backend.state == "down" and model.status is EngineStatus.STOPPED


@timed
async def test_whoever_stops_waiting_leaves_no_trace() -> None:
    backend = FakeBackend(seconds=10)
    async with engine(backend) as model:
        waiting = [asyncio.create_task(hold(model, backend, 1, alone)) for alone in (True, False)]
        await asyncio.sleep(1)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert model.describe()["waiting"] == 0
        await hold(model, backend, 1)


@timed
async def test_without_an_engine_the_reason_is_told_every_time() -> None:
    async with engine(NoServer("There is none here.")) as model:
        assert not model.available
        for _ in range(2):
            with pytest.raises(EngineUnavailable, match="There is none here"):
                async with model.lease():
                    pass
        await model.offload()
        await model.release()


def standing(status: EngineStatus, held: int = 0, exclusive: int = 0, **more: Any) -> Standing:
    endpoint = Endpoint("http://one", "model") if status is EngineStatus.READY else None
    facts = {"waiting": 0, "endpoint": endpoint, "asked": False, "pause": 0.0}
    return Standing(status, held, exclusive=exclusive, **(facts | more))


def test_candidates_are_ordered_by_what_a_lease_waits_for() -> None:
    servers = [
        standing(EngineStatus.READY, held=2),
        standing(EngineStatus.FAILED, pause=9.0),
        standing(EngineStatus.FAILED, pause=3.0),
        standing(EngineStatus.FAILED, pause=-1.0),
        standing(EngineStatus.STOPPED),
        standing(EngineStatus.ASLEEP, asked=True),
        standing(EngineStatus.ASLEEP),
        standing(EngineStatus.STARTING),
        standing(EngineStatus.READY),
    ]
    found = sorted(candidate(server, at, 2, False, False) for at, server in enumerate(servers))
    assert [one.position for one in found] == [7, 8, 6, 4, 3, 2, 1, 5, 0]
    full = candidate(standing(EngineStatus.READY, waiting=2), 0, 2, False, counted=False)
    assert full.wait is Wait.ROOM
    assert candidate(standing(EngineStatus.READY, waiting=2), 0, 2, False, counted=True).wait is Wait.READY
    assert candidate(standing(EngineStatus.READY, held=1), 0, 9, True, counted=False).wait is Wait.ROOM


def test_the_least_loaded_open_server_is_entered_in_turn() -> None:
    servers = [
        standing(EngineStatus.READY, held=1),
        standing(EngineStatus.READY, exclusive=1),
        standing(EngineStatus.STARTING),
        standing(EngineStatus.READY),
    ]
    assert entrance(servers, 2, False, ahead=2) == 3 and entrance(servers, 2, False, ahead=3) is None
    assert entrance(servers, 2, True, ahead=9) == 1 and entrance(servers[:1], 2, True, ahead=0) is None


def test_every_state_can_be_reached_and_left() -> None:
    assert set(ENGINE_MOVES) == set(EngineStatus)
    reached = {EngineStatus.STOPPED}
    while more := {to for status in reached for to in ENGINE_MOVES[status]} - reached:
        reached |= more
    assert reached == set(EngineStatus)
    assert all(ENGINE_MOVES.values())
