"""The type of a file, by its content; the suffix tells apart only what the content does not."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
from pathlib import Path

from gradio_app.base.errors import FileTypeUnsupported
from gradio_app.base.file_types import ALL_PICTURES, ARCHIVES, CONTAINERS, DOCUMENTS, TEXTS
from gradio_app.parsing.containers.archive import check_entries, is_archive
from gradio_app.parsing.containers.outlook import is_outlook
from gradio_app.parsing.prepare.encodings import decode

#: brands of the container that films use, too (ISO base media file format) -> type
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "heic"),
    **dict.fromkeys((b"avif", b"avis"), "avif"),
}

#: types that are told by a signature, and suffixes under which programs hide text
_OLD = frozenset({"xls", "doc", "ppt"})
_BINARY = ALL_PICTURES | ARCHIVES | _OLD | {"pdf", "rtf", "mhtml"}
_SIGNATURES = (b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")
#: bytes that are looked at
_HEAD = 8192
_PAGE = re.compile(
    r"(?:\s|\ufeff|<[?!][^>]{0,500}>)*<(?:html|head|body|table|meta|style|div|font|center|p)\b", re.I
)


def kind_of_file(path: Path) -> str:
    """The type of a document, one of ``DOCUMENTS``. Raises ``FileTypeUnsupported``, or ``TooManyFiles``."""
    from mineru.parser.file_type import guess_suffix_by_path

    check_entries(path)
    kind = _picture(path) or str(guess_suffix_by_path(path))
    suffix = path.suffix.lstrip(".").lower()
    if kind not in _BINARY - {"mhtml"} - _OLD and (container := _container(path, suffix)):
        return container
    if kind in CONTAINERS:
        kind = ""  # a damaged file of Office, a program
    if suffix in TEXTS and kind not in _BINARY and is_text(path):
        kind = TEXTS[suffix]
    elif suffix in _OLD and kind not in _BINARY - _OLD and is_text(path):
        kind = _disguised(path, suffix)
    elif kind in TEXTS:
        kind = ""  # a program, settings, the rest of a broken file
    if kind not in DOCUMENTS:
        raise FileTypeUnsupported()
    return kind


def _container(path: Path, suffix: str) -> str:
    """What holds other documents: an archive and a mail by its suffix too, as others look the same."""
    if suffix in ("zip", "", "bin") and is_archive(path):
        return "zip"
    if suffix == "eml" and is_text(path):
        return "eml"
    return "msg" if is_outlook(path) else ""


def is_text(path: Path) -> bool:
    """Whether a file holds text, in any encoding."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_SIGNATURES):
        return False
    text = decode(head[: len(head) & ~3] if b"\0" in head else head).text
    strange = sum(text.count(chr(code)) for code in (*range(9), *range(14, 27), *range(28, 32), 0xFFFD))
    return strange * 100 <= len(text)


def _disguised(path: Path, suffix: str) -> str:
    """What text is that a program has named as a file of Office."""
    with path.open("rb") as file:
        head = decode(file.read(_HEAD)).text
    if _PAGE.match(head):
        return "html"
    if head.lstrip("\ufeff \t\r\n").startswith("<?xml"):
        return "xml"
    if suffix != "xls":
        return "txt"
    return "tsv" if "\t" in head.partition("\n")[0] else "csv"


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
