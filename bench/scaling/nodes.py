"""The simulated machines that read pages: their cores, cards and slots, their deaths and replacements."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable

import simpy

from bench.scaling.costs import Costs
from bench.scaling.processor import Processor, Steps
from bench.scaling.shape import Fleet


class Node:
    """One machine from its start to its death. ``died`` happens then, ``found`` when the head knows."""

    def __init__(self, env: simpy.Environment, fleet: Fleet, costs: Costs, processor: Processor) -> None:
        self.died, self.found = env.event(), env.event()
        self._fleet, self._costs = fleet, costs
        self._processor = processor
        self._env = env
        self._card = Processor(env, fleet.cards * fleet.card_full) if fleet.vision else None
        self._turns = simpy.Resource(env, fleet.stages)

    def read(self, pages: int) -> Steps:
        """Reads the pages of one part."""
        if self._card is None:
            yield from self._processor.run(self._costs.parsing(pages))
            return
        for first in range(0, pages, self._fleet.window):
            some = min(self._fleet.window, pages - first)
            yield from self._stage(some / 2)
            yield from self._card.run(some * self._fleet.card_full / self._fleet.card_rate)
            yield from self._stage(some / 2)

    def _stage(self, pages: float) -> Steps:
        """What is computed before the card has the pages, or after. ``pages``: so many at its full price."""
        computing = pages * self._fleet.page_computing
        alone = pages * self._fleet.page_alone or computing
        with self._turns.request() as turn:
            yield turn
            if computing > alone:  # by processes and threads of its own
                self._env.process(self._processor.run(computing - alone))
            yield from self._processor.run(min(alone, computing))
            if alone > computing:
                yield self._env.timeout(alone - computing)

    @property
    def spent(self) -> float:
        """Seconds that its cards were busy, or its cores where it has none, spread over all of them."""
        if self._card is not None:
            return self._card.spent / (self._fleet.cards * self._fleet.card_full)
        return self._processor.spent / self._fleet.cores


class Nodes:
    """All machines. ``capacity`` is what ``schedule.Lanes`` is told: slots by kind, of those that live.

    A machine counts until its death is found out: what is given to it meanwhile is lost, too.
    """

    def __init__(
        self, env: simpy.Environment, fleet: Fleet, costs: Costs, rng: random.Random, head: Processor
    ) -> None:
        self._env, self._fleet, self._costs, self._rng = env, fleet, costs, rng
        self._head = head
        self._changed: Callable[[], None] = lambda: None
        self._alive: list[Node] = []
        self._free: deque[Node] = deque()
        self.capacity = {fleet.vision: 0}
        self.deaths = 0
        #: busy seconds of those that are gone
        self._past = 0.0
        for _ in range(fleet.nodes):
            self._join()

    def begin(self, changed: Callable[[], None]) -> None:
        """``changed`` is called when there are more or fewer slots."""
        self._changed = changed

    def take(self) -> Node:
        """A machine with a free slot; any, when a short document gets an extra one."""
        while self._free:
            node = self._free.popleft()
            if not node.found.triggered:
                return node
        return self.any()

    def any(self) -> Node:
        """Some machine that lives, as far as is known."""
        return self._rng.choice(self._alive)

    def give_back(self, node: Node) -> None:
        """A slot is free again."""
        if not node.found.triggered:
            self._free.append(node)

    @property
    def spent(self) -> float:
        """Seconds that machines were busy, all together."""
        return self._past + sum(node.spent for node in self._alive)

    def _join(self) -> None:
        fleet = self._fleet
        processor = (
            self._head if fleet.head_computes else Processor(self._env, fleet.cores, self._costs.crowding)
        )
        node = Node(self._env, fleet, self._costs, processor)
        self._alive.append(node)
        self._free.extend([node] * fleet.parts_at_once)
        self.capacity[fleet.vision] += fleet.parts_at_once
        if math.isfinite(fleet.lifetime):
            self._env.process(self._live(node))
        self._changed()

    def _live(self, node: Node) -> Steps:
        yield self._env.timeout(self._rng.expovariate(1 / self._fleet.lifetime))
        node.died.succeed()
        self.deaths += 1
        yield self._env.timeout(self._fleet.detection)
        self._alive.remove(node)
        self._past += node.spent
        self.capacity[self._fleet.vision] -= self._fleet.parts_at_once
        node.found.succeed()
        yield self._env.timeout(self._fleet.replacement)
        self._join()
