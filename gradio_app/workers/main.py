"""Main program of a worker process: reads jobs as JSON lines, runs them from ``parsing.JOBS``, answers.

Started by ``pool`` as ``python -m gradio_app.workers.main``. JSON, not pickle: a worker that a hostile
document has taken over must not be able to run code in the web process through its answer.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import os
import queue
import resource
import signal
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from loguru import logger

from gradio_app.base.errors import AppError
from gradio_app.machine import sandbox

_PR_SET_PDEATHSIG = 1
#: reading a document stands back by so much behind the web process, short jobs and the engine
NICENESS = 5


def main() -> None:
    """Serves jobs until stdin closes, which also ends a job that is running.

    The one argument is JSON: ``memory``, ``file`` (bytes, 0: no limit), ``confined`` (as in ``WorkerPool``),
    ``port``, ``names``, ``reads``.
    """
    answers = _private_stdout()
    orders: dict[str, Any] = json.loads(sys.argv[1])
    _limit(resource.RLIMIT_DATA, orders["memory"])
    _limit(resource.RLIMIT_FSIZE, orders["file"])
    _limit(resource.RLIMIT_CORE, 0, always=True)
    _die_with_parent()
    if orders["confined"] != "off":
        sandbox.drop_capabilities()
        done = sandbox.confine(orders["reads"], [os.getcwd()], orders["port"], orders["names"])
        if orders["confined"] == "required" and len(done) < 2:
            sys.exit(f"worker_jail is required, and only {done} could be done")
    _quiet_libraries()
    tempfile.tempdir = os.path.abspath("job/tmp")  # the pool makes it for each job
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    quick = ThreadPoolExecutor(1)
    quick.submit(int).result()  # it has to be there before: threads are as those that start them
    # Linux has this for each thread; nobody may go back
    os.nice(NICENESS)
    first = True
    while True:
        job = json.loads(jobs.get())
        answer = quick.submit(_run, job).result() if job.get("light") else _run(job)
        answer["rss"] = _rss()
        if first:  # not gc.get_freeze_count(): it counts one by one, 14 ms each time
            _spare_the_collector()
            first = False
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _spare_the_collector() -> None:
    """What the first job has loaded stays: going through it all again takes 100 ms each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _private_stdout() -> IO[str]:
    """Keeps the answer channel for ourselves; what libraries print goes to stderr."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


def _limit(what: int, limit: int, always: bool = False) -> None:
    """The hard stop for an allocation too quick for the watchdog in ``pool``, for a file too large."""
    if limit or always:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (limit, limit))


def _limit_time(seconds: float) -> None:
    """Lets the kernel end a job that runs away, also while nobody is there to do it.

    In seconds of computing, so that many threads count as many times; the limit is raised at the next job.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds * (os.cpu_count() or 1)) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))


def _die_with_parent() -> None:
    """No orphans, even when this process is stopped while the web process is killed (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _quiet_libraries() -> None:
    logger.remove()
    # diagnose would print the values of variables, and those hold the document
    logger.add(sys.stderr, level="DEBUG", format="{level} {message}", diagnose=False, backtrace=False)
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    logging.getLogger("pypdfium2").setLevel(logging.ERROR)


def _read_jobs(jobs: queue.Queue[str]) -> None:
    for line in sys.stdin:
        jobs.put(line)
    os.kill(os.getpid(), signal.SIGKILL)  # the web process is gone


def _run(job: dict[str, Any]) -> dict[str, Any]:
    from gradio_app import parsing

    _limit_time(job["seconds"])
    try:
        return {"result": parsing.JOBS[job["fn"]](**job["args"])}
    except AppError as error:
        return {"error": {"code": error.code, "message": error.message}}


def _rss() -> int:
    """Resident memory of this process in bytes (0 where /proc is missing)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    main()
