"""Hypothesis finds the same examples each time, few enough to be quick."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

from tests.memory import in_memory, tmp_path

__all__ = ["in_memory", "tmp_path"]

settings.register_profile(
    "models",
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)
settings.load_profile("models")

# A simulation makes millions of small things that go by themselves: looking for others is half of its time.
gc.set_threshold(100_000, 50, 50)
