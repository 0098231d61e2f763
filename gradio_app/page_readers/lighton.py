"""LightOnOCR-3 (1B): blocks as lines of Markdown, each behind a picture's mark with a label and a box."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradio_app.base.page_readers import (
    KIB,
    NO_CIRCLES,
    Ask,
    Found,
    PageReader,
    Picture,
    Serve,
    Shown,
    Weights,
)

#: its boxes are in thousandths of the page
_SCALE = 1000
#: ![label](x1,y1,x2,y2); a label with a plus goes on from the block before
_MARK = re.compile(r"!\[([a-zA-Z_ -]{1,40})(\+?)\]\((\d{1,5}),(\d{1,5}),(\d{1,5}),(\d{1,5})\)")


def read(answer: str, _shown: Shown, _page: int) -> list[Found]:
    """Blocks in their order; what stands before the first mark is text."""
    return list(_blocks(answer))


def _blocks(answer: str) -> Iterator[Found]:
    marks = list(_MARK.finditer(answer))
    first = marks[0].start() if marks else len(answer)
    if before := answer[:first].strip():
        yield Found("text", before)
    ends = [*(mark.start() for mark in marks), len(answer)][1:]
    for mark, end in zip(marks, ends, strict=True):
        text = answer[mark.end() : end].strip()
        box = [int(side) / _SCALE for side in mark.groups()[2:]]
        yield Found(mark[1].strip().lower().replace(" ", "_"), text, box)


READER = PageReader(
    name="lightonocr-3",
    titles={"en": "LightOnOCR-3", "zh": "LightOnOCR-3"},
    good_at={"en": "old scans, handwriting, tables", "zh": "旧扫描件、手写、表格"},
    kind="page",
    weights=Weights(
        repo="lightonai/LightOnOCR-3-1B",
        folder="LightOnOCR-3-1B",
        size=int(2.2e9),
        licence="Apache-2.0",
    ),
    serve=Serve(
        weights=int(2.2e9), kv=112 * KIB, context=16_384, least=16_384, typical=7000, capability=(8, 0)
    ),
    asks=Ask(
        prompt="grounding",
        picture=Picture(dpi=200, longest=2048, tokens=8000),
        sampling={"top_p": 0.9},
        most_tokens=8192,
        guard=NO_CIRCLES,
    ).at(0.1, 0.4),
    read=read,
)
