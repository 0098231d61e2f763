"""Names in the watch folder: of results, in any encoding and of any length, and as people read them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

RESULT, EDITED = ".result", ".edited"
#: bytes that a name may have on nearly all file systems
LONGEST = 255
#: bytes that names of results need beyond those of their document: ``.result-99`` and ``.edited-9999``
ROOM = 12
#: results of one document beside folders of the same name that belong to somebody else
MOST_RESULTS = 99
_RESULT = re.compile(r"(.+)\.result(?:-([2-9]|[1-9]\d))?", re.DOTALL)
_NUMBERED = re.compile(r".+\.(?:result|edited)-\d{1,4}", re.DOTALL)


def stem_of(name: str, longest: int = LONGEST) -> str:
    """What names of results begin with: the document's name, cut and with a short hash where it is too long.

    ``longest``: bytes that a name may have on this file system.
    """
    raw, most = os.fsencode(name), longest - ROOM
    if len(raw) <= most:
        return name
    mark = "~" + hashlib.sha256(raw).hexdigest()[:10]
    cut = raw[: most - len(mark)]
    while cut and cut[-1] & 0xC0 == 0x80:  # in the middle of a character
        cut = cut[:-1]
    if cut and cut[-1] >= 0xC0:
        cut = cut[:-1]
    return os.fsdecode(cut) + mark


def result_name(stem: str, number: int = 1) -> str:
    """The folder of a result; from 2 on beside others of that name."""
    return stem + RESULT + (f"-{number}" if number > 1 else "")


def edited_name(stem: str, number: int) -> str:
    """Where a result goes that somebody has edited."""
    return f"{stem}{EDITED}-{number}"


def results_by_stem(names: Iterable[str]) -> dict[str, list[int]]:
    """Of the names in a folder those that may be results: stem -> numbers, in order."""
    found: dict[str, list[int]] = {}
    for name in names:
        if match := _RESULT.fullmatch(name):
            found.setdefault(match[1], []).append(int(match[2] or 1))
    return {stem: sorted(numbers) for stem, numbers in found.items()}


def may_hold_result(name: str) -> bool:
    """Whether a folder has one of the numbered names."""
    return _NUMBERED.fullmatch(name) is not None


def text_of(path: PurePosixPath | str) -> str:
    """A path as text for the store and for files; bytes that are not UTF-8 are replaced."""
    return os.fsencode(str(path)).decode("utf-8", "replace")


def readable(path: PurePosixPath | str) -> str:
    """A path for messages and the log: without control characters, so that it cannot forge a line."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text_of(path))


def key_of(path: PurePosixPath) -> str:
    """A path for idempotency keys: two paths never share one, also where their texts do."""
    raw, text = os.fsencode(str(path)), text_of(path)
    return text if text.encode() == raw else f"{text}#{hashlib.sha256(raw).hexdigest()[:16]}"
