"""All measurements in their order, and running them so that one that fails costs nobody else anything."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import (
    book,
    cancelling,
    cluster,
    crowd,
    equality,
    fairness,
    idle,
    jobs,
    latency,
    other_routes,
    queue_alone,
    repeat,
    soak,
    submissions,
    vision,
)
from bench.measurement import Measurement, Plan
from bench.processes import adopt_orphans, end_children, ended_in_time
from bench.report import Result

MODULES = (
    *(jobs, book, submissions, latency, vision, cancelling, crowd, queue_alone, idle, repeat, fairness),
    *(soak, equality, cluster, other_routes),
)
MEASUREMENTS: dict[str, Measurement] = {each.name: each for module in MODULES for each in module.MEASUREMENTS}
#: one that takes this many times as long as it should is stopped
PATIENCE = 4
#: and none is stopped before that many seconds
LEAST_LIMIT = 240.0


def chosen(names: Sequence[str], corpus: bool) -> list[Measurement]:
    """Those named, else the usual ones; how equal split documents are only where a folder was named."""
    if names:
        return [MEASUREMENTS[name] for name in names]
    return [each for each in MEASUREMENTS.values() if each.usual or (corpus and each.name == "equality")]


def run(measurements: Sequence[Measurement], plan: Plan, where: dict[str, Any]) -> Iterator[Result]:
    """Runs one after the other, each in an empty folder; what it leaves, files or processes, goes."""
    adopt_orphans()
    began, whole = time.monotonic(), sum(each.minutes for each in measurements)
    for number, each in enumerate(measurements, 1):
        so_far = (time.monotonic() - began) / 60
        about = (
            ""
            if plan.quick
            else f", about {each.minutes:g} min; {so_far:.0f} of about {whole:.0f} min so far"
        )
        print(f"[{number}/{len(measurements)}] {each.name}: {each.title}{about}", file=sys.stderr, flush=True)
        yield _one(each, plan, where)


def _one(each: Measurement, plan: Plan, where: dict[str, Any]) -> Result:
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{each.name}-"))
    began = time.monotonic()
    rows, setting, failed = (), "", ""
    try:
        limit = max(LEAST_LIMIT, PATIENCE * 60 * each.minutes * plan.rounds / 5)
        with ended_in_time(limit):
            found = each.measure(Plan(folder, plan.rounds, plan.quick, plan.corpus, plan.documents))
        rows, setting = tuple(found.rows), found.setting
    except Exception as error:
        traceback.print_exc()
        failed = f"{type(error).__name__}: {error}"
    finally:
        if left := end_children():
            print(f"    {left} processes were left, and are ended", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    seconds, load = time.monotonic() - began, round(os.getloadavg()[0], 2)
    return Result(each.name, each.title, rows, setting, failed, seconds, where | {"load": load})
