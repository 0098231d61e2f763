"""Several servers behind ModelSingleton: who gets work, who is woken, who is left out. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from gradio_app.base.errors import EngineUnavailable
from gradio_app.engine import ModelSingleton
from gradio_app.model_server.backoff import COOL_DOWN
from gradio_app.model_server.states import EngineStatus
from tests.fakes.backend import FakeBackend
from tests.unit.test_engine import timed

ROOM = 2
_S = EngineStatus


def cards(count: int, seconds: float = 1.0) -> list[FakeBackend]:
    return [FakeBackend(seconds, card=f"GPU-{number}") for number in range(count)]


@asynccontextmanager
async def fleet(backends: Sequence[FakeBackend]) -> AsyncGenerator[ModelSingleton]:
    model = ModelSingleton(backends, 60, 600, asyncio.get_running_loop().time, ROOM).open()
    try:
        yield model
    finally:
        await model.close()
    assert [backend.broken for backend in backends] == [[] for _ in backends]


async def hold(model: ModelSingleton, seconds: float, alone: bool = False) -> str:
    """Holds a lease; the card whose server it was of."""
    async with model.lease(alone) as endpoint:
        backend = next(
            server.backend
            for server in model.servers
            if isinstance(server.backend, FakeBackend) and server.backend.endpoint is endpoint
        )
        assert isinstance(backend, FakeBackend)
        backend.holders += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            backend.holders -= 1
        return backend.card


def held(
    model: ModelSingleton, seconds: float, count: int = 1, alone: bool = False
) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(hold(model, seconds, alone)) for _ in range(count)]


def states(model: ModelSingleton) -> list[EngineStatus]:
    return [server.status for server in model.servers]


def now() -> float:
    return asyncio.get_running_loop().time()


@timed
async def test_as_many_servers_start_as_the_work_needs() -> None:
    async with fleet(cards(3)) as model:
        assert model.size == 3
        first = held(model, 5, ROOM)
        await asyncio.sleep(2)
        assert states(model) == [_S.READY, _S.STOPPED, _S.STOPPED]
        more = held(model, 5)
        await asyncio.sleep(0.1)
        assert states(model) == [_S.READY, _S.STARTING, _S.STOPPED]
        assert set(await asyncio.gather(*first)) == {"GPU-0"}
        assert await more[0] == "GPU-1"


@timed
async def test_a_lease_goes_to_the_least_loaded_of_those_that_are_awake() -> None:
    async with fleet(cards(2)) as model:
        await asyncio.gather(*held(model, 1, 2 * ROOM))
        assert states(model) == [_S.READY, _S.READY]
        long = held(model, 50)
        await asyncio.sleep(0)
        assert await asyncio.gather(*held(model, 1, 3)) == ["GPU-1", "GPU-0", "GPU-1"]
        assert await long[0] == "GPU-0"


@timed
async def test_whoever_waits_for_a_server_that_starts_takes_room_elsewhere_first() -> None:
    backends = cards(2)
    backends[1].seconds = 100
    async with fleet(backends) as model:
        work = held(model, 10, 2 * ROOM)
        assert await asyncio.gather(*work) == ["GPU-0"] * 4
        assert now() == pytest.approx(21, abs=0.5)
        assert model.servers[1].status is _S.STARTING


@timed
async def test_who_waits_longer_comes_first() -> None:
    async with fleet(cards(2)) as model:

        async def greedy() -> None:
            while True:
                await hold(model, 1)  # and again at once, before anybody else has heard

        others = [asyncio.create_task(greedy()) for _ in range(2 * ROOM)]
        await asyncio.sleep(5)
        began = now()
        async with asyncio.timeout(60):
            await hold(model, 1)
        assert now() - began < 3
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@timed
async def test_each_sleeps_and_stops_by_itself_and_light_work_wakes_one() -> None:
    async with fleet(cards(2)) as model:
        await asyncio.gather(*held(model, 1, 2 * ROOM))
        for _ in range(10):
            assert await hold(model, 8) == "GPU-0"
        assert states(model) == [_S.READY, _S.ASLEEP]
        await asyncio.sleep(64)
        assert states(model) == [_S.ASLEEP, _S.ASLEEP] and model.status is _S.ASLEEP
        assert await hold(model, 1) == "GPU-0"
        assert states(model) == [_S.READY, _S.ASLEEP]
        await asyncio.sleep(605)
        assert states(model) == [_S.STOPPED, _S.STOPPED]
        assert model.counts == {"starts": 2, "sleeps": 3, "wakes": 1, "stops": 2}


@timed
async def test_one_that_sleeps_is_woken_before_another_is_started() -> None:
    async with fleet(cards(3)) as model:
        await asyncio.gather(*held(model, 1, 2 * ROOM))
        await model.servers[1].rest(_S.ASLEEP)
        work = held(model, 5, 2 * ROOM)
        await asyncio.sleep(2)
        assert states(model) == [_S.READY, _S.READY, _S.STOPPED]
        await asyncio.gather(*work)


@timed
async def test_a_card_that_fails_is_left_out_and_comes_back() -> None:
    backends = cards(2)
    async with fleet(backends) as model:
        work = held(model, 20, 2 * ROOM)
        await asyncio.sleep(3)
        backends[1].die()
        results = await asyncio.gather(*work, return_exceptions=True)
        assert sorted(type(one).__name__ for one in results) == ["EngineLost", "EngineLost", "str", "str"]
        assert model.status is _S.READY and model.available and model.problem == ""
        assert await hold(model, 1) == "GPU-0", "the one that failed is not waited for"
        assert states(model) == [_S.READY, _S.FAILED]
        assert set(await asyncio.gather(*held(model, 5, 2 * ROOM))) == {"GPU-0", "GPU-1"}
        assert states(model) == [_S.READY, _S.READY]
        assert model.counts["crashes"] == 1


@timed
async def test_only_when_all_have_given_up_is_the_error_told() -> None:
    backends = cards(2)
    backends[0].starts.extend([EngineUnavailable("the first")] * 6)
    backends[1].starts.extend([EngineUnavailable("the second")] * 3)
    async with fleet(backends) as model:
        with pytest.raises(EngineUnavailable, match="the"):
            await hold(model, 1)
        assert [backend.calls.count("start") for backend in backends] == [3, 3]
        assert not model.available and model.problem.startswith("the ")
        assert model.describe()["status"] == "failed" and model.describe()["error"]
        began = now()
        with pytest.raises(EngineUnavailable):
            await hold(model, 1)
        assert now() == began
        await asyncio.sleep(COOL_DOWN)
        assert await hold(model, 1) == "GPU-1", "the first fails on, the second is well again"


@timed
async def test_one_that_gave_up_costs_its_share_and_nothing_else() -> None:
    backends = cards(2)
    backends[0].starts.extend([EngineUnavailable("no")] * 1000)
    async with fleet(backends) as model:
        assert await hold(model, 1) == "GPU-1"
        assert set(await asyncio.gather(*held(model, 5, 10 * ROOM))) == {"GPU-1"}


@timed
async def test_alone_is_alone_on_one_server_while_the_others_work() -> None:
    async with fleet(cards(2)) as model:
        await asyncio.gather(*held(model, 1, 2 * ROOM))
        busy = held(model, 30)
        await asyncio.sleep(0)
        alone = held(model, 10, alone=True)
        await asyncio.sleep(0)
        assert await asyncio.gather(*held(model, 1, 2)) == ["GPU-0", "GPU-0"]
        assert await alone[0] == "GPU-1" and await busy[0] == "GPU-0"


@timed
async def test_offload_and_release_mean_every_server() -> None:
    async with fleet(cards(2)) as model:
        work = held(model, 10, 2 * ROOM)
        await asyncio.sleep(3)
        await model.offload()
        assert now() > 10 and all(task.done() for task in work)
        assert states(model) == [_S.ASLEEP, _S.ASLEEP]
        assert model.describe()["can"] == {"offload": False, "release": True}
        await model.release()
        assert states(model) == [_S.STOPPED, _S.STOPPED]


@timed
async def test_one_that_is_left_out_is_not_counted_and_gets_nothing() -> None:
    backends = cards(2)
    async with fleet(backends) as model:
        backends[1].left_out, backends[1].notice = True, "Only one fits on the card."
        assert model.size == 1 and model.notice == "Only one fits on the card."
        assert set(await asyncio.gather(*held(model, 1, 3 * ROOM))) == {"GPU-0"}
        assert now() == pytest.approx(2, abs=0.5), "a single one takes any number"
        told = model.describe()
        assert told["notice"] == model.notice and [one["name"] for one in told["servers"]] == ["GPU-0"]
        backends[1].left_out, backends[1].notice = False, ""
        assert model.size == 2 and model.notice is None
        assert set(await asyncio.gather(*held(model, 5, 2 * ROOM))) == {"GPU-0", "GPU-1"}


@timed
async def test_what_is_told_is_the_sum_and_each() -> None:
    backends = cards(2)
    async with fleet(backends) as model:
        work = held(model, 10, ROOM + 1)
        await asyncio.sleep(3)
        told = model.describe()
        assert (told["status"], told["in_flight"], told["waiting"]) == ("ready", ROOM + 1, 0)
        assert told["counts"]["starts"] == 2 and told["sleeps_in"] is None
        assert [(one["card"], one["in_flight"]) for one in told["servers"]] == [("GPU-0", ROOM), ("GPU-1", 1)]
        backends[1].die()
        await asyncio.sleep(0.1)
        told = model.describe()
        assert told["error"] is None and told["servers"][1]["error"]["code"] == "engine_unavailable"
        await asyncio.gather(*work, return_exceptions=True)
