"""Ten thousand random interleavings of the engine's life: no rule broken, everybody answered."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.simulation import Scene, play, scenes


@pytest.mark.chaos
@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(scenes)
def test_ten_thousand_interleavings(scene: Scene) -> None:
    play(scene)
