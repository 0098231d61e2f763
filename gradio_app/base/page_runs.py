"""Page runs: sets of pages as sorted runs, so that a range costs by its text and not by its pages.

A run is ``(first, last)``, 1-based and inclusive; runs neither overlap nor touch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

Runs = tuple[tuple[int, int], ...]

_LAST = 10**9
_RUN = re.compile(r"([1-9][0-9]{0,8})(?:-([1-9][0-9]{0,8}))?")


def runs_in(text: str) -> Runs:
    """``1-3,8`` -> ``((1, 3), (8, 8))``; nothing for an empty text.

    Raises ``ValueError`` for what ``format_runs`` does not write: runs that touch, or are not in order.
    """
    runs: list[tuple[int, int]] = []
    for part in text.split(",") if text else ():
        match = _RUN.fullmatch(part)
        if match is None:
            raise ValueError("These are no pages.")
        runs.append((int(match[1]), int(match[2] or match[1])))
        if match[2] and runs[-1][0] >= runs[-1][1]:
            raise ValueError("These pages run backwards.")
    if any(first <= last + 1 for (_, last), (first, _) in pairwise(runs)):
        raise ValueError("These pages are not in order.")
    return tuple(runs)


def format_runs(runs: Iterable[tuple[int, int]]) -> str:
    """``((1, 3), (8, 8))`` -> ``1-3,8``."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def runs_of(pages: Iterable[int]) -> Runs:
    """The runs of sorted pages."""
    return united((page, page) for page in pages)


def united(runs: Iterable[tuple[int, int]]) -> Runs:
    """The pages of all these runs, which may overlap."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return tuple(found)


def others(runs: Iterable[tuple[int, int]]) -> Runs:
    """All pages that a document can have but these."""
    found: list[tuple[int, int]] = []
    free = 1
    for first, last in united(runs):
        if first > free:
            found.append((free, first - 1))
        free = last + 1
    return (*found, (free, max(free, _LAST)))


def shared(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> Runs:
    """The pages that are in both."""
    found: list[tuple[int, int]] = []
    left = right = 0
    while left < len(one) and right < len(other):
        first, last = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if first <= last:
            found.append((first, last))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return tuple(found)
