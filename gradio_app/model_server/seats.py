"""Places of model servers: which card each one has, and how several share one by CUDA MPS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from gradio_app.machine.cards import Card
from gradio_app.machine.mps import MpsError, clients, unfit

#: seconds between two looks whether a server that has just started is attached, and how many there are
LOOK_EVERY, LOOKS = 0.5, 10


class Neighbour(Protocol):
    """A model server, as those that share its card see it."""

    def pids(self) -> list[int]:
        """Process ids of it and all that it started, while it runs."""
        ...

    def holds(self, card: Card) -> int:
        """Bytes of the card that it has now."""
        ...


class SharedCard:
    """The ``count`` model servers of one card: they start in turns, each with its part of the memory.

    They are one only, the first, as long as there is a ``problem``. With a count of 1 nothing is asked.
    """

    def __init__(self, count: int = 1, problem: str = "", ask: Callable[[], set[int]] = clients) -> None:
        self.count = count
        self.turn = asyncio.Lock()
        self.problem = problem
        self.members: list[Neighbour] = []
        self._ask = ask
        self._refused: dict[int, str] = {}

    @property
    def shared(self) -> bool:
        """Whether several servers are meant to run."""
        return self.count > 1 and not self.problem

    def notice(self, number: int) -> str:
        """Why the server of that number is not used, or, for the first one, why there are no others."""
        if self.problem and self.count > 1:
            return (
                f"One model server instead of {self.count} on a card: {self.problem}" if number == 0 else ""
            )
        return self._refused.get(number, "")

    def left_out(self, number: int) -> bool:
        """Whether the server of that number is not used as things are. Never the first."""
        return number > 0 and (bool(self.problem) or number in self._refused)

    def pids(self) -> list[int]:
        """Process ids of all servers of this card."""
        return [pid for member in self.members for pid in member.pids()]

    async def examine(self, card: Card | None) -> None:
        """Before one starts: finds out anew whether the card can be shared, unless others run on it."""
        if self.count == 1 or self.pids():
            return
        self._refused.clear()
        self.problem = unfit(card) if card else "There is no card."
        if not self.problem:
            try:
                await asyncio.to_thread(self._ask)
            except MpsError as error:
                self.problem = str(error)

    def part(self, card: Card, own: Neighbour) -> int:
        """The bytes of free memory that one server may plan with."""
        if not self.shared:
            return card.free
        held = sum(member.holds(card) for member in self.members if member is not own)
        return min(card.free, (card.free + held) // self.count)

    async def admit(self, number: int, pids: Callable[[], list[int]]) -> bool:
        """After a start: whether the server of that number, with these processes, computes through MPS.

        A process is attached once it has touched the card; so all of a server's are looked at, for a while.
        The first server is kept without it, and the others are left out then.
        """
        if not self.shared:
            return True
        why = "its processes are not attached to CUDA MPS."
        try:
            for _ in range(LOOKS):
                if await asyncio.to_thread(self._ask) & set(pids()):
                    return True
                await asyncio.sleep(LOOK_EVERY)
        except MpsError as error:
            why = str(error)
        if number == 0:
            self.problem = f"the first runs, but {why}"
            return True
        self._refused[number] = f"Model server {number + 1} of a card was ended: {why}"
        return False


@dataclass(frozen=True, slots=True)
class Seat:
    """One model server's place among all: ``number`` counts them, ``cards`` is a setting or a uuid.

    ``turn`` counts the servers that share its ``card``.
    """

    number: int = 0
    name: str = ""
    cards: str = ""
    card: SharedCard = field(default_factory=SharedCard)
    turn: int = 0
    notice: str = ""

    @property
    def told(self) -> str:
        """What people should know about it, in sentences."""
        return " ".join(filter(None, (self.notice, self.card.notice(self.turn))))

    @property
    def left_out(self) -> bool:
        """Whether its server is not used, as things are."""
        return self.card.left_out(self.turn)
