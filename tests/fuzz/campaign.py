"""Sends mutated documents to a real server, several at a time, and checks what must hold."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.fuzz.mutate import Case, case
from tests.fuzz.requests import Odd, answer_to, odd
from tests.live import ENDED, LiveServer

FLAGS = ("--workers", "2", "--worker-memory-limit", "900mb", "--task-timeout", "60s", "--max-pages", "100")
#: files on their way at the same time
LANES = 6
#: what is asked of a readable result besides its Markdown, now and then
MORE = (
    *(f"result?format={form}" for form in ("json", "content_list", "zip", "html", "docx", "latex", "epub")),
    "pages/1",
    "pages/1.png?width=200",
    "source",
)
#: no task takes longer to end, in seconds; far above ``--task-timeout``, as the machine may be busy
DEADLINE = 300.0


class Fault(Exception):
    """Something that must not happen."""


@dataclass
class Tally:
    """What happened so far."""

    answers: Counter[str] = field(default_factory=Counter[str])
    ends: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])
    memory: list[int] = field(default_factory=list[int])
    slowest: tuple[float, str] = (0.0, "")

    def told(self) -> str:
        """The figures, as text."""
        lines = ["answers", *(f"  {count:7} {name}" for name, count in sorted(self.answers.items()))]
        lines += ["tasks", *(f"  {count:7} {name}" for name, count in sorted(self.ends.items()))]
        memory = ", ".join(f"{value / 2**20:.0f}" for value in self.memory)
        lines += [
            f"memory of the web process, MB: {memory}",
            f"slowest: {self.slowest[0]:.1f} s, {self.slowest[1]}",
        ]
        return "\n".join([*lines, f"faults: {len(self.faults)}", *self.faults])


class Campaign:
    """One run against one server. ``keep`` takes the inputs of faults and of crashed workers."""

    def __init__(self, server: LiveServer, seed: int, keep: Path) -> None:
        assert server.process is not None
        self._server = server
        self._seed = seed
        self._keep = keep
        self._pid = server.process.pid
        self._lock = threading.Lock()
        self._local = threading.local()
        self._clients: list[httpx.Client] = []
        self.tally = Tally()

    def run(self, numbers: range, progress: int = 0) -> Tally:
        """Sends these files and checks the server afterwards; what went wrong is in ``Tally.faults``."""
        every = max(1, len(numbers) // 20)
        with ThreadPoolExecutor(LANES) as lanes:
            waiting = [lanes.submit(self._guarded, number) for number in numbers]
            for done, job in enumerate(as_completed(waiting), 1):
                job.result()
                if done % every == 0:
                    self.tally.memory.append(memory_of(self._pid))
                if progress and done % progress == 0:
                    print(f"{done}/{len(numbers)}: {len(self.tally.faults)} faults", flush=True)
        for client in self._clients:
            client.close()
        self._check_server()
        return self.tally

    def _guarded(self, index: int) -> None:
        made, began = case(self._seed, index), time.monotonic()
        try:
            self.one(made)
            self.strange(index)
        except (Fault, OSError, httpx.HTTPError, json.JSONDecodeError) as error:
            self._fault(made, f"{type(error).__name__}: {error}")
        seconds = time.monotonic() - began
        with self._lock:
            self.tally.slowest = max(self.tally.slowest, (seconds, f"file {index} ({made.how})"))

    def one(self, made: Case) -> None:
        """One file from its upload to its deletion; raises ``Fault``."""
        rng = random.Random(f"{self._seed}/{made.index}/way")
        answer = self._submit(made)
        if answer.status_code != 201:
            error = answer.json()["error"]
            if not 400 <= answer.status_code < 500:
                raise Fault(f"refused with {answer.status_code} {error}")
            self._count("ends", f"refused: {error['code']}")
            return
        task_id: str = answer.json()["tasks"][0]["id"]
        if rng.random() < 0.05 and self._submit(made).json()["tasks"][0]["id"] != task_id:
            raise Fault("the same key gave another task")
        task = self._end(task_id)
        code = task["error"]["code"] if task["error"] else ""
        self._count("ends", f"{task['status']}: {code}" if code else task["status"])
        if code == "internal_error":
            raise Fault(f"ended with {task['error']}")
        if code in ("worker_crashed", "worker_out_of_memory", "task_timeout"):
            self._store(made, code)
        if task["status"] in ("completed", "partial"):
            self._read(rng, task_id)
        if self._ask("DELETE", f"/{task_id}").status_code != 204:
            raise Fault("was not deleted")
        if self._ask("GET", f"/{task_id}").status_code != 404:
            raise Fault("is there after it was deleted")

    def strange(self, index: int) -> None:
        """One odd request, and what it has left; raises ``Fault``."""
        made = odd(self._seed, index)
        answer = answer_to(int(self._server.url.rpartition(":")[2]), made)
        status = answer.split(b" ", 2)[1].decode("latin-1") if answer.startswith(b"HTTP/1.") else "none"
        self._count("answers", f"odd {made.how.split()[0]} {status}")
        if status == "none" and made.framed:
            raise Fault(f"the odd request {made.how} ({made.data[:300]!r}) was not answered")
        # 501 and 505 are about the protocol, and 503 about the engine that this server does not have
        if status.startswith("5") and status not in ("501", "503", "505"):
            raise Fault(f"the odd request {made.how} ({made.data[:300]!r}) was answered {answer[:300]!r}")
        if made.how.startswith("name") and status == "201":
            for task in json.loads(answer.partition(b"\r\n\r\n")[2])["tasks"]:
                self._check_name(made, task)

    def _check_name(self, made: Odd, task: dict[str, Any]) -> None:
        name: str = task["name"]
        if not name or len(name.encode()) > 255 or any(char < " " or char in "/\\\x7f" for char in name):
            raise Fault(f"the odd request {made.how} made the name {name!r}")
        task_id: str = task["id"]
        if (end := self._end(task_id))["status"] == "completed":
            for way in ("result", "result?format=zip", "source"):
                if (status := self._ask("GET", f"/{task_id}/{way}").status_code) != 200:
                    raise Fault(f"the odd request {made.how}: {way} of {name!r} answered {status}")
        elif end["error"]["code"] != "file_type_unsupported":  # the end of the name was cut off
            raise Fault(f"the odd request {made.how} ended as {end['error']}")
        if self._ask("DELETE", f"/{task_id}").status_code != 204:
            raise Fault(f"the odd request {made.how} was not deleted")

    def _submit(self, made: Case) -> httpx.Response:
        """Refusals for going too fast (429) are waited out."""
        files, key = [("files", (made.name, made.data))], f"{self._seed}-{made.index}"
        while True:
            answer = self._ask("POST", "", files=files, data=made.fields, headers={"Idempotency-Key": key})
            if answer.status_code != 429:
                return answer
            threading.Event().wait(min(5.0, float(answer.headers.get("retry-after", "1"))))

    def _end(self, task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            task = self._ask("GET", f"/{task_id}?wait=20").json()
            if task["status"] in ENDED:
                return task
        raise Fault(f"task {task_id} did not end")

    def _read(self, rng: random.Random, task_id: str) -> None:
        ways = ["result", rng.choice(MORE)] if rng.random() < 0.4 else ["result"]
        for way in ways:
            answer = self._ask("GET", f"/{task_id}/{way}")
            # page pictures exist for paged documents only
            if answer.status_code != 200 and not (answer.status_code == 404 and ".png" in way):
                raise Fault(f"{way} answered {answer.status_code}: {answer.text[:200]}")

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self._client().request(method, "/api/v1/tasks" + path, **more)
        self._count("answers", f"{method} {answer.status_code}")
        if answer.status_code >= 500:
            raise Fault(
                f"{method} {path.partition('/')[2][32:]} answered {answer.status_code}: {answer.text[:200]}"
            )
        return answer

    def _client(self) -> httpx.Client:
        if not hasattr(self._local, "client"):
            self._local.client = httpx.Client(base_url=self._server.url, timeout=200)
            with self._lock:
                self._clients.append(self._local.client)
        return self._local.client

    def _count(self, what: str, name: str) -> None:
        with self._lock:
            getattr(self.tally, what)[name] += 1

    # ------------------------------------------------------------ what is kept, and the look at the end

    def _fault(self, made: Case, text: str) -> None:
        path = self._store(made, "fault")
        with self._lock:
            self.tally.faults.append(
                f"file {made.index} ({made.how}) {made.fields}: {text}\n    again: "
                f"python -m tests.fuzz --seed {self._seed} --only {made.index}    its bytes: {path}"
            )

    def _store(self, made: Case, why: str) -> Path:
        folder = self._keep / f"seed-{self._seed}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{made.index}-{why}.{made.how.partition(':')[0]}"
        path.write_bytes(made.data)
        return path

    def _check_server(self) -> None:
        process = self._server.process
        if process is None or process.poll() is not None or process.pid != self._pid:
            self.tally.faults.append("the web process is not the one that was started")
            return
        answer = self._server.client.get("/api/v1/tasks", params={"limit": 1000})
        left = [task["id"] for task in answer.json()["tasks"]]
        if left and not self.tally.faults:
            self.tally.faults.append(f"{len(left)} tasks are left")
        deadline = time.monotonic() + 20
        while (files := list(leftovers(self._server.data))) and time.monotonic() < deadline:
            self._server.client.get("/health")
        if files and not self.tally.faults:
            self.tally.faults.append(f"files are left: {files[:20]}")


def leftovers(data: Path) -> Iterator[str]:
    """Files of documents below a data folder whose tasks are all deleted."""
    for folder in ("sources", "tasks", "tmp", "run/tmp", "run/gradio", "run/cwd"):
        for path in (data / folder).rglob("*"):
            yield str(path.relative_to(data))


def memory_of(pid: int) -> int:
    """Resident memory of a process in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024
