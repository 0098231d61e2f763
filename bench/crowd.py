"""A hundred open pages and ten thousand tasks: what the web process spends, and who has to wait."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from bench.documents import Document, texts
from bench.figures import Bar, Row, pooled, row
from bench.measurement import Found, Measurement, Plan
from bench.ours import our_server, send
from bench.pages import open_pages
from bench.peers import running, until_it_answers
from bench.processes import processor_seconds, tree
from tests.crowd import fill
from tests.live import ROOT, LiveServer, free_port

#: seconds between two looks at /health
PROBE = 0.01


class _Round:
    """What one round found: shares of a core, milliseconds of submits, probes and steps of the loop."""

    def __init__(self) -> None:
        self.quiet = self.busy = self.timer = 0.0
        self.submits: list[float] = []
        self.probes: list[float] = []
        self.steps: list[float] = []


def _crowd(plan: Plan) -> Found:
    pages, tasks, seconds = plan.size(100, 10), plan.size(10_000, 300), plan.size(15.0, 2.0)
    data = plan.folder / "data"
    fill(data, tasks)
    rounds = [_Round() for _ in range(plan.at_most(5))]
    steps = plan.folder / "steps"
    env = {"BENCH_SLOW_STEPS": str(steps)}
    with _timer_app() as timer, our_server(data) as server:
        server.client.post("/api/v1/queue/resume").raise_for_status()
        _drain(server)
        for found in rounds:
            assert server.process is not None
            with open_pages("ours", server.url, pages):
                found.quiet = _share(server.process.pid, lambda: time.sleep(seconds))
                found.busy = _share(server.process.pid, lambda found=found: _submit(server, seconds, found))
            with open_pages("timer", timer.url, pages):
                found.timer = _share(timer.pid, lambda: time.sleep(seconds / 2))
            plan.say(f"quiet {found.quiet:.1f} %, one a second {found.busy:.1f} %, Timer {found.timer:.1f} %")
    with _watched(data, env) as server, open_pages("ours", server.url, pages):
        for found in rounds:
            began = time.time()
            with _probing(server.url, found.probes):
                _submit(server, seconds / 2, found)
            found.steps = _slow_steps(steps, began)
    setting = (
        f"{pages} pages as their requests (bench/pages.py), {tasks:,} tasks in the store, {seconds:g} s each:"
        " nobody does anything; somebody sends a one-page document each second; pages with gr.Timer(1) and a"
        " table of 50 rows. Processor time of the web process. The event loop: a server whose every step is"
        " timed (bench/watched_app.py), meanwhile asked for /health each 10 ms."
    )
    return Found(_rows(rounds), setting)


def _rows(rounds: list[_Round]) -> list[Row]:
    share = "% of a core"
    slowest = [max(found.steps, default=0.0) for found in rounds]
    return [
        row("ours, nothing moves", [found.quiet for found in rounds], share, Bar("<=", 10), "share"),
        row("ours, a document each second", [found.busy for found in rounds], share, Bar("<=", 10), "share"),
        row("gr.Timer, 50 rows", [found.timer for found in rounds], share, kind="share"),
        pooled("submit, p95", [found.submits for found in rounds], 0.95, "ms", Bar("<=", 300)),
        row("longest step of the event loop", slowest, "ms", Bar("<=", 50)),
        pooled("/health each 10 ms, p99", [found.probes for found in rounds], 0.99, "ms"),
        row("/health each 10 ms, slowest", [max(found.probes) for found in rounds], "ms"),
    ]


def _share(pid: int, meanwhile: Callable[[], None]) -> float:
    """Per cent of a core that a process alone takes, without those that it started."""
    process = tree(pid)[:1]
    before, began = processor_seconds(process), time.monotonic()
    meanwhile()
    return 100 * (processor_seconds(process) - before) / (time.monotonic() - began)


_sent = [0]


def _submit(server: LiveServer, seconds: float, found: _Round) -> None:
    """A new document each second; how long each took to be accepted."""
    until = time.monotonic() + seconds
    documents: list[Document] = texts(int(seconds) + 1, seed=10_000 + _sent[0])
    _sent[0] += len(documents)
    for number, document in enumerate(documents):
        began = time.monotonic()
        send(server, [document])
        found.submits.append(1000 * (time.monotonic() - began))
        time.sleep(max(0.0, min(until, began + 1) - time.monotonic()))
        if time.monotonic() >= until and number:
            return


def _drain(server: LiveServer) -> None:
    """The documents that wait in the made folder are none: they fail, and leave nothing to do."""
    ids = server.client.get("/api/v1/tasks/ids", params={"status": "pending,queued"}).json()["ids"]
    waiting = [task_id for some in ids.values() for task_id in some]
    if waiting:
        body = {"action": "cancel", "ids": waiting}
        server.client.post("/api/v1/tasks/bulk", json=body).raise_for_status()


@contextmanager
def _probing(url: str, found: list[float]) -> Generator[None]:
    """Asks for /health each ``PROBE`` seconds in a thread; milliseconds until each answer."""
    stop = threading.Event()

    def probe() -> None:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        while not stop.wait(PROBE):
            began = time.monotonic()
            connection.request("GET", "/health")
            connection.getresponse().read()
            found.append(1000 * (time.monotonic() - began))
        connection.close()

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def _slow_steps(path: Path, since: float) -> list[float]:
    """Milliseconds of the steps that were written down since a moment (Unix seconds)."""
    lines = path.read_text().splitlines() if path.exists() else []
    steps = [json.loads(line) for line in lines]
    return [1000 * step["seconds"] for step in steps if step["at"] >= since]


@contextmanager
def _watched(data: Path, env: dict[str, str]) -> Generator[LiveServer]:
    server = LiveServer(data, env=env)
    server.program = ["-m", "bench.watched_app"]
    with server:
        yield server


class _TimerApp:
    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid


@contextmanager
def _timer_app() -> Generator[_TimerApp]:
    port = free_port()
    home = Path(tempfile.mkdtemp(prefix="timer-app-"))
    command = [sys.executable, "-m", "bench.timer_app", str(port)]
    env = {"GRADIO_ANALYTICS_ENABLED": "False", "PYTHONPATH": str(ROOT)}
    with running(command, home, env) as process:
        url = f"http://127.0.0.1:{port}"
        until_it_answers(f"{url}/", process)
        yield _TimerApp(url, process.pid)


MEASUREMENTS = (Measurement("crowd", "100 open pages and 10,000 tasks", _crowd, 4.5),)
