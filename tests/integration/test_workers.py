"""Real worker processes: what happens to them never happens to the web process."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from gradio_app.base.errors import TaskTimeout, WorkerCrashed, WorkerOutOfMemory
from gradio_app.workers.launch import Launch
from gradio_app.workers.main import NICENESS
from gradio_app.workers.pool import WorkerPool
from tests.documents import flate_bomb_pdf, paper_pdf, text_pdf, word_bomb
from tests.live import ROOT
from tests.marks import first_then_long

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


@asynccontextmanager
async def running_pool(folder: Path, limit: int = 2**31) -> AsyncGenerator[WorkerPool]:
    pool = WorkerPool(folder / "run", limit, reads=(folder,))
    try:
        yield pool
    finally:
        await pool.close()
        assert pool.pids == []


def document(folder: Path, data: bytes, name: str = "document.pdf") -> dict[str, Any]:
    (folder / name).write_bytes(data)
    return {"source": str(folder / name), "pages": [], "tier": "flash", "parse_mode": "txt"}


async def until_busy(pool: WorkerPool) -> int:
    """The process id of the one worker, once it is there."""
    async with asyncio.timeout(20):
        while not pool.pids:
            await asyncio.sleep(0)
    return pool.pids[0]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


async def test_a_warm_worker_is_used_again(tmp_path: Path) -> None:
    async with running_pool(tmp_path) as pool:
        await pool.warm(1)
        pid = pool.pids[0]
        for _ in range(3):
            args, out = document(tmp_path, text_pdf()), tmp_path / secrets.token_hex(4)
            assert (await pool.run("parse_document", args, seconds=60, out=out))["pages"] == 1
        assert pool.pids == [pid]


async def test_a_confined_worker_warms_up(tmp_path: Path) -> None:
    """It may write nothing but its own folder, as on the server: the folder of all workers is closed."""
    told: list[str] = []
    sink = logger.add(lambda message: told.append(str(message)), level="WARNING", filter="gradio_app.workers")
    pool = WorkerPool(tmp_path, 2**31)
    try:
        await pool.warm(1)
    finally:
        await pool.close()
        logger.remove(sink)
    assert not [line for line in told if "did not warm up" in line]


async def test_a_killed_worker_is_a_crash_and_the_next_job_gets_a_new_one(tmp_path: Path) -> None:
    async with running_pool(tmp_path) as pool:
        job = asyncio.create_task(
            pool.run("parse_document", document(tmp_path, text_pdf(100)), seconds=60, out=tmp_path / "out")
        )
        os.kill(await until_busy(pool), signal.SIGKILL)
        with pytest.raises(WorkerCrashed):
            await job
        args = document(tmp_path, text_pdf())
        assert (await pool.run("parse_document", args, seconds=60, out=tmp_path / "out"))["pages"] == 1


async def test_a_segmentation_fault_is_a_crash(tmp_path: Path) -> None:
    async with running_pool(tmp_path) as pool:
        args = document(tmp_path, text_pdf(100))
        job = asyncio.create_task(pool.run("parse_document", args, seconds=60, out=tmp_path / "out"))
        os.kill(await until_busy(pool), signal.SIGSEGV)
        with pytest.raises(WorkerCrashed):
            await job


async def test_a_job_over_its_time_is_ended(tmp_path: Path) -> None:
    async with running_pool(tmp_path) as pool:
        args = document(tmp_path, word_bomb(100_000), "document.docx") | {"parse_mode": ""}
        with pytest.raises(TaskTimeout):
            await pool.run("parse_document", args, seconds=3, out=tmp_path / "out")
        assert pool.pids == []


@pytest.mark.parametrize("bomb", first_then_long("flate", "word"))
async def test_a_bomb_ends_within_the_memory_limit(tmp_path: Path, bomb: str) -> None:
    name, data = ("a.pdf", flate_bomb_pdf()) if bomb == "flate" else ("a.docx", word_bomb())
    async with running_pool(tmp_path, limit=500 * 2**20) as pool:
        args = document(tmp_path, data, name) | {"parse_mode": "txt" if bomb == "flate" else ""}
        with pytest.raises(WorkerOutOfMemory):
            await pool.run("parse_document", args, seconds=120, out=tmp_path / "out")


async def test_cancelling_ends_the_process_at_once(tmp_path: Path) -> None:
    async with running_pool(tmp_path) as pool:
        args = document(tmp_path, paper_pdf(40))
        job = asyncio.create_task(pool.run("parse_document", args, seconds=60, out=tmp_path / "out"))
        pid = await until_busy(pool)
        async with asyncio.timeout(30):
            while not list((tmp_path / "run").glob("worker-*/job")):
                await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert asyncio.get_running_loop().time() - began < 1
        assert not alive(pid) and not list((tmp_path / "run").glob("worker-*"))


async def test_a_result_that_is_taken_is_taken_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cancels deletes the folder next: a thread that still copies would make it anew."""
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slowly(*_: object) -> None:
        began.set()
        go_on.wait(20)
        ended.set()

    monkeypatch.setattr("gradio_app.workers.pool.take_tree", slowly)
    async with running_pool(tmp_path) as pool:
        args = document(tmp_path, text_pdf())
        job = asyncio.create_task(pool.run("parse_document", args, seconds=60, out=tmp_path / "out"))
        await asyncio.to_thread(began.wait, 20)
        job.cancel()
        await asyncio.wait([job], timeout=0.2)
        assert not job.done(), "it waits for the thread"
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert ended.is_set() and not list((tmp_path / "run").glob("worker-*"))


async def test_pages_are_drawn_without_another_process(tmp_path: Path) -> None:
    """The papers have figures and tables, which MinerU cuts out of drawn pages."""
    async with running_pool(tmp_path) as pool:
        args, out = document(tmp_path, paper_pdf(3)), tmp_path / "out"
        assert (await pool.run("parse_document", args, seconds=60, out=out))["pages"] == 3
        (pid,) = pool.pids
        assert list((out / "images").iterdir()) and not _children(pid)


def _children(pid: int) -> list[str]:
    return [one for file in Path(f"/proc/{pid}/task").glob("*/children") for one in file.read_text().split()]


async def test_a_worker_that_has_grown_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_app.workers.pool.RECYCLE_SHARE", 0.01)
    async with running_pool(tmp_path) as pool:
        args = document(tmp_path, text_pdf())
        await pool.run("parse_document", args, seconds=60, out=tmp_path / "out")
        first = set(pool.pids)
        await pool.run("parse_document", args, seconds=60, out=tmp_path / "again")
        assert not first & set(pool.pids)


async def test_a_worker_knows_no_secrets_and_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINERU_APP_TOKEN", "geheim")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim")
    async with running_pool(tmp_path) as pool:
        await pool.warm(1)
        environment = Path(f"/proc/{pool.pids[0]}/environ").read_text()
        assert "geheim" not in environment
        assert f"TMPDIR={tmp_path}/run/worker-" in environment
    assert not list((tmp_path / "run").glob("worker-*"))


async def test_a_part_leaves_a_worker_to_light_jobs_that_come(tmp_path: Path) -> None:
    async with running_pool(tmp_path) as pool:

        async def used(light: bool = False) -> int:
            """The workers that there are when such a job has run."""
            run = pool.run_light if light else pool.run
            await run("warm_up", {}, seconds=60)
            return len(pool.pids)

        assert await used() == await used() == await used(light=True) == 1
        pool.spare = True
        assert await used(light=True) == 1, "it was left for this one"
        assert await used() == await used() == 2, "no more than one is left"
        assert await used(light=True) == 2
        async with pool._light:  # one runs: it has its worker
            both = [pool.run("warm_up", {}, seconds=60) for _ in range(2)]
            await asyncio.gather(*both)
        assert len(pool.pids) == 2


async def test_idle_workers_are_given_up(tmp_path: Path) -> None:
    async with running_pool(tmp_path) as pool:
        await pool.warm(2)
        await pool.trim(keep=1)
        assert len(pool.pids) == 1


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
async def test_no_worker_outlives_a_killed_web_process(tmp_path: Path, stopped: bool) -> None:
    """Also one that is stopped (SIGSTOP) cannot stay behind."""
    script = textwrap.dedent(
        f"""
        import asyncio
        from pathlib import Path
        from gradio_app.workers.pool import WorkerPool

        async def main():
            pool = WorkerPool(Path({str(tmp_path)!r}), 2**31)
            await pool.warm(2)
            print(*pool.pids, flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.stdout.close()
    assert len(pids) == 2 and all(alive(pid) for pid in pids)
    if stopped:
        os.kill(pids[0], signal.SIGSTOP)
    parent.kill()
    parent.wait()
    async with asyncio.timeout(10):
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0)


def test_no_library_of_a_worker_tells_its_makers(tmp_path: Path) -> None:
    (tmp_path / "job" / "tmp").mkdir(parents=True)
    env = Launch(tmp_path, 2**30, "", "", "auto").environment(tmp_path, tmp_path)
    # onnxruntime starts its telemetry when it is imported, and leaves a file that says so
    script = "import onnxruntime, os; print(os.listdir(os.environ['TMPDIR']))"
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout


async def test_short_jobs_come_before_documents_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probing = str(ROOT / "tests" / "fakes" / "probing_worker.py")
    monkeypatch.setattr("gradio_app.workers.launch.PROGRAM", (probing,))
    async with running_pool(tmp_path) as pool:
        asking = {"attempts": {"nice": "result = os.getpriority(os.PRIO_PROCESS, 0)"}}
        for _ in range(2):
            reads = await pool.run("probe", asking, seconds=60)
            looks = await pool.run_light("probe", asking, seconds=60)
            assert looks["nice"] == os.getpriority(os.PRIO_PROCESS, 0)
            assert reads["nice"] == min(19, looks["nice"] + NICENESS)
        assert len(pool.pids) == 1
