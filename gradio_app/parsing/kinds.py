"""The type of a file, by its content; the suffix tells apart only what the content does not."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from pathlib import Path

from gradio_app.base.errors import FileTypeUnsupported
from gradio_app.base.file_types import DOCUMENTS

#: brands of the container that films use, too (ISO base media file format) -> type
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "heic"),
    **dict.fromkeys((b"avif", b"avis"), "avif"),
}


def kind_of_file(path: Path) -> str:
    """The type of a document, one of ``DOCUMENTS``. Raises ``FileTypeUnsupported``."""
    from mineru.parser.file_type import guess_suffix_by_path

    kind = _picture(path) or str(guess_suffix_by_path(path))
    if kind not in DOCUMENTS:
        raise FileTypeUnsupported()
    return kind


def _picture(path: Path) -> str:
    """``heic`` or ``avif`` by the first brand of its container, of several the one that says most."""
    with path.open("rb") as file:
        head = file.read(64)
    if head[4:8] != b"ftyp":
        return ""
    size = min(int.from_bytes(head[:4]), len(head))
    brands = [head[8:12], *(head[place : place + 4] for place in range(16, size, 4))]
    if brands[0] not in _BRANDS:
        return ""
    return "avif" if b"avif" in brands or b"avis" in brands else "heic"
