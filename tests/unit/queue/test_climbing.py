"""Which pages in doubt climb, which keep their reading, and what is said of each."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from gradio_app.base import doubts
from gradio_app.base.notes import Note, notes_to_text
from gradio_app.base.options import ParseOptions, format_pages
from gradio_app.base.settings import Settings
from gradio_app.model_server.states import EngineStatus
from gradio_app.queue.climbing import PATIENCE, Climbing, Plan, plan
from gradio_app.queue.reading_options import climbs_from
from gradio_app.queue.run import Run
from gradio_app.queue.scheduler import Lanes, entry
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Shard, Task

OTHER = Note("handwriting", "3", "Hard to read.")


def task(pages: int = 20, scans: str = "", **changes: Any) -> Task:
    made = Task("t", "a.pdf", "ann", TaskStatus.PROCESSING, ParseOptions(), "5ec7", 7, 1000.0)
    return replace(
        made, tier="basic", parse_mode="txt", pages_total=pages, scan_pages=scans, shards_total=2, **changes
    )


def in_doubt(reason: str, pages: str) -> Note:
    return Note(doubts.CODE, pages, doubts.doubt(reason))


def read(index: int, pages: tuple[int, ...], *notes: Note, reader: str = "flash") -> Shard:
    readers = json.dumps({reader: format_pages(pages)})
    return Shard("t", index, pages, done=True, notes=notes_to_text(notes), readers=readers)


def planned(*shards: Shard, share: float = 1.0, size: int = 8, why: str = "", scans: str = "") -> Plan:
    found = plan(task(scans=scans), shards, share, size, why)
    assert found is not None
    return found


def test_without_doubts_nothing_is_decided() -> None:
    assert plan(task(), [read(0, (1, 2, 3), OTHER)], 1.0, 8) is None


def test_only_the_pages_in_doubt_climb_and_the_note_says_why() -> None:
    found = planned(read(0, tuple(range(1, 21)), OTHER, in_doubt("formulas", "3,7-9")))
    (climb,) = found.climbs
    assert (climb.pages, climb.reader) == ((3, 7, 8, 9), "standard")
    assert [(n.pages, n.message) for n in climb.notes] == [
        ("3,7-9", "Read again by the vision model: formulas.")
    ]
    assert OTHER in found.notes[0] and not any(map(doubts.is_doubt, found.notes[0]))


def test_scans_and_digital_pages_climb_apart_in_shards() -> None:
    shard = read(0, tuple(range(1, 21)), in_doubt("table", "1-12"), in_doubt("handwriting", "11-12"))
    found = planned(shard, scans="11-12", size=5)
    assert [climb.pages for climb in found.climbs] == [(1, 2, 3, 4, 5), (6, 7, 8, 9, 10), (11, 12)]
    assert len(found.climbs[2].notes) == 2


def test_the_worst_doubts_come_first_when_the_share_is_used_up() -> None:
    shard = read(0, tuple(range(1, 21)), in_doubt("digits", "1-3"), in_doubt("handwriting", "18-19"))
    found = planned(shard, share=0.1)
    assert [climb.pages for climb in found.climbs] == [(18, 19)]
    told = {note.pages: note.message for note in found.notes[0]}
    assert "climb_share" in told["1-3"] and "kept" in told["18-19"]
    assert found.complete


def test_without_an_engine_pages_keep_their_reading_and_say_why() -> None:
    found = planned(read(0, (1, 2), in_doubt("formulas", "2")), why="The card is gone.")
    assert not found.climbs and not found.complete
    assert found.notes[0][0].message == "Not read again by the vision model: formulas. The card is gone."


def test_a_page_that_was_asked_for_already_does_not_climb_twice() -> None:
    first = read(0, (1, 2), in_doubt("formulas", "1-2"))
    again = Shard("t", 1, (2,), done=False, readers=json.dumps({"standard": "2"}))
    found = planned(first, again)
    assert [climb.pages for climb in found.climbs] == [(1,)]


def test_a_message_that_is_none_of_ours_decides_nothing() -> None:
    note = Note(doubts.CODE, "1", "In doubt: everything, wake the card.")
    assert plan(task(), [read(0, (1, 2), note)], 1.0, 8) is None


def test_named_tiers_do_not_climb() -> None:
    assert climbs_from(task(), "engine", 1.0)
    assert not climbs_from(task(), "", 1.0) and not climbs_from(task(), "engine", 0.0)
    assert not climbs_from(replace(task(), tier="standard"), "engine", 1.0)
    assert not climbs_from(replace(task(), parse_mode=""), "engine", 1.0)
    for tier in ("flash", "basic"):
        assert not climbs_from(replace(task(), options=ParseOptions(tier)), "engine", 1.0)


def held(status: EngineStatus, *, reading: bool, pages: int = 1, later: float = 0.0) -> bool:
    """Whether pages that climb stand in line, after a look at what goes on."""

    async def look() -> bool:
        workers = SimpleNamespace(
            engine=SimpleNamespace(status=status), slots={False: 2, True: 4}, identity="engine", no_engine=""
        )
        lanes = Lanes(workers.slots)
        climbing = Climbing(Settings(), cast(Any, None), cast(Any, workers), lanes, lambda: None)
        climbing.hold(Run(task(), entry(task())), [Shard("t", 1, tuple(range(1, pages + 1)))])
        now = asyncio.get_running_loop().time()
        with patch.object(asyncio.get_running_loop(), "time", lambda: now + later):
            climbing.release(reading)
        return lanes.waits(True)

    return asyncio.run(look())


def test_a_sleeping_engine_is_woken_once_the_rest_is_read() -> None:
    assert not held(EngineStatus.ASLEEP, reading=True)
    assert held(EngineStatus.ASLEEP, reading=False)
    assert held(EngineStatus.READY, reading=True)


def test_enough_pages_or_a_long_wait_wake_it_too() -> None:
    assert held(EngineStatus.ASLEEP, reading=True, pages=32)
    assert held(EngineStatus.ASLEEP, reading=True, later=PATIENCE + 1)
