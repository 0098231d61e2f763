"""Random interleavings of the engine's life: no rule broken, everybody answered. 10,000 in ``make chaos``."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.simulation import Scene, play, scenes

ORDERS = int(os.environ.get("ORDERS") or 2_000)


@pytest.mark.chaos
@pytest.mark.slow
@settings(max_examples=ORDERS, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(scenes)
def test_in_whatever_order(scene: Scene) -> None:
    play(scene)
