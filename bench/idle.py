"""What the server costs when nobody uses it: memory, processor time, and how soon it answers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from tests.live import LiveServer

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def idle_figures(folder: Path, seconds: float) -> Iterator[str]:
    """Rows for the web process alone; workers are counted apart."""
    server = LiveServer(folder / "idle")
    began = time.monotonic()
    with server:
        yield f"| start to first answer (warm environment) | {time.monotonic() - began:.1f} s | |"
        assert server.process is not None
        pid = server.process.pid
        time.sleep(5)  # the workers warm up
        before, since = _processor_seconds(pid), time.monotonic()
        time.sleep(seconds)
        share = (_processor_seconds(pid) - before) / (time.monotonic() - since)
        yield f"| idle, web process: share of one core over {seconds:.0f} s | {share:.1%} | |"
        yield f"| idle, web process: resident memory | {_resident(pid) / 2**20:.0f} MB | |"


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
