"""Many one-page documents at once: our server, MinerU's API, and a bare pool of processes as the limit."""

from __future__ import annotations

import base64
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import httpx

from tests.documents import paper_pdf, text_pdf
from tests.live import LiveServer, free_port

PROCESSES = len(os.sched_getaffinity(0))
#: MinerU's API was fastest with one job at a time in each measurement so far (4 at once: 0.75 times)
API_CONCURRENCY = 1


def job_rates(folder: Path, files: int, rounds: int) -> Iterator[str]:
    """Rows with jobs per second and their ratios. All contestants take turns within each round."""
    for label, make in (("figure and table", paper_pdf), ("text only", text_pdf)):
        documents = [make(1, seed=index) for index in range(files)]
        with (
            _bare_pool(folder) as bare,
            mineru_api() as api,
            our_server(folder / label.replace(" ", "-")) as ours,
        ):
            contestants = {"ours": ours, "bare pool": bare, "mineru-api": api}
            for run in contestants.values():
                run(documents[:4])
            rates: dict[str, list[float]] = {name: [] for name in contestants}
            for _ in range(rounds):
                for name, run in contestants.items():
                    rates[name].append(files / run(documents))
        yield from _rows(f"{files} one-page PDFs, {label}", rates)


def _rows(what: str, rates: dict[str, list[float]]) -> Iterator[str]:
    for name, values in rates.items():
        yield f"| {what}: {name} | {median(values):.2f} jobs/s | {min(values):.2f} to {max(values):.2f} |"
    for peer in ("bare pool", "mineru-api"):
        ratios = [ours / theirs for ours, theirs in zip(rates["ours"], rates[peer], strict=True)]
        yield f"| {what}: ours / {peer} | {median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} |"


#: sends documents, waits until all are done, and returns the seconds that took
Run = Callable[[list[bytes]], float]


@contextmanager
def our_server(data: Path, tier: str = "flash", *flags: str) -> Iterator[Run]:
    """Our server; ``tier`` is what is asked of it."""
    with LiveServer(data, *flags) as server:
        yield partial(_run_ours, server, tier)


def _run_ours(server: LiveServer, tier: str, documents: list[bytes]) -> float:
    began = time.monotonic()
    ids = [server.submit(f"{n}.pdf", data, tier=tier, use_cache="false") for n, data in enumerate(documents)]
    assert all(server.end(task_id)["status"] == "completed" for task_id in ids)
    return time.monotonic() - began


@contextmanager
def mineru_api(
    concurrency: int = API_CONCURRENCY, tier: str = "flash", env: Mapping[str, str] | None = None
) -> Iterator[Run]:
    """MinerU's own API server; ``tier`` is what is asked of it."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("mineru-api")), "--port", str(port)]
    command += ["--tier", "flash" if tier == "flash" else "standard", "--concurrency", str(concurrency)]
    # a folder of its own: several cannot share the usual one
    uploads = tempfile.mkdtemp(prefix="mineru-api-")
    command += ["--upload-dir", uploads]
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=silent, stderr=silent, env={**os.environ, **(env or {})})
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=120) as client:
            _until_well(client, process)
            yield partial(_run_api, client, tier)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(uploads, ignore_errors=True)


def _until_well(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, f"mineru-api ended with {process.returncode}"
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("mineru-api did not start")


def _run_api(client: httpx.Client, tier: str, documents: list[bytes]) -> float:
    began = time.monotonic()
    waiting: list[str] = []
    for number, data in enumerate(documents):
        source = {"type": "inline", "name": f"{number}-{began}.pdf", "data": base64.b64encode(data).decode()}
        body = {"files": [{"source": source}], "tier": tier, "output_formats": ["markdown"]}
        answer = client.post("/parse/jobs", json=body)
        answer.raise_for_status()
        waiting.append(answer.json()["job_id"])
    while waiting:
        status = client.get(f"/parse/jobs/{waiting[0]}").json()["status"]
        assert status in ("queued", "running", "completed"), status
        if status == "completed":
            waiting.pop(0)
        else:
            time.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def _bare_pool(folder: Path) -> Iterator[Run]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        yield partial(_run_bare, pool, folder / "bare")


def _run_bare(pool: ProcessPoolExecutor, folder: Path, documents: list[bytes]) -> float:
    folder.mkdir(exist_ok=True)
    paths: list[Path] = []
    for number, data in enumerate(documents):
        paths.append(folder / f"{number}.pdf")
        paths[-1].write_bytes(data)
    began = time.monotonic()
    list(pool.map(_parse_and_save, paths))
    return time.monotonic() - began


def _parse_and_save(path: Path) -> None:
    from mineru.parser import parse
    from mineru.parser.writer import FileBasedDataWriter

    parse(path, tier="flash").save(FileBasedDataWriter(str(path.with_suffix(""))))
