"""Seats of model servers: which card each server has, and how several servers share one card by CUDA MPS.

Covers: which server starts, when, with how much memory. Servers obey, and report what they hold.
Does not cover: the daemon (``machine/mps.py``), the flags of a plan (``sizing.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gradio_app.base.errors import GpuOutOfMemory
from gradio_app.base.page_readers import reader_of
from gradio_app.base.settings import Settings
from gradio_app.machine.cards import Card, foreign_processes, gigabytes
from gradio_app.machine.mps import PIPE, MpsError, clients, pipe_folder, unfit
from gradio_app.model_server import sizing
from gradio_app.model_server.backend import LeftOut

#: seconds between two questions whether a new server is attached to MPS, and how many questions there are
ASK_EVERY, ASKS = 0.5, 10


class SharedCard:
    """One card for ``count`` model servers. They are one only, the first, as long as there is a ``problem``.

    With a count of 1 nobody is asked. ``turn`` is held by the server that starts.
    """

    def __init__(self, count: int = 1, problem: str = "", ask: Callable[[], set[int]] = clients) -> None:
        self.count = count
        self.problem = problem
        self.turn = asyncio.Lock()
        self.seats: list[Seat] = []
        self.ask = ask

    @property
    def shared(self) -> bool:
        """Whether several servers are meant to run."""
        return self.count > 1 and not self.problem

    def pids(self) -> list[int]:
        """Process ids of all servers of this card."""
        return [pid for seat in self.seats for pid in seat.pids()]

    def obstacle(self, card: Card | None) -> str:
        """Why the card cannot be shared now; empty when it can. Blocks while the daemon answers."""
        if problem := unfit(card) if card else "There is no card.":
            return problem
        try:
            self.ask()
        except MpsError as error:
            return str(error)
        return ""

    async def examine(self, card: Card | None) -> None:
        """Finds out anew whether the card can be shared, unless a server runs on it."""
        if self.count > 1 and not self.pids():
            for seat in self.seats:
                seat.refused = ""
            self.problem = await asyncio.to_thread(self.obstacle, card)


@dataclass(slots=True, eq=False)
class Seat:
    """The seat of one model server. ``number`` counts all seats, ``turn`` those of its ``card``.

    ``cards`` is a setting or a uuid. Its server reports ``pids`` while it runs, and ``taken``: the bytes of
    the card that it took at its start, 0 while it sleeps.
    """

    number: int = 0
    name: str = ""
    cards: str = ""
    card: SharedCard = field(default_factory=SharedCard)
    turn: int = 0
    about: str = ""
    refused: str = ""
    pids: Callable[[], list[int]] = list[int]
    taken: int = 0

    def __post_init__(self) -> None:
        self.card.seats.append(self)

    @property
    def shares(self) -> bool:
        """Whether other servers are meant to run on its card."""
        return self.card.shared

    @property
    def left_out(self) -> bool:
        """Whether its server is not used, as things are. Never the first one of a card."""
        return self.turn > 0 and bool(self.card.problem or self.refused)

    @property
    def notice(self) -> str:
        """Why its server is not used or has no others beside it, in sentences; empty: nothing to say."""
        why = self.refused
        if self.card.problem and self.card.count > 1:
            alone = f"One model server instead of {self.card.count} on a card: {self.card.problem}"
            why = "" if self.turn else alone
        return " ".join(filter(None, (self.about, why)))

    async def claim(self, card: Card | None) -> None:
        """Before its server starts on ``card``: raises ``LeftOut`` when it is not used."""
        await self.card.examine(card)
        if self.left_out:
            raise LeftOut(self.notice)

    async def admit(self) -> None:
        """After its server started: raises ``LeftOut`` when that does not compute through MPS.

        A process is attached once it has touched the card, so all of a server's are asked for, for a while.
        The first server stays without MPS, and the others are left out then.
        """
        if not self.shares:
            return
        why = "its processes are not attached to CUDA MPS."
        try:
            for _ in range(ASKS):
                if await asyncio.to_thread(self.card.ask) & set(self.pids()):
                    return
                await asyncio.sleep(ASK_EVERY)
        except MpsError as error:
            why = str(error)
        if self.turn == 0:
            self.card.problem = f"the first runs, but {why}"
            return
        self.refused = f"Model server {self.turn + 1} of a card was ended: {why}"
        raise LeftOut(self.notice)

    def held(self, card: Card) -> int:
        """Bytes of the card that its processes have now: by the driver, else those of its start."""
        pids = set(self.pids())
        seen = sum(process.memory for process in card.processes if process.pid in pids)
        return seen or (self.taken if pids else 0)

    def share(self, card: Card) -> int:
        """The bytes of free memory that its server may plan with."""
        if not self.shares:
            return card.free
        others = sum(seat.held(card) for seat in self.card.seats if seat is not self)
        return min(card.free, (card.free + others) // self.card.count)

    def plan(self, settings: Settings, card: Card, step: int = 0, copies: int = 1) -> sizing.Plan:
        """The plan of its server on ``card`` as it is now. Raises ``GpuOutOfMemory``.

        Where the share of the first seat is too small, its server gets the card for itself.
        """
        if self.shares and not self.turn:
            try:
                return self._plan(settings, card, step, copies)
            except GpuOutOfMemory as error:
                self.card.problem = f"its share of card {card.index} is too small. {error.message}"
        return self._plan(settings, card, step, copies)

    def _plan(self, settings: Settings, card: Card, step: int, copies: int) -> sizing.Plan:
        total = card.total // (self.card.count if self.shares else 1)
        beside = card.free - min(self.share(card), int((settings.gpu_share or 1) * card.total))
        profile = settings.gpu_profile
        reader = reader_of(settings.reader)
        return sizing.plan(total, card.free, card.capability, profile, step, copies, beside, reader)

    def strangers(self, card: Card) -> str:
        """Names of processes on the card that belong to none of its servers; empty: there are none."""
        found = foreign_processes(card, self.card.pids())[:3]
        return ", ".join(f"{one.name} (process {one.pid}, {gigabytes(one.memory)})" for one in found)

    def environment(self) -> dict[str, str]:
        """Variables that its server is started with."""
        return {PIPE: str(pipe_folder())} if self.shares else {}
