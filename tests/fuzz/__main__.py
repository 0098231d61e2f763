"""``python -m tests.fuzz --count 10000 --seed 1``: the long form; ``make fuzz`` calls it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.campaign import FLAGS, Campaign
from tests.live import ROOT, LiveServer
from tests.stub_weights import write_small_models


def main() -> int:
    """Runs, prints the figures, and answers 1 when something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many files")
    parser.add_argument(
        "--first", type=int, default=0, help="begin with this file, after a run that was broken off"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same files")
    parser.add_argument("--only", type=int, help="this file alone, to see a failure again")
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz", help="where failing files go")
    chosen = parser.parse_args()
    numbers = (
        range(chosen.first, chosen.count) if chosen.only is None else range(chosen.only, chosen.only + 1)
    )
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        write_small_models(Path(folder, "weights"))
        server = LiveServer(Path(folder, "data"), *FLAGS, "--model-dir", f"{folder}/weights")
        began = time.monotonic()
        with server:
            tally = Campaign(server, chosen.seed, chosen.keep).run(numbers, progress=250)
        print(f"{len(numbers)} files, seed {chosen.seed}, {time.monotonic() - began:.0f} s")
        print(tally.told())
        if tally.faults:
            log = chosen.keep / f"seed-{chosen.seed}" / "server.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_bytes(server.log.read_bytes())
            print(f"the server's log: {log}")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
