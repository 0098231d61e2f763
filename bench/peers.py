"""Others as contestants: MinerU's own API and page, as their documents start them, and a bare pool."""

from __future__ import annotations

import base64
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from bench.documents import Document
from bench.ours import NO_HUB
from bench.processes import CORES, kill, tree
from tests.live import free_port

#: its own way to take larger files inline, in bytes
MOST_INLINE = 2**28
ACTIVE = ("queued", "running")


class MineruApi:
    """A running mineru-api, asked over its REST routes."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=600)

    def send(self, document: Document, tier: str = "flash") -> str:
        """The id of the new job."""
        source = {"type": "inline", "name": document.name, "data": base64.b64encode(document.data).decode()}
        body = {"files": [{"source": source}], "tier": tier, "output_formats": ["markdown"]}
        answer = self.client.post("/parse/jobs", json=body)
        answer.raise_for_status()
        return answer.json()["job_id"]

    def status(self, job_id: str) -> str:
        """``queued``, ``running``, ``completed``, ``failed`` or ``canceled``."""
        return self.client.get(f"/parse/jobs/{job_id}").json()["status"]

    def cancel(self, job_id: str) -> None:
        """Asks for an end; one that has ended stays as it is."""
        self.client.delete(f"/parse/jobs/{job_id}")

    def end(self, job_id: str, seconds: float = 900) -> str:
        """The status in which a job has ended, looked at every 10 ms."""
        deadline = time.monotonic() + seconds
        while (status := self.status(job_id)) in ACTIVE:
            if time.monotonic() > deadline:
                raise TimeoutError(f"mineru-api: {job_id} is {status} after {seconds:.0f} s")
            time.sleep(0.01)
        return status

    def convert(self, documents: Sequence[Document], tier: str = "flash") -> float:
        """Seconds from sending documents, a job each, until all are done. All must be completed."""
        began = time.monotonic()
        jobs = [self.send(document, tier) for document in documents]
        ends = {job: self.end(job) for job in reversed(jobs)}  # the last one first: it ends last
        seconds = time.monotonic() - began
        assert set(ends.values()) == {"completed"}, ends
        return seconds


@contextmanager
def mineru_api(
    concurrency: int = 1, tier: str = "flash", env: Mapping[str, str] | None = None
) -> Generator[MineruApi]:
    """``mineru-api`` with one server tier and so many jobs at the same time, in a folder of its own."""
    port, home = free_port(), Path(tempfile.mkdtemp(prefix="mineru-api-"))
    command = [*program("mineru-api"), "--port", str(port), "--upload-dir", str(home / "uploads")]
    command += ["--tier", "flash" if tier == "flash" else "standard", "--concurrency", str(concurrency)]
    command += ["--max-inline-bytes", str(MOST_INLINE)]
    with running(command, home, env or {}) as process:
        api = MineruApi(port, process)
        with api.client:
            until_it_answers(f"http://127.0.0.1:{port}/v1/health", process)
            yield api


class MineruWebui:
    """A running mineru-webui with the mineru-api that it starts, asked as its page asks."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], home: Path) -> None:
        self.process = process
        self.output = home / "output"
        self._url, self._sent = url, home / "sent"
        self._sent.mkdir()

    @cached_property
    def _client(self) -> Any:
        from gradio_client import Client

        return Client(self._url, verbose=False, analytics_enabled=False, download_files=False)

    def convert(self, documents: Sequence[Document]) -> float:
        """Seconds for documents one after the other, which is all that it does. All must be completed."""
        from gradio_client import handle_file

        seconds = 0.0
        for document in documents:
            path = self._sent / document.name
            path.write_bytes(document.data)
            began = time.monotonic()
            answer = self._client.predict(handle_file(str(path)), api_name="/convert_handler")
            seconds += time.monotonic() - began
            assert "Failed" not in answer[0], answer[0][:500]
        return seconds

    def close(self) -> None:
        """Lets go of its connections, if there are any."""
        if "_client" in self.__dict__:
            self._client.close()


@contextmanager
def mineru_webui() -> Generator[MineruWebui]:
    """``mineru-webui`` at tier flash with its own mineru-api, in a folder of its own."""
    port, home = free_port(), Path(tempfile.mkdtemp(prefix="mineru-webui-"))
    command = [*program("mineru-webui"), "--server-port", str(port), "--output-dir", str(home / "output")]
    command += ["--tier", "flash", "--no-enable-example"]
    with running(command, home, {"GRADIO_ANALYTICS_ENABLED": "False"}) as process:
        until_it_answers(f"http://127.0.0.1:{port}/", process)
        page = MineruWebui(f"http://127.0.0.1:{port}", process, home)
        try:
            yield page
        finally:
            page.close()


def program(name: str) -> list[str]:
    """A command of the environment that we run in, whatever its first line says."""
    return [sys.executable, str(Path(sys.executable).with_name(name))]


@contextmanager
def running(command: list[str], home: Path, env: Mapping[str, str]) -> Generator[subprocess.Popen[bytes]]:
    """A process with ``home`` as its folder and its temporary folder; both go with it."""
    temporary = home / "tmp"
    temporary.mkdir()
    whole = {**os.environ, **NO_HUB, "TMPDIR": str(temporary), **env}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=whole, cwd=home)
    try:
        yield process
    finally:
        everything = tree(process.pid)  # what it started may outlive it
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        kill(everything)
        process.wait(10)
        shutil.rmtree(home, ignore_errors=True)


def until_it_answers(url: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Returns with the first answer of 200; ``AssertionError`` when the process ends before it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{url}: its server ended with {process.returncode}"
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError(f"{url} does not answer")


class BarePool:
    """Warm processes that parse and save, and nothing else: the limit of what a machine can do."""

    def __init__(self, pool: ProcessPoolExecutor, folder: Path) -> None:
        self._pool, self._folder = pool, folder

    def convert(self, documents: Sequence[Document]) -> float:
        """Seconds until all are parsed and saved; writing their bytes does not count."""
        paths = self._written(documents)
        began = time.monotonic()
        list(self._pool.map(parse_and_save, paths))
        return time.monotonic() - began

    def readable(self, documents: Sequence[Document]) -> list[Document]:
        """Those that MinerU can parse here; the rest needs models that are not there."""
        tried = [self._pool.submit(parse_and_save, path) for path in self._written(documents)]
        return [each for each, done in zip(documents, tried, strict=True) if done.exception() is None]

    def peak(self) -> float:
        """The most memory of its first process so far, in MB."""
        return self._pool.submit(_own_peak).result()

    def _written(self, documents: Sequence[Document]) -> list[Path]:
        paths: list[Path] = []
        for number, document in enumerate(documents):
            paths.append(self._folder / f"{number}-{document.name}")
            paths[-1].write_bytes(document.data)
        return paths


@contextmanager
def bare_pool(folder: Path, processes: int = CORES) -> Generator[BarePool]:
    """Processes as the parser itself starts them (spawn), with the models' source settled."""
    folder.mkdir(parents=True, exist_ok=True)
    spawn: Any = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=spawn, initializer=_prepare)
    try:
        yield BarePool(pool, folder)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()  # it may be at page 100 of 600
            process.join(10)


def _prepare() -> None:
    """As a server's log goes into a file, theirs goes nowhere."""
    os.environ.update(NO_HUB)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def parse_and_save(path: Path) -> None:
    """One plain call of MinerU, with the result on the disk."""
    from mineru.parser import parse
    from mineru.parser.writer import FileBasedDataWriter

    parse(path, tier="flash").save(FileBasedDataWriter(str(path.with_suffix(".out"))))


def _own_peak() -> float:
    from bench.processes import peak_resident

    return peak_resident(os.getpid())
