"""Processors that are shared: what runs side by side on one machine, and how fast each of it goes."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from itertools import count
from typing import Any

import simpy

#: seconds of computing that count as nothing: what rounding leaves
_NOTHING = 1e-9

Steps = Generator[simpy.Event, Any, None]


class Processor:
    """``cores`` cores for any number of jobs at once: equal shares, at most one core each.

    ``crowding`` is how much slower a core is when all are busy than when one is: cores share memory, and
    often their insides. ``cores`` need not be whole: other programs may take a part of them.
    """

    def __init__(self, env: simpy.Environment, cores: float, crowding: float = 1.0) -> None:
        self._env = env
        self._cores = cores
        self._crowding = crowding
        self._jobs: list[tuple[float, int, simpy.Event]] = []
        self._numbers = count()
        self._running = 0
        self._since = env.now
        #: computing that each job has got since the start, had it been there all the time
        self._share = 0.0
        self._plan = 0
        #: core-seconds that were spent
        self.spent = 0.0

    def run(self, seconds: float) -> Steps:
        """Takes ``seconds`` of computing on a free core; may be interrupted."""
        if seconds <= 0:
            return
        done = self._env.event()
        self._advance()
        heapq.heappush(self._jobs, (self._share + seconds, next(self._numbers), done))
        self._running += 1
        self._look_ahead()
        try:
            yield done
        finally:
            if not done.triggered:
                self._advance()
                self._running -= 1
                done.succeed()  # nobody waits for it; it only leaves the line when its turn comes
                self._look_ahead()

    def speed(self) -> float:
        """Computing of one job in a second, with as many as run now."""
        if not self._running:
            return 0.0
        busy = min(self._running, self._cores)
        crowd = max(0.0, busy - 1) / max(1.0, self._cores - 1)
        return busy / self._running / (1 + (self._crowding - 1) * crowd)

    def _advance(self) -> None:
        elapsed, self._since = self._env.now - self._since, self._env.now
        self._share += elapsed * self.speed()
        self.spent += elapsed * min(self._running, self._cores)

    def _look_ahead(self) -> None:
        """Wakes up when the next job ends, unless something changes before."""
        while self._jobs and self._jobs[0][2].triggered:
            heapq.heappop(self._jobs)
        self._plan += 1
        if self._jobs:
            delay = max(0.0, self._jobs[0][0] - self._share) / self.speed()
            plan = self._plan
            self._env.timeout(delay).callbacks.append(lambda _: self._end_those_done(plan))

    def _end_those_done(self, plan: int) -> None:
        if plan != self._plan:
            return
        self._advance()
        while self._jobs and (self._jobs[0][2].triggered or self._jobs[0][0] <= self._share + _NOTHING):
            done = heapq.heappop(self._jobs)[2]
            if not done.triggered:
                self._running -= 1
                done.succeed()
        self._look_ahead()


class Line:
    """One after the other: a server that whoever comes waits for. Counts how long it was busy."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._server = simpy.Resource(env)
        self.busy = 0.0

    def hold(self, steps: Steps) -> Steps:
        """Runs ``steps`` while nobody else is served."""
        with self._server.request() as turn:
            yield turn
            began = self._env.now
            try:
                yield from steps
            finally:
                self.busy += self._env.now - began

    def take(self, seconds: float) -> Steps:
        """Is served for ``seconds``."""
        yield from self.hold(_pass(self._env, seconds))

    @property
    def waiting(self) -> int:
        return len(self._server.queue)


def _pass(env: simpy.Environment, seconds: float) -> Steps:
    yield env.timeout(seconds)
