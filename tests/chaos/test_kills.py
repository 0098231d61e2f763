"""The short form of ``make chaos``: random kills under real load, then the checks from outside."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest

from tests.chaos.harness import run, summary
from tests.chaos.plan import rounds


def test_the_plan_comes_from_the_seed_alone() -> None:
    first, again, other = (list(islice(rounds(seed), 200)) for seed in (1, 1, 2))
    assert first == again != other
    assert {name for now in first for name in now.kill.targets} == {"web", "worker", "engine"}
    done = {action.what for now in first for actions in now.actions for action in actions}
    assert {"send", "cancel", "retry", "delete", "repeat", "peek", "litter", "break off"} <= done


@pytest.mark.integration
@pytest.mark.chaos
@pytest.mark.slow
def test_nothing_is_lost_in_25_kills(tmp_path: Path) -> None:
    kills = int(os.environ.get("CHAOS_KILLS") or 25)
    report = run(tmp_path, int(os.environ.get("CHAOS_SEED") or 1), kills)
    told = summary(report, kills, tmp_path / "journal.jsonl")
    assert not report.violations, told
    assert sum(report.kills.values()) == kills, told
