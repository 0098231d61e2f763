"""Estimates: positions and ETAs of unfinished tasks, from runs, waiting tasks and learned rates."""

from __future__ import annotations

from gradio_app.base.settings import Settings
from gradio_app.queue import scheduler
from gradio_app.queue.dispatcher import Dispatcher
from gradio_app.queue.scheduler import Entry, FairQueue, eta, guess_rate, seconds_of

#: tasks whose positions and ETAs are worked out
MOST = 2000

#: seconds of looking into a document before it is read
INSPECTION = 0.1

#: task id -> position (1 is next; 0: it runs) and seconds until its end
Estimates = dict[str, tuple[int, float]]


class Estimator:
    """Estimates of one queue, cached until something changes; ``inspections`` wait for the inspector."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher, inspections: FairQueue) -> None:
        self._settings = settings
        self._lanes = dispatcher.lanes
        self._runs = dispatcher.runs
        self._inspections = inspections
        self._rates = dispatcher.rates
        self._cache: tuple[int, Estimates] = (-1, {})

    def rate(self, tier: str) -> float:
        """Seconds per page and slot, learned or guessed."""
        return self._rates.get(tier) or guess_rate(tier)

    def all(self, version: int) -> Estimates:
        """Those of the first ``MOST`` unfinished tasks; ``version`` counts the changes of the queue."""
        if self._cache[0] != version:
            self._cache = (version, self._work_out())
        return self._cache[1]

    def _work_out(self) -> Estimates:
        found: Estimates = {}
        position, ahead, whole = 0, 0.0, list[float]()
        for vision, slots in self._lanes.slots.items():
            last, work = self._add_kind(vision, slots, found, whole)
            position, ahead = max(position, last), ahead + work
        # a document that nobody has looked into is taken for one like the others
        slots, usual = (
            max(1, self._lanes.slots[False]),
            sum(whole) / len(whole) if whole else self.rate("flash"),
        )
        for item in self._inspections.order(MOST - position):
            position += 1
            _add(item, position, eta(usual + INSPECTION, 1, ahead, slots), found)
            ahead += usual + INSPECTION
        return found

    def _add_kind(self, vision: bool, slots: int, found: Estimates, whole: list[float]) -> tuple[int, float]:
        """Adds the tasks that use one kind of slot, and what each takes to ``whole``.

        Returns the last position, and the seconds of all of them in one slot.
        """
        ahead, position = 0.0, 0
        for run in self._runs.values():
            if run.entry.vision is not vision:
                continue
            shards, climbs = len(run.todo) + len(run.jobs), vision is not run.task.needs_engine
            item = run.entry if climbs else scheduler.entry(run.task)
            per_shard = run.task.page_weight / max(1, run.task.shards_total)
            if climbs:
                per_shard = min(self._settings.shard_pages_vlm, item.pages)
            own = shards * per_shard * seconds_of(item, self.rate) / item.pages
            _add(item, 0, eta(own, shards, 0.0, slots), found)
            whole.append(seconds_of(item, self.rate))
            ahead += own
        size = self._settings.shard_pages_vlm if vision else self._settings.shard_pages_flash
        for item in self._lanes.order(vision, MOST):
            if item.task_id in found:
                continue
            position += 1
            own = seconds_of(item, self.rate)
            _add(item, position, eta(own, -(-item.pages // size), ahead, slots), found)
            whole.append(own)
            ahead += own
        return position, ahead


def _add(item: Entry, position: int, seconds: float, found: Estimates) -> None:
    """Adds a task; a container that waits for its documents ends with the last of them."""
    found[item.task_id] = (position, seconds)
    place, known = found.get(item.parent, (0, 0.0))
    if item.parent and place == 0:
        found[item.parent] = (0, max(known, seconds))
