"""Processes seen from outside: their memory, their processor time, and ending what a measurement left."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

_PR_SET_CHILD_SUBREAPER = 36
#: usable ones: what a container may use counts, not what the machine has
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class TooSlow(Exception):
    """A measurement took much longer than it should."""


def tree(pid: int) -> list[psutil.Process]:
    """A process and all that it started, as far as they still run."""
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """User and system time of those that still run."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def resident(processes: Iterable[psutil.Process]) -> float:
    """Resident memory in MB (2**20 bytes), what they share counted once for each."""
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total / 2**20


def peak_resident(pid: int) -> float:
    """The most resident memory that a process ever had, in MB (VmHWM of proc(5)); 0 when it is gone."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    return 0.0


@contextmanager
def sampled(look: Callable[[], float], every: float = 0.1) -> Generator[list[float]]:
    """The greatest value of ``look`` while the block runs, in a list of one that is kept up to date."""
    found, stop = [look()], threading.Event()

    def sample() -> None:
        while not stop.wait(every):
            found[0] = max(found[0], look())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()
        found[0] = max(found[0], look())


@contextmanager
def ended_in_time(seconds: float) -> Generator[None]:
    """Raises ``TooSlow`` in the block when it takes longer; on its way out everything is ended as usual."""

    def too_slow(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"stopped after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def kill(processes: Sequence[psutil.Process]) -> None:
    """SIGKILL for those that still run; returns when they are gone."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def adopt_orphans() -> None:
    """Makes what our children leave behind ours, so that ``end_children`` finds it (Linux only)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children() -> int:
    """Kills all that still runs below us; how many these were. multiprocessing's own helper stays."""
    left = [child for child in psutil.Process().children(recursive=True) if not _is_helper(child)]
    kill(left)
    return len(left)


def _is_helper(process: psutil.Process) -> bool:
    try:
        return "resource_tracker" in " ".join(process.cmdline()) or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def room(folder: Path) -> int:
    """What the files below a folder take on the disk, in bytes. Files may go meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
    return total
