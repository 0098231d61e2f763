"""Options of a request: tiers, OCR modes, and the grammar of page ranges."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self, get_args

from gradio_app.base import page_readers
from gradio_app.base.errors import OptionInvalid, PageRangeInvalid
from gradio_app.base.page_runs import format_runs, runs_of

Tier = Literal["auto", "flash", "basic", "standard", "advanced"]
ReaderName = Literal["flash", "basic", "standard", "advanced"]
OcrMode = Literal["auto", "txt", "ocr"]
TIERS: tuple[str, ...] = get_args(Tier)
#: those that read a page, the cheapest first
READERS: tuple[str, ...] = get_args(ReaderName)
OCR_MODES: tuple[str, ...] = get_args(OcrMode)

#: tiers whose pages are read by the vision model
VISION_TIERS = frozenset({"standard", "advanced"})


def needs_engine(tier: str) -> bool:
    """Whether pages of this tier, or by the reader of this name, are read by a model on the engine."""
    return tier in VISION_TIERS or (tier not in TIERS and tier != "")


def reader_rank(name: str) -> tuple[int, str]:
    """Orders readers, the cheapest first; those by name come last."""
    return (READERS.index(name) if name in READERS else len(READERS)), name


def is_reader(name: str) -> bool:
    """Whether a page can have been read by that name."""
    return name in READERS or page_readers.by_tier(name) is not None


PRIORITY_LIMIT = 10

#: export format -> suffix of its file; whole: with its pictures, unlike in earlier versions
EXPORT_SUFFIX = {
    "html": "whole.html",
    "docx": "docx",
    "latex": "tex",
    "epub": "epub",
    "docling": "embedded.docling.json",
}
#: the same for clients of MinerU: middle JSON and content list of its versions 2 and 3, another list of 4
MINERU_SUFFIX = {"middle2": "middle2.json", "list2": "list2.json", "structured": "structured.json"}
#: what docling's clients ask for
DOCLING_KINDS = {
    "json": "docling.json",
    "markdown": "md",
    "html": "html",
    "text": "txt",
    "doctags": "doctags",
}
DOCLING_IMAGES = ("embedded", "referenced", "placeholder")
#: kind and where its pictures are -> suffix of its file; ``docling`` above is ``json-embedded``
DOCLING_SUFFIX = {
    f"{kind}-{images}": f"{images}.{suffix}"
    for kind, suffix in DOCLING_KINDS.items()
    for images in DOCLING_IMAGES
}

#: bytes of pictures that an HTML file holds; beyond it the file links to them
MOST_EMBEDDED = 64 << 20

#: longest password of a document, in characters
MOST_PASSWORD = 1000
#: no document has more
MOST_PAGES = 1_000_000
#: more pages than a document has
_ANY_COUNT = 10**9

_RANGE_PART = re.compile(r"(r?)([0-9]{1,9})(?:-(r?)([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What the user asked for. ``tier`` is one of ``TIERS``, or the name of a page reader.

    ``page_range`` is 1-based and inclusive (``1-5,8,r2-r1``), empty for all pages. ``keep_headers``: running
    heads and feet stay in the text.
    """

    tier: str = "auto"
    page_range: str = ""
    ocr_mode: str = "auto"
    priority: int = 0
    use_cache: bool = True
    keep_headers: bool = False

    @classmethod
    def checked(
        cls,
        tier: str,
        page_range: str,
        ocr_mode: str,
        priority: int = 0,
        use_cache: bool = True,
        keep_headers: bool = False,
    ) -> Self:
        """Options from outside; raises ``OptionInvalid`` or ``PageRangeInvalid``."""
        tier, ocr_mode = tier.strip().lower() or "auto", ocr_mode.strip().lower() or "auto"
        if tier not in TIERS and page_readers.by_tier(tier) is None:
            named = f" Readers by name: {', '.join(page_readers.names())}."
            raise OptionInvalid(f"There is no tier {tier[:40]!r}. Tiers are: {', '.join(TIERS)}.{named}")
        if ocr_mode not in OCR_MODES:
            raise OptionInvalid(f"There is no OCR mode {ocr_mode[:40]!r}. Modes are: {', '.join(OCR_MODES)}.")
        if not -PRIORITY_LIMIT <= priority <= PRIORITY_LIMIT:
            raise OptionInvalid(f"Priority goes from {-PRIORITY_LIMIT} to {PRIORITY_LIMIT}, not {priority}.")
        return cls(tier, normalize_page_range(page_range), ocr_mode, priority, use_cache, keep_headers)


def normalize_page_range(text: str) -> str:
    """Checks the form of a page range and removes blanks; ``all`` and empty give ``""``."""
    compact = "".join(text.split()).lower()
    if compact in ("", "all"):
        return ""
    if len(compact) > 1000:
        raise PageRangeInvalid("The page range is too long. Merge neighbouring pages, such as 1-50.")
    for part in compact.split(","):
        match = _RANGE_PART.fullmatch(part)
        if match is None:
            raise PageRangeInvalid(
                f"{part[:40]!r} is not a page range. Write pages as 1-5,8,10-12; r1 is the last page."
            )
        if int(match[2]) == 0 or (match[4] and int(match[4]) == 0):
            raise PageRangeInvalid("There is no page 0: pages are counted from 1.")
        from_end, first, to_end, last = match.groups()
        if last and from_end == to_end and _absolute(from_end, first, 0) > _absolute(to_end, last, 0):
            raise PageRangeInvalid(f"{part!r} runs backwards. Write the smaller page first.")
    return compact


def select_pages(page_range: str, count: int) -> tuple[int, ...]:
    """The 1-based pages that a checked range selects out of ``count``, sorted, without repeats.

    Raises ``PageRangeInvalid`` when it selects none or runs backwards in this document.
    """
    if not page_range:
        return tuple(range(1, count + 1))
    selected: set[int] = set()
    for part in page_range.split(","):
        match = _RANGE_PART.fullmatch(part)
        if match is None:
            raise PageRangeInvalid()
        first = _absolute(match[1], match[2], count)
        last = _absolute(match[3], match[4], count) if match[4] else first
        if first > last:
            raise PageRangeInvalid(f"{part!r} runs backwards in a document of {count} pages.")
        selected.update(range(max(1, first), min(count, last) + 1))
    if not selected:
        raise PageRangeInvalid(f"{page_range!r} selects no page: the document has {count}.")
    return tuple(sorted(selected))


def _absolute(from_end: str, number: str, count: int) -> int:
    return count + 1 - int(number) if from_end else int(number)


def format_pages(pages: Iterable[int]) -> str:
    """``(1, 2, 3, 8)`` -> ``1-3,8``."""
    return format_runs(runs_of(pages))


def pages_in(text: str) -> tuple[int, ...]:
    """``3,7-9`` -> ``(3, 7, 8, 9)``, the way back of ``format_pages``; nothing for an empty text."""
    return select_pages(text, _ANY_COUNT) if text else ()
