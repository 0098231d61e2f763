"""Where and of what something was measured: the machine by its cores, versions, the state of the code."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version

import psutil

from bench.processes import CORES
from tests.live import ROOT


def machine() -> dict[str, str | int | float]:
    """What the table says about the place of the measurement; no names of machines or people."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cores": CORES,
        "machine": platform.machine(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "mineru": version("mineru"),
        "commit": _commit(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _commit() -> str:
    """The commit that is checked out, with a + when files differ from it; empty outside of a clone."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=9", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
