"""The documents that contestants are given: made ones, and those of a folder that somebody names."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

#: types that MinerU reads without any model
SUFFIXES = {".pdf", ".docx", ".pptx", ".xlsx", ".html", ".htm", ".csv", ".epub"}


def made() -> ModuleType:
    """Those that tests make; what writes them takes long to import, which figures and ``--help`` need not."""
    from tests import documents

    return documents


def prose_pdf(pages: int = 1, seed: int = 0) -> bytes:
    """A PDF with text only, 250 words a page, as people write."""
    return made().text_pdf(pages, seed=seed, lines=21)


class Document(NamedTuple):
    """A file's name and its bytes."""

    name: str
    data: bytes


def papers(count: int, pages: int = 1, seed: int = 0) -> list[Document]:
    """PDF files with a heading, prose, a table and a figure on each page; no two alike."""
    return [
        Document(f"paper-{seed + index}.pdf", made().paper_pdf(pages, seed=seed + index))
        for index in range(count)
    ]


def texts(count: int, pages: int = 1, seed: int = 0) -> list[Document]:
    """PDF files with text only; no two alike."""
    return [
        Document(f"text-{seed + index}.pdf", prose_pdf(pages, seed=seed + index)) for index in range(count)
    ]


def scans(count: int, pages: int, seed: int = 0) -> list[Document]:
    """PDF files with pictures of pages only; no two alike."""
    return [
        Document(f"scan-{seed + index}.pdf", made().scan_pdf(pages, seed=seed + index, lines=24))
        for index in range(count)
    ]


#: kinds of a mixed folder, by turns
_KINDS: tuple[Callable[[int], Document], ...] = (
    lambda seed: Document(f"note-{seed}.pdf", prose_pdf(1 + seed % 3, seed=seed)),
    lambda seed: Document(f"paper-{seed}.pdf", made().paper_pdf(1 + seed % 4, seed=seed)),
    lambda seed: Document(f"letter-{seed}.docx", made().word(f"Letter number {seed}.")),
    lambda seed: Document(f"table-{seed}.csv", made().table_csv() + f"\n{seed},{seed},end".encode()),
    lambda seed: Document(f"page-{seed}.html", made().web_page().replace(b"Some", b"Page %d, some" % seed)),
)


def mixed(count: int, corpus: Path | None) -> list[Document]:
    """``count`` made documents of several kinds and the files of ``corpus``, in a fixed random order."""
    found = [_KINDS[seed % len(_KINDS)](seed) for seed in range(count)]
    if corpus is not None:
        paths = [path for path in corpus.rglob("*") if path.suffix.lower() in SUFFIXES]
        found += [Document(path.name, path.read_bytes()) for path in sorted(paths)]
    random.Random(1).shuffle(found)
    return found
