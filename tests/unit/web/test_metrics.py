"""The metrics page: the engine and the cards in Prometheus' format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gradio_app.base.errors import DiskFull
from gradio_app.base.problems import Problem
from gradio_app.engine import ModelSingleton
from gradio_app.machine.cards import Card
from gradio_app.task_manager import TaskManager
from gradio_app.web.api.queue import summary
from gradio_app.web.auth.credentials import Identity
from gradio_app.web.metrics import render
from tests.fakes.backend import FakeBackend
from tests.unit.manager_fixtures import house

pytestmark = pytest.mark.anyio

GB = 2**30
ONE = Card(0, "GPU-one", "a card", 24 * GB, 20 * GB, 4 * GB, 90, 60, (8, 9), False, ())
DUMB = replace(ONE, index=1, uuid="GPU-two", used=1 * GB, load=None, temperature=None)


async def figures(manager: TaskManager, *cards: Card) -> dict[tuple[str, str], float]:
    """(name, value of the only label) -> figure, as Prometheus reads the page."""
    text = (await render(manager, cards)).decode()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_problems_of_the_watch_folder_are_counted_until_they_are_mended(tmp_path: Path) -> None:
    async with house(tmp_path, watch_dir=str(tmp_path / "inbox")) as h:
        problems, name = h.manager.problems, "mineru_app_watch_problems"
        assert (await figures(h.manager))[name, "folder"] == 0
        problems.report(Problem("watch_folder", "alice", "alice", "gone"))
        problems.report(Problem("watch_file", "a.pdf", "alice", "bad"))
        problems.report(Problem("watch_file", "b.pdf", "bob", "bad"))
        told = await figures(h.manager)
        assert (told[name, "folder"], told[name, "file"]) == (1, 2)
        for who, admin, seen in (
            ("bob", False, ["bad"]),
            ("eve", False, []),
            ("root", True, ["gone", "bad", "bad"]),
        ):
            assert (await summary(h.manager, Identity(who, admin)))["problems"] == seen
        problems.mend("watch_folder", "alice", "back")
        assert (await figures(h.manager))[name, "folder"] == 0


async def work(engine: ModelSingleton) -> None:
    async with engine.lease():
        engine.tokens += 120


async def test_the_engines_life_and_work(tmp_path: Path) -> None:
    async with house(tmp_path, backend=FakeBackend(seconds=0)) as h:
        engine = h.manager.engine
        before = await figures(h.manager)
        assert before["mineru_app_engine_status", "stopped"] == 1
        assert before["mineru_app_engine_events_total", "starts"] == 0
        async with engine.lease():
            await work(engine)
            during = await figures(h.manager)
        assert during["mineru_app_engine_status", "ready"] == 1
        assert during["mineru_app_engine_in_flight", ""] == 1
        await engine.offload()
        await work(engine)
        await engine.release()
        after = await figures(h.manager)
    events = {
        event: value for (name, event), value in after.items() if name == "mineru_app_engine_events_total"
    }
    assert events == {"starts": 1, "sleeps": 1, "wakes": 1, "stops": 1, "crashes": 0}
    assert after["mineru_app_tokens_total", ""] == 240
    assert after["mineru_app_engine_in_flight", ""] == after["mineru_app_engine_waiting", ""] == 0
    for told in (before, during, after):
        assert sum(value for (name, _), value in told.items() if name == "mineru_app_engine_status") == 1


async def test_each_card_with_what_it_tells(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        told = await figures(h.manager, ONE, DUMB)
        without = await figures(h.manager)
    cards = {key: value for key, value in told.items() if key[0].startswith("mineru_app_card")}
    assert cards == {
        ("mineru_app_card_used_bytes", "GPU-one"): 20 * GB,
        ("mineru_app_card_used_bytes", "GPU-two"): 1 * GB,
        ("mineru_app_card_total_bytes", "GPU-one"): 24 * GB,
        ("mineru_app_card_total_bytes", "GPU-two"): 24 * GB,
        ("mineru_app_card_load", "GPU-one"): 90,
        ("mineru_app_card_temperature", "GPU-one"): 60,
    }
    assert not any(name.startswith("mineru_app_card") for name, _ in without)


async def test_the_queue_without_an_engine(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.end(await h.submit(3))
        told = await figures(h.manager)
        h.pool.held_inspection = True
        await h.submit(3, "waits")
        store = h.manager.store.sync
        store._db.execute("UPDATE tasks SET created_at = created_at - 500 WHERE status = 'pending'")
        waiting = await figures(h.manager)
        h.manager.store.faults.report(DiskFull())
        held = await figures(h.manager)
    assert told["mineru_app_oldest_waiting_seconds", ""] == told["mineru_app_held", ""] == 0
    assert 500 <= waiting["mineru_app_oldest_waiting_seconds", ""] < 560 and held["mineru_app_held", ""] == 1
    assert told["mineru_app_tasks", "completed"] == told["mineru_app_tasks_ended_total", "completed"] == 1
    assert told["mineru_app_pages_parsed_total", ""] == 3
    assert told["mineru_app_queue_status", "idle"] == 1 and told["mineru_app_queue_status", "paused"] == 0
    assert told["mineru_app_disk_free_bytes", ""] > 0
    assert told["mineru_app_engine_status", "stopped"] == 1


async def test_each_server_has_figures_of_its_own_and_the_engine_their_sum(tmp_path: Path) -> None:
    fleet = [FakeBackend(seconds=0, card="GPU-one"), FakeBackend(seconds=0, card="GPU-two")]
    async with house(tmp_path, backend=fleet) as h:
        engine = h.manager.engine
        async with engine.lease(), engine.lease(alone=True):
            page = (await render(h.manager, [])).decode()
    told = set(page.splitlines())
    assert told >= {
        "mineru_app_engine_in_flight 2.0",
        'mineru_app_engine_events_total{event="starts"} 2.0',
        'mineru_app_engine_status{status="ready"} 1.0',
        'mineru_app_server_in_flight{server="1"} 1.0',
        'mineru_app_server_in_flight{server="2"} 1.0',
        'mineru_app_server_status{server="2",status="ready"} 1.0',
        'mineru_app_server_status{server="2",status="asleep"} 0.0',
        'mineru_app_server_events_total{event="starts",server="2"} 1.0',
    }
