"""Search: words inside the finished pages of one document, and the text of pages for the index of all.

Jobs, as they read what a document says.

Every step is linear in the length of a page: documents are made to be slow.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from gradio_app.base.errors import NotFound
from gradio_app.base.files import read_beneath

#: characters of the text that are shown before and after what was found
_BEFORE, _AFTER = 40, 80
#: characters of one document that are searched; its file for the index is not much larger
MOST_TEXT = 32 * 2**20
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
#: what Markdown writes around and between words
_MARKUP = re.compile(r"\\(?=[!-/:-@\[-`{-~])|\*\*|^(?:#{1,6}|>|[-*+]|\d+[.)]) |^[ :|-]+$", re.MULTILINE)


def search(pages: list[tuple[int, str]], words: list[str], limit: int) -> dict[str, Any]:
    """The first ``limit`` places where ``words`` follow each other, in the records of finished pages."""
    return {"hits": list(islice(find(_records(pages), words), limit))}


def page_texts(documents: list[list[tuple[int, str]]], out: str) -> dict[str, Any]:
    """Writes the text of finished pages: ``0.jsonl`` for the first document, a line ``[page, text]`` each."""
    Path(out).mkdir()
    for place, pages in enumerate(documents):
        left = MOST_TEXT
        with Path(out, f"{place}.jsonl").open("w", encoding="utf-8") as file:
            for number, record in _records(pages):
                text = text_of(record)[:left]
                left -= len(text)
                file.write(json.dumps([number, text]) + "\n")
    return {}


def text_of(record: Any) -> str:
    """What a reader sees of a page, a line for each block that belongs to the text."""
    return "\n".join(plain(block["markdown"]) for block in record["blocks"] if not block["auxiliary"])


def _records(pages: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
    for number, name in pages:
        path = Path(name)
        with suppress(NotFound):  # the parts of a document are joined right now
            yield number, json.loads(read_beneath(path.parent.parent, f"{path.parent.name}/{path.name}"))


def find(pages: Iterable[tuple[int, Any]], words: list[str]) -> Iterator[dict[str, Any]]:
    """Each place in the pages where ``words`` follow each other, with whatever white space between them."""
    # the text has single spaces
    wanted = re.compile(re.escape(" ".join(words)), re.IGNORECASE)
    for number, record in pages:
        for block in record["blocks"]:
            if block["auxiliary"]:
                continue
            text = plain(block["markdown"])
            for nth, match in enumerate(wanted.finditer(text)):
                start, end = match.span()
                yield {
                    "page": number,
                    "block": block["id"],
                    "nth": nth,
                    "before": text[max(0, start - _BEFORE) : start],
                    "match": match[0],
                    "after": text[end : end + _AFTER],
                }


def plain(markdown: str) -> str:
    """What a reader sees of a block, on one line: without tags, marks and addresses of pictures."""
    text = _TAG.sub(" ", _without_pictures(markdown))
    text = _ROW.sub(lambda row: row[0].replace("|", " "), text)
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())


def _without_pictures(markdown: str) -> str:
    """Without ``![alt](address)``. A pattern would look for the end anew at each beginning."""
    kept: list[str] = []
    done = at = 0
    while (start := markdown.find("![", at)) >= 0:
        alt = markdown.find("]", start + 2)
        end = markdown.find(")", alt + 2)
        if alt < 0 or end < 0:
            break
        if not markdown.startswith("(", alt + 1):
            at = alt + 1  # what begins before it has the same end of its alt text
            continue
        kept += [markdown[done:start], " "]
        done = at = end + 1
    return "".join([*kept, markdown[done:]])
