"""Candidates for tables: regions of the layout model, groups of equal rules, and groups of short phrases.

Method: short phrases that follow one another on a line, or lie one below the other, are connected; a group
with two or more on most of its rows may be a table (stream). Rules of one extent that follow down the page
bound one (rules). See ``runs`` for what becomes of candidates that are too large.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.geometry import Box, overlap, union
from gradio_app.parsing.readers.embedded.rows import Phrase, Row, phrases
from gradio_app.parsing.readers.embedded.tables.groups import Groups
from gradio_app.parsing.readers.embedded.tables.prose import running_text, within_text

Source = Literal["model", "rules", "stream"]

#: a short phrase: share of the width of the page, words
_SHORT, _FEW = 0.36, 7
#: short phrases on a line are connected over a gap of this share of the width of the page
_NEAR = 0.45
#: phrases below one of which so many are tried: more only where words lie over one another
_MOST_BELOW = 50
#: width of the strips of a page in which phrases below are looked for, in points
_STRIP = 20.0
#: gaps that part phrases, in heights of the font: of words of the file, and of words of a scan
_GAP, _GAP_SCAN = 1.0, 1.2
#: rows of a group with two phrases: at least so many rows, and this share of them
_LEAST_ROWS, _MULTIPLE = 3, 0.55
#: the least score of a region
_SURE = 0.4
#: rules of a group: share of the width of the page, points between their ends, share of the height of the
#: page between two; the score of a group
_WIDE, _ALIGNED, _APART, _RULES_SCORE = 0.15, 6.0, 0.5, 0.3
#: groups of rules, and groups of phrases, that are kept: the largest
_MOST = 60


@dataclass(frozen=True, slots=True)
class Candidate:
    """A box that may be a table; ``part`` of a larger candidate; ``loose``: only its runs may be tables."""

    source: Source
    score: float
    box: Box
    part: bool = False
    loose: bool = False

    @property
    def rank(self) -> tuple[int, float]:
        """Order of trust, the best first."""
        ranks = {"model": (0, 2), "rules": (1, 3), "stream": (4, 5)}
        return ranks[self.source][self.part], -self.score


def candidates(facts: PageFacts, rows: Sequence[Row], size: float) -> list[Candidate]:
    """All candidates; ``rows``: those of the upright words; ``size``: height of the usual font."""
    regions = [
        Candidate("model", region.score, region.box)
        for region in facts.regions
        if region.label == "table" and region.score > _SURE
    ]
    return [
        *_largest(stream_candidates(rows, facts.width, facts.scan)),
        *sorted(regions, key=lambda each: -each.score)[:_MOST],
        *_largest(rule_candidates(facts.horizontal, facts.width, facts.height, size)),
    ]


def _largest(found: Sequence[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda each: each.box[1] - each.box[3])[:_MOST]


@dataclass(frozen=True, slots=True)
class _Short:
    """A short phrase, the row it is in, and its box."""

    phrase: Phrase
    row: int
    box: Box


def stream_candidates(rows: Sequence[Row], width: float, scan: bool) -> list[Candidate]:
    """Groups of short phrases that may be a table, or hold one (loose)."""
    gap = _GAP_SCAN if scan else _GAP
    prose = running_text(rows, width, gap)
    short: list[_Short] = []
    beside: list[tuple[int, int]] = []
    for number, row in enumerate(rows):
        before: Phrase | None = None
        was_short = False
        for phrase in phrases(row.words, gap):
            is_short = phrase.x1 - phrase.x0 < _SHORT * width and len(phrase.words) <= _FEW
            if is_short and within_text(phrase.box, prose):
                is_short = False
            if is_short:
                short.append(_Short(phrase, number, phrase.box))
                if before is not None and was_short and phrase.x0 - before.x1 < _NEAR * width:
                    beside.append((len(short) - 2, len(short) - 1))
            before, was_short = phrase, is_short
    groups = Groups(len(short))
    for one, other in [*beside, *_below(short)]:
        groups.join(one, other)
    members: dict[int, list[_Short]] = {}
    for number, each in enumerate(short):
        members.setdefault(groups.root(number), []).append(each)
    return [found for group in members.values() if (found := _group(group)) is not None]


def _below(short: Sequence[_Short]) -> Iterable[tuple[int, int]]:
    """Pairs of which the second begins within a line's height below the first, and shares width with it."""
    strips: dict[int, list[tuple[float, int]]] = {}
    for number, each in enumerate(short):
        for strip in range(int(each.box[0] // _STRIP), int(each.box[2] // _STRIP) + 1):
            strips.setdefault(strip, []).append((each.box[1], number))
    for strip in strips.values():
        strip.sort()
        tops = [top for top, _ in strip]
        for top, number in strip:
            above = short[number]
            start = bisect_right(tops, top)
            for other_top, other in strip[start : start + _MOST_BELOW]:
                below = short[other]
                reach = max(above.phrase.size, below.phrase.size)
                if other_top - above.box[3] >= reach:
                    if other_top - above.box[3] >= 4 * above.phrase.size:
                        break
                    continue
                if overlap(above.box[0], above.box[2], below.box[0], below.box[2]) > 0:
                    yield number, other


def _group(members: Sequence[_Short]) -> Candidate | None:
    """Connected phrases as a candidate, without the rows at top and bottom that have only one of them."""
    rows: dict[int, list[_Short]] = {}
    for each in members:
        rows.setdefault(each.row, []).append(each)
    numbers = sorted(rows)
    several = [number for number in numbers if len(rows[number]) >= 2]
    if not several:
        return None
    numbers = [number for number in numbers if several[0] <= number <= several[-1]]
    if len(numbers) < _LEAST_ROWS:
        return None
    left, top, right, bottom = union(each.box for number in numbers for each in rows[number])
    loose = len(several) < _MULTIPLE * len(numbers)
    return Candidate("stream", 0.0, (left - 1, top - 1, right + 1, bottom + 1), loose=loose)


def rule_candidates(rules: Iterable[Box], width: float, height: float, size: float) -> list[Candidate]:
    """Three or more horizontal rules of one extent that follow down the page."""
    long = sorted((rule for rule in rules if rule[2] - rule[0] > _WIDE * width), key=lambda rule: rule[1])
    open_groups: dict[tuple[int, int], list[list[Box]]] = {}
    groups: list[list[Box]] = []
    for rule in long:
        group = next((g for g in _near_groups(open_groups, rule) if _continues(g, rule, height)), None)
        if group is not None:
            group.append(rule)
            continue
        groups.append([rule])
        open_groups.setdefault(_ends(rule), []).append(groups[-1])
    return [
        Candidate("rules", _RULES_SCORE, _group_box(group))
        for group in groups
        if len(group) >= 3 and group[-1][1] - group[0][1] > 2 * size
    ]


def _ends(rule: Box) -> tuple[int, int]:
    return int(rule[0] // _ALIGNED), int(rule[2] // _ALIGNED)


def _near_groups(groups: dict[tuple[int, int], list[list[Box]]], rule: Box) -> Iterable[list[Box]]:
    left, right = _ends(rule)
    for x0 in (left - 1, left, left + 1):
        for x1 in (right - 1, right, right + 1):
            yield from groups.get((x0, x1), [])[-2:]


def _continues(group: Sequence[Box], rule: Box, height: float) -> bool:
    aligned = abs(rule[0] - group[0][0]) < _ALIGNED and abs(rule[2] - group[0][2]) < _ALIGNED
    return aligned and rule[1] - group[-1][1] < _APART * height


def _group_box(group: Sequence[Box]) -> Box:
    return group[0][0] - 2, group[0][1] - 2, group[0][2] + 2, group[-1][1] + 2
