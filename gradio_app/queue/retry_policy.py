"""What becomes of a part of a document that could not be parsed: tried again, cut in halves, or given up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from gradio_app.base.errors import (
    AppError,
    EngineLost,
    NodeLost,
    TaskTimeout,
    WorkerCrashed,
    WorkerOutOfMemory,
)

#: how often a part whose worker crashed is tried before one of its pages is blamed
CRASH_TRIES = 3
#: how often a part that lost the model server is tried beside others, before it is tried alone
SHARED_TRIES = 2
#: how often a part whose machine was lost is tried before it is suspected to be why
MOST_LOST = 10
#: pages of one document that are hunted down one by one; after that its bad parts are given up whole
MOST_POISON = 20


class Verdict(Enum):
    """What to do with a part that failed."""

    AGAIN = "again"
    HALVE = "halve"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class History:
    """What a part has been through. ``halved``: how often it was cut. ``alone``: nobody beside it.

    ``lost``: how often its machine went away, which is not counted among the ``tries``.
    """

    tries: int = 0
    halved: int = 0
    alone: bool = False
    lost: int = 0

    def failed(self, error: AppError) -> History:
        """After one more failure. Who lost the server twice is suspect, and has it to itself next."""
        if isinstance(error, NodeLost):
            return replace(self, lost=self.lost + 1)
        return replace(self, tries=self.tries + 1, alone=self.alone or self.tries + 1 >= SHARED_TRIES)

    def half(self) -> History:
        """Of each half: what failed as a whole needs fewer tries."""
        return History(1, self.halved + 1, self.alone)


def judge(error: AppError, pages: int, history: History, poison: int) -> Verdict:
    """What to do with a part of ``pages`` pages that failed with ``error``; ``history`` counts this failure.

    A page that kills its worker or the model server takes its whole part with it, so the part is halved
    until the page is alone. ``poison`` is how many pages of the document were found so far.
    """
    apart = Verdict.HALVE if pages > 1 and poison < MOST_POISON else Verdict.GIVE_UP
    if isinstance(error, NodeLost):
        return Verdict.AGAIN if history.lost < MOST_LOST else apart
    if isinstance(error, WorkerCrashed):
        return Verdict.AGAIN if history.tries < CRASH_TRIES else apart
    if isinstance(error, EngineLost):
        # the server may have gone for reasons of its own, unless this part had it to itself
        alone = history.alone and (history.halved or history.tries > SHARED_TRIES)
        return apart if alone else Verdict.AGAIN
    if isinstance(error, WorkerOutOfMemory | TaskTimeout):
        return apart
    return Verdict.GIVE_UP


def halves(pages: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first and the second half of a run of pages."""
    middle = len(pages) // 2
    return pages[:middle], pages[middle:]
