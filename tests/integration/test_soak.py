"""The short form of the soak (``python -m bench --only soak``): it runs, and says what it measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.soak import NAMES, slope, soak

pytestmark = pytest.mark.integration


def test_twenty_documents(tmp_path: Path) -> None:
    first, *rows = soak(tmp_path, documents=20, samples=5)
    assert "20 documents" in first
    for row, (name, unit) in zip(rows, NAMES, strict=True):
        assert row.startswith(f"| soak: {name} |") and f"{unit} per 1,000 documents" in row


def test_the_slope_is_that_of_a_straight_line() -> None:
    assert slope([0, 1, 2, 3], [5, 7, 9, 11]) == pytest.approx(2)
    assert slope([0, 1, 2, 3], [5, 5, 5, 5]) == 0
    assert slope([1], [5]) == 0
