"""Shards that read pages again: cut, dropped, cut in two, and pages that keep their first reading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gradio_app.base import doubts
from gradio_app.base.findings import Findings
from gradio_app.base.notes import Note
from gradio_app.base.options import ParseOptions
from gradio_app.store.climbing import Climb
from gradio_app.store.store import Store, Superseded
from gradio_app.store.task import Shard, Task, Upload, readings

DOUBT = Note(doubts.CODE, "2-3", doubts.doubt("formulas"))
READ = doubts.told([DOUBT], ((2, 3),), "read")
KEPT = doubts.told([DOUBT], ((2, 3),), "kept")
CLIMB = Climb((2, 3), "standard", READ)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "queue.db")
    yield opened
    opened.close()


@pytest.fixture
def task(store: Store, tmp_path: Path) -> Task:
    """One that runs, whose four pages were read."""
    new = Task.new("ann", Upload(tmp_path / "a", "5ec7", 7, "a.pdf"), ParseOptions())
    store.add([new])
    facts = {"tier": "flash", "parse_mode": "txt", "pages_total": 4, "cache_key": "key"}
    store.plan(new.id, [(1, 2, 3, 4)], **facts)
    store.start(new.id)
    store.finish_shard(new.id, 0, seconds=1.0, findings=Findings((DOUBT,), readers={"flash": "1-4"}))
    return store.get(new.id)


def climbed(store: Store, task: Task) -> tuple[Task, Shard]:
    task, (shard,) = store.climb(task.id, task.attempt, [CLIMB], {0: KEPT})
    return task, shard


def messages(store: Store, task: Task, index: int) -> str:
    (shard,) = (each for each in store.shards(task.id) if each.index == index)
    return " ".join(f"{note.pages}: {note.message}" for note in shard.findings.notes)


def test_pages_that_climb_are_a_shard_with_its_reader_and_are_not_done(store: Store, task: Task) -> None:
    task, shard = climbed(store, task)
    assert (task.pages_done, task.shards_total) == (2, 2)
    assert task.climbs(shard) and task.reader_of(shard) == "standard"
    assert not task.climbs(store.shards(task.id)[0])
    assert "kept" in messages(store, task, 0)


def test_pages_that_stay_count_as_read_at_first_and_say_why(store: Store, task: Task) -> None:
    task, shard = climbed(store, task)
    task = store.stay(task.id, task.attempt, shard.index, (3,), "It is away.")
    assert task.pages_done == 3 and store.cached("key") is None
    assert [each.pages for each in store.shards(task.id)] == [(1, 2, 3, 4), (2,)]
    assert "3: Not read again by the vision model: formulas. It is away." in messages(store, task, 0)
    task = store.stay(task.id, task.attempt, shard.index, (2,), "It is away.")
    assert (task.pages_done, task.shards_total) == (4, 1)
    assert {each.index for each in readings(store.shards(task.id)).values()} == {0}


def test_halves_of_a_climbing_shard_climb_too(store: Store, task: Task) -> None:
    task, shard = climbed(store, task)
    task, parts = store.split_shard(task.id, shard.index, task.attempt, [(2,), (3,)])
    assert [part.pages for part in parts] == [(2,), (3,)] and all(map(task.climbs, parts))


def test_what_was_read_again_goes_with_the_first_reading(store: Store, task: Task) -> None:
    task, _ = climbed(store, task)
    store.drop_climbs(task, [(1,)])
    assert len(store.shards(task.id)) == 2
    store.drop_climbs(task, [(1, 2)])
    assert [each.index for each in store.shards(task.id)] == [0]


def test_an_older_attempt_decides_nothing(store: Store, task: Task) -> None:
    with pytest.raises(Superseded):
        store.climb(task.id, task.attempt + 1, [CLIMB], {})
    assert len(store.shards(task.id)) == 1
