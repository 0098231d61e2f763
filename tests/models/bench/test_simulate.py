"""The simulation beside the real server, small: does it run, and is it in the right order of magnitude?

How near it comes is told in docs/scaling.md; a busy machine must not make this fail.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.scaling import validate
from bench.scaling.calibrate import LITTLE, calibrate
from bench.scaling.fleet import simulate
from bench.scaling.shape import Fleet, Load, of_pages
from tests.models.bench.scaling_costs import NOTHING

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_small_run_takes_about_as_long_as_predicted(tmp_path: Path) -> None:
    costs = calibrate(tmp_path / "costs", LITTLE)
    assert 0 < costs.parsing(1) < costs.parsing(64) and costs.web(1, whole=True) > 0
    case = validate.Case("small", 2, (1,) * 10 + (40,))
    found = validate.check(case, costs, tmp_path / "check", patience=0.0)
    assert found.measured > 0 and 0.2 < found.predicted / found.measured < 5


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_the_wait_of_an_md1_queue(load: float) -> None:
    """Mean wait of M/D/1 (Pollaczek and Khinchine): load / (2 (1 - load)) service times."""
    server = Fleet(nodes=1, cores=1, slots=1, head_computes=False)
    found = simulate(server, Load(12_000, of_pages(1), rate=load, owners=1), NOTHING, seed=3)
    waits = [wait for _, wait in found.record.waits]
    assert sum(waits) / len(waits) == pytest.approx(load / (2 * (1 - load)), rel=0.1)
