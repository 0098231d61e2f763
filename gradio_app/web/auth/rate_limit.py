"""Rate limits: token buckets, by any name that the caller gives them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from gradio_app.base.errors import QuotaExceeded

#: most buckets that are kept; beyond it the fullest go, which lose least
_MOST_NAMES = 10_000


class TooOften(QuotaExceeded):
    """You ask too often. Wait a little, then go on."""

    def __init__(self, seconds: int, message: str | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


class RateLimit:
    """``rate`` times a minute, with bursts up to as many (a token bucket); a rate of 0 allows everything."""

    def __init__(self, rate: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}

    def left(self, name: str) -> float:
        """How many more times ``name`` may do it right now."""
        tokens, seen = self._buckets.get(name, (self._rate, self._now()))
        return min(self._rate, tokens + (self._now() - seen) * self._rate / 60)

    def check(self, name: str, message: str | None = None) -> None:
        """Raises ``TooOften`` when one more is too many; counts nothing."""
        if self._rate and (left := self.left(name)) < 1:
            raise TooOften(math.ceil((1 - left) * 60 / self._rate), message)

    def give_back(self, name: str) -> None:
        """Takes one count back, which turned out to be none."""
        if name in self._buckets:
            self._buckets[name] = (min(self._rate, self.left(name) + 1), self._now())

    def take(self, name: str, message: str | None = None) -> None:
        """Counts one; raises ``TooOften`` instead when it is one too many."""
        if not self._rate:
            return
        self.check(name, message)
        self._buckets[name] = (self.left(name) - 1, self._now())
        if len(self._buckets) > _MOST_NAMES:
            for fullest in sorted(self._buckets, key=self.left, reverse=True)[: _MOST_NAMES // 2]:
                del self._buckets[fullest]
