"""Leases: who is counted, who may come in, and who is told when the server goes."""

from __future__ import annotations

import asyncio

import pytest

from gradio_app.base.errors import EngineLost
from gradio_app.engine import entrance
from gradio_app.model_server.backend import Endpoint
from gradio_app.model_server.leases import Leases
from gradio_app.model_server.lifecycle import Standing
from gradio_app.model_server.states import EngineStatus

pytestmark = pytest.mark.anyio


def room(leases: Leases, alone: bool) -> bool:
    """Whether the engine gives one of them now."""
    held, waiting, exclusive = leases.held, leases.waiting, leases.exclusive
    endpoint = Endpoint("http://one", "model")
    server = Standing(EngineStatus.READY, held, waiting, exclusive, endpoint, asked=False, pause=0.0)
    return entrance([server], 100, alone, ahead=0) == 0


async def test_whoever_has_one_or_waits_is_counted_until_they_are_done() -> None:
    leases = Leases()
    assert leases.unused
    with leases.wanted(alone=False):
        assert (leases.waiting, leases.held, leases.unused) == (1, 0, False)
    async with leases.taken(alone=False), leases.taken(alone=False):
        assert (leases.waiting, leases.held, leases.unused) == (0, 2, False)
    assert leases.unused and leases.held == 0


async def test_an_error_inside_gives_the_lease_back_and_comes_out() -> None:
    leases = Leases()
    for alone in (False, True):
        with pytest.raises(KeyError):
            async with leases.taken(alone):
                raise KeyError
        with pytest.raises(KeyError), leases.wanted(alone):
            raise KeyError
    assert leases.unused and not leases.alone_held and room(leases, False) and room(leases, True)


async def test_alone_waits_for_the_others_and_keeps_new_ones_out() -> None:
    leases = Leases()
    async with leases.taken(alone=False):
        assert room(leases, alone=False) and not room(leases, alone=True)
        with leases.wanted(alone=True):
            assert not room(leases, alone=False)  # else it would never be alone
        assert room(leases, alone=False)
    assert room(leases, alone=True)
    async with leases.taken(alone=True):
        assert leases.alone_held
        assert not room(leases, alone=False) and not room(leases, alone=True)
    assert not leases.alone_held and room(leases, alone=False)


async def test_when_the_server_goes_everybody_hears_at_once() -> None:
    leases = Leases()

    async def wait_for_ever() -> None:
        async with leases.taken(alone=False):
            await asyncio.Event().wait()

    working = [asyncio.create_task(wait_for_ever()) for _ in range(3)]
    await asyncio.sleep(0)
    assert leases.held == 3
    leases.cut_short()
    leases.cut_short()  # nothing more to tell
    results = await asyncio.wait_for(asyncio.gather(*working, return_exceptions=True), 5)
    assert [type(result) for result in results] == [EngineLost] * 3
    assert leases.unused


async def test_a_timeout_of_the_work_itself_stays_one() -> None:
    leases = Leases()
    with pytest.raises(TimeoutError):
        async with leases.taken(alone=False):
            raise TimeoutError
    assert leases.unused


async def test_a_cut_tells_nobody_who_comes_later() -> None:
    leases = Leases()
    leases.cut_short()
    async with leases.taken(alone=False):
        await asyncio.sleep(0)
    assert leases.unused


async def test_who_is_cancelled_is_cancelled_and_not_told_of_a_loss() -> None:
    leases = Leases()
    inside = asyncio.Event()

    async def wait_for_ever() -> None:
        async with leases.taken(alone=False):
            inside.set()
            await asyncio.Event().wait()

    working = asyncio.create_task(wait_for_ever())
    await inside.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert leases.unused
