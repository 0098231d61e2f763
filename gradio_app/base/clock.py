"""Clock: the time on a machine whose clock is put forward or back while we run."""

from __future__ import annotations

import time

#: counts on while the machine is suspended, where there is such a clock
_COUNTING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
#: a clock that goes further back than this was mended, and is believed (seconds)
MENDED = 86400.0


def _began() -> tuple[float, float]:
    return time.time(), time.clock_gettime(_COUNTING)


_BEGAN = _began()


def _counted() -> float:
    """The time by the clock at our start and what was counted since."""
    wall, count = _BEGAN
    return wall + time.clock_gettime(_COUNTING) - count


def stamp() -> float:
    """Now, in Unix seconds, for writing down when something happened: it never lies before the true time,
    as far as that was known at our start.
    """
    wall, counted = time.time(), _counted()
    return wall if counted - wall > MENDED else max(wall, counted)


def surely() -> float:
    """The time that it is at least, for deciding what is old: it does not leap forward."""
    return min(time.time(), _counted())
