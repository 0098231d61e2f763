"""Open pages, as their requests: ``python -m bench.pages``, a process of its own, over kept connections.

Ours ask what poll.js asks: what is newer than the last revision each second while something moves and each
four seconds when not, and the summary of the queue where none has come along with a change for fifteen. Pages
with Gradio's Timer send its event each second. Gradio's heartbeat, which both have, is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from tests.live import ROOT

#: poll.js: QUICK, IDLE, how long after a change it counts as moving, SUMMARY_IDLE; seconds
QUICK, IDLE, QUIET_AFTER, SUMMARY_IDLE = 1.0, 4.0, 10.0, 15.0
TIMER = 1.0


@contextmanager
def open_pages(kind: str, url: str, count: int) -> Generator[None]:
    """``count`` pages of ``kind`` (ours, timer), open while the block runs. All have asked once before it."""
    command = [sys.executable, "-m", "bench.pages", kind, url, str(count)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n", "the pages could not be opened"
        yield
        assert process.poll() is None, "the pages were closed too early"
    finally:
        process.terminate()
        process.wait(10)


async def our_page(client: httpx.AsyncClient, opened: asyncio.Barrier) -> None:
    """Asks for ever, and fails at the first bad answer."""
    first = await client.get("/api/v1/tasks", params={"limit": 50})
    revision, quiet_since, summary_at = first.json()["rev"], -QUIET_AFTER, 0.0
    await opened.wait()
    await asyncio.sleep(random.random() * IDLE)  # people come at different moments
    while True:
        answer = await client.get("/api/v1/tasks", params={"since": revision, "limit": 200})
        answer.raise_for_status()
        now = time.monotonic()
        if answer.status_code == 200:
            revision, quiet_since, summary_at = answer.json()["rev"], now, now  # the summary is part of it
        if now - summary_at >= SUMMARY_IDLE:
            (await client.get("/api/v1/queue")).raise_for_status()
            summary_at = now
        await asyncio.sleep(QUICK if now - quiet_since < QUIET_AFTER else IDLE)


async def timer_page(client: httpx.AsyncClient, opened: asyncio.Barrier) -> None:
    """The Timer's event, not through Gradio's queue: its cheapest way."""
    body = {"data": [], "session_hash": f"{random.getrandbits(64):x}"}
    (await client.post("/gradio_api/run/rows", json=body)).raise_for_status()
    await opened.wait()
    await asyncio.sleep(random.random() * TIMER)
    while True:
        (await client.post("/gradio_api/run/rows", json=body)).raise_for_status()
        await asyncio.sleep(TIMER)


async def _open(kind: str, url: str, count: int) -> None:
    page = our_page if kind == "ours" else timer_page
    opened = asyncio.Barrier(count + 1)
    # Gradio's own server closes what is idle for five seconds, which is how long httpx keeps it
    kept = 5.0 if kind == "ours" else 3.0
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=count, keepalive_expiry=kept)
    async with (
        httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client,
        asyncio.TaskGroup() as pages,
    ):
        for _ in range(count):
            pages.create_task(page(client, opened))
        await opened.wait()
        sys.stdout.write("open\n")
        sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("kind", choices=("ours", "timer"))
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    given = parser.parse_args()
    asyncio.run(_open(given.kind, given.url, given.count))
