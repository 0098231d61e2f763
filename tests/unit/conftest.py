"""Hypothesis finds the same examples each time, few enough to be quick; and little else costs time."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

settings.register_profile(
    "unit",
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)
settings.load_profile("unit")

# Two thousand tests make little garbage; looking for it each time among all that is imported takes a second.
gc.set_threshold(100_000, 50, 50)
