"""Any text as a size or a duration."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gradio_app.base.setting_values import parse_duration, parse_size
from tests.unit.base.test_settings import GB, MB

SIZES = st.sampled_from(
    [("", 1), ("b", 1), ("k", 1024), ("KB", 1024), ("m", MB), ("Mb", MB), ("g", GB), ("gb", GB)]
)
TIMES = st.sampled_from([("", 1), ("s", 1), ("m", 60), ("MIN", 60), ("h", 3600), ("d", 86400), ("W", 604800)])
BLANKS = st.sampled_from(["", " ", "\t "])


@given(st.integers(0, 10**9), SIZES, BLANKS, BLANKS)
def test_a_size_is_a_number_of_units(count: int, unit: tuple[str, int], left: str, middle: str) -> None:
    assert parse_size(f"{left}{count}{middle}{unit[0]}{left}") == count * unit[1]


@given(st.decimals(0, 10**6, places=2), TIMES, BLANKS)
def test_a_duration_is_a_number_of_units(count: Any, unit: tuple[str, int], blank: str) -> None:
    assert math.isclose(parse_duration(f"{blank}{count}{unit[0]}"), float(count) * unit[1])


@given(st.text(max_size=12))
def test_other_texts_are_no_sizes_and_no_durations(text: str) -> None:
    for parse in (parse_size, parse_duration):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert repr(text) in str(error) and "such as" in str(error)
