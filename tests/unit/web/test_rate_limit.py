"""Token buckets: so many a minute, bursts included, for each name by itself."""

from __future__ import annotations

import pytest

from gradio_app.web.auth import rate_limit
from gradio_app.web.auth.rate_limit import RateLimit, TooOften


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(limit: RateLimit, name: str, times: int) -> int:
    """How many of so many attempts were allowed."""
    allowed = 0
    for _ in range(times):
        try:
            limit.take(name)
            allowed += 1
        except TooOften:
            pass
    return allowed


def test_a_burst_and_then_as_many_as_a_minute_gives() -> None:
    clock = Clock()
    limit = RateLimit(60, clock)
    assert taken(limit, "a", 100) == 60
    assert taken(limit, "b", 1) == 1, "each name by itself"
    clock.now += 10
    assert taken(limit, "a", 100) == 10
    clock.now += 3600
    assert taken(limit, "a", 100) == 60, "no more is saved up"


def test_who_comes_too_often_is_told_when_to_come_again() -> None:
    clock = Clock()
    limit = RateLimit(2, clock)
    taken(limit, "a", 2)
    with pytest.raises(TooOften) as caught:
        limit.take("a")
    assert (caught.value.status, caught.value.code, caught.value.seconds) == (429, "quota_exceeded", 30)
    clock.now += caught.value.seconds
    limit.take("a")


def test_looking_counts_nothing() -> None:
    limit = RateLimit(1, Clock())
    for _ in range(5):
        limit.check("a")
    assert taken(limit, "a", 2) == 1


def test_no_limit() -> None:
    assert taken(RateLimit(0, Clock()), "a", 1000) == 1000


def test_names_without_number_are_forgotten_but_not_those_who_are_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limit, "_MOST_NAMES", 100)
    limit = RateLimit(3, Clock())
    taken(limit, "busy", 3)
    for number in range(1000):
        limit.take(f"passer-by {number}")
    assert taken(limit, "busy", 1) == 0
