"""Exports for docling's clients: the DoclingDocument, what docling writes of it, and our text with pictures.

Forms are ``KIND-IMAGES``: kind ``json``, ``text``, ``doctags``, ``markdown`` or ``html``; images as in
``docling_document``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradio_app.base.errors import OptionInvalid
from gradio_app.parsing.docling_document import Images, Pictures, docling_document
from gradio_app.parsing.error_translation import readable_errors

#: decimals of boxes, in points
_PRECISION = 2
_PICTURE = re.compile(r'(?<=\]\()images/[A-Za-z0-9_.-]+(?=\))|(?<=src=")images/[A-Za-z0-9_.-]+(?=")')
#: what stands before a picture in its line, at most; longer descriptions stay
_MOST_BEFORE = 4000
_NO_PICTURE = "<!-- image -->"


def export_for_docling(
    result: str, out: str, form: str, title: str, filename: str, sha256: str
) -> dict[str, Any]:
    """Writes one form of the finished result in the folder ``result`` into the file ``out``."""
    with readable_errors():
        kind, _, images = form.partition("-")
        if images not in ("embedded", "referenced", "placeholder"):
            raise OptionInvalid()
        folder, mode = Path(result), images
        if kind in ("markdown", "html"):
            data = _text(folder, kind, mode, title)
        else:
            document = docling_document(folder, title, mode, {"filename": filename, "sha256": sha256})
            writers: dict[str, Callable[[], str]] = {
                "json": lambda: document.model_dump_json(
                    by_alias=True, exclude_none=True, context={"coord_prec": _PRECISION}
                ),
                "text": document.export_to_text,
                "doctags": document.export_to_doctags,
            }
            data = writers[kind]()
        return {"bytes": Path(out).write_bytes(data.encode("utf-8", "replace"))}


def _text(folder: Path, kind: str, images: Images, title: str) -> str:
    """Our Markdown or HTML with its pictures as data, or with a comment in their place."""
    if kind == "markdown":
        text = (folder / "document.md").read_text("utf-8")
    else:
        from gradio_app.parsing.results import exported

        text = exported(folder, "html", title).decode("utf-8")
    if images == "referenced":
        return text
    pictures = Pictures(folder, images)
    parts: list[str] = []
    at = 0
    for found in _PICTURE.finditer(text):
        if images == "embedded":
            try:
                address = pictures.data_address(found[0])
            except OSError:
                continue
            parts += [text[at : found.start()], address]
            at = found.end()
        elif (around := _whole(text, found, at)) is not None:
            parts += [text[at : around[0]], _NO_PICTURE]
            at = around[1]
    return "".join([*parts, text[at:]])


def _whole(text: str, address: re.Match[str], least: int) -> tuple[int, int] | None:
    """Start and end of the picture with this address, in Markdown or HTML."""
    start, end = address.span()
    sign, last = ("![", ")") if text[start - 2 : start] == "](" else ("<img", ">")
    begin = text.rfind(sign, max(least, start - _MOST_BEFORE), start)
    close = text.find(last, end, end + _MOST_BEFORE)
    return None if begin < 0 or close < 0 else (begin, close + 1)
