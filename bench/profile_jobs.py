"""``python -m bench.profile_jobs``: where the processor time of a short document goes, process by process.

Our server and the bare pool take turns. Times are user and system time of the processes, which other programs
on the machine disturb less than the clock on the wall.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import psutil

from bench.documents import Document, papers, texts
from bench.ours import convert, our_server
from bench.peers import BarePool, bare_pool
from bench.processes import processor_seconds, tree
from tests.live import LiveServer

#: name -> what makes so many documents of a page each
KINDS = {"text": texts, "paper": papers}


def main() -> None:
    """Prints one row a round, then the medians; processor time in milliseconds a document."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile_jobs", description=__doc__)
    parser.add_argument("--kind", choices=sorted(KINDS), default="text")
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    documents = KINDS[arguments.kind](arguments.files)
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, bare_pool(Path(folder) / "bare") as bare:
        bare.convert(documents)
        pool = psutil.Process().children(recursive=True)
        with our_server(Path(folder) / "ours") as server:
            convert(server, documents)
            for _ in range(arguments.rounds):
                rows.append(_round(server, bare, pool, documents))
                print(_line(rows[-1]), flush=True)
    print("median:", _line({name: median(row[name] for row in rows) for name in rows[0]}))


def _line(row: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.2f}" for name, value in row.items())


def _round(
    server: LiveServer, bare: BarePool, pool: Sequence[psutil.Process], documents: Sequence[Document]
) -> dict[str, float]:
    """Both once; the client's time counts as ours, as it runs on the same machine."""
    assert server.process is not None
    web, *workers = tree(server.process.pid)
    groups = {"bare": pool, "web": [web], "workers": workers, "client": [psutil.Process()]}
    before = {name: processor_seconds(group) for name, group in groups.items()}
    theirs = bare.convert(documents)
    before["client"] = processor_seconds(groups["client"])
    began = time.monotonic()
    convert(server, documents)
    ours = time.monotonic() - began
    row = {
        name: 1000 * (processor_seconds(group) - before[name]) / len(documents)
        for name, group in groups.items()
    }
    return row | {
        "processor ratio": row["bare"] / (row["web"] + row["workers"] + row["client"]),
        "ratio": theirs / ours,
    }


if __name__ == "__main__":
    main()
