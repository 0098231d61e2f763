"""Qwen3-VL (8B): a page as Markdown, without boxes."""

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
    Weights,
)
from gradio_app.page_readers.markdown import blocks_of

_FENCED = re.compile(r"\A```(?:markdown|md)?\n")


def read(answer: str, _shown: Shown, _page: int) -> list[Found]:
    """Markdown, which chat models like to wrap into a block of code."""
    text = answer.strip()
    if _FENCED.match(text):
        text = _FENCED.sub("", text).removesuffix("```")
    return blocks_of(text)


READER = PageReader(
    name="qwen3-vl",
    titles={"en": "Qwen3-VL 8B", "zh": "Qwen3-VL 8B"},
    good_at={"en": "photographed pages, many languages; no boxes", "zh": "拍摄的页面、多语种；不给出位置"},
    kind="page",
    weights=Weights(
        repo="Qwen/Qwen3-VL-8B-Instruct",
        folder="Qwen3-VL-8B-Instruct",
        size=int(17.5e9),
        licence="Apache-2.0",
    ),
    serve=Serve(
        weights=int(17.5e9), kv=144 * KIB, context=16_384, least=8192, typical=5000, capability=(8, 0)
    ),
    asks=Ask(
        prompt="Convert this page to markdown. Do not miss any text and only output the bare markdown!",
        picture=Picture(dpi=200, longest=1540, factor=32, tokens=2400),
        most_tokens=8192,
        guard=NO_CIRCLES,
    ).at(0.2, 0.6),
    read=read,
)
