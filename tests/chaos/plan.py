"""What happens in a run, from its seed alone: who sends and asks what, and what is killed after how long."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.catalogue import pick

#: (what is killed, how often): a restart of the web process costs seconds, the others next to nothing
TARGETS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("web",), 20),
    (("worker",), 46),
    (("engine",), 24),
    (("web", "worker"), 4),
    (("web", "engine"), 3),
    (("worker", "engine"), 3),
)
USERS = 2
#: documents that one user sends in a round, and how often
_SENT, _SENT_WEIGHTS = (0, 1, 2), (55, 34, 11)
#: what else one user may do in a round: (what, chance, how far back its document lies at least, at most)
_ASIDE = (
    ("cancel", 0.25, 0, 4),
    ("retry", 0.22, 1, 12),
    ("delete", 0.10, 2, 15),
    ("read", 0.25, 2, 20),
    ("repeat", 0.15, 0, 20),
    ("peek", 0.10, 0, 20),
    ("litter", 0.06, 0, 0),
    ("break off", 0.08, 0, 0),
)


@dataclass(frozen=True)
class Action:
    """Something that a user does ``after`` seconds, with document ``number`` of those that they sent."""

    what: str
    number: int
    after: float
    document: str = ""
    keyed: bool = True
    cached: bool = False


@dataclass(frozen=True)
class Kill:
    """What is killed, ``after`` seconds. ``early``: not waiting until a restarted server is ready.

    ``pick`` is which of several processes, as a share of their count.
    """

    targets: tuple[str, ...]
    after: float
    early: bool
    pick: float


@dataclass(frozen=True)
class Round:
    """A kill and what users do around it."""

    number: int
    kill: Kill
    actions: tuple[tuple[Action, ...], ...]


def rounds(seed: int) -> Iterator[Round]:
    """Without end; the same for the same seed."""
    rng = random.Random(seed)
    sent = [0] * USERS
    number = 0
    while True:
        number += 1
        actions: list[tuple[Action, ...]] = []
        for user in range(USERS):
            mine = _actions(rng, sent[user])
            sent[user] += sum(1 for action in mine if action.what == "send")
            actions.append(mine)
        yield Round(number, _kill(rng), tuple(actions))


def _kill(rng: random.Random) -> Kill:
    targets = rng.choices([names for names, _ in TARGETS], [weight for _, weight in TARGETS])[0]
    early = rng.random() < 0.12
    after = rng.uniform(0.0, 4.0) if early else min(6.0, rng.expovariate(1.0))
    return Kill(targets, round(after, 3), early, rng.random())


def _actions(rng: random.Random, sent: int) -> tuple[Action, ...]:
    found: list[Action] = []
    for _ in range(rng.choices(_SENT, _SENT_WEIGHTS)[0]):
        keyed, cached = rng.random() < 0.9, rng.random() < 0.3
        found.append(Action("send", sent, _pause(rng), pick(rng).name, keyed, cached))
        sent += 1
    for what, chance, least, most in _ASIDE:
        number = sent - 1 - rng.randint(least, most)
        if rng.random() < chance and number >= 0:
            found.append(Action(what, number, _pause(rng)))
    return tuple(found)


def _pause(rng: random.Random) -> float:
    return round(rng.uniform(0.0, 0.5), 3)
