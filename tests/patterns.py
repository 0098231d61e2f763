"""How long a regular expression can take: ambiguity of its automaton, found without running it.

A backtracking matcher takes more than linear time when one text can be read in several ways: two places of a
pattern that both repeat over the same text, one reached from the other (polynomial), or one place that comes
back to itself in two ways (exponential). See Weideman et al., "Analyzing Matching Time Behavior of
Backtracking Regular Expression Matchers by Using Ambiguity of NFA", 2016. A pattern that is searched for
begins at each place of a text: that is one more repetition before it. What matches at once never goes back.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from itertools import product
from re import _constants as code  # pyright: ignore
from re import _parser as parser  # pyright: ignore
from typing import Any

#: characters that stand for all others
_SAMPLE = [ord(char) for char in string.printable] + [0, 0xA0, 0xE9, 0x4E00, 0x1F600]
_ALL = frozenset(_SAMPLE)
#: the end of a text, as if it were a character
_END = -1
#: a repetition up to so often costs no more than a longer text; above it counts as endless
_FEW = 300


class _Part:
    """A piece of a pattern: where it can begin and end, and whether it can be empty."""

    def __init__(self, first: Counter[int], last: Counter[int], empty: bool) -> None:
        self.first, self.last, self.empty = first, last, empty


class Automaton:
    """Glushkov's: a state for each character of the pattern. Ways between them are counted."""

    def __init__(self, pattern: str | bytes, flags: int, searched: bool) -> None:
        text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
        self.reads: list[frozenset[int]] = []
        self.ways: Counter[tuple[int, int]] = Counter()
        self.ends: set[int] = set()
        self.why = ""
        #: a match depends on more than the characters that are read
        self._conditional = False
        parsed = parser.parse(text, flags)
        self._flags = parsed.state.flags
        whole = self._sequence(list(parsed))
        if searched:
            start = self._state(_ALL)
            self.ways[start, start] += 1
            self._join(_Part(Counter([start]), Counter([start]), False), whole)
            # what matches without another character ends the search before it could go back
        self.ends = set() if self._conditional else set(whole.last)

    def _state(self, reads: frozenset[int]) -> int:
        self.reads.append(reads)
        return len(self.reads) - 1

    def _one(self, reads: frozenset[int]) -> _Part:
        state = self._state(reads)
        return _Part(Counter([state]), Counter([state]), False)

    def _join(self, left: _Part, right: _Part) -> None:
        for (one, n), (other, m) in product(left.last.items(), right.first.items()):
            self.ways[one, other] += n * m

    def _sequence(self, items: list[Any]) -> _Part:
        whole = _Part(Counter(), Counter(), True)
        for item in items:
            part = self._part(item)
            self._join(whole, part)
            first = whole.first + part.first if whole.empty else whole.first
            last = whole.last + part.last if part.empty else part.last
            whole = _Part(first, last, whole.empty and part.empty)
        return whole

    def _part(self, item: Any) -> _Part:
        kind, value = item
        if kind is code.AT:
            # a line begins behind the end of another one
            if value is code.AT_BEGINNING and self._flags & re.MULTILINE:
                return self._one(frozenset({10}))
            if value in (code.AT_END, code.AT_END_STRING):
                return self._one(frozenset({_END}))
            self._conditional = True
            return _Part(Counter(), Counter(), True)
        if kind in (code.LITERAL, code.NOT_LITERAL, code.ANY, code.IN):
            return self._one(self._set(item))
        if kind is code.SUBPATTERN:
            return self._sequence(list(value[3]))
        if kind is code.ATOMIC_GROUP:
            return self._sequence(list(value))
        if kind is code.BRANCH:
            parts = [self._sequence(list(branch)) for branch in value[1]]
            first = sum((part.first for part in parts), Counter[int]())
            last = sum((part.last for part in parts), Counter[int]())
            return _Part(first, last, any(part.empty for part in parts))
        if kind in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
            return self._repeat(*value)
        if kind in (code.ASSERT, code.ASSERT_NOT):
            self._conditional = True
            inner = self._sequence(list(value[1]))
            return _Part(inner.first, Counter(), True)
        self.why = f"{kind} is not understood"
        return _Part(Counter(), Counter(), True)

    def _repeat(self, least: int, most: Any, inner: Any) -> _Part:
        endless = most is code.MAXREPEAT or most > _FEW
        copies = max(1, min(least, 3)) if endless else max(1, min(int(most), 3))
        # one behind the other, and each begins only when the one before it is there: x(x(x)?)?
        parts = [self._sequence(list(inner)) for _ in range(copies)]
        if endless:
            self._join(parts[-1], parts[-1])
        whole = parts[0]
        for number, part in enumerate(parts[1:], 1):
            self._join(parts[number - 1], part)
            first = whole.first + part.first if whole.empty else whole.first
            last = whole.last + part.last if number >= least or part.empty else part.last
            whole = _Part(first, last, whole.empty and part.empty)
        return _Part(whole.first, whole.last, whole.empty or not least)

    def _set(self, item: Any) -> frozenset[int]:
        kind, value = item
        if kind is code.ANY:
            return _ALL if self._flags & re.DOTALL else _ALL - {10}
        single = re.compile(_written(kind, value), self._flags & (re.IGNORECASE | re.ASCII))
        return frozenset(char for char in _SAMPLE if single.fullmatch(chr(char)))

    # ------------------------------------------------------------ ambiguity

    def slow(self) -> str:
        """Why it can take more than linear time; empty when it cannot."""
        return self.why or self._exponential() or self._polynomial()

    def _exponential(self) -> str:
        pairs = self._pairs()
        for (one, other), ways in self.ways.items():
            if ways > 1 and self.reads[other] and one in self._reached(other):
                return "one repetition within another"
        for state in range(len(self.reads)):
            around = _closure(pairs, (state, state))
            for one, other in around:
                if one != other and (state, state) in _closure(pairs, (one, other)):
                    return "alternatives that begin alike within a repetition"
        return ""

    def _polynomial(self) -> str:
        loops = [state for state in range(len(self.reads)) if state in self._reached(state)]
        for one, other in product(loops, loops):
            # what can end there has matched, and is not tried from another place
            if one == other or other in self.ends or other not in self._reached(one):
                continue
            if (one, other, other) in self._triples((one, one, other)):
                return "two repetitions that take the same text"
        return ""

    def _next(self, state: int) -> list[int]:
        return [other for (one, other), ways in self.ways.items() if one == state and ways]

    def _reached(self, state: int) -> set[int]:
        steps = {(each,): [(then,) for then in self._next(each)] for each in range(len(self.reads))}
        return {each[0] for each in _closure(steps, (state,))}

    def _pairs(self) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
        follow = [self._next(state) for state in range(len(self.reads))]
        return {
            (one, other): [
                (a, b) for a, b in product(follow[one], follow[other]) if self.reads[a] & self.reads[b]
            ]
            for one, other in product(range(len(self.reads)), repeat=2)
        }

    def _triples(self, start: tuple[int, int, int]) -> set[tuple[int, ...]]:
        seen: set[tuple[int, ...]] = set()
        pending = [start]
        while pending:
            a, b, c = pending.pop()
            for then in product(self._next(a), self._next(b), self._next(c)):
                if then not in seen and self.reads[then[0]] & self.reads[then[1]] & self.reads[then[2]]:
                    seen.add(then)
                    pending.append(then)
        return seen


def _closure(steps: Any, start: tuple[int, ...]) -> set[tuple[int, ...]]:
    seen: set[tuple[int, ...]] = set()
    pending = [start]
    while pending:
        for then in steps[pending.pop()]:
            if then not in seen:
                seen.add(then)
                pending.append(then)
    return seen


def _written(kind: Any, value: Any) -> str:
    """A class of characters of a parsed pattern, written as a pattern again."""
    if kind is code.LITERAL:
        return re.escape(chr(value))
    if kind is code.NOT_LITERAL:
        return f"[^{_in_class(chr(value))}]"
    classes = {
        code.CATEGORY_DIGIT: r"\d",
        code.CATEGORY_NOT_DIGIT: r"\D",
        code.CATEGORY_SPACE: r"\s",
        code.CATEGORY_NOT_SPACE: r"\S",
        code.CATEGORY_WORD: r"\w",
        code.CATEGORY_NOT_WORD: r"\W",
    }
    inside = ""
    for what, each in value:
        if what is code.NEGATE:
            inside += "^"
        elif what is code.LITERAL:
            inside += _in_class(chr(each))
        elif what is code.RANGE:
            inside += f"{_in_class(chr(each[0]))}-{_in_class(chr(each[1]))}"
        else:
            inside += classes[each]
    return f"[{inside}]"


def _in_class(char: str) -> str:
    return f"\\U{ord(char):08x}"


def slow(pattern: str | bytes, flags: int = 0, searched: bool = True) -> str:
    """Why a pattern can take more than linear time in the length of a text; empty when it cannot.

    ``searched``: it is looked for at each place, not only at the beginning.
    """
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    begins = parser.parse(text, flags)
    first = begins[0] if len(begins) else None
    anchored = first == (code.AT, code.AT_BEGINNING) and not begins.state.flags & re.MULTILINE
    return Automaton(text, flags, searched and not anchored).slow()
