"""The results of the simulation that docs/scaling.md shows, once more."""

from __future__ import annotations

from dataclasses import replace

from bench.scaling import scenarios
from bench.scaling.costs import Costs
from bench.scaling.scenarios import Results


def test_the_kept_results_come_from_the_kept_costs() -> None:
    """The smallest fleet once more: the same costs and the same seed give the same figures."""
    kept = Results.kept().of("waits")[0]
    (scenario,) = [
        one for one in scenarios.SCENARIOS if one.group == "waits" and one.pressure == kept.pressure
    ]
    assert replace(scenario, length=scenario.length).run(Costs.kept()) == kept
    assert len(Results.kept().rows) == len(scenarios.SCENARIOS)
