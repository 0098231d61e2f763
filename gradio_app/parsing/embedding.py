"""Embedding of pictures: an exported page that holds the pictures of its result, as ``data:`` addresses."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

from gradio_app.base.files import is_result_name
from gradio_app.base.options import MOST_EMBEDDED

_PICTURE = re.compile(r"""(<img\b[^<>]*?\bsrc=)(["'])images/([^"'<>/]+)\2""")
_MEDIA = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".svg": "image/svg+xml",
}


def with_pictures(page: str, folder: Path, most: int = MOST_EMBEDDED) -> str:
    """``page`` with the pictures of ``folder/images`` inside.

    Unchanged where they have more than ``most`` bytes together. Pictures that are not there stay links.
    """
    images = folder / "images"
    if sum(path.stat().st_size for path in images.iterdir() if path.is_file()) > most:
        return page
    return "".join(_pieces(page, images))


def _pieces(page: str, images: Path) -> Iterator[str]:
    at = 0
    for found in _PICTURE.finditer(page):
        start, quote, name = found.groups()
        path = images / name
        media = _MEDIA.get(path.suffix.lower())
        if media is None or not is_result_name(name) or path.is_symlink() or not path.is_file():
            continue
        yield page[at : found.start()]
        yield f"{start}{quote}data:{media};base64,{base64.b64encode(path.read_bytes()).decode()}{quote}"
        at = found.end()
    yield page[at:]
