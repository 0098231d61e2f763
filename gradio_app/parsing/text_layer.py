"""Compares pages that a vision model has read with the text layer of their file, where there is one.

A model can leave a column out, or repeat one line until its tokens end, and the page looks finished.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loguru import logger

from gradio_app.parsing import check
from gradio_app.parsing.readers.embedded.page import read_page

#: words of the layer below which a page is a picture, and is not compared
_LEAST_WORDS = 12


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
