"""Pool of worker processes: warm, isolated, each of which can be killed, limited and replaced.

A crash, a kill or a bomb costs the job that ran there and never the web process. Why not
``anyio.to_process`` or ``concurrent.futures``: see docs/adr/0001-own-worker-processes.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import (
    AppError,
    DiskFull,
    FileTooLarge,
    TaskTimeout,
    WorkerCrashed,
    WorkerOutOfMemory,
)
from gradio_app.base.files import is_larger, remove_tree, take_tree
from gradio_app.base.settings import Settings
from gradio_app.machine import weights
from gradio_app.workers.answer import Answer, error_of, read_answer
from gradio_app.workers.launch import Launch, Network

_T = TypeVar("_T")

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
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: the watchdog looks at a busy worker's folder each so many times
_ROOM_EVERY = 20
#: longest line of an answer, and the most that a job may write to its standard error, in bytes
_ANSWER_LIMIT, _MOST_NOISE = 4 * 2**20, 4 * 2**20

_TOO_MUCH_ROOM = (
    "Reading this document takes more room on the disk than one document may. Choose fewer pages, or ask the "
    "administrator to raise worker_memory_limit."
)


@dataclass
class _Peak:
    """The most memory that a job was seen to hold, in bytes, and whether it was ended for it."""

    bytes: int = 0
    over: bool = False
    #: it filled the disk, and was ended for it
    large: bool = False


class _Worker:
    """One process and its pipes. Owned by one job at a time."""

    def __init__(self, process: Process, home: Path, network: Network) -> None:
        self.process = process
        self.home = home
        self.network = network
        #: where a job works; gone after it
        self.place = home / "job"
        self.jobs = 0
        self.rss = 0
        self.stderr: deque[str] = deque(maxlen=40)
        #: bytes of its standard error since the job began
        self.noise = 0
        self._drain = asyncio.create_task(self._read_stderr())

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        with contextlib.suppress(ValueError):  # a line without an end
            async for line in self.process.stderr:
                self.noise += len(line)
                if self.noise > _MOST_NOISE:
                    break
                text = "".join(filter(str.isprintable, line.decode("utf-8", "replace")))
                self.stderr.append(text)
                logger.bind(action="worker_stderr", pid=self.process.pid).debug(text)
        self.end()  # nobody reads on: it would wait for ever

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def open_place(self) -> None:
        """Makes the folder for the next job, with its temporary folder in it. Blocks."""
        remove_tree(self.place)
        (self.place / "tmp").mkdir(parents=True)

    async def ask(self, request: dict[str, Any]) -> Answer | None:
        """The answer, or None when the process died or wrote something else."""
        self.noise = 0
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            await self.process.stdin.drain()
            line = await self.process.stdout.readline()
        except (ConnectionError, ValueError):
            return None
        return read_answer(line) if line.endswith(b"\n") else None

    def end(self) -> None:
        """Ends the process, unless it has ended: its number may be somebody else's then."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def kill(self) -> None:
        """Ends the process; returns when it and its folder are gone."""
        self.end()
        await self.process.wait()
        # the pipe closes with the last process of the group, in an instant
        await asyncio.wait([self._drain], timeout=2)
        self._drain.cancel()
        await asyncio.to_thread(remove_tree, self.home)


@dataclass(eq=False)
class WorkerPool:
    """Hands jobs to idle worker processes and starts new ones when none is idle.

    How many run side by side is the caller's decision. ``light`` jobs (inspections, page pictures, exports)
    run one at a time beside them. At most ``keep`` workers stay warm between jobs.

    Workers are confined (``sandbox``): each writes into a folder of its own, and reads, beside programs and
    models, what is below ``reads``. Jobs that ask a model server run in workers of their own, which can reach
    its port. ``confined``: ``auto`` (as far as the kernel can), ``required`` or ``off``.
    """

    run_dir: Path
    memory_limit: int
    keep: int = 8
    model_dir: str = ""
    small_backend: str = ""
    reads: Sequence[Path] = ()
    confined: str = "auto"
    builtin_models: str = ""
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
            reads=(folders.sources, folders.prepared_files, folders.tasks, folders.tmp, folders.gate),
            confined=settings.worker_jail,
            builtin_models=settings.builtin_models,
        )

    @property
    def _launch(self) -> Launch:
        return Launch(
            self.run_dir,
            self.memory_limit,
            self.model_dir,
            self.small_backend,
            self.confined,
            self.builtin_models,
        )

    @property
    def pids(self) -> list[int]:
        """Process ids of all live workers."""
        return [worker.process.pid for worker in self._all if worker.alive]

    async def warm(self, count: int) -> None:
        """Starts ``count`` workers and lets each import what parsing needs.

        Raises ``AppError`` when workers must be confined and this kernel cannot.
        """
        self._launch.report()
        jobs = (self.run("warm_up", {}, seconds=120) for _ in range(count))
        for result in await asyncio.gather(*jobs, return_exceptions=True):
            if isinstance(result, Exception):
                logger.bind(action="worker_warm").warning("a worker did not warm up: {}", result)

    async def run_light(
        self, fn: str, args: dict[str, Any], *, seconds: float, out: Path | None = None
    ) -> dict[str, Any]:
        """Like ``run``, one at a time, for short jobs beside the slots, which come before those."""
        async with self._light:
            return await self.run(fn, args, seconds=seconds, out=out, light=True)

    async def run(
        self,
        fn: str,
        args: dict[str, Any],
        *,
        seconds: float,
        out: Path | None = None,
        server: str = "",
        light: bool = False,
    ) -> dict[str, Any]:
        """Runs ``parsing.JOBS[fn](**args)``; what it leaves as its argument ``out`` comes to ``out``.

        ``server`` is the address of the model server that it may ask. Raises the job's own ``AppError``;
        ``TaskTimeout`` after ``seconds``, ``WorkerOutOfMemory`` or ``WorkerCrashed``, also for a result with
        anything in it but plain files and folders. When cancelled, the process is killed at once.
        """
        worker = await self._take(Network.to(server), light)
        peak = self._busy[worker] = _Peak()
        if self._watch is None:
            self._watch = asyncio.create_task(self._watch_busy(), name="memory")
        sound, error = False, None
        try:
            async with asyncio.timeout(seconds):
                await _to_its_end(worker.open_place)
                if out is not None:
                    args = {**args, "out": str(worker.place / "out")}
                answer = await worker.ask({"fn": fn, "args": args, "seconds": seconds, "light": light})
            if answer is not None:
                worker.rss = answer.rss
                error = await _to_its_end(partial(self._collect, worker, answer, out))
                sound = not isinstance(error, WorkerCrashed)
        except TimeoutError:
            raise TaskTimeout() from None
        finally:
            del self._busy[worker]
            if sound:
                self._give_back(worker)
            else:
                await asyncio.shield(self._drop(worker))
        if answer is None:
            raise self._post_mortem(worker, peak, fn)
        if error is not None:
            raise error
        assert answer.result is not None
        return answer.result

    def _collect(self, worker: _Worker, answer: Answer, out: Path | None) -> AppError | None:
        """Takes the result of a job out of the worker's reach and clears its place; its error. Blocks."""
        try:
            if answer.error is None:
                if out is not None:
                    take_tree(worker.place / "out", out, self.memory_limit)
                return None
            # only a document that fills the disk by itself is to blame for it
            if answer.error.code == DiskFull.code and is_larger(worker.place, self.memory_limit):
                return FileTooLarge(_TOO_MUCH_ROOM)
            return error_of(answer.error, worker.place, bool(worker.network.port))
        except FileTooLarge:
            return FileTooLarge(_TOO_MUCH_ROOM)
        except AppError as error:
            return error
        finally:
            remove_tree(worker.place)

    def _post_mortem(self, worker: _Worker, peak: _Peak, fn: str) -> AppError:
        code = worker.process.returncode
        tail = " | ".join(worker.stderr)
        logger.bind(action="worker_died", fn=fn, exit=code, peak=peak.bytes).warning(
            "worker {} ended with {}: {}", worker.process.pid, code, tail[-600:]
        )
        full = code in _MEMORY_SIGNALS and peak.bytes > _MEMORY_SHARE * self.memory_limit
        if peak.large:
            return FileTooLarge(_TOO_MUCH_ROOM)
        if peak.over or full or "MemoryError" in tail:
            return WorkerOutOfMemory()
        return TaskTimeout() if code == -signal.SIGXCPU else WorkerCrashed()

    async def _watch_busy(self) -> None:
        """Ends workers that take too much memory or room on the disk, as long as any works."""
        turn = 0
        while self._busy:
            await asyncio.sleep(WATCH_INTERVAL)
            for worker, peak in self._busy.items():
                peak.bytes = max(peak.bytes, _resident(worker.process.pid))
                if peak.bytes > self.memory_limit and not peak.over:
                    peak.over = True
                    worker.end()
            turn += 1
            if turn % _ROOM_EVERY == 0:
                await self._watch_room()
        self._watch = None

    async def _watch_room(self) -> None:
        for worker, peak in list(self._busy.items()):
            if await asyncio.to_thread(is_larger, worker.home, self.memory_limit) and not peak.large:
                peak.large = True
                worker.end()

    async def _take(self, network: Network, light: bool) -> _Worker:
        # a light job that runs has its process
        left = int(self.spare and not (light or network.port or self._light.locked()))
        while len(idle := [one for one in self._idle if one.network == network]) > left:
            worker = idle[-1]
            self._idle.remove(worker)
            if worker.alive:
                return worker
            await self._drop(worker)
        return await self._start(network)

    async def _start(self, network: Network) -> _Worker:
        if self._closed:
            raise WorkerCrashed("The server is stopping.")
        self._started += 1
        home = self.run_dir / f"worker-{os.getpid()}-{self._started}"
        home.mkdir(parents=True, exist_ok=True)
        launch = self._launch
        code = await asyncio.to_thread(launch.link_code)
        process = await asyncio.create_subprocess_exec(
            *launch.command(network, [*map(str, self.reads), str(code)]),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=home,
            env=launch.environment(home, code),
            start_new_session=True,
            limit=_ANSWER_LIMIT,
        )
        worker = _Worker(process, home, network)
        self._all.add(worker)
        return worker

    def _give_back(self, worker: _Worker) -> None:
        worker.jobs += 1
        grown = worker.rss > RECYCLE_SHARE * self.memory_limit
        if not (self._closed or grown or worker.jobs >= RECYCLE_JOBS):
            self._idle.append(worker)
            if len(self._idle) <= self.keep:
                return
            worker = self._idle.pop(0)  # perhaps one for a model server that is gone
        logger.bind(action="worker_recycle", rss=worker.rss, jobs=worker.jobs).debug("worker is replaced")
        dropping = asyncio.create_task(self._drop(worker))
        self._dropping.add(dropping)  # the loop itself keeps no hold of its tasks
        dropping.add_done_callback(self._dropping.discard)

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


async def _to_its_end(work: Callable[[], _T]) -> _T:
    """Runs ``work`` in a thread; cancelled, it still waits: a thread would write into deleted folders."""
    job = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        await asyncio.wait([job])
        raise


def _resident(pid: int) -> int:
    """Resident memory of a process in bytes; 0 when it is gone or without /proc."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
