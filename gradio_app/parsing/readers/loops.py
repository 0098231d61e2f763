"""Guard against answers that run in a circle: a line, a cell or a word again until the tokens end."""

from __future__ import annotations

#: how often the same must stand at the end, and how many letters that must be, before it is a circle
TIMES, LETTERS = 8, 200
#: letters from the end in which a circle is looked for; a longer unit than a sixth of it is not seen
_LOOKED_AT = 12_000


def without_loop(text: str) -> tuple[str, bool]:
    """The text with what goes round at its end there once only, and whether something did.

    Takes time in proportion to the text.
    """
    tail = text.rstrip()[-_LOOKED_AT:][::-1]
    unit = _unit(tail)
    if not unit:
        return text, False
    end = len(text.rstrip())
    begin = end - unit
    while begin > 0 and text[begin - 1] == text[begin - 1 + unit]:
        begin -= 1
    return text[: begin + unit], True


def _unit(tail: str) -> int:
    """Length of what repeats at the beginning of a reversed text; 0: nothing does."""
    for unit, run in enumerate(_runs(tail)):
        if unit and run + unit >= max(LETTERS, TIMES * unit):
            return unit
    return 0


def _runs(text: str) -> list[int]:
    """For each place, how far the text from there on equals its beginning (the Z function)."""
    runs = [0] * len(text)
    left = right = 0
    for at in range(1, len(text)):
        run = min(right - at, runs[at - left]) if at < right else 0
        while at + run < len(text) and text[run] == text[at + run]:
            run += 1
        runs[at] = run
        if at + run > right:
            left, right = at, at + run
    return runs
