"""What a server costs when nobody uses it, how soon it answers, and what it keeps of each document."""

from __future__ import annotations

import time
from pathlib import Path

from bench.documents import Document, papers
from bench.figures import Bar, Row, row
from bench.measurement import Contestant, Found, Measurement, Plan, take_turns
from bench.ours import NO_HUB, convert
from bench.peers import MineruWebui, mineru_webui
from bench.processes import processor_seconds, resident, room, tree
from tests.live import LiveServer

Figures = dict[str, list[float]]


def _idle(plan: Plan) -> Found:
    documents = papers(plan.size(10, 2))
    ours: Figures = {}
    theirs: Figures = {}
    started = take_turns(
        plan,
        {
            "ours": Contestant(lambda number: _ours(plan, documents, number, ours)),
            "mineru-webui": Contestant(lambda _: _theirs(plan, documents, theirs), plan.at_most(2)),
        },
    )
    setting = (
        f"Started {plan.rounds} times (mineru-webui with its own mineru-api: {plan.at_most(2)} times), looked"
        f" at for {plan.size(10, 2)} s after {len(documents)} one-page papers; the workers of ours are warm."
        " Disk: what the folder has grown by, upload and result, as the disk counts it."
    )
    return Found(_rows(started, ours, theirs), setting)


def _rows(started: Figures, ours: Figures, theirs: Figures) -> list[Row]:
    return [
        row("ours, start to first answer", started["ours"], "s", Bar("<=", 4), "start"),
        row("mineru-webui, start to first answer", started["mineru-webui"], "s", kind="start"),
        row("ours, web process, memory", ours["web"], "MB", Bar("<=", 200), "memory"),
        row("ours, with all workers, memory", ours["all"], "MB", kind="memory"),
        row("mineru-webui + mineru-api, memory", theirs["all"], "MB", kind="memory"),
        row("ours, web process, processor", ours["share"], "% of a core", Bar("<=", 2), "processor"),
        row("ours, with all workers, processor", ours["share of all"], "% of a core", kind="processor"),
        row("mineru-webui + mineru-api, processor", theirs["share of all"], "% of a core", kind="processor"),
        row("ours, disk for each document", ours["disk"], "kB", kind="disk"),
        row("mineru-webui, disk for each document", theirs["disk"], "kB", kind="disk"),
    ]


def _ours(plan: Plan, documents: list[Document], number: int, found: Figures) -> float:
    data = plan.folder / f"data-{number}"
    server = LiveServer(data, env=NO_HUB)
    began = time.monotonic()
    with server:
        seconds = time.monotonic() - began
        assert server.process is not None
        before = _disk(data)
        convert(server, documents)
        time.sleep(plan.size(3, 0))  # what is written after the last answer
        _note(found, "disk", (_disk(data) - before) / len(documents))
        _look(plan, server.process.pid, found)
    return seconds


def _theirs(plan: Plan, documents: list[Document], found: Figures) -> float:
    began = time.monotonic()
    with mineru_webui() as page:
        seconds = time.monotonic() - began
        before = _disk(_home(page))
        page.convert(documents)
        _note(found, "disk", (_disk(_home(page)) - before) / len(documents))
        _look(plan, page.process.pid, found)
    return seconds


def _home(page: MineruWebui) -> Path:
    return page.output.parent


def _look(plan: Plan, pid: int, found: Figures) -> None:
    """Memory in MB and per cent of a core: of the process that answers, and of all together."""
    everything = tree(pid)
    _note(found, "web", resident(everything[:1]))
    _note(found, "all", resident(everything))
    counters = [processor_seconds(everything[:1]), processor_seconds(everything)]
    began = time.monotonic()
    time.sleep(plan.size(10, 2))
    later = [processor_seconds(everything[:1]), processor_seconds(everything)]
    seconds = time.monotonic() - began
    for name, first, last in zip(("share", "share of all"), counters, later, strict=True):
        _note(found, name, 100 * (last - first) / seconds)


def _note(found: Figures, name: str, value: float) -> None:
    found.setdefault(name, []).append(value)


def _disk(folder: Path) -> float:
    """What a folder takes on the disk, in kB."""
    return room(folder) / 1024


MEASUREMENTS = (Measurement("idle", "when nobody uses it", _idle, 3),)
