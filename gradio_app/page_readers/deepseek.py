"""DeepSeek-OCR-2: a page as Markdown with a box before each block."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from gradio_app.base.page_readers import (
    KIB,
    LOST,
    Ask,
    Found,
    PageReader,
    Picture,
    Serve,
    Shown,
    Weights,
)

#: its boxes are in thousandths of the page
_SCALE = 999
#: letters of the boxes of one block
_LONGEST_BOXES = 4000
#: around the label and the boxes of a block; anything else of this form is a token without text
_REF, _REF_END, _DET, _DET_END = "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>"
_SPECIAL = re.compile(r"<\|[a-z/]{1,20}\|>|<｜[^｜>]{1,40}｜>")
_LABELS = {
    "title": "doc_title",
    "sub_title": "paragraph_title",
    "list": "list_item",
    "formula": "equation",
    "isolate_formula": "equation",
    "figure": "image",
    "picture": "image",
    "figure_title": "image_caption",
    "image_caption": "image_caption",
    "table_title": "table_caption",
    "reference": "ref_text",
    "page_header": "header",
    "page_footer": "footer",
    "footnote": "page_footnote",
    "number": "page_number",
}


def read(answer: str, _shown: Shown, _page: int) -> list[Found]:
    """Blocks in their order; a mark with several boxes is one block around all of them."""
    return list(_blocks(answer))


def _blocks(answer: str) -> Iterator[Found]:
    before, *marked = answer.split(_REF)
    if text := _plain(before):  # it forgot the marks: the text is there all the same
        yield Found("text", text)
    for piece in marked:
        label, _, rest = piece.partition(_REF_END)
        boxes, _, text = rest.partition(_DET_END)
        if not rest or not boxes.startswith(_DET) or len(boxes) > _LONGEST_BOXES:
            yield LOST
            continue
        label = label.strip().lower()
        yield Found(_LABELS.get(label, label), _plain(text), _box(boxes.removeprefix(_DET)))


def _plain(text: str) -> str:
    return _SPECIAL.sub("", text).strip()


def _box(text: str) -> list[float] | None:
    try:
        found = json.loads(text)
        boxes = [[float(value) / _SCALE for value in box] for box in found]
        left, top, right, bottom = zip(*boxes, strict=True)
    except (ValueError, TypeError):
        return None
    return [min(left), min(top), max(right), max(bottom)]


READER = PageReader(
    name="deepseek-ocr-2",
    titles={"en": "DeepSeek-OCR-2", "zh": "DeepSeek-OCR-2"},
    good_at={"en": "old scans, handwriting, photographed pages", "zh": "旧扫描件、手写、拍摄的页面"},
    kind="page",
    weights=Weights(
        repo="deepseek-ai/DeepSeek-OCR-2",
        folder="DeepSeek-OCR-2",
        size=int(6.8e9),
        licence="Apache-2.0",
    ),
    serve=Serve(
        weights=int(6.8e9),
        kv=60 * KIB,
        context=8192 + 4096,
        least=8192,
        typical=4096,
        capability=(8, 0),
        # from a local folder SGLang would choose a template that gives empty answers
        flags=("--chat-template", "deepseek-ocr"),
    ),
    asks=(
        Ask(
            # SGLang's template adds the place of the picture itself
            prompt="<|grounding|>Convert the document to markdown.",
            picture=Picture(dpi=144, longest=3072, tokens=2048),
            # without it the marks of blocks are stripped
            sampling={"temperature": 0.0, "skip_special_tokens": False},
            most_tokens=8192,
            # 30 tokens do not come again within 90, but for <td> and </td>
            guard={"ngram_size": 30, "window_size": 90, "whitelist_token_ids": [128821, 128822]},
        ),
        Ask(
            prompt="Free OCR.",
            picture=Picture(dpi=144, longest=3072, tokens=2048),
            sampling={"temperature": 0.0, "skip_special_tokens": False},
            most_tokens=8192,
            guard={"ngram_size": 20, "window_size": 90, "whitelist_token_ids": [128821, 128822]},
        ),
    ),
    read=read,
)
