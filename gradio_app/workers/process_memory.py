"""Memory of a process and all that it started, cheap enough to be read ten times a second (Linux)."""

from __future__ import annotations

import os

_PAGE = os.sysconf("SC_PAGE_SIZE")


def tree_rss(pid: int) -> int:
    """Resident memory of a process and its descendants in bytes; 0 when it is gone, or without /proc."""
    try:
        total = int(_words(f"/proc/{pid}/statm")[1]) * _PAGE
        children = _words(f"/proc/{pid}/task/{pid}/children")
    except (OSError, ValueError, IndexError):
        return 0
    return total + sum(tree_rss(int(child)) for child in children)


def _words(path: str) -> list[bytes]:
    """Not with ``pathlib`` or ``open``, which take five times as long."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 4096).split()
    finally:
        os.close(file)
