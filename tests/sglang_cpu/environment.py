"""Where the real SGLang for tests is, how it is started on a CPU, and why it is not there."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.live import ROOT, free_port
from tests.sglang_cpu.tiny_model import CONTEXT

_FOLDER = ROOT / ".venv-sglang-cpu"
#: for the setting ``sglang_python``
PYTHON = _FOLDER / "bin" / "python"
#: for the setting ``sglang_args``: what a CPU and a tiny model need
FLAGS = (
    *("--device", "cpu", "--attention-backend", "torch_native", "--disable-overlap-schedule"),
    *("--context-length", str(CONTEXT), "--max-total-tokens", str(4 * CONTEXT)),
    *("--max-running-requests", "8", "--mem-fraction-static", "0.1"),
)
#: what the engine adds to be able to put it to sleep and to guard it
SLEEP = ("--enable-memory-saver", "--enable-weights-cpu-backup")
GUARD = "--enable-custom-logit-processor"


def why_missing() -> str:
    """Empty when the environment is there; else a sentence for people."""
    if (_FOLDER / ".ready").exists():
        return ""
    reason = _FOLDER.with_name(_FOLDER.name + ".missing")
    return reason.read_text().strip() if reason.exists() else "run `make sglang-cpu` first"


class RealSglang:
    """A server in a process of its own, in its own process group."""

    def __init__(self, model: Path, log: Path, *flags: str) -> None:
        # it is bound half a minute later: none of those that the system gives away meanwhile
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        with log.open("wb") as file:
            self.process = start(model, [*where, *FLAGS, *flags], file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()  # its children leave by themselves
            self.process.wait(20)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_ready(self, seconds: float = 180) -> float:
        """Seconds until ``/health`` answered 200."""
        began = time.monotonic()
        while time.monotonic() - began < seconds and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health", timeout=30).status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"not ready (exit {self.process.poll()}):\n{self.log()[-3000:]}")

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM to the first process alone: its children would take one for a crash. The exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def start(model: Path, flags: Sequence[str], log: object) -> subprocess.Popen[bytes]:
    command = [PYTHON, "-m", "sglang.launch_server", "--model-path", model, *flags]
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)  # type: ignore[arg-type]
