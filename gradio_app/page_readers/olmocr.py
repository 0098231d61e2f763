"""olmOCR-2 (7B, FP8): a page as Markdown below a head of facts, without boxes."""

from __future__ import annotations

import re

from gradio_app.base.page_readers import (
    KIB,
    NO_CIRCLES,
    Ask,
    Found,
    PageReader,
    Picture,
    Serve,
    Shown,
    Unreadable,
    Weights,
)
from gradio_app.page_readers.markdown import blocks_of

#: the question that the model was trained with (version 4, YAML)
_PROMPT = (
    "Attached is one page of a document that you must process. Just return the plain text representation of "
    "this document as if you were reading it naturally. Convert equations to LateX and tables to HTML.\n"
    "If there are any figures or charts, label them with the following markdown syntax "
    "![Alt text describing the contents of the figure](page_startx_starty_width_height.png)\n"
    "Return your output as markdown, with a front matter section on top specifying values for the "
    "primary_language, is_rotation_valid, rotation_correction, is_table, and is_diagram parameters."
)
_TURNED = re.compile(r"^is_rotation_valid:\s*false\s*$", re.IGNORECASE | re.MULTILINE)


def read(answer: str, _shown: Shown, _page: int) -> list[Found]:
    """Markdown below the head. A page that the model sees on its side was not read well."""
    text = answer.strip()
    if text.startswith("---"):
        head, end, text = text[3:].partition("\n---")
        if not end:
            raise Unreadable("its head has no end")
        if _TURNED.search(head):
            raise Unreadable("the page stands on its side")
    return blocks_of(text)


READER = PageReader(
    name="olmocr-2",
    titles={"en": "olmOCR-2", "zh": "olmOCR-2"},
    good_at={
        "en": "English papers, old scans, tables; no boxes",
        "zh": "英文论文、旧扫描件、表格；不给出位置",
    },
    kind="page",
    weights=Weights(
        repo="allenai/olmOCR-2-7B-1025-FP8",
        folder="olmOCR-2-7B-1025-FP8",
        size=int(10.1e9),
        licence="Apache-2.0",
    ),
    serve=Serve(
        weights=int(10.1e9), kv=56 * KIB, context=16_384, least=8192, typical=4500, capability=(8, 9)
    ),
    asks=Ask(
        prompt=_PROMPT,
        picture=Picture(dpi=200, longest=1288, factor=28, tokens=2200),
        most_tokens=8000,
        guard=NO_CIRCLES,
        text_first=True,
    ).at(0.1, 0.2, 0.5),
    read=read,
)
