"""Statistics of any measured figures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.figures import percentile

FIGURES = st.floats(-1e6, 1e6)


@given(st.lists(FIGURES, min_size=1, max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_percentiles_grow_and_stay_inside(values: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    lower, upper = percentile(values, low), percentile(values, high)
    assert min(values) <= lower + 1e-6 and upper <= max(values) + 1e-6
    assert lower <= upper + 1e-6
