"""Scheduler: the order of waiting tasks, and estimates. Pure functions: no I/O, no clock."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gradio_app.store.task import Task

#: documents up to this many pages take the express lane
EXPRESS_PAGES = 8
#: what one point of priority, or being short, is worth: seconds of waiting
HEAD_START = 600.0
#: seconds per page before anything was measured
FIRST_GUESS = {"flash": 0.3, "basic": 4.0, "standard": 2.0, "advanced": 3.0}
#: more than so many parts begin with one of a quarter of their length, if that has at least so many pages
LONG, LEAST_FIRST = 3, 16
#: weight of the newest measurement in the learned rate
LEARNING = 0.2
#: number of owners beyond which those without waiting tasks are forgotten
FORGET_OWNERS = 1000


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One waiting task. Order within an owner: earliest virtual arrival first.

    ``arrival`` is the time it came minus its head start (priority, express lane). As it is fixed,
    every task becomes the earliest one in the end: nothing starves.
    """

    arrival: float
    seq: int
    task_id: str = field(compare=False)
    owner: str = field(compare=False)
    pages: int = field(compare=False)
    express: bool = field(compare=False)
    tier: str = field(compare=False, default="flash")
    vision: bool = field(compare=False, default=False)
    scans: int = field(compare=False, default=0)
    parent: str = field(compare=False, default="")


def entry(task: Task) -> Entry:
    """The queue entry of a task; one that was not inspected yet counts as one page."""
    express = task.page_weight <= EXPRESS_PAGES
    arrival = task.created_at - HEAD_START * (task.options.priority + express)
    return Entry(
        arrival,
        task.seq,
        task.id,
        task.owner,
        task.page_weight,
        express,
        task.tier,
        task.needs_engine,
        len(task.scans),
        task.parent,
    )


class FairQueue:
    """Fair share by pages and seconds among owners (start-time fair queueing, Goyal et al. 1996).

    The owner with the least virtual time is next: the pages handed out so far, and those that a slot could
    have read while theirs took longer than usual. An owner who was away starts at the start tag of the latest
    dispatch, or at the pages that each waiting owner could have had if that is more: nobody saves up credit,
    and a stream of new owners does not keep the others waiting for ever.
    """

    def __init__(self) -> None:
        self._heaps: dict[str, list[Entry]] = {}
        self._times: dict[str, float] = {}
        self._alive: dict[str, Entry] = {}
        self._now = 0.0

    def __len__(self) -> int:
        return len(self._alive)

    def push(self, item: Entry) -> None:
        """Adds a waiting task, or replaces its entry."""
        if len(self._times) > FORGET_OWNERS:
            self._times = {who: at for who, at in self._times.items() if at > self._now or who in self._heaps}
        if self._first(item.owner, False) is None:
            self._times[item.owner] = max(self._times.get(item.owner, 0.0), self._now)
        self._alive[item.task_id] = item
        heapq.heappush(self._heaps.setdefault(item.owner, []), item)

    def discard(self, task_id: str) -> None:
        """Takes a task out; unknown ids are ignored."""
        self._alive.pop(task_id, None)

    def peek(self, express_only: bool = False, but: Collection[str] = ()) -> Entry | None:
        """The next task; with ``express_only`` the next short one; of no owner in ``but``."""
        heads = [
            (self._times[owner], head)
            for owner in list(self._heaps)
            if owner not in but and (head := self._first(owner, express_only)) is not None
        ]
        return min(heads)[1] if heads else None

    def charge(self, owner: str, pages: int) -> None:
        """Books ``pages`` that were handed out for ``owner``."""
        start = self._times.get(owner, self._now)
        # moves with the work too: else owners who come once all start before everybody who waits
        self._now = max(start, self._now + max(1, pages) / (len(self._heaps) + 1))
        self._times[owner] = start + max(1, pages)

    def charge_more(self, owner: str, pages: float) -> None:
        """Books what a job of ``owner`` took beyond its pages, in pages. The others' turn stays."""
        self._times[owner] = self._times.get(owner, self._now) + max(0.0, pages)

    def order(self, limit: int) -> Iterator[Entry]:
        """The first ``limit`` tasks in the order in which they would start now."""
        heads: list[tuple[float, Entry, Iterator[Entry]]] = []
        for owner, heap in self._heaps.items():
            # by id: an entry that was pushed again is in the heap twice
            alive = {item.task_id: item for item in heap if self._alive.get(item.task_id) is item}
            rest = iter(sorted(alive.values()))
            first = next(rest, None)
            if first is not None:
                heads.append((self._times[owner], first, rest))
        heapq.heapify(heads)
        while heads and limit > 0:
            time, item, rest = heapq.heappop(heads)
            yield item
            limit -= 1
            follower = next(rest, None)
            if follower is not None:
                heapq.heappush(heads, (time + item.pages, follower, rest))

    def _first(self, owner: str, express_only: bool) -> Entry | None:
        heap = self._heaps.get(owner, [])
        while heap and self._alive.get(heap[0].task_id) is not heap[0]:
            heapq.heappop(heap)
        if not heap:
            self._heaps.pop(owner, None)
            return None
        if not express_only:
            return heap[0]
        # short documents have a head start, so the first of them is near the top of the heap
        short = (item for item in heap if item.express and self._alive.get(item.task_id) is item)
        return heap[0] if heap[0].express else min(short, default=None)


class Lanes:
    """One fair queue for each kind of slot; ``slots`` is how many there are, by ``Entry.vision``."""

    def __init__(self, slots: Mapping[bool, int]) -> None:
        self.slots = slots
        self._queues = {vision: FairQueue() for vision in slots}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def waits(self, vision: bool) -> bool:
        """Whether a task waits for a slot of this kind."""
        return bool(self._queues[vision])

    def push(self, item: Entry) -> None:
        """Adds a waiting task, or replaces its entry."""
        self._queues[item.vision].push(item)

    def discard(self, task_id: str) -> None:
        """Takes a task out; unknown ids are ignored."""
        for queue in self._queues.values():
            queue.discard(task_id)

    def charge(self, item: Entry, pages: int) -> None:
        """Books ``pages`` that were handed out for this task's owner."""
        self._queues[item.vision].charge(item.owner, pages)

    def charge_seconds(self, item: Entry, seconds: float, pages: int, rate: float) -> None:
        """Books a job of this task that took ``seconds``, where ``pages`` at ``rate`` each are paid for."""
        self._queues[item.vision].charge_more(item.owner, seconds / rate - max(1, pages))

    def next(self, busy: Sequence[Entry]) -> Entry | None:
        """The entry that gets a slot now, when ``busy`` hold one: the fair next of a kind with a free slot.

        While others wait, an owner gets all slots but one. When long documents hold all slots of a kind, a
        short one gets an extra slot; when one owner holds them all, another owner's document does.
        """
        for vision, queue in self._queues.items():
            holders = [item for item in busy if item.vision is vision]
            held, slots = Counter(item.owner for item in holders), self.slots[vision]
            found: Entry | None = None
            if len(holders) < slots:
                most = max(1, slots - 1)
                found = queue.peek(but={owner for owner, count in held.items() if count >= most})
                found = found or queue.peek()
            elif len(holders) == slots:
                found = queue.peek(but=held) if len(held) == 1 else None
                if found is None and not all(item.express for item in holders):
                    found = queue.peek(express_only=True)
            if found is not None:
                return found
        return None

    def order(self, vision: bool, limit: int) -> Iterator[Entry]:
        """The first ``limit`` tasks of a kind in the order in which they would start now."""
        return self._queues[vision].order(limit)


def cut(pages: Sequence[int], size: int, scans: Collection[int] = ()) -> list[tuple[int, ...]]:
    """Pages in runs of at most ``size``, as even as possible; one empty run for a document without pages.

    Even runs keep all slots busy to the end, and tier flash reads statistics of a run. A long document begins
    with a shorter run, so that its first page comes soon. ``scans`` take seconds each: each is a run of its
    own, so that progress moves with every page.
    """
    if not pages:
        return [()]
    apart = set(scans) if len(pages) > 1 else set[int]()
    if apart:
        text = [page for page in pages if page not in apart]
        runs = [*(cut(text, size) if text else []), *((page,) for page in pages if page in apart)]
        return sorted(runs)
    first = size // 4 if size // 4 >= LEAST_FIRST and len(pages) > LONG * size else 0
    rest = pages[first:]
    count = -(-len(rest) // size)
    bounds = [len(rest) * i // count for i in range(count + 1)]
    return [tuple(some) for some in (pages[:first], *(rest[a:b] for a, b in pairwise(bounds))) if some]


def seconds_of(item: Entry, rate: Callable[[str], float]) -> float:
    """What all pages of a task take in one slot; ``rate``: seconds per page by tier."""
    if item.tier != "basic" or not item.scans:
        return item.pages * rate(item.tier)
    return item.scans * rate("basic") + max(0, item.pages - item.scans) * rate("flash")


def guess_rate(tier: str) -> float:
    """Seconds per page and slot before anything was measured."""
    return FIRST_GUESS.get(tier, 1.0)


def learn_rate(known: float | None, seconds: float, pages: int) -> float:
    """The new seconds per page after one measurement (exponential moving average)."""
    measured = seconds / max(1, pages)
    return measured if known is None else known + LEARNING * (measured - known)


def eta(own_seconds: float, own_shards: int, ahead_seconds: float, slots: int) -> float:
    """Seconds until a task ends: work ahead spread over all slots, then its own over those it can use."""
    return ahead_seconds / max(1, slots) + own_seconds / max(1, min(slots, own_shards))
