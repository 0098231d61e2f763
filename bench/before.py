"""``python -m bench.before CHECKOUT``: this checkout beside an older one, by turns, on the same documents.

Rows: papers and texts (50 one-page PDFs at once), latency (one at a time), start, an idle server. A larger
ratio is better; 0.95 is what a change may cost.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.documents import Document, papers, texts
from bench.ours import NO_HUB, convert, send, wait_for_workers
from bench.processes import processor_seconds, resident, tree
from tests.live import LiveServer

#: seconds that an idle server is watched
IDLE = 15.0

Figures = dict[str, dict[str, list[float]]]


class Checkout:
    """One of the two: where its code is, and the command line that starts its server."""

    def __init__(self, name: str, root: Path, folder: Path) -> None:
        self.name = name
        self._root = root
        self._folder = folder
        # modes came with __main__; before, a module was the program
        modes = (root / "gradio_app" / "__main__.py").exists()
        self._program = ["-P", "-m", *(["gradio_app", "gradio"] if modes else ["gradio_app.app"])]

    def server(self, number: int = 0) -> LiveServer:
        """A server of this checkout with a data folder of its own."""
        server = LiveServer(
            self._folder / f"{self.name}-{number}", env=NO_HUB | {"PYTHONPATH": str(self._root)}
        )
        server.program = list(self._program)
        return server


def compare(checkouts: Sequence[Checkout], rounds: int) -> Figures:
    """The figures of each row, by checkout, one a round. The checkouts take turns to begin."""
    found: Figures = {}

    def turns(row: str, measure: Callable[[Checkout, int], float]) -> None:
        for number in range(rounds):
            for checkout in checkouts if number % 2 else reversed(checkouts):
                value = measure(checkout, number)
                found.setdefault(row, {}).setdefault(checkout.name, []).append(value)
        shown = {name: f"{median(values):.4g}" for name, values in found[row].items()}
        print(f"{row}: {shown}", file=sys.stderr, flush=True)

    with ExitStack() as stack:
        servers = {each.name: stack.enter_context(each.server()) for each in checkouts}
        for server in servers.values():
            wait_for_workers(server)
        for row, make in (("papers", papers), ("texts", texts)):
            documents, warm_up = make(50), make(8, seed=1000)
            turns(f"{row}, jobs/s", lambda each, _: _rate(servers[each.name], warm_up, documents))  # noqa: B023
        turns("latency, ms", lambda each, number: _latency(servers[each.name], texts(10, seed=100 * number)))
    idle: Figures = {}
    turns("start, s", lambda each, number: _start(each, number + 1, idle))
    return found | idle


def _rate(server: LiveServer, warm_up: list[Document], documents: list[Document]) -> float:
    convert(server, warm_up)
    return len(documents) / convert(server, documents)


def _latency(server: LiveServer, documents: list[Document]) -> float:
    """The median time from sending a document to holding its result."""
    spent: list[float] = []
    for document in documents:
        began = time.monotonic()
        task_id = send(server, [document])[0]
        server.end(task_id)
        assert server.result(task_id)
        spent.append(1000 * (time.monotonic() - began))
    return median(spent)


def _start(checkout: Checkout, number: int, idle: Figures) -> float:
    """Seconds until the first answer. Notes memory (MB) and processor (% of a core) of the idle server."""
    server = checkout.server(number)
    began = time.monotonic()
    with server:
        seconds = time.monotonic() - began
        assert server.process is not None
        convert(server, texts(4))
        time.sleep(1)  # what is written after the last answer
        everybody = tree(server.process.pid)
        web = everybody[:1]
        before = processor_seconds(web)
        time.sleep(IDLE)
        share = 100 * (processor_seconds(web) - before) / IDLE
        for row, value in (
            ("idle, web process, MB", resident(web)),
            ("idle, with workers, MB", resident(everybody)),
            ("idle, % of a core", share),
        ):
            idle.setdefault(row, {}).setdefault(checkout.name, []).append(value)
    return seconds


def table(found: Figures) -> str:
    """Medians of both, and how this checkout stands: above 1 is better than before."""
    lines = ["| row | before | now | now / before |", "|---|---|---|---|"]
    for row, values in found.items():
        before, now = median(values["before"]), median(values["now"])
        ratio = (now / before if row.endswith("jobs/s") else before / now) if before and now else 1.0
        lines.append(f"| {row} | {before:.4g} | {now:.4g} | {ratio:.2f} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.before", description=__doc__)
    parser.add_argument("checkout", type=Path, help="the folder of the older checkout")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (5)")
    given = parser.parse_args(argv)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    with tempfile.TemporaryDirectory(prefix="bench-before-") as folder:
        now = Path(__file__).resolve().parents[1]
        checkouts = [
            Checkout("before", given.checkout.resolve(), Path(folder)),
            Checkout("now", now, Path(folder)),
        ]
        print(table(compare(checkouts, given.rounds)))


if __name__ == "__main__":
    main()
