"""Pages as a person reads them: on their side, askew, and of any size of type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from gradio_app.parsing.readers.embedded.detection import FLATTEST, STEEPEST
from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.geometry import Box, median

#: sizes of type that the limits of other modules fit as they are; the one that others are scaled to
_USUAL, _BODY = (6.0, 17.0), 10.0
#: height of pdfium's loose box of a character, in sizes of its font
_LOOSE = 1.17
#: a page lies on its side if this part of its words does
_MOST_WORDS, _FEWEST_WORDS = 0.6, 4


def normal(facts: PageFacts) -> PageFacts:
    """All lengths so that the usual type is near 10 points; a page of usual type stays as it is."""
    size = median((word.size for word in facts.words), _BODY)
    if not facts.words or _USUAL[0] <= size <= _USUAL[1] or size <= 0:
        return facts
    factor = _BODY / size

    def grown(box: Box) -> Box:
        return box[0] * factor, box[1] * factor, box[2] * factor, box[3] * factor

    return replace(
        _mapped(facts, grown, factor),
        width=facts.width * factor,
        height=facts.height * factor,
        scale=facts.scale / factor,
    )


def on_its_side(facts: PageFacts) -> PageFacts:
    """A page whose words stand on end is turned by a quarter; other pages stay."""
    upwards = [word for word in facts.words if abs(word.angle - 270) < 4]
    downwards = [word for word in facts.words if abs(word.angle - 90) < 4]
    up = len(upwards) >= len(downwards)
    most = upwards if up else downwards
    if len(most) < max(_FEWEST_WORDS, _MOST_WORDS * len(facts.words)):
        return facts

    def turned(box: Box) -> Box:
        x0, y0, x1, y1 = box
        if up:
            return facts.height - y1, x0, facts.height - y0, x1
        return y0, facts.width - x1, y1, facts.width - x0

    moved = _mapped(facts, turned)
    lying = set(map(id, most))
    words = [
        replace(word, angle=0.0, size=(word.y1 - word.y0) / _LOOSE)
        if id(old) in lying
        else replace(word, angle=(word.angle + (90 if up else 270)) % 360)
        for old, word in zip(facts.words, moved.words, strict=True)
    ]
    picture = facts.picture
    if picture is not None:
        picture = np.ascontiguousarray(np.rot90(picture, 3 if up else 1))
    return replace(
        moved,
        width=facts.height,
        height=facts.width,
        words=tuple(words),
        horizontal=moved.vertical,
        vertical=moved.horizontal,
        layer=True,
        turned=270 if up else 90,
        picture=picture,
    )


def skewed(words: Sequence[Word]) -> float:
    """How far lines fall on their way to the right, from runs of words; 0 if unsure or flat."""
    slopes: list[float] = []
    run: list[Word] = []
    for word in [*words, None]:
        if word is not None and run and _goes_on(run[-1], word):
            run.append(word)
            continue
        if len(run) >= 4 and run[-1].x1 - run[0].x0 > 8 * run[0].size:
            slopes.append((run[-1].cy - run[0].cy) / (run[-1].cx - run[0].cx))
        run = [word] if word is not None else []
    slope = median(slopes, 0.0) if len(slopes) >= 3 else 0.0
    return slope if FLATTEST <= abs(slope) <= STEEPEST else 0.0


def straight_words(facts: PageFacts, slope: float) -> PageFacts:
    """Lines of an old layer laid flat: everything moves up by ``slope`` times its distance from the left."""

    def flat(box: Box) -> Box:
        down = slope * (box[0] + box[2]) / 2
        return box[0], box[1] - down, box[2], box[3] - down

    return replace(_mapped(facts, flat), skew=slope)


def _goes_on(left: Word, right: Word) -> bool:
    size = right.size
    return 0 <= right.x0 - left.x1 + 0.2 * size < 2.5 * size and abs(right.cy - left.cy) < 0.5 * size


def _mapped(facts: PageFacts, place: Callable[[Box], Box], factor: float = 1.0) -> PageFacts:
    """The same facts with every box at its new place, and words larger by ``factor``."""

    def word_at(word: Word) -> Word:
        x0, y0, x1, y1 = place(word.box)
        return replace(word, x0=x0, y0=y0, x1=x1, y1=y1, size=word.size * factor)

    return replace(
        facts,
        words=tuple(map(word_at, facts.words)),
        horizontal=tuple(map(place, facts.horizontal)),
        vertical=tuple(map(place, facts.vertical)),
        images=tuple(map(place, facts.images)),
        regions=tuple(replace(region, box=place(region.box)) for region in facts.regions),
        unread=tuple(map(place, facts.unread)),
    )
