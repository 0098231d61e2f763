"""Compares pages that a vision model has read with the text layer of their file, where there is one.

A model can leave a column out, or repeat one line until its tokens end, and the page looks finished.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loguru import logger

from gradio_app.parsing import check
from gradio_app.parsing.readers.embedded.page import read_page
from gradio_app.parsing.readers.embedded.typography import plain
from gradio_app.parsing.readers.flash import text_of

#: words of the layer below which a page is a picture, and is not compared
_LEAST_WORDS = 12
#: of a page without a layer, the share of the letters that OCR saw which a better reader has to deliver
_LEAST_LETTERS = 0.4


def verdicts(
    source: str, pages: Sequence[tuple[int, list[dict[str, Any]]]]
) -> list[tuple[int, check.Verdict]]:
    """What the check says of pages (their number from 0, blocks of MinerU's ModelJson) with a text layer.

    A file that pdfium cannot read, or a picture, has none.
    """
    import pypdfium2 as pdfium

    if not source.endswith(".pdf"):
        return []
    found: list[tuple[int, check.Verdict]] = []
    try:
        document: Any = pdfium.PdfDocument(source)
        try:
            for index, blocks in pages:
                facts = read_page(document[index], "txt", None)
                if len(facts.words) < _LEAST_WORDS:
                    continue
                verdict = check.compare_with_layer(facts, blocks)
                if verdict is not None:
                    found.append((index, verdict))
        finally:
            document.close()
    except (pdfium.PdfiumError, IndexError) as error:
        logger.warning("text layer not compared: {}", error)
    return found


def better_first(
    source: str, first: Mapping[int, list[dict[str, Any]]], second: Mapping[int, list[dict[str, Any]]]
) -> list[int]:
    """Pages (from 1) of which the first reading has more of the text than the second, by a better reader.

    Both are compared with the text layer. Without one they are compared by their letters: a model that gave
    up has few of those that OCR saw.
    """
    both = sorted(first.keys() & second.keys())
    old, new = (
        dict(verdicts(source, [(page - 1, blocks[page]) for page in both])) for blocks in (first, second)
    )
    return [
        page
        for page in both
        if (
            check.better(old[page - 1], new[page - 1])
            if page - 1 in old and page - 1 in new
            else _letters(second[page]) < _LEAST_LETTERS * _letters(first[page])
        )
    ]


def _letters(blocks: Sequence[dict[str, Any]]) -> int:
    return sum(map(str.isalnum, plain(" ".join(map(text_of, blocks)))))
