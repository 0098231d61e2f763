"""Learned rates, on which estimates are based."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.manager_fixtures import house

pytestmark = pytest.mark.anyio


async def test_a_learned_rate_is_written_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = iter((0.1, 0.105, 0.095, 0.2))
    monkeypatch.setattr("gradio_app.queue.scheduler.learn_rate", lambda *_: next(learned))
    async with house(tmp_path) as h:
        written: list[float] = []
        monkeypatch.setattr(h.manager.store.sync, "set_rate", lambda _, rate: written.append(rate))
        for number in range(4):
            await h.end(await h.submit(1, f"document{number}"))
        await h.settle()
        assert written == [0.1, 0.2]
