"""The whole service with an engine of its own: a stand-in for SGLang for ends, a real one for life."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gradio_app.machine.weights import VISION_MODEL
from tests.documents import scan_pdf, text_pdf
from tests.fakes.sglang import FakePython
from tests.live import LiveServer
from tests.sglang_cpu.environment import FLAGS
from tests.sglang_cpu.tiny_model import write_tiny_model

pytestmark = pytest.mark.integration


def status(server: LiveServer) -> dict[str, Any]:
    return server.client.get("/gpu/status").json()["engine"]


def until(check: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def runs(pid: int) -> bool:
    """Whether a process is there, and not only its entry that nobody has read."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def flags(python: Path, weights: Path, *more: str) -> tuple[str, ...]:
    own = ("--engine", "sglang", "--sglang-python", str(python), "--model-dir", str(weights))
    return (*own, "--workers", "2", *more)


# ---------------------------------------------------------------- with a stand-in


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_engine_ends_with_the_service(
    tmp_path: Path, stand_in_weights: Path, end: signal.Signals
) -> None:
    python = FakePython(tmp_path / "sglang", delay=0.3, ignore_sigterm=True)
    started = *flags(python.path, stand_in_weights), "--shard-pages-vlm", "2"
    with LiveServer(tmp_path / "data", *started) as server:
        task = server.submit("scan.pdf", scan_pdf(10), tier="standard", use_cache="false")
        server.until(task, pages_done=2)
        assert len(python.alive()) == 1
        assert server.process is not None
        began = time.monotonic()
        server.process.send_signal(end)
        server.process.wait(20)
        assert time.monotonic() - began < 5
        until(lambda: python.alive() == [], 5)
        server.start()
        done = server.end(task)
        assert (done["status"], done["pages_done"], done["attempt"]) == ("completed", 10, 2)
        assert server.leftovers() == []


def test_only_one_server_whatever_is_asked(tmp_path: Path, stand_in_weights: Path) -> None:
    python = FakePython(tmp_path / "sglang")
    with LiveServer(tmp_path / "data", *flags(python.path, stand_in_weights)) as server:
        tasks = [
            server.submit(f"{number}.pdf", scan_pdf(2, seed=number), tier=tier)
            for number, tier in enumerate(("standard", "advanced", "standard", "advanced"))
        ]
        assert {server.end(task)["status"] for task in tasks} == {"completed"}
        assert len(python.starts()) == 1
        assert server.client.post("/gpu/offload").json()["engine"]["status"] == "asleep"
        assert server.client.get("/ready").json() == {"status": "ready", "engine": "asleep"}
        metrics = server.client.get("/metrics").text
        assert 'mineru_app_engine_status{status="asleep"} 1.0' in metrics
        assert 'mineru_app_engine_events_total{event="sleeps"} 1.0' in metrics
        # what needs no model does not wake it
        assert server.end(server.submit("t.pdf", text_pdf(1), tier="flash"))["status"] == "completed"
        assert server.client.post("/gpu/release").json()["engine"]["status"] == "stopped"
        assert python.alive() == [] and python.rule_breaks() == []


@pytest.mark.slow
def test_missing_weights_are_told_at_once(tmp_path: Path, stand_in_weights: Path) -> None:
    from tests.stub_weights import write_small_models

    write_small_models(tmp_path / "weights")
    python = FakePython(tmp_path / "sglang")
    with LiveServer(tmp_path / "data", *flags(python.path, tmp_path / "weights")) as server:
        task = server.end(server.submit("scan.pdf", scan_pdf(1), tier="standard"))
        assert (task["status"], task["error"]["code"]) == ("failed", "models_missing")
        assert task["finished_at"] - task["started_at"] < 1
        assert "start_mineru_optimized.sh models" in task["error"]["message"]


@pytest.mark.slow
def test_only_the_admin_gives_the_memory_back(tmp_path: Path, stand_in_weights: Path) -> None:
    python = FakePython(tmp_path / "sglang")
    own = flags(python.path, stand_in_weights, "--token", "secret")
    with LiveServer(tmp_path / "data", *own, token="secret") as server:
        for route in ("offload", "release"):
            answer = server.client.post(f"/gpu/{route}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert server.client.get("/gpu/status").status_code == 200
        server.client.headers.pop("Authorization")
        server.client.cookies.clear()
        assert server.client.get("/gpu/status").status_code == 401


# ---------------------------------------------------------------- with a real SGLang, on the CPU


@pytest.fixture(scope="module")
def recital(stand_in_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stand-ins for the small models, and a tiny vision model that SGLang can really serve."""
    folder = tmp_path_factory.mktemp("recital")
    for small in stand_in_weights.iterdir():
        if small.name != VISION_MODEL:
            (folder / small.name).symlink_to(small)
    write_tiny_model(folder / VISION_MODEL)
    return folder


@pytest.fixture(scope="module")
def real(real_sglang: Path, recital: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    own = flags(real_sglang, recital, "--sglang-args", shlex.join(FLAGS))
    timers = ("--gpu-idle-timeout", "3s", "--gpu-release-timeout", "10m", "--shard-pages-vlm", "2")
    with LiveServer(tmp_path_factory.mktemp("real") / "data", *own, *timers) as server:
        yield server


@pytest.mark.slow
def test_a_real_server_from_the_first_job_to_its_last(real: LiveServer) -> None:
    assert status(real)["status"] == "stopped"
    first = real.end(real.submit("scan.pdf", scan_pdf(3), tier="advanced"))
    assert (first["status"], first["pages_done"], first["pages_failed"]) == ("completed", 3, 0), first
    assert first["receipt"]["engine"] == "sglang"
    assert first["receipt"]["versions"] | {"mineru": ""} == {
        "mineru": "",
        "model": VISION_MODEL,
        "sglang": "0.5.23",
    }
    text = real.result(first["id"])
    assert text
    until(lambda: status(real)["status"] == "asleep", 30)
    # the next job wakes it, and reads the same
    again = real.end(real.submit("scan.pdf", scan_pdf(3), tier="advanced", use_cache="false"))
    assert again["status"] == "completed" and real.result(again["id"]) == text
    counts = status(real)["counts"]
    assert (counts["starts"], counts["wakes"], counts["crashes"]) == (1, 1, 0)
    pids = status(real)["pids"]
    assert len(pids) > 1, "a server, its scheduler, its detokenizer"
    assert real.client.post("/gpu/release").json()["engine"]["status"] == "stopped"
    until(lambda: not [pid for pid in pids if runs(pid)], 5)
    # killed in the middle of a job, it is started again and the job is complete
    killed = real.submit("scan.pdf", scan_pdf(8), tier="advanced", use_cache="false")
    real.until(killed, pages_done=2)
    os.kill(status(real)["pids"][0], signal.SIGKILL)
    done = real.end(killed)
    assert (done["status"], done["pages_done"], done["pages_failed"]) == ("completed", 8, 0), done
    assert status(real)["counts"]["crashes"] == 1
    assert "Traceback" not in real.log.read_text()
