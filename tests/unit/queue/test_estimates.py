"""Estimates of what waits: documents that nobody has looked into take time, too."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from gradio_app.base.settings import Settings
from gradio_app.queue.estimates import Estimator
from gradio_app.queue.scheduler import Entry, FairQueue


def estimator(queued: int, unseen: int, pages: int = 50) -> Estimator:
    """A queue with documents of ``pages`` that were inspected, and others; half a second a page."""

    def entries(first: int, count: int, pages: int) -> list[Entry]:
        return [Entry(0.0, first + n, f"{first + n}", "o", pages, False) for n in range(count)]

    lanes = SimpleNamespace(slots={False: 2}, order=lambda _vision, most: entries(0, queued, pages)[:most])
    dispatcher = SimpleNamespace(lanes=lanes, runs={}, rates={"flash": 0.5})
    inspections = SimpleNamespace(order=lambda most: entries(1000, unseen, 1)[:most])
    settings = Settings.load([], {})
    return Estimator(settings, cast(Any, dispatcher), cast(FairQueue, inspections))


def test_many_unseen_documents_are_no_matter_of_seconds() -> None:
    found = estimator(queued=4, unseen=288).all(1)
    assert len(found) == 292
    tail = max(seconds for _, seconds in found.values())
    # 292 documents of 50 pages at half a second each, by two at a time
    assert 0.9 * 3650 < tail < 1.2 * 3650
    seconds = [found[f"{1000 + n}"][1] for n in range(288)]
    assert seconds == sorted(seconds) and len(set(seconds)) == 288, "each waits for those before it"


def test_with_nothing_known_each_counts_as_a_page() -> None:
    found = estimator(queued=0, unseen=100).all(1)
    assert 25 < max(seconds for _, seconds in found.values()) < 40
