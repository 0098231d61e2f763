"""Machines of a cluster, all on this one: each has its own address, folder, and processes of Ray."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gradio_app.workers.cluster.ray_process import WORKER_PORTS
from tests.live import ROOT, LiveServer, free_port

TOKEN = "a-token-for-tests-that-is-long-enough"
HEAD = "127.0.0.2"
#: starting Ray takes seconds on a quiet machine
PATIENCE = 240.0


def port_for_ray() -> int:
    """A free port that Ray does not give to its workers."""
    while (port := free_port()) in WORKER_PORTS:
        pass
    return port


class Head(LiveServer):
    """A server that begins a cluster; by itself it reads nothing."""

    def __init__(self, data: Path, *flags: str, workers: int = 0) -> None:
        self.cluster_port = port_for_ray()
        address = f"start:{HEAD}:{self.cluster_port}"
        more = ["--ray-address", address, "--workers", str(workers), *flags]
        super().__init__(data, *more, env={"MINERU_APP_RAY_TOKEN": TOKEN})

    def machines(self) -> dict[str, dict[str, Any]]:
        """Those that joined, by their address; of several with the same the newest."""
        found = self.client.get("/api/v1/cluster").json()["machines"]
        found.sort(key=lambda machine: machine["since"] or 0)
        return {machine["address"]: machine for machine in found if machine["id"]}

    def until_machines(self, what: Callable[[dict[str, dict[str, Any]]], object]) -> None:
        """Waits for something about the machines."""
        deadline = time.monotonic() + PATIENCE
        while not what(self.machines()):
            assert time.monotonic() < deadline, self.machines()
            time.sleep(0.1)

    def ready(self, *nodes: Node) -> None:
        """Waits until these machines take work."""
        self.until_machines(
            lambda there: all(there.get(node.ip, {}).get("status") == "ready" for node in nodes)
        )


class Node:
    """A machine that joins with the mode ``worker``; ``number`` is the last of its address."""

    def __init__(
        self, head: Head, folder: Path, number: int, *flags: str, env: Mapping[str, str] = {}
    ) -> None:
        self.ip = f"127.0.0.{number}"
        self.data = folder / f"node-{number}"
        self.log = folder / f"node-{number}.log"
        self._env = {**os.environ, "MINERU_APP_RAY_TOKEN": TOKEN, **(env or {})}
        address = f"{HEAD}:{head.cluster_port}"
        self._flags = ["--address", address, "--node-ip", self.ip, "--data-dir", str(self.data), *flags]
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            command = [sys.executable, "-P", "-m", "gradio_app", "worker", "--workers", "1", *self._flags]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def kill(self) -> None:
        """The plug is pulled: Ray's processes are tethered to this one."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def wait(self) -> int:
        """Its exit code, when it ends by itself."""
        assert self.process is not None
        return self.process.wait(PATIENCE)

    def leftovers(self) -> list[Path]:
        """What jobs left in its folder."""
        return list((self.data / "tmp").iterdir())


@contextmanager
def machines(
    head: Head, folder: Path, *numbers: int, flags: Mapping[int, Sequence[str]] = {}
) -> Iterator[list[Node]]:
    """Several that are ready inside the block; ``flags`` by the number of the machine."""
    nodes = [Node(head, folder, number, *flags.get(number, ())) for number in numbers]
    try:
        for node in nodes:  # one by one: several starts of Ray at once keep a small machine from all of them
            head.ready(node.__enter__())
        yield nodes
    finally:
        for node in nodes:
            node.__exit__(None, None, None)
