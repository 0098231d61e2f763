"""Versions of reading: results of different versions are not reused and not joined."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

#: each is raised when the text of any document changes by the preparation, the readers or the check
PREPARE, READER, CHECK = 3, 6, 3


@cache
def mineru_version() -> str:
    """The installed MinerU; empty where there is none, as on a head that only hands work out."""
    try:
        return version("mineru")
    except PackageNotFoundError:
        return ""


def reading_version() -> str:
    """What the text of a page depends on, beside the file and its options."""
    return f"{mineru_version()}/{PREPARE}.{READER}.{CHECK}"
