"""Retry policy of shards: a failed one is parsed again, halved, or given up. Pure functions."""

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

#: tries of a shard whose worker crashed, before one of its pages is blamed
CRASH_TRIES = 3
#: tries of a shard that lost the model server, beside others, before it is tried alone
SHARED_TRIES = 2
#: tries of a shard whose machine was lost, before the shard is suspected
MOST_LOST = 10
#: bad pages of one document that are found one by one; after that its bad shards are given up whole
MOST_POISON = 20


class Verdict(Enum):
    """What to do with a failed shard."""

    AGAIN = "again"
    HALVE = "halve"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class ShardFailures:
    """Failures of a shard. ``alone``: it has the model server to itself.

    ``halved``: how often it was cut. ``lost``: how often its machine went away, beside the ``tries``.
    """

    tries: int = 0
    halved: int = 0
    alone: bool = False
    lost: int = 0

    def failed(self, error: AppError) -> ShardFailures:
        """After one more failure. A shard that lost the server twice has it to itself next."""
        if isinstance(error, NodeLost):
            return replace(self, lost=self.lost + 1)
        return replace(self, tries=self.tries + 1, alone=self.alone or self.tries + 1 >= SHARED_TRIES)

    def half(self) -> ShardFailures:
        """Those of each half: what failed as a whole needs fewer tries."""
        return ShardFailures(1, self.halved + 1, self.alone)


def judge(error: AppError, pages: int, failures: ShardFailures, poison: int) -> Verdict:
    """What to do with a shard of ``pages`` pages that failed with ``error``, which ``failures`` counts.

    A page that kills its worker or the model server takes its whole shard with it. The shard is halved
    until the page is alone. ``poison`` is how many such pages of the document were found so far.
    """
    apart = Verdict.HALVE if pages > 1 and poison < MOST_POISON else Verdict.GIVE_UP
    if isinstance(error, NodeLost):
        return Verdict.AGAIN if failures.lost < MOST_LOST else apart
    if isinstance(error, WorkerCrashed):
        return Verdict.AGAIN if failures.tries < CRASH_TRIES else apart
    if isinstance(error, EngineLost):
        # the server may have gone for reasons of its own, unless this shard had it to itself
        alone = failures.alone and (failures.halved or failures.tries > SHARED_TRIES)
        return apart if alone else Verdict.AGAIN
    if isinstance(error, WorkerOutOfMemory | TaskTimeout):
        return apart
    return Verdict.GIVE_UP


def halves(pages: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first and the second half of a run of pages."""
    middle = len(pages) // 2
    return pages[:middle], pages[middle:]
