"""The time, on a machine whose clock jumps."""

from __future__ import annotations

import time

import pytest

from gradio_app.base import clock

HOUR = 3600.0


class Machine:
    """Both clocks of a machine, put by hand."""

    def __init__(self) -> None:
        self.wall, self.counted = 1_000_000.0, 500.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.counted += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(time, "time", lambda: made.wall)
    monkeypatch.setattr(time, "clock_gettime", lambda _which: made.counted)
    monkeypatch.setattr(clock, "_BEGAN", clock._began())
    return made


def test_a_clock_that_runs_is_believed(machine: Machine) -> None:
    machine.passes(10)
    assert clock.stamp() == clock.surely() == 1_000_010


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 30.0, -0.1])
def test_a_jump_makes_nothing_old(machine: Machine, jump: float) -> None:
    """Something happens every minute before, during and after a jump there and back."""
    stamps = list[float]()
    for minute in range(30):
        if minute in (10, 20):
            machine.wall += jump if minute == 10 else -jump
        stamps.append(clock.stamp())
        aged = [clock.surely() - stamp for stamp in stamps]
        assert all(age <= 60 * (minute - index) + 1e-6 for index, age in enumerate(aged))
        assert jump > 0 or stamps == sorted(stamps), "put back, it is not followed"
        machine.passes(60)


def test_a_clock_that_was_a_year_ahead_and_is_mended_is_believed(machine: Machine) -> None:
    machine.wall -= 365 * 24 * HOUR
    assert clock.stamp() == clock.surely() == machine.wall
