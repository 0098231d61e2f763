"""Pool of worker processes: warm, isolated, each of which can be killed, limited and replaced.

A crash, a kill or a bomb costs the job that ran there and never the web process. Why not
``anyio.to_process`` or ``concurrent.futures``: see docs/adr/0001-own-worker-processes.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, TaskTimeout, WorkerCrashed, WorkerOutOfMemory, from_code
from gradio_app.base.settings import Settings
from gradio_app.machine import sandbox, weights
from gradio_app.workers.process_memory import tree_rss

#: how often the watchdog reads a busy worker's memory, in seconds
WATCH_INTERVAL = 0.1
#: a process that dies of these while it holds this share of its limit died of memory: libraries abort
#: when an allocation fails, and growing buffers double
_MEMORY_SIGNALS = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGTRAP, -signal.SIGILL, -signal.SIGBUS}
_MEMORY_SHARE = 0.35
#: a worker that keeps more than this after a job is replaced (share of its limit)
RECYCLE_SHARE = 0.5
#: ... and one that has done this many jobs
RECYCLE_JOBS = 1000
#: what a worker runs
PROGRAM = ("-m", "gradio_app.workers.main")
#: longest line of an answer, in bytes
_ANSWER_LIMIT = 16 * 2**20

#: names of variables that are no business of a worker, whatever they begin with
_SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
#: MINERU_VL_*: the old names of MinerU's settings for a model server, which ours would contradict
_PASSED_ON = re.compile("PATH|LANG|LC_ALL|LD_LIBRARY_PATH|SYSTEMROOT|VIRTUAL_ENV|MINERU_(?!APP_|VL_).*")


@dataclass
class _Peak:
    """The most memory that a job was seen to hold, in bytes, and whether it was ended for it."""

    bytes: int = 0
    over: bool = False


class _Worker:
    """One process and its pipes. Owned by one job at a time."""

    def __init__(self, process: Process, home: Path, network: bool) -> None:
        self.process = process
        self.home = home
        self.network = network
        self.jobs = 0
        self.rss = 0
        self.stderr: deque[str] = deque(maxlen=40)
        self._drain = asyncio.create_task(self._read_stderr())

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        with contextlib.suppress(ValueError):
            async for line in self.process.stderr:
                text = line.decode("utf-8", "replace").rstrip()
                self.stderr.append(text)
                logger.bind(action="worker_stderr", pid=self.process.pid).debug(text)

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, or None when the process died."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            await self.process.stdin.drain()
            line = await self.process.stdout.readline()
        except (ConnectionError, ValueError):
            return None
        return json.loads(line) if line.endswith(b"\n") else None

    async def kill(self) -> None:
        """Ends the process and everything it started; returns when it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        # the pipe closes with the last process of the group, in an instant
        await asyncio.wait([self._drain], timeout=2)
        self._drain.cancel()
        await asyncio.to_thread(shutil.rmtree, self.home, True)


@dataclass(eq=False)
class WorkerPool:
    """Hands jobs to idle worker processes and starts new ones when none is idle.

    How many run side by side is the caller's decision. ``light`` jobs (inspections, page pictures, exports)
    run one at a time beside them. At most ``keep`` workers stay warm between jobs.

    Workers are locked in (``sandbox``): they write below ``writes`` and a folder of their own, and read,
    beside programs and models, what is below ``reads``. Jobs with network run in workers of their own.
    """

    run_dir: Path
    memory_limit: int
    keep: int = 8
    model_dir: str = ""
    small_backend: str = ""
    reads: Sequence[Path] = ()
    writes: Sequence[Path] | None = None
    confined: bool = True
    #: whether more light jobs come soon: then parts leave them a process. A new one imports for seconds:
    #: a part may wait for that, but a light job keeps those of everybody waiting
    spare: bool = False
    _idle: list[_Worker] = field(default_factory=list["_Worker"], init=False)
    _all: set[_Worker] = field(default_factory=set["_Worker"], init=False)
    _dropping: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"], init=False)
    _busy: dict[_Worker, _Peak] = field(default_factory=dict["_Worker", "_Peak"], init=False)
    _watch: asyncio.Task[None] | None = field(default=None, init=False)
    _light: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1), init=False)
    _started: int = field(default=0, init=False)
    _closed: bool = field(default=False, init=False)

    @classmethod
    def of(cls, settings: Settings, folders: Folders, keep: int) -> Self:
        """One as the settings say, for the documents and results in ``folders``."""
        models = weights.model_folder(settings.model_dir)
        return cls(
            folders.run,
            settings.worker_memory_limit,
            keep,
            str(models),
            weights.small_backend(models),
            reads=(folders.sources, folders.tasks),
            writes=(folders.tmp, folders.gate),
            confined=settings.worker_jail == "on",
        )

    @property
    def pids(self) -> list[int]:
        """Process ids of all live workers."""
        return [worker.process.pid for worker in self._all if worker.alive]

    async def warm(self, count: int) -> None:
        """Starts ``count`` workers and lets each import what parsing needs."""
        if not self.confined:
            logger.bind(action="jail").warning("workers are not confined (setting: worker_jail)")
        elif missing := sandbox.missing():
            logger.bind(action="jail").warning(
                "this system has no {}: workers run with the rights of this user", " and no ".join(missing)
            )
        # in its own folder: that of all workers is closed to it
        jobs = (self.run("warm_up", {}, tmp="", seconds=120) for _ in range(count))
        for result in await asyncio.gather(*jobs, return_exceptions=True):
            if isinstance(result, Exception):
                logger.bind(action="worker_warm").warning("a worker did not warm up: {}", result)

    async def run_light(self, fn: str, args: dict[str, Any], *, tmp: str, seconds: float) -> dict[str, Any]:
        """Like ``run``, one at a time, for short jobs beside the slots, which come before those."""
        async with self._light:
            return await self.run(fn, args, tmp=tmp, seconds=seconds, light=True)

    async def run(
        self,
        fn: str,
        args: dict[str, Any],
        *,
        tmp: str,
        seconds: float,
        network: bool = False,
        light: bool = False,
    ) -> dict[str, Any]:
        """Runs ``parsing.JOBS[fn](**args)`` with ``tmp`` as its temporary folder.

        Raises the job's own ``AppError``; ``TaskTimeout`` after ``seconds``,
        ``WorkerOutOfMemory`` or ``WorkerCrashed``. When cancelled, the process is killed at once.
        """
        worker = await self._take(network, light)
        peak = self._busy[worker] = _Peak()
        if self._watch is None:
            self._watch = asyncio.create_task(self._watch_busy(), name="memory")
        answer: dict[str, Any] | None = None
        try:
            async with asyncio.timeout(seconds):
                job = {"fn": fn, "args": args, "tmp": tmp, "seconds": seconds, "light": light}
                answer = await worker.ask(job)
        except TimeoutError:
            raise TaskTimeout() from None
        finally:
            del self._busy[worker]
            if answer is None:
                await asyncio.shield(self._drop(worker))
            else:
                worker.rss = int(answer.get("rss", 0))
                self._give_back(worker)
        if answer is None:
            raise self._post_mortem(worker, peak, fn)
        if "error" in answer:
            raise from_code(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def _post_mortem(self, worker: _Worker, peak: _Peak, fn: str) -> AppError:
        code = worker.process.returncode
        tail = " | ".join(worker.stderr)
        logger.bind(action="worker_died", fn=fn, exit=code, peak=peak.bytes).warning(
            "worker {} ended with {}: {}", worker.process.pid, code, tail[-600:]
        )
        full = code in _MEMORY_SIGNALS and peak.bytes > _MEMORY_SHARE * self.memory_limit
        if peak.over or full or "MemoryError" in tail:
            return WorkerOutOfMemory()
        return TaskTimeout() if code == -signal.SIGXCPU else WorkerCrashed()

    async def _watch_busy(self) -> None:
        """Ends workers that take too much memory, as long as any works."""
        while self._busy:
            await asyncio.sleep(WATCH_INTERVAL)
            for worker, peak in self._busy.items():
                peak.bytes = max(peak.bytes, tree_rss(worker.process.pid))
                if peak.bytes > self.memory_limit and not peak.over:
                    peak.over = True
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(worker.process.pid, signal.SIGKILL)
        self._watch = None

    async def _take(self, network: bool, light: bool) -> _Worker:
        # a light job that runs has its process
        left = int(self.spare and not (light or network or self._light.locked()))
        while len(idle := [one for one in self._idle if one.network is network]) > left:
            worker = idle[-1]
            self._idle.remove(worker)
            if worker.alive:
                return worker
            await self._drop(worker)
        return await self._start(network)

    async def _start(self, network: bool) -> _Worker:
        if self._closed:
            raise WorkerCrashed("The server is stopping.")
        self._started += 1
        home = self.run_dir / f"worker-{os.getpid()}-{self._started}"
        home.mkdir(parents=True, exist_ok=True)
        code = await asyncio.to_thread(self._link_code)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *PROGRAM,
            self._orders(network, code),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=home,
            env=self._environment(home, code),
            start_new_session=True,
            limit=_ANSWER_LIMIT,
        )
        worker = _Worker(process, home, network)
        self._all.add(worker)
        return worker

    def _link_code(self) -> Path:
        """A folder with nothing but our package: what Python lists to find it, and workers may see."""
        folder, package = self.run_dir / "code", Path(__file__).resolve().parents[1]
        link = folder / package.name
        if not link.is_symlink() or link.readlink() != package:
            folder.mkdir(exist_ok=True)
            made = folder / f".{secrets.token_hex(8)}"
            made.symlink_to(package)
            made.replace(link)  # in one step: several workers may start at the same time
        if self.model_dir and os.path.isdir(self.model_dir):
            with contextlib.suppress(OSError):  # MinerU's, which workers may write; a copy may be read-only
                Path(self.model_dir, ".locks").mkdir(exist_ok=True)
        return folder

    def _orders(self, network: bool, code: Path) -> str:
        """The one argument of a worker, JSON: its limits, and what it may use."""
        models = [self.model_dir, *_targets(self.model_dir)] if self.model_dir else []
        config = [os.environ["MINERU_CONFIG"]] if "MINERU_CONFIG" in os.environ else []
        locks = [str(Path(models[0], ".locks"))] if models else []
        return json.dumps(
            {
                "memory": self.memory_limit,
                "file": self.memory_limit,
                "confined": self.confined,
                "network": network,
                "reads": [*map(str, self.reads), str(code), *models, *config],
                "writes": [*map(str, (self.run_dir,) if self.writes is None else self.writes), *locks],
            }
        )

    def _environment(self, home: Path, code: Path) -> dict[str, str]:
        """The least a worker needs: no tokens, no keys, nothing that makes MinerU call outside."""
        env = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
        env = {name: value for name, value in env.items() if not _SECRET.search(name)}
        env["PYTHONPATH"] = str(code)
        env["TMPDIR"] = env["HOME"] = str(home)
        env["MINERU_MODEL_SOURCE"] = "local"
        env["MINERU_MALLOC_TRIM"] = "1"
        env["MINERU_LOG_LEVEL"] = "warning"
        # pages that are prepared before the first of them is read: few, so that the model gets work soon
        env.setdefault("MINERU_PROCESSING_WINDOW_SIZE", "4")
        env["HF_HUB_OFFLINE"] = "1"
        env["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime would tell its makers, and leave a file in TMPDIR
        env["OMP_NUM_THREADS"] = env.get("OMP_NUM_THREADS", "1")
        if self.model_dir:
            env["MINERU_MODEL_BASE_DIR"] = self.model_dir
        if self.small_backend:
            # else MinerU takes torch when there is a card, and asks for weights in its form
            env.setdefault("MINERU_MODEL_SMALL_BACKEND", self.small_backend)
        return env

    def _give_back(self, worker: _Worker) -> None:
        worker.jobs += 1
        grown = worker.rss > RECYCLE_SHARE * self.memory_limit
        if self._closed or grown or worker.jobs >= RECYCLE_JOBS or len(self._idle) >= self.keep:
            logger.bind(action="worker_recycle", rss=worker.rss, jobs=worker.jobs).debug("worker is replaced")
            dropping = asyncio.create_task(self._drop(worker))
            self._dropping.add(dropping)  # the loop itself keeps no hold of its tasks
            dropping.add_done_callback(self._dropping.discard)
        else:
            self._idle.append(worker)

    async def _drop(self, worker: _Worker) -> None:
        await worker.kill()
        self._all.discard(worker)

    async def trim(self, keep: int) -> None:
        """Ends idle workers beyond ``keep``, so that a quiet server gives memory back."""
        while len(self._idle) > keep:
            await self._drop(self._idle.pop(0))

    async def close(self) -> None:
        """Kills every worker. Jobs that still run raise ``WorkerCrashed``."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.gather(*(self._drop(worker) for worker in list(self._all)), *self._dropping)
        self._idle.clear()


def _targets(folder: str) -> list[str]:
    """Where links below a folder lead: weights are large, and often kept on another disk."""
    entries = (
        os.path.join(parent, name) for parent, below, names in os.walk(folder) for name in (*below, *names)
    )
    return sorted({os.path.realpath(path) for path in entries if os.path.islink(path)})
