"""History of the cards and the engine: a sample every few seconds of the last hour, kept in memory."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from loguru import logger

from gradio_app.engine import ModelSingleton
from gradio_app.machine.cards import Card, choose_cards, driver_problem, foreign_processes

#: seconds between two samples, and how many are kept: an hour
EVERY = 10.0
KEPT = 360
#: seconds of samples whose sum is stored for longer than the hour
STORE_EVERY = 60.0

#: stores how many seconds the engine was in a status, and the most bytes used of how many
Store = Callable[[str, float, int | None, int | None], Awaitable[None]]
#: seconds in a status, the most bytes used, and the bytes of the cards
Sums = tuple[float, int | None, int | None]
Sample = tuple[float, int | None, int | None, str]
_SHOWN = ("index", "uuid", "name", "total", "used", "free", "load", "temperature")


@dataclass
class CardHistory:
    """Samples of the cards that the engine uses: Unix seconds, bytes used, load in %, the engine's status.

    Of several cards the bytes are those of all together, and the load is their mean.
    """

    engine: ModelSingleton
    read: Callable[[], Sequence[Card]]
    setting: str = "auto"
    store: Store | None = None
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=KEPT), init=False)
    _unstored: dict[str, Sums] = field(default_factory=dict[str, Sums], init=False)

    async def run(self) -> None:
        """Takes samples until cancelled."""
        while True:
            try:
                self._note(await self.cards())
                if sum(seconds for seconds, _, _ in self._unstored.values()) >= STORE_EVERY:
                    await self._store_sums()
            except Exception as error:  # the next sample may succeed
                logger.opt(exception=error).warning("no sample of the cards could be taken")
            await asyncio.sleep(EVERY)

    async def cards(self) -> Sequence[Card]:
        """The cards as they are now."""
        return await asyncio.to_thread(self.read)

    def _note(self, cards: Sequence[Card]) -> None:
        chosen = self._chosen(cards)
        used = sum(card.used for card in chosen) if chosen else None
        loads = [card.load for card in chosen if card.load is not None]
        load = round(sum(loads) / len(loads)) if loads else None
        status = self.engine.status.value
        self.samples.append((round(time.time(), 1), used, load, status))
        if self.engine.kind != "none":
            seconds, most, _ = self._unstored.get(status, (0.0, None, None))
            most = used if most is None or used is None else max(most, used)
            total = sum(card.total for card in chosen) if chosen else None
            self._unstored[status] = (seconds + EVERY, most, total)

    async def _store_sums(self) -> None:
        """Stores the sums; a sum that cannot be stored now stays for the next time."""
        for status, sums in list(self._unstored.items()):
            if self.store is not None:
                await self.store(status, *sums)
            del self._unstored[status]

    def _chosen(self, cards: Sequence[Card]) -> list[Card]:
        """The engine's cards and those named for it; before its first start the one that it would take."""
        used = _used(self.engine.describe())
        meant = choose_cards(cards, self.setting)
        named = meant if self.setting != "auto" else []
        return [card for card in cards if card.uuid in used or card in named] or meant

    async def describe(self) -> dict[str, Any]:
        """Engine, cards and the last hour, in the form of ``GET /gpu/status``."""
        cards = await self.cards()
        engine = self.engine.describe()
        chosen = self._chosen(cards)
        return {
            "engine": engine,
            "cards": [_card(card, card in chosen, engine) for card in cards],
            "history": [list(sample) for sample in self.samples],
            "driver": "" if cards else await asyncio.to_thread(driver_problem),
        }


def _used(engine: Mapping[str, Any]) -> set[str]:
    """The uuids of the cards that the engine's servers took at their last start."""
    return {uuid for server in engine["servers"] for uuid in server["cards"]}


def _card(card: Card, chosen: bool, engine: Mapping[str, Any]) -> dict[str, Any]:
    """A card as JSON. On the engine's own cards process ids that mean nothing here count as ours."""
    strangers = {process.pid for process in card.processes} - set(engine["pids"])
    if card.uuid in _used(engine):
        strangers = {process.pid for process in foreign_processes(card, engine["pids"])}
    processes = [asdict(one) | {"ours": one.pid not in strangers} for one in card.processes]
    return {name: getattr(card, name) for name in _SHOWN} | {"chosen": chosen, "processes": processes}
