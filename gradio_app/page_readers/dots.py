"""dots.mocr: a page as JSON, a list of blocks with boxes in pixels of the picture that the model saw."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from gradio_app.base.page_readers import (
    KIB,
    LOST,
    NO_CIRCLES,
    Ask,
    Found,
    PageReader,
    Picture,
    Serve,
    Shown,
    Weights,
)

#: the question that the model was trained with (prompt_layout_all_en)
_PROMPT = """Please output the layout information from the PDF image, including each layout element's bbox, \
its category, and the corresponding text content within the bbox.

1. Bbox format: [x1, y1, x2, y2]

2. Layout Categories: The possible categories are ['Caption', 'Footnote', 'Formula', 'List-item', \
'Page-footer', 'Page-header', 'Picture', 'Section-header', 'Table', 'Text', 'Title'].

3. Text Extraction & Formatting Rules:
    - Picture: For the 'Picture' category, the text field should be omitted.
    - Formula: Format its text as LaTeX.
    - Table: Format its text as HTML.
    - All Others (Text, Title, etc.): Format their text as Markdown.

4. Constraints:
    - The output text must be the original text from the image, with no translation.
    - All layout elements must be sorted according to human reading order.

5. Final Output: The entire output must be a single JSON object.
"""
_LABELS = {
    "caption": "caption",
    "footnote": "page_footnote",
    "formula": "equation",
    "list-item": "list_item",
    "page-footer": "footer",
    "page-header": "header",
    "picture": "image",
    "section-header": "paragraph_title",
    "table": "table",
    "title": "doc_title",
}
#: an escape of JSON, or a backslash that is none; where a block begins
_ESCAPE = re.compile(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})?')
_BEGIN = re.compile(r'\{\s*"(?:bbox|category)"')
#: broken blocks after which the rest is not looked at
_MOST_LOST = 50
_PICTURE = Picture(dpi=200, most=11_289_600, factor=28, tokens=14_400)
#: a page at 200 dpi: 1,654 by 2,339 pixels, 784 of them a token
_PAGE_TOKENS = 4934


def read(answer: str, shown: Shown, _page: int) -> list[Found]:
    """Blocks in their order; of an answer that was cut off those that are whole."""
    return list(_blocks(_mended(answer), shown))


def _mended(text: str) -> str:
    """With the backslashes of LaTeX doubled where they are none of JSON."""
    return _ESCAPE.sub(lambda found: found[0] if found[1] else r"\\", text)


def _blocks(text: str, shown: Shown) -> Iterator[Found]:
    """The objects of a JSON list, one after the other; one that is broken is lost, not those behind it."""
    decoder, lost = json.JSONDecoder(strict=False), 0
    at = text.find("{")
    while at >= 0 and lost < _MOST_LOST:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield LOST
            lost += 1
            begin = _BEGIN.search(text, at + 1)
            at = begin.start() if begin else -1
            continue
        yield from (_found(block, shown) for block in _inside(value))
        at = text.find("{", end)


def _inside(value: dict[str, Any]) -> list[dict[str, Any]]:
    """A block, or those of the list that it holds, as the question has it: a single object."""
    if "bbox" in value or "category" in value:
        return [value]
    lists = [cast(list[Any], each) for each in value.values() if isinstance(each, list)]
    return [cast(dict[str, Any], block) for each in lists for block in each if isinstance(block, dict)]


def _found(block: dict[str, Any], shown: Shown) -> Found:
    label, text, box = str(block.get("category", "")).lower(), block.get("text"), block.get("bbox")
    sizes = (shown.width, shown.height) * 2
    shares = None
    if isinstance(box, list) and len(cast(list[Any], box)) == 4:
        values = cast(list[Any], box)
        if all(isinstance(value, int | float) and abs(value) < 1e9 for value in values):
            shares = [float(value) / size for value, size in zip(values, sizes, strict=True)]
    return Found(_LABELS.get(label, label), text if isinstance(text, str) else "", shares)


READER = PageReader(
    name="dots.mocr",
    titles={"en": "dots.mocr", "zh": "dots.mocr"},
    good_at={"en": "many languages, old scans, handwriting", "zh": "多语种、旧扫描件、手写"},
    kind="page",
    weights=Weights(
        repo="rednote-hilab/dots.mocr",
        # its own code is loaded from the folder as a module, whose name may have no dot
        folder="DotsMOCR",
        size=int(6.1e9),
        licence="MIT with a use agreement",
        terms="https://huggingface.co/rednote-hilab/dots.mocr",
        must_accept=True,
    ),
    serve=Serve(
        weights=int(6.1e9),
        kv=28 * KIB,
        context=32_768,
        least=16_384,
        typical=_PAGE_TOKENS + 3000,
        capability=(8, 0),
        flags=("--trust-remote-code", "--chat-template", "{here}/dots.jinja"),
    ),
    asks=Ask(
        prompt=_PROMPT,
        picture=_PICTURE,
        sampling={"top_p": 0.9},
        most_tokens=16_384,
        guard=NO_CIRCLES,
    ).at(0.1, 0.5),
    read=read,
)
