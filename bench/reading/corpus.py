"""Processor seconds a page of whole PDF files, tier beside tier."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ours import our_server
from bench.processes import processor_seconds, tree
from tests.live import LiveServer

SECONDS = 600


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a file at a tier; ``failed`` is a code."""

    name: str
    tier: str
    pages: int
    seconds: float
    failed: str = ""


def measured(folder: Path, tiers: Sequence[str]) -> list[Cost]:
    """Each file at each tier, one after the other, by a server with one worker that has read one before."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".pdf")
    found: list[Cost] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-reading-") as data,
        our_server(Path(data) / "data", "--workers", "1") as server,
    ):
        for tier in tiers:
            _cost(server, files[0], tier)
        for path in files:
            found += [_cost(server, path, tier) for tier in tiers]
    return found


def _cost(server: LiveServer, path: Path, tier: str) -> Cost:
    assert server.process is not None
    before = processor_seconds(tree(server.process.pid))
    task = server.end(server.submit(path.name, path.read_bytes(), tier=tier, use_cache="false"), SECONDS)
    seconds = processor_seconds(tree(server.process.pid)) - before
    failed = "" if task["status"] == "completed" else (task["error"] or {"code": task["status"]})["code"]
    return Cost(path.name, tier, task["pages_total"] or 0, seconds, failed)


def report(costs: Sequence[Cost]) -> str:
    """A table in Markdown; the last row has all pages of files that every tier has read."""
    tiers = list(dict.fromkeys(cost.tier for cost in costs))
    names = list(dict.fromkeys(cost.name for cost in costs))
    lines = [f"| processor s a page | pages | {' | '.join(tiers)} |", "|---" * (2 + len(tiers)) + "|"]
    good = [name for name in names if not any(cost.failed for cost in costs if cost.name == name)]
    for name in names:
        some = {cost.tier: cost for cost in costs if cost.name == name}
        lines.append(
            f"| {name} | {max(cost.pages for cost in some.values())} | "
            f"{' | '.join(_figure([some[tier]]) for tier in tiers)} |"
        )
    every = {tier: [cost for cost in costs if cost.tier == tier and cost.name in good] for tier in tiers}
    pages = sum(cost.pages for cost in every[tiers[0]]) if tiers else 0
    lines.append(f"| all that every tier has read | {pages} | {' | '.join(map(_figure, every.values()))} |")
    return "\n".join(lines)


def _figure(costs: Sequence[Cost]) -> str:
    if len(costs) == 1 and costs[0].failed:
        return costs[0].failed
    pages = sum(cost.pages for cost in costs)
    return f"{sum(cost.seconds for cost in costs) / pages:.2f}" if pages else "–"
