"""The last hour of the engine's card, and who is on the cards."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from gradio_app.engine import ModelSingleton
from gradio_app.machine.cards import Card, Process
from gradio_app.model_server.states import EngineStatus
from gradio_app.web import card_history
from gradio_app.web.card_history import EVERY, KEPT, CardHistory
from tests.fakes.virtual_time import run

GB = 2**30
NOWHERE = 2**22 + 1  # no Linux gives out such process ids: as those of a host look from a container
ONE = Card(0, "GPU-one", "a card", 24 * GB, 20 * GB, 4 * GB, 90, 60, (8, 9), False, ())
TWO = Card(1, "GPU-two", "another", 24 * GB, 1 * GB, 23 * GB, 5, 40, (8, 9), False, ())

pytestmark = pytest.mark.anyio


class Engine:
    """As much of an engine as is looked at."""

    kind = "sglang"

    def __init__(self, card: str = "", *pids: int, also: tuple[str, ...] = ()) -> None:
        self.status = EngineStatus.READY
        self.cards, self.pids = [[card] if card else [], *([one] for one in also)], list(pids)

    def describe(self) -> dict[str, Any]:
        servers = [{"cards": cards} for cards in self.cards]
        return {"status": self.status.value, "pids": self.pids, "servers": servers}


def watch(engine: Engine, *cards: Card) -> CardHistory:
    return CardHistory(cast(ModelSingleton, engine), lambda: list(cards))


def busy(card: Card, *pids: int) -> Card:
    return replace(card, processes=tuple(Process(pid, "python", GB) for pid in pids))


async def ours(engine: Engine, *cards: Card) -> dict[str, dict[int, bool]]:
    told = await watch(engine, *cards).describe()
    return {
        card["uuid"]: {process["pid"]: process["ours"] for process in card["processes"]}
        for card in told["cards"]
    }


# ---------------------------------------------------------------- the last hour


async def test_samples_are_of_the_engines_card() -> None:
    engine = Engine("GPU-one")
    looking = watch(engine, TWO, ONE)
    looking._note([TWO, ONE])
    engine.status = EngineStatus.ASLEEP
    looking._note([TWO, replace(ONE, used=GB, load=None)])
    assert [sample[1:] for sample in looking.samples] == [(20 * GB, 90, "ready"), (GB, None, "asleep")]


async def test_before_a_start_they_are_of_the_card_that_would_be_taken() -> None:
    for engine in (Engine(), Engine("GPU-that-was-taken-out")):
        looking = watch(engine, ONE, TWO)
        looking._note([ONE, TWO])
        assert looking.samples[0][1] == TWO.used
        told = await looking.describe()
        assert [card["chosen"] for card in told["cards"]] == [False, True]


async def test_before_a_start_the_card_is_the_one_that_was_set() -> None:
    looking = CardHistory(Engine(), lambda: [ONE, TWO], "0")  # type: ignore[arg-type]
    assert [card["chosen"] for card in (await looking.describe())["cards"]] == [True, False]


async def test_samples_of_several_cards_are_their_sum_and_all_are_chosen() -> None:
    looking = watch(Engine("GPU-one", also=("GPU-two",)), ONE, TWO)
    looking._note([ONE, TWO])
    assert looking.samples[0][1:3] == (21 * GB, 48)
    assert [card["chosen"] for card in (await looking.describe())["cards"]] == [True, True]


async def test_cards_that_were_named_are_chosen_before_their_servers_start() -> None:
    third = replace(ONE, index=2, uuid="GPU-three")
    for setting, expected in (("all", [True, True, True]), ("0,2", [True, False, True])):
        looking = CardHistory(cast(ModelSingleton, Engine("GPU-one")), lambda: [ONE, TWO, third], setting)
        assert [card["chosen"] for card in (await looking.describe())["cards"]] == expected


async def test_without_a_card_there_are_samples_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_history, "driver_problem", lambda: "There is no driver.")
    looking = watch(Engine())
    looking._note([])
    told = await looking.describe()
    assert told["history"][0][1:] == [None, None, "ready"]
    assert (told["cards"], told["driver"]) == ([], "There is no driver.")


async def test_the_history_is_an_hour_long() -> None:
    looking = watch(Engine(), ONE)
    for used in range(KEPT + 5):
        looking._note([replace(ONE, used=used)])
    assert EVERY * KEPT == 3600
    assert [sample[1] for sample in looking.samples] == list(range(5, KEPT + 5))
    assert len((await looking.describe())["history"]) == KEPT


def test_a_look_that_fails_costs_one_sample_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        looks = 0

        async def look() -> list[Card]:
            nonlocal looks
            looks += 1
            if looks == 2:
                raise OSError("the driver went away")
            return [ONE]

        looking = watch(Engine())
        monkeypatch.setattr(looking, "cards", look)
        running = asyncio.create_task(looking.run())
        await asyncio.sleep(3 * EVERY + 1)
        running.cancel()
        assert looks == 4 and len(looking.samples) == 3

    run(scene())


# ---------------------------------------------------------------- who is on a card


async def test_on_the_engines_card_others_are_told_apart() -> None:
    assert await ours(Engine("GPU-one", 7), busy(ONE, 7, 1)) == {"GPU-one": {7: True, 1: False}}


async def test_where_ids_are_those_of_another_machine_nobody_is_accused() -> None:
    assert await ours(Engine("GPU-one", 7), busy(ONE, NOWHERE)) == {"GPU-one": {NOWHERE: True}}


async def test_what_is_on_another_card_is_never_the_engines() -> None:
    cards = busy(ONE, NOWHERE), busy(TWO, NOWHERE + 1)
    assert await ours(Engine("GPU-one", 7), *cards) == {
        "GPU-one": {NOWHERE: True},
        "GPU-two": {NOWHERE + 1: False},
    }


async def test_but_for_its_own_processes() -> None:
    """A model that was spread over two cards by its flags."""
    seen = await ours(Engine("GPU-one", 7, 8), busy(ONE, 7), busy(TWO, 8, NOWHERE))
    assert seen["GPU-two"] == {8: True, NOWHERE: False}


async def test_while_no_engine_runs_everybody_is_somebody_else() -> None:
    for engine in (Engine(), Engine("GPU-one")):
        assert await ours(engine, busy(ONE, NOWHERE, 1)) == {"GPU-one": {NOWHERE: False, 1: False}}


async def test_the_sum_of_a_minute_is_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    engine = Engine(ONE.uuid)

    async def keep(status: str, seconds: float, used: int | None, total: int | None) -> None:
        kept.append((status, seconds, used, total))
        if len(kept) == 2:
            raise asyncio.CancelledError

    async def hurry(_seconds: float) -> None:
        if len(looking.samples) == 4:
            engine.status = EngineStatus.ASLEEP

    monkeypatch.setattr(card_history.asyncio, "sleep", hurry)
    used = iter(range(100))
    looking = CardHistory(cast(ModelSingleton, engine), lambda: [replace(ONE, used=next(used))], "auto", keep)
    with pytest.raises(asyncio.CancelledError):
        await looking.run()
    assert kept == [("ready", 40.0, 3, ONE.total), ("asleep", 20.0, 5, ONE.total)]


async def test_without_an_engine_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "kind", "none")
    looking = watch(Engine(), ONE)
    for _ in range(10):
        looking._note([ONE])  # pyright: ignore[reportPrivateUsage]
    assert looking._unstored == {}  # pyright: ignore[reportPrivateUsage]
