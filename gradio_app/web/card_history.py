"""What the cards and the engine did in the last hour: a sample every few seconds, kept in memory."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from loguru import logger

from gradio_app.engine import ModelSingleton
from gradio_app.machine.cards import Card, choose_cards, driver_problem, foreign_processes

#: seconds between two samples, and how many are kept: an hour
EVERY = 10.0
KEPT = 360

#: seconds after which the sum of what was seen is kept for longer than the hour
KEEP_EVERY = 60.0

#: keeps how many seconds the engine was in a status, and the most bytes used of how many
Keep = Callable[[str, float, int | None, int | None], Awaitable[None]]
Sample = tuple[float, int | None, int | None, str]


class CardWatch:
    """Samples of the cards that the engine uses: Unix seconds, bytes used, load in %, the engine's status.

    Of several cards the bytes are those of all together, and the load is their mean.
    """

    def __init__(
        self,
        engine: ModelSingleton,
        look: Callable[[], Sequence[Card]],
        setting: str = "auto",
        keep: Keep | None = None,
    ) -> None:
        self._engine = engine
        self._setting = setting
        self._look = look
        self._keep = keep
        self._unkept: dict[str, tuple[float, int | None, int | None]] = {}
        self.samples: deque[Sample] = deque(maxlen=KEPT)

    async def run(self) -> None:
        """Takes samples until cancelled."""
        while True:
            try:
                self._note(await self.cards())
                if sum(seconds for seconds, _, _ in self._unkept.values()) >= KEEP_EVERY:
                    await self._keep_for_long()
            except Exception as error:  # a figure less is better than no figures any more
                logger.opt(exception=error).warning("the cards could not be looked at")
            await asyncio.sleep(EVERY)

    async def cards(self) -> Sequence[Card]:
        """The cards as they are now."""
        return await asyncio.to_thread(self._look)

    def _note(self, cards: Sequence[Card]) -> None:
        chosen = self._chosen(cards)
        used = sum(card.used for card in chosen) if chosen else None
        loads = [card.load for card in chosen if card.load is not None]
        load = round(sum(loads) / len(loads)) if loads else None
        status = self._engine.status.value
        self.samples.append((round(time.time(), 1), used, load, status))
        if self._engine.kind != "none":
            seconds, most, _ = self._unkept.get(status, (0.0, None, None))
            most = used if most is None or used is None else max(most, used)
            total = sum(card.total for card in chosen) if chosen else None
            self._unkept[status] = (seconds + EVERY, most, total)

    async def _keep_for_long(self) -> None:
        """Hands over what was noted since the last time; what cannot be kept now is kept the next time."""
        for status, figures in list(self._unkept.items()):
            if self._keep is not None:
                await self._keep(status, *figures)
            del self._unkept[status]

    def _chosen(self, cards: Sequence[Card]) -> list[Card]:
        """The cards that the engine uses and those that were named for it; before its first start the one
        that it would take."""
        used = _used(self._engine.describe())
        meant = choose_cards(cards, self._setting)
        named = meant if self._setting != "auto" else []
        return [card for card in cards if card.uuid in used or card in named] or meant

    async def describe(self) -> dict[str, Any]:
        """Engine, cards and the last hour, as ``GET /gpu/status`` tells them."""
        cards = await self.cards()
        engine = self._engine.describe()
        chosen = self._chosen(cards)
        return {
            "engine": engine,
            "cards": [_card(card, card in chosen, _strangers(card, engine)) for card in cards],
            "history": [list(sample) for sample in self.samples],
            "driver": "" if cards else await asyncio.to_thread(driver_problem),
        }


def _used(engine: Mapping[str, Any]) -> set[str]:
    """The uuids of the cards that the engine's servers took at their last start."""
    return {uuid for server in engine["servers"] for uuid in server["cards"]}


def _strangers(card: Card, engine: Mapping[str, Any]) -> set[int]:
    """Process ids that are not the engine's. Only on its own cards there can be some that we cannot tell."""
    ours = engine["pids"]
    if card.uuid in _used(engine):
        return {process.pid for process in foreign_processes(card, ours)}
    return {process.pid for process in card.processes if process.pid not in ours}


def _card(card: Card, chosen: bool, strangers: Collection[int]) -> dict[str, Any]:
    return {
        "index": card.index,
        "uuid": card.uuid,
        "name": card.name,
        "total": card.total,
        "used": card.used,
        "free": card.free,
        "load": card.load,
        "temperature": card.temperature,
        "chosen": chosen,
        "processes": [
            {"pid": item.pid, "name": item.name, "memory": item.memory, "ours": item.pid not in strangers}
            for item in card.processes
        ],
    }
