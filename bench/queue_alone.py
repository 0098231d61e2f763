"""The queue without parsing: jobs that do nothing, and what a task costs when there are many already."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from bench.figures import Bar, Row, ratios, row
from bench.managers import AT_ONCE, fill_store, idle_hands, logged_to
from bench.measurement import Found, Measurement, Plan
from bench.redis_queue import CONCURRENCY, redis_server, saq_queue, why_missing

#: a store of a million tasks takes this much of the disk, in bytes
ROOM = 3 * 2**30


def _queue(plan: Plan) -> Found:
    if reason := why_missing():
        raise RuntimeError(reason)
    with logged_to(plan.folder / "log"):
        return asyncio.run(_race(plan, plan.size(500, 20)))


async def _race(plan: Plan, jobs: int) -> Found:
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(idle_hands(plan.folder / "data"))
        peers = {
            f"saq, appendfsync {fsync}": await stack.enter_async_context(
                saq_queue(stack.enter_context(redis_server(fsync)))
            )
            for fsync in ("always", "everysec")
        }

        async def of_ours() -> float:
            return (await ours.finish(ours.uploads(jobs)))[0]

        contestants: dict[str, Callable[[], Awaitable[float]]] = {"ours": of_ours}
        for name, peer in peers.items():
            contestants[name] = lambda peer=peer: peer.finish(jobs)
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        for run in contestants.values():
            await run()
        for number in range(plan.rounds):
            for name, run in contestants.items():
                rates[name].append(jobs / await run())
            plan.say(
                f"round {number + 1}: " + ", ".join(f"{name} {some[-1]:.0f}" for name, some in rates.items())
            )
    rows = [row(name, values, "jobs/s", kind="rate") for name, values in rates.items()]
    rows += [
        row(f"ours / {name}", ratios(rates["ours"], values), bar=Bar(">=", 1))
        for name, values in rates.items()
        if name != "ours"
    ]
    setting = (
        f"{jobs} jobs that do nothing, sent {AT_ONCE} at a time, queue and worker in one process. Ours:"
        " the TaskManager with its store on the disk (synchronous=FULL), jobs that write a result's files,"
        f" and its log. saq: concurrency {CONCURRENCY}, jobs that write nothing, redis-server with an"
        " append-only file that is synced after each write, and once a second."
    )
    return Found(rows, setting)


def _sizes(plan: Plan) -> Found:
    sizes = plan.size((100, 10_000, 1_000_000), (100, 1_000))
    if sizes[-1] == 1_000_000 and shutil.disk_usage(plan.folder).free < ROOM:
        raise RuntimeError(
            f"a million tasks need {ROOM / 2**30:.0f} GB of the disk; set TMPDIR to a larger one"
        )
    for size in sizes:
        plan.say(f"a store with {size:,} tasks is made")
        fill_store(_of_size(plan, size), size)
    with logged_to(plan.folder / "log"):
        return asyncio.run(_costs(plan, sizes, plan.size(200, 10)))


def _of_size(plan: Plan, size: int) -> Path:
    return plan.folder / f"of-{size}"


async def _costs(plan: Plan, sizes: tuple[int, ...], jobs: int) -> Found:
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    computed: dict[int, list[float]] = {size: [] for size in sizes}
    async with AsyncExitStack() as stack:
        hands = {size: await stack.enter_async_context(idle_hands(_of_size(plan, size))) for size in sizes}
        for each in hands.values():
            await each.finish(each.uploads(AT_ONCE // 2))
        for number in range(plan.rounds):
            for size, each in hands.items():
                wall, own = await each.finish(each.uploads(jobs))
                seconds[size].append(1000 * wall / jobs)
                computed[size].append(1000 * own / jobs)
            plan.say(
                f"round {number + 1}: "
                + ", ".join(f"{size:,}: {computed[size][-1]:.2f} ms" for size in sizes)
            )
    rows: list[Row] = []
    for what, found in (("processor time", computed), ("time", seconds)):
        rows += [row(f"{what}, {size:,} tasks", values, "ms", kind=what) for size, values in found.items()]
        few = found[sizes[0]]
        rows += [
            row(f"{what}, {size:,} / {sizes[0]:,} tasks", ratios(found[size], few), bar=Bar("<=", 1.2))
            for size in sizes[1:]
        ]
    setting = f"{jobs} jobs that do nothing in each round, as above; the tasks that are there have ended."
    return Found(rows, setting)


MEASUREMENTS = (
    Measurement("queue", "the queue alone", _queue, 1.5),
    Measurement("store", "cost of a task with many in the store", _sizes, 2.5),
)
