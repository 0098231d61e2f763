"""The simulated head: takes documents in, inspects them, and gives slots away by our own ``schedule``."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import simpy

from bench.scaling.costs import Costs, Step
from bench.scaling.nodes import Node, Nodes
from bench.scaling.outcome import Record
from bench.scaling.processor import Line, Processor, Steps
from bench.scaling.shape import Document, Fleet, Load
from gradio_app.queue import scheduler
from gradio_app.store.task import Task

#: index of the join among the parts of a task
JOIN = -1


@dataclass(slots=True)
class Run:
    """A task: parts that have not begun, and parts in flight."""

    number: int
    document: Document
    entry: scheduler.Entry
    #: in one go, without a join: one part, and no vision model
    whole: bool
    todo: deque[tuple[int, tuple[int, ...]]]
    in_flight: set[int] = field(default_factory=set[int])
    begun: bool = False
    waited: float | None = None


class Head:
    """One web process with its store, as ``TaskManager``, ``Intake`` and ``Dispatcher`` work together."""

    def __init__(self, env: simpy.Environment, fleet: Fleet, costs: Costs, load: Load, seed: int) -> None:
        self._env = env
        self.record = Record()
        self.web, self.store, self.network = Line(env), Line(env), Line(env)
        self.processor = Processor(env, fleet.head_cores, costs.crowding)
        # machines and documents are drawn apart: other machines get the same documents
        self.nodes = Nodes(env, fleet, costs, random.Random(~seed), self.processor)
        self._fleet, self._costs, self._load = fleet, costs, load
        self._lanes = scheduler.Lanes(self.nodes.capacity)
        self._runs: dict[str, Run] = {}
        self._busy: dict[tuple[int, int], scheduler.Entry] = {}
        self._to_inspect = simpy.Store(env)
        self._wake = env.event()
        self._documents = load.draw(random.Random(seed))
        self._syncing: simpy.Event | None = None
        self._next_sync: simpy.Event | None = None
        self._numbers = count()
        #: seconds spent on inspections
        self.inspecting = 0.0

    def begin(self) -> None:
        """Starts everything that goes on by itself."""
        self.nodes.begin(self._wake_up)
        for _ in range(self._fleet.looks):
            self._env.process(self._inspect_all())
        self._env.process(self._dispatch())
        self._env.process(self._arrivals())

    # ------------------------------------------------------------ the web process

    def _computing(self, seconds: float) -> Steps:
        """The web process computes: one thing at a time, on a core of the head."""
        yield from self.web.hold(self.processor.run(seconds))

    def _write(self, step: Step) -> Steps:
        """A change in the store: one at a time; the web process cannot compute while it does."""
        yield from self.store.hold(self._writing(step))

    def _writing(self, step: Step) -> Steps:
        yield from self._computing(step.computing)
        yield self._env.timeout(step.disk)

    def _settle(self) -> Generator[simpy.Event]:
        """Like ``Durable.settle``: who comes while the disk is at it waits for the next time."""
        if self._next_sync is None:
            self._next_sync = self._env.process(self._sync_after(self._syncing))
        yield self._next_sync

    def _sync_after(self, before: simpy.Event | None) -> Generator[simpy.Event]:
        if before is not None and not before.processed:
            yield before
        self._syncing, self._next_sync = self._next_sync, None
        yield self._env.timeout(self._costs.settle)

    # ------------------------------------------------------------ taking in

    def _arrivals(self) -> Steps:
        if self._load.backlog:
            for _ in range(self._load.backlog):
                self._one_more()
            return
        for document in self._documents:
            yield self._env.timeout(max(0.0, document.arrival - self._env.now))
            if self._load.local_client:  # it sends the next when this one is answered
                yield from self.processor.run(self._costs.client)
                yield from self._accept(document)
            else:
                self._env.process(self._accept(document))

    def _one_more(self) -> None:
        document = next(self._documents, None)
        if document is not None:
            self._env.process(self._accept(replace(document, arrival=self._env.now)))

    def _accept(self, document: Document) -> Steps:
        self.record.enter(self._env.now, 1)
        yield from self._computing(self._costs.accept)
        yield from self.network.take(document.pages * self._fleet.bytes_in / self._fleet.head_network)
        yield from self._write(self._costs.add)
        yield self._to_inspect.put(document)

    def _inspect_all(self) -> Steps:
        while True:
            document: Document = yield self._to_inspect.get()
            began = self._env.now
            yield from self._look(document)
            self.inspecting += self._env.now - began
            self._admit(document)

    def _look(self, document: Document) -> Steps:
        yield from self._computing(self._costs.look)
        yield from self.processor.run(self._costs.inspect + self._costs.inspect_page * document.pages)
        yield from self._write(self._costs.plan)

    def _admit(self, document: Document) -> None:
        pages, number, came = document.pages, next(self._numbers), document.arrival
        parts = scheduler.cut(range(pages), self._load.shard_pages)
        task = replace(
            Task.placeholder(str(number), document.owner),
            pages_total=pages,
            shards_total=len(parts),
            created_at=came,
            seq=number,
            tier="standard" if self._fleet.vision else "flash",
        )
        item, whole = scheduler.entry(task), task.whole
        self._runs[item.task_id] = Run(number, document, item, whole, deque(enumerate(parts)))
        self._lanes.push(item)
        self._wake_up()

    # ------------------------------------------------------------ giving slots away

    def _wake_up(self) -> None:
        if not self._wake.triggered:
            self._wake.succeed()

    def _dispatch(self) -> Steps:
        while True:
            while (item := self._lanes.next(list(self._busy.values()))) is not None:
                yield from self._launch(self._runs[item.task_id])
            yield self._wake
            self._wake = self._env.event()

    def _launch(self, run: Run) -> Steps:
        deciding = self._costs.decide * len(self._busy)
        yield from self._computing(deciding + (0.0 if run.begun else self._costs.task))
        if not run.begun:
            run.begun = True
            yield from self._write(self._costs.begin)
        index, pages = run.todo.popleft()
        if not run.todo:
            self._lanes.discard(run.entry.task_id)
        self._lanes.charge(run.entry, len(pages))
        run.in_flight.add(index)
        self._busy[run.number, index] = run.entry
        if run.waited is None:
            run.waited = self._env.now - run.document.arrival
            self.record.waits.append((self._env.now, run.waited))
        self._env.process(self._part(run, index, pages, self.nodes.take()))

    def _part(self, run: Run, index: int, pages: tuple[int, ...], node: Node) -> Steps:
        yield from self._computing(self._costs.part)
        done = yield from self._on_node(node, len(pages), run.document.pages)
        if done:
            self.nodes.give_back(node)
        else:  # as a lost part: it comes first among those of its task
            run.todo.appendleft((index, pages))
            run.in_flight.discard(index)
            self._lanes.push(run.entry)
        del self._busy[run.number, index]
        self._wake_up()
        if not done:
            return
        yield from self._settle()
        yield from self._write(self._costs.whole if run.whole else self._costs.checkpoint)
        self.record.parts[run.number, index] += 1
        self.record.pages.append((self._env.now, len(pages)))
        run.in_flight.discard(index)
        if not run.todo and not run.in_flight:
            yield from self._conclude(run)

    def _on_node(self, node: Node, pages: int, of: int) -> Generator[simpy.Event, Any, bool]:
        """Whether the node lived until it was done; when not, returns after its death was found out."""
        began = self._env.now
        job = self._env.process(self._there_and_back(node, pages, of))
        yield job | node.died
        if job.triggered:
            self.record.used += self._env.now - began
            return True
        job.interrupt()
        self.record.again += 1
        yield node.found
        self.record.lost += self._env.now - began
        return False

    def _there_and_back(self, node: Node, pages: int, of: int) -> Steps:
        """The whole document goes there, whichever of its pages are read; what comes back is these pages'."""
        try:
            yield from self._move(of * self._fleet.bytes_in)
            yield from node.read(pages)
            yield from self._move(pages * self._fleet.bytes_out)
        except simpy.Interrupt:
            return

    def _move(self, size: float) -> Steps:
        """Through the network of the head, which all share, and of the node."""
        if size > 0:
            yield from self.network.take(size / self._fleet.head_network)
            yield self._env.timeout(size / self._fleet.node_network)

    # ------------------------------------------------------------ the end

    def _conclude(self, run: Run) -> Steps:
        if not run.whole:  # joined by a worker of the head, which counts as a slot
            self._busy[run.number, JOIN] = run.entry
            yield from self.processor.run(self._costs.join + run.document.pages * self._costs.join_page)
            del self._busy[run.number, JOIN]
            self._wake_up()
            yield from self._settle()
            yield from self._write(self._costs.finish)
        del self._runs[run.entry.task_id]
        self.record.end(run.number, run.document.arrival, self._env.now)
        if self._load.backlog:
            self._one_more()
