"""Limits on guesses of passwords and tokens: by address, by user name, and on those that wait for a hash."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from gradio_app.web.addresses import network_of
from gradio_app.web.auth.rate_limit import RateLimit, TooOften

_T = TypeVar("_T")

#: wrong passwords and tokens that one address may send in a minute, and that may come for one user
GUESSES, GUESSES_OF_USER = 20, 60
#: passwords hashed at the same time; more would take the processors from everybody
HASHING = 2
#: passwords that wait for it, in all and of one address: the last one waits as long as these take
WAITING, WAITING_OF_ONE = 16, 4
#: pairs of a user and an address from where that user came in, which are kept
_MOST_KNOWN = 10_000
#: nobody has a longer name
_LONGEST_NAME = 64
_SLOW_DOWN = "Too many wrong passwords or tokens. Wait a minute."
_BUSY = "Many sign-ins come at the same time. Wait a few seconds, then try again."


class Guesses:
    """Counts each try before it is judged, and takes the count back when it was right.

    Else all tries that come at once would be judged before the first of them counts.
    """

    def __init__(self) -> None:
        self._by_address = RateLimit(GUESSES)
        self._by_user = RateLimit(GUESSES_OF_USER)
        #: from there a user comes in though somebody elsewhere guesses that user's password all day
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._hashing = asyncio.Semaphore(HASHING)
        self._waiting: Counter[str] = Counter()

    @contextmanager
    def counted(self, name: str, address: str) -> Generator[Callable[[], None]]:
        """One try to come in; call what this gives when it was right. Raises ``TooOften``."""
        name, network = name[:_LONGEST_NAME], network_of(address)
        by_name = name if (name, network) not in self._known else ""
        self._by_address.take(network, _SLOW_DOWN)
        if by_name:
            try:
                self._by_user.take(by_name, _SLOW_DOWN)
            except TooOften:
                self._by_address.give_back(network)
                raise

        def give_back() -> None:
            self._by_address.give_back(network)
            self._by_user.give_back(by_name)

        def right() -> None:
            give_back()
            if name:
                self._known[name, network] = None
                self._known.move_to_end((name, network))
                while len(self._known) > _MOST_KNOWN:
                    self._known.popitem(last=False)

        try:
            yield right
        except TooOften:  # it was not judged
            give_back()
            raise

    async def hashed(self, address: str, check: Callable[[], _T]) -> _T:
        """What ``check`` returns, which takes a processor for a moment, on a thread.

        Raises ``TooOften`` when too many wait already, without waiting.
        """
        network = network_of(address)
        if self._waiting.total() >= HASHING + WAITING or self._waiting[network] >= HASHING + WAITING_OF_ONE:
            raise TooOften(5, _BUSY)
        self._waiting[network] += 1
        try:
            async with self._hashing:
                return await asyncio.to_thread(check)
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network]
