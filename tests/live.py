"""A real server in a process of its own, as a user would start it."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

ROOT = Path(__file__).resolve().parent.parent
ENDED = ("completed", "partial", "failed", "cancelled")


def files_beneath(*folders: Path) -> list[Path]:
    """Files at any depth, also while a server makes and removes folders there; ``rglob`` raises then."""
    found = [Path(at, name) for folder in folders for at, _, names in os.walk(folder) for name in names]
    return [path for path in found if path.is_file()]


def free_port() -> int:
    """A port to serve on, also again after a restart.

    It is below those that the system gives to outgoing connections: one of these would take it while the
    server is away, or a client that knocks meanwhile would be connected with itself.
    """
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = random.randrange(10_000, 32_000)
            probe.bind(("127.0.0.1", port))
            return port


class LiveServer:
    """Starts ``gradio_app gradio`` on a free port; the same port and folder again after a restart."""

    def __init__(self, data: Path, *flags: str, env: dict[str, str] | None = None, token: str = "") -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.with_name(data.name + ".log")
        self._flags = ["--data-dir", str(data), "--port", str(self.port), "--disk-reserve", "0", *flags]
        self._env = {**os.environ, **(env or {})}
        self.client = self._client(token)
        self.process: subprocess.Popen[bytes] | None = None
        #: what starts the server, for one in another namespace or under other limits
        self.prefix: list[str] = []
        #: what Python runs
        self.program = ["-m", "gradio_app", "gradio"]

    def _client(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, timeout=70, headers=headers)

    @contextlib.contextmanager
    def asked_with(self, token: str) -> Generator[Self]:
        """The same server, for somebody with another token or key."""
        other = copy.copy(self)
        with self._client(token) as other.client:
            yield other

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.client.close()
            if self.process:
                self.kill()  # else it would stay, and slow down those that come after it
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        if self.process and self.process.poll() is None:
            self.stop()

    def start(self, wait: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, *self.program, *self._flags],
                cwd=ROOT,
                env=self._env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds: float = 90) -> float:
        """Seconds until the server answered that it is ready."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/ready", timeout=5).status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                self._pause()
        code = self.process and self.process.poll()
        raise AssertionError(f"the server did not start (exit {code}):\n{self.log.read_text()[-3000:]}")

    def _pause(self) -> None:
        time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self, seconds: float = 20) -> float:
        """SIGTERM; how long the server took to end."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(seconds)
        return time.monotonic() - began

    # ------------------------------------------------------------ short ways through REST

    def post(self, name: str, data: bytes, key: str = "", **fields: str) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(
            "/api/v1/tasks", files=[("files", (name, data))], data=fields, headers=headers
        )

    def submit(self, name: str, data: bytes, key: str = "", **fields: str) -> str:
        """The id of the new task."""
        answer = self.post(name, data, key, **fields)
        assert answer.status_code == 201, answer.text
        return answer.json()["tasks"][0]["id"]

    def task(self, task_id: str) -> dict[str, Any]:
        return self.client.get(f"/api/v1/tasks/{task_id}").json()

    def end(self, task_id: str, seconds: float = 240) -> dict[str, Any]:
        """The task when it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            task = self.client.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()
            if task["status"] in ENDED:
                return task
        raise AssertionError(f"task {task_id} did not end: {self.task(task_id)}")

    def until(self, task_id: str, *, pages_done: int, seconds: float = 120) -> dict[str, Any]:
        """The task when at least so many of its pages are done."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            task = self.task(task_id)
            if task["pages_done"] >= pages_done:
                return task
            self._pause()
        raise AssertionError(f"task {task_id} is at {task['pages_done']} pages")

    def result(self, task_id: str, form: str = "markdown") -> bytes:
        answer = self.client.get(f"/api/v1/tasks/{task_id}/result", params={"format": form})
        assert answer.status_code == 200, answer.text
        return answer.content

    def clear(self) -> None:
        """Whoever comes next finds an empty queue that runs; of what was there nothing is left."""
        self.client.post("/api/v1/queue/resume").raise_for_status()
        while tasks := self.client.get("/api/v1/tasks", params={"limit": 1000}).json()["tasks"]:
            ids = [task["id"] for task in tasks]
            for action in ("cancel", "delete"):
                order = {"action": action, "ids": ids}
                self.client.post("/api/v1/tasks/bulk", json=order).raise_for_status()
        deadline = time.monotonic() + 30
        while left := self.leftovers():
            assert time.monotonic() < deadline, left
            self._pause()

    def leftovers(self) -> list[str]:
        """Files that must not be there when nothing runs."""
        found = [*self.data.glob("tasks/*/shards"), *self.data.glob("tmp/*")]
        return [str(path.relative_to(self.data)) for path in found]
