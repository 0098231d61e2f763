"""A stand-in for SGLang, with faults on demand; also a program.

``FakeSglang`` is a model server for whoever talks to one. ``python_like`` makes an executable that takes
the place of SGLang's Python (setting ``sglang_python``), for whoever starts one. Faults: see ``Faults``.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent.parent
#: without it chats that carry a guard against repetition are refused
GUARD = "--enable-custom-logit-processor"
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from tests.fakes.sglang_http import main  # noqa: E402
from tests.fakes.sglang_server import Faults  # noqa: E402


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class FakePython:
    """An executable that behaves like the Python of an environment with SGLang.

    ``path`` is for the setting ``sglang_python``. What its servers do is told by ``set`` (for their next
    start) and read from ``events``, which outlive them.
    """

    def __init__(self, folder: Path, **faults: Any) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "python"
        program = [sys.executable, "-S", "-E", str(Path(__file__).resolve()), "--home", str(folder)]
        self.path.write_text(f'#!/bin/sh\nexec {shlex.join(program)} "$@"\n')
        self.path.chmod(0o755)
        self._faults: dict[str, Any] = {}
        self.set(**faults)

    def set(self, **faults: Any) -> None:
        """Changes faults for the next start. Raises ``TypeError`` for a name that ``Faults`` lacks."""
        self._faults = {**self._faults, **faults}
        asdict(Faults(**self._faults))
        fresh = self.folder / "faults.tmp"
        fresh.write_text(json.dumps(self._faults))
        fresh.replace(self.folder / "faults.json")

    def events(self, what: str = "") -> list[dict[str, Any]]:
        """What its servers have written down: start, ready, release, resume, rule_break, died, exit."""
        file = self.folder / "events.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [event for event in map(json.loads, lines) if what in ("", event["event"])]

    def starts(self) -> list[list[str]]:
        """The flags of every start, without those that SGLang's parser refused."""
        return [event["argv"] for event in self.events("start")]

    def rule_breaks(self) -> list[str]:
        return [event["what"] for event in self.events("rule_break")]

    def alive(self) -> list[int]:
        """Process ids of servers that run now."""
        return [pid for pid in (event["pid"] for event in self.events("start")) if _is_alive(pid)]


def python_like(folder: Path, **faults: Any) -> Path:
    """The executable alone, for tests that need no more."""
    return FakePython(folder, **faults).path


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


class FakeSglang:
    """A model server in a process of its own, on the same port again after a restart."""

    def __init__(self, port: int = 0, flags: tuple[str, ...] = (GUARD,), **faults: Any) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._flags = ("--port", str(self.port), *flags)
        self._folder = tempfile.TemporaryDirectory(prefix="fake-sglang-")
        self.python = FakePython(Path(self._folder.name), **faults)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Returns when it answers, which is not yet when it is ready."""
        with (self.python.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.python.path, "-m", "sglang.launch_server", *self._flags], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.stats()
                return
            except OSError:
                time.sleep(0.01)
        raise AssertionError(f"the fake server did not start: {self.log()}")

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        self.end(signal.SIGKILL)

    def end(self, sign: int = signal.SIGTERM, seconds: float = 10) -> int:
        """Sends a signal and waits; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(seconds)

    def restart(self) -> None:
        self.kill()
        self.start()

    def set(self, **faults: Any) -> None:
        """Changes faults of the running server and of its next starts."""
        self.python.set(**faults)
        self._call(json.dumps(faults).encode())

    def stats(self) -> dict[str, Any]:
        """Counters since its last start (see ``Fake.stats``). Raises ``OSError`` while it is dead."""
        return self._call(None)

    def log(self) -> str:
        return (self.python.folder / "log").read_text()

    def _call(self, body: bytes | None) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.url}/_fake", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
