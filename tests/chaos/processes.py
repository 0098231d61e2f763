"""The processes of a server, found from outside, by the folder that they work for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def workers(data: Path) -> list[int]:
    """Workers of this data folder, and the render processes that they have started."""
    return sorted(_with_variable(f"TMPDIR={data}/run/worker-"))


def engines(data: Path) -> list[int]:
    """Model servers that were started for this data folder."""
    return sorted(_with_variable(f"TMPDIR={data}/run/tmp\0"))


def children(data: Path) -> list[int]:
    """Both."""
    return sorted([*workers(data), *engines(data)])


def parent(pid: int) -> int:
    """The process that started this one; 0 when it is gone."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def strike(pids: list[int]) -> list[int]:
    """SIGKILL for all of them, one right after the other; those that were still there."""
    hit: list[int] = []
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            hit.append(pid)
    return hit


def _with_variable(text: str) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if text.encode() in (entry / "environ").read_bytes() + b"\0":
                    yield int(entry.name)
