"""Our server with a watch over its event loop: ``python -m bench.watched_app``, else like the real one.

Every step of the loop is timed; those longer than ``BENCH_SLOW_STEP`` seconds go into the file
``BENCH_SLOW_STEPS`` as a line of JSON. Without this program nothing of it is there: the server has no hook.
"""

from __future__ import annotations

import asyncio.events
import json
import os
import time
from typing import Any

from gradio_app.app import main

LEAST = float(os.environ.get("BENCH_SLOW_STEP", "0.002"))
TARGET = os.environ.get("BENCH_SLOW_STEPS", os.devnull)


def watch() -> None:
    """Puts the clock around every step of every loop of this process."""
    run = asyncio.events.Handle._run
    clock, own_clock = time.monotonic, time.thread_time

    def timed(handle: Any) -> Any:
        began, own = clock(), own_clock()
        try:
            return run(handle)
        finally:
            if (seconds := clock() - began) >= LEAST:
                _write(handle, seconds, own_clock() - own)

    asyncio.events.Handle._run = timed


def _write(handle: Any, seconds: float, computed: float) -> None:
    line = {"at": time.time(), "seconds": seconds, "computed": computed, "what": str(handle)[:200]}
    with open(TARGET, "a") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    watch()
    main()
