"""Which of several parameters of a test are long by nature."""

from __future__ import annotations

from typing import Any

import pytest


def first_then_long(*rows: Any, first: int = 1) -> list[Any]:
    """Parameters of which the ``first`` are tried in ``make test``, the others in ``make test-all``."""
    found = [row if isinstance(row, tuple) else (row,) for row in rows]
    return [
        pytest.param(*row, marks=[pytest.mark.slow] if index >= first else [])
        for index, row in enumerate(found)
    ]
