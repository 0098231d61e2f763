"""Climbing: which pages in doubt a better reader sees, and when; for documents of tier ``auto``.

Pages are chosen once the first reading of a document has ended. They wait until nothing else can be read, or
enough of them wait, so that the model server wakes once for many documents.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gradio_app.base import doubts
from gradio_app.base.notes import Note, notes_within
from gradio_app.base.page_readers import serves_mineru
from gradio_app.base.page_runs import runs_of
from gradio_app.base.settings import Settings
from gradio_app.model_server.states import EngineStatus
from gradio_app.queue.async_store import AsyncStore
from gradio_app.queue.run import Run
from gradio_app.queue.scheduler import EXPRESS_PAGES, Entry, Lanes, cut
from gradio_app.store.climbing import Climb
from gradio_app.store.task import Shard, Task, readings
from gradio_app.workers.interface import Workers

#: the reader that pages in doubt climb to
BETTER = "standard"
#: seconds that pages wait for other work to end, before a sleeping model server is woken for them alone
PATIENCE = 60.0
#: a model server in these states costs nothing to ask
_AWAKE = frozenset({EngineStatus.READY, EngineStatus.STARTING, EngineStatus.WAKING})
#: what a share of pages may exceed a whole number by, as figures of a computer do
_ALMOST = 1e-9
_RANK = {phrase: rank for rank, phrase in enumerate(doubts.REASONS.values())}


@dataclass(frozen=True, slots=True)
class Plan:
    """Pages that climb, and the notes of first readings by the index of their shard.

    Not ``complete``: with an engine more of them would climb.
    """

    climbs: tuple[Climb, ...]
    notes: Mapping[int, tuple[Note, ...]]
    complete: bool


def plan(task: Task, shards: Sequence[Shard], share: float, size: int, no_engine: str = "") -> Plan | None:
    """What becomes of the pages in doubt; None when there are none that nobody has decided on.

    At most ``share`` of the pages climb, those with the worst doubts, in shards of ``size``; scans and others
    apart, as they are read in other ways. None climbs where there is no engine, for the reason given.
    """
    first = readings([shard for shard in shards if not task.climbs(shard)])
    asked = {page for shard in shards if task.climbs(shard) for page in shard.pages}
    notes = {shard: shard.findings.notes for shard in set(first.values()) if shard.notes}
    unsettled = {shard: some for shard, all_ in notes.items() if (some := [*filter(doubts.is_doubt, all_)])}
    found = {
        page: (min(ranks), page)
        for page, shard in first.items()
        if (ranks := [_RANK[doubts.phrase_of(note)] for note in _on(page, unsettled.get(shard, ()))])
    }
    if not found:
        return None
    room = 0 if no_engine else max(0, math.ceil(share * task.page_weight - _ALMOST) - len(asked))
    worst = sorted((page for page in found if page not in asked), key=found.__getitem__)
    chosen = sorted(worst[:room])
    kept, left = runs_of(sorted({*chosen, *(asked & found.keys())})), runs_of(sorted(worst[room:]))
    outcome, why = ("lost", no_engine) if no_engine else ("limit", "")
    settled = {
        shard.index: doubts.told(doubts.told(notes[shard], kept, "kept"), left, outcome, why)
        for shard in unsettled
    }
    of_pages = {page: _on(page, unsettled[first[page]]) for page in chosen}
    return Plan(tuple(_climbs(task, of_pages, size)), settled, not no_engine)


def _on(page: int, notes: Sequence[Note]) -> list[Note]:
    """The notes on this page alone."""
    return [note for note in notes_within(notes, ((page, page),)) if note.pages]


def _climbs(task: Task, pages: Mapping[int, Sequence[Note]], size: int) -> list[Climb]:
    """Shards of these pages, each with the notes on its doubts."""
    found: list[Climb] = []
    for scans in (False, True):
        some = [page for page in pages if (page in task.scans) is scans]
        for run in cut(some, size) if some else ():
            notes = [note for page in run for note in pages[page]]
            found.append(Climb(run, BETTER, doubts.told(notes, runs_of(run), "read")))
    return found


@dataclass(frozen=True, slots=True)
class _Held:
    entry: Entry
    since: float


class Climbing:
    """Pages that climb, from the end of a first reading until they stand in line for the engine."""

    def __init__(
        self,
        settings: Settings,
        store: AsyncStore,
        workers: Workers,
        lanes: Lanes,
        wake: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._workers = workers
        self._lanes = lanes
        self._wake = wake
        self._held: dict[str, _Held] = {}

    async def begin(self, run: Run) -> bool:
        """Decides on the pages in doubt of a task that was read; whether some of them are read again."""
        task, store = run.task, self._store
        there = serves_mineru(self._workers.identity)
        no_engine = "" if there else self._workers.no_engine or "No model server has MinerU's vision model."
        share, size = self._settings.climb_share, self._settings.shard_pages_vlm
        found = plan(task, await store.shards(task.id), share, size, no_engine)
        if found is None:
            return False
        decided = (task.id, task.attempt, found.climbs, found.notes, found.complete)
        run.task, shards = await store.do(store.sync.climb, *decided)
        await store.notify()
        if shards:
            self.hold(run, shards)
        return bool(shards)

    def hold(self, run: Run, shards: Sequence[Shard]) -> None:
        """Gives a run its climbing shards to read, once it is their turn."""
        run.todo.extend(shards)
        pages = sum(len(shard.pages) for shard in shards)
        run.entry = replace(
            run.entry, pages=pages, express=pages <= EXPRESS_PAGES, tier=BETTER, vision=True, scans=0
        )
        loop = asyncio.get_running_loop()
        self._held[run.task.id] = _Held(run.entry, loop.time())
        loop.call_later(PATIENCE, self._wake)

    def discard(self, task_id: str) -> None:
        """Takes a task out; unknown ids are ignored."""
        self._held.pop(task_id, None)

    def release(self, reading: bool) -> None:
        """Puts what is held in line, when it is time. ``reading``: pages are read without the engine."""
        if not self._held:
            return
        pages = sum(held.entry.pages for held in self._held.values())
        enough = self._workers.slots[True] * self._settings.shard_pages_vlm
        oldest = min(held.since for held in self._held.values())
        late = asyncio.get_running_loop().time() - oldest >= PATIENCE
        busy = reading or self._lanes.waits(False)
        if self._workers.engine.status in _AWAKE or not busy or pages >= enough or late:
            for held in self._held.values():
                self._lanes.push(held.entry)
            self._held.clear()
