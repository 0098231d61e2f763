"""Kills under real load: one of each process, and the short form of ``make chaos`` with random ones."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import psutil
import pytest

from tests.chaos import processes
from tests.chaos.harness import run, summary
from tests.chaos.plan import rounds
from tests.documents import scan_pdf, text_pdf
from tests.fakes.machine import Machine
from tests.live import LiveServer


def test_the_plan_comes_from_the_seed_alone() -> None:
    first, again, other = (list(islice(rounds(seed), 200)) for seed in (1, 1, 2))
    assert first == again != other
    assert {name for now in first for name in now.kill.targets} == {"web", "worker", "engine"}
    done = {action.what for now in first for actions in now.actions for action in actions}
    assert {"send", "cancel", "retry", "delete", "repeat", "peek", "litter", "break off"} <= done


def memory(pid: int) -> int:
    """Bytes that a process holds: one that reads has loaded more than one that waits."""
    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0


def until(found: Callable[[], list[int]], seconds: float = 60) -> list[int]:
    """Processes, as soon as there are some."""
    deadline = time.monotonic() + seconds
    while not (pids := found()):
        assert time.monotonic() < deadline, "there is no such process"
        time.sleep(0.05)
    return pids


@pytest.mark.integration
@pytest.mark.chaos
def test_one_kill_of_each_process_loses_nothing(tmp_path: Path) -> None:
    """A worker, the engine, the web process, while both kinds of documents are read."""
    machine = Machine(tmp_path)
    machine.python.set(delay=0.1)
    documents = {"book.pdf": (text_pdf(64, seed=5), "flash"), "scan.pdf": (scan_pdf(10, seed=5), "standard")}
    flags = ("--shard-pages-flash", "8", "--shard-pages-vlm", "2")
    with LiveServer(tmp_path / "data", *machine.flags(), *flags) as server:
        wanted: dict[str, bytes] = {}
        for name, (data, tier) in documents.items():
            wanted[name] = server.result(server.end(server.submit(name, data, tier=tier))["id"])
        again = {
            name: server.submit(name, data, tier=tier, use_cache="false")
            for name, (data, tier) in documents.items()
        }
        server.until(again["scan.pdf"], pages_done=2)
        processes.strike([max(until(lambda: processes.workers(server.data)), key=memory)])
        server.until(again["scan.pdf"], pages_done=4)
        processes.strike(until(lambda: processes.engines(server.data)))
        server.until(again["scan.pdf"], pages_done=6)
        server.kill()
        server.start()
        for name, task_id in again.items():
            task = server.end(task_id)
            assert (task["status"], task["pages_failed"], task["error"]) == ("completed", 0, None), name
            assert server.result(task_id) == wanted[name], name
        assert server.leftovers() == []
    assert processes.children(server.data) == []
    assert machine.python.alive() == [] and machine.python.rule_breaks() == []


@pytest.mark.integration
@pytest.mark.chaos
@pytest.mark.slow
def test_nothing_is_lost_in_25_kills(tmp_path: Path) -> None:
    kills = int(os.environ.get("CHAOS_KILLS") or 25)
    report = run(tmp_path, int(os.environ.get("CHAOS_SEED") or 1), kills)
    told = summary(report, kills, tmp_path / "journal.jsonl")
    assert not report.violations, told
    assert sum(report.kills.values()) == kills, told
