"""Facts of a page, whatever they were read from: words, rules, pictures and regions.

Lengths are points of the page as a person reads it: upright, y downwards, scaled so that its usual text is
about 10 points high. The limits of the modules around are made for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gradio_app.parsing.readers.embedded.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """A run of characters without a gap. Two words are equal only when they are the same object.

    ``size`` is the height of the font. ``angle``: degrees clockwise, 0 for upright text. ``visible`` is
    false for text that nobody sees (render mode 3, behind a picture). ``mono``: a font of one width.
    ``score``: how sure the recogniser is of the line, 0 to 1; 1 for text of the file.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    text: str
    size: float
    angle: float = 0.0
    bold: bool = False
    visible: bool = True
    mono: bool = False
    score: float = 1.0

    @property
    def cx(self) -> float:
        """The middle, from left to right."""
        return (self.x0 + self.x1) / 2

    @property
    def cy(self) -> float:
        """The middle, from top to bottom."""
        return (self.y0 + self.y1) / 2

    @property
    def box(self) -> Box:
        """Left, top, right, bottom."""
        return self.x0, self.y0, self.x1, self.y1


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the page as the layout model sees it.

    ``label`` is one of text, title, figure, figure_caption, table, table_caption, header, footer, reference,
    equation; ``score`` is between 0 and 1.
    """

    label: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is on a page.

    ``horizontal`` and ``vertical`` are drawn rules as boxes without height or width; ``images`` are raster
    pictures. ``scan``: words come from OCR, at least some. ``layer``: the text layer is not what a person
    sees (hidden, sideways), so that it is read anew. ``turned``: degrees counter-clockwise by which the page
    of the file was turned to be read. ``skew``: slope that was taken out of the lines. ``picture``: the page
    drawn, height x width x 3 of RGB; ``scale``: its pixels per point. ``unread``: boxes where a scan holds
    text that the recogniser cannot read (a script outside its dictionary). ``confidence``: mean score of the
    lines read, weighted by their length. ``left_out``: lines beyond the limit, which were not read.
    """

    width: float
    height: float
    words: tuple[Word, ...] = ()
    horizontal: tuple[Box, ...] = ()
    vertical: tuple[Box, ...] = ()
    images: tuple[Box, ...] = ()
    regions: tuple[Region, ...] = ()
    scan: bool = False
    layer: bool = False
    turned: int = 0
    skew: float = 0.0
    picture: NDArray[Any] | None = None
    scale: float = 1.0
    unread: tuple[Box, ...] = ()
    confidence: float = 1.0
    left_out: int = 0
