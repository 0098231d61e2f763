"""Marginals: running heads and feet leave the text only where they run through the document.

MinerU drops whatever stands at the top or the bottom of a page, and compares heads with their digits taken
out: "Section 1" of a contract and the number of an invoice are lost. Here a head or foot stays out of the
text when the same text, digits included, stands on at least three pages, but for the page's own number. A
head that is larger than the text is a heading. It needs the whole document, so it is done when its pages are
joined.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any, Literal

from gradio_app.parsing.readers.embedded.margins import PAGE_NUMBER
from gradio_app.parsing.readers.flash import text_of

Block = dict[str, Any]
#: which heads and feet stand in the text: all, those that do not run through the document, or none
Heads = Literal["all", "unusual", "none"]

#: pages on which the same text makes a running head
_LEAST_PAGES = 3
#: height of a line, as a multiple of that of the page's text, from which on it is a heading
_LARGE = 1.2
#: "... | 12", "... page 12"; "Section 12" is no page
_ENDS_WITH_PAGE = re.compile(r"(?:[|•·–—-]|\b(?:page|seite|página|p\.)|第) ?(\d{1,5})$", re.IGNORECASE)
_BEGINS_WITH_PAGE = re.compile(r"(\d{1,5}) ?[|•·–—-]")
_SPACES = re.compile(r"\s+")


def bring_back(pages: Sequence[list[Block]], indices: Sequence[int], heads: Heads = "unusual") -> bool:
    """Makes heads and feet that do not run through the document text again, in place; whether there are any.

    ``pages`` are the blocks of MinerU's ModelJson, ``indices`` their numbers in the file. Page
    numbers never come back.
    """
    if heads == "none":
        return False
    found = False
    keys = [
        {id(block): _key(block, index) for block in page if block["type"] in ("header", "footer")}
        for page, index in zip(pages, indices, strict=True)
    ]
    counts = Counter(key for page in keys for key in set(page.values()))
    for page, known in zip(pages, keys, strict=True):
        back = [
            block
            for block in page
            if id(block) in known
            and (heads == "all" or counts[known[id(block)]] < _LEAST_PAGES)
            and not PAGE_NUMBER.match(text_of(block).strip())
            and text_of(block).strip()
        ]
        inside = [*back, *(block for block in page if block["type"] == "paragraph_title")]
        if inside:
            back += [
                block
                for block in page
                if id(block) in known
                and not any(block is other for other in back)
                and _is_within(block, inside)
                and not PAGE_NUMBER.match(text_of(block).strip())
            ]
        if back:
            _put_back(page, [block for block in page if any(block is other for other in back)])
            found = True
    return found


def _key(block: Block, index: int) -> str:
    """The text, with a page number that it ends or begins with replaced by its distance to the page."""
    text = _SPACES.sub(" ", text_of(block)).strip()
    found = _ENDS_WITH_PAGE.search(text) or _BEGINS_WITH_PAGE.match(text)
    if found is None:
        return text
    start, end = found.span(1)
    return f"{text[:start]}#{int(found[1]) - index}{text[end:]}"


def _is_within(block: Block, back: Sequence[Block]) -> bool:
    """Whether a head or foot stands further inside the page than one that comes back, or than a heading."""
    if block["type"] == "header":
        above = [other for other in back if other["type"] in ("header", "paragraph_title")]
        return any(other["bbox"][3] <= block["bbox"][1] for other in above)
    return any(other["type"] == "footer" and other["bbox"][1] >= block["bbox"][3] for other in back)


def _put_back(page: list[Block], back: Sequence[Block]) -> None:
    usual = _line_height([block for block in page if block["type"] == "text"])
    heads = [block for block in back if block["type"] == "header"]
    feet = [block for block in back if block["type"] == "footer"]
    rest = [block for block in page if not any(block is other for other in back)]
    for block in back:
        large = usual and _line_height([block]) > _LARGE * usual
        block["type"] = "paragraph_title" if large and block["type"] == "header" else "text"
    for head in sorted(heads, key=_place):
        # before the first block that stands below it: a title may stand above
        below = (number for number, block in enumerate(rest) if _place(block) > _place(head))
        rest.insert(next(below, len(rest)), head)
    page[:] = [*rest, *sorted(feet, key=_place)]


def _place(block: Block) -> tuple[float, float]:
    left, top, *_ = block["bbox"]
    return round(top, 2), left


def _line_height(blocks: Sequence[Block]) -> float:
    """The usual height of the lines in blocks, as a share of the page; 0 where it is not known."""
    lines = [line["bbox"] for block in blocks for line in block.get("lines") or () if line.get("bbox")]
    return median(box[3] - box[1] for box in lines) if lines else 0.0
