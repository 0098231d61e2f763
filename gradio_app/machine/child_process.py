"""Child process that runs long: owns its process group, its rotated log, and its end without leftovers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil
from loguru import logger

_DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
#: lines of its output that stay in memory, for the reason of its end
TAIL_LINES = 200
#: a log beyond this is put aside as ``NAME.1``, the one before as ``NAME.2`` (bytes)
LOG_SIZE = 10 * 2**20
LOG_FILES = 3


class Child:
    """A running program. Use ``spawn``."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self._pid = process.pid  # also that of its group
        self._log = log
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._reader = asyncio.create_task(self._read(), name="child-log")

    @classmethod
    async def spawn(cls, command: Sequence[str], env: Mapping[str, str], folder: Path, log: Path) -> Child:
        """Starts ``command`` (its first word an absolute path) in ``folder``; ``OSError`` when it cannot."""
        if not os.access(command[0], os.X_OK):
            raise FileNotFoundError(f"{command[0]} cannot be run")
        words = [sys.executable, "-I", str(_DIE_WITH_PARENT), str(os.getpid()), *command]
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            cwd=folder,
            env=dict(env),
            start_new_session=True,
            limit=2**20,
        )
        return cls(process, log)

    def pids(self) -> list[int]:
        """Process ids of it and all that it started; none when it has ended."""
        with contextlib.suppress(psutil.Error):
            if self.exit is None:
                return [
                    self._pid,
                    *(child.pid for child in psutil.Process(self._pid).children(recursive=True)),
                ]
        return []

    @property
    def exit(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Its exit code, when it has ended and its output was read."""
        code = await self._process.wait()
        # grandchildren may hold the pipe open a little longer
        await asyncio.wait([self._reader], timeout=2)
        return code

    async def end(self, grace: float) -> None:
        """SIGTERM, ``grace`` seconds, SIGKILL to the whole group; returns when it is gone."""
        try:
            if self.exit is None and grace > 0:
                # to itself only: SGLang takes an ended child of its own for a crash
                with contextlib.suppress(ProcessLookupError):
                    self._process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), grace)
        finally:
            # also after a clean end: what it started may still be there
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
            self._reader.cancel()
        await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        log = _rotated(self._log)
        try:
            while line := await _line(self._process.stdout):
                log.write(line)
                log.flush()
                if log.tell() > LOG_SIZE:
                    log.close()
                    log = _rotated(self._log)
                self.tail.append(line.decode("utf-8", "replace").rstrip())
        except OSError as error:  # a full disk must not stop the program at a full pipe
            logger.bind(action="child_log").warning("the log of process {} ends: {}", self._pid, error)
            while await _line(self._process.stdout):
                pass
        finally:
            log.close()


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # longer than the limit; what was read of it is gone
        return b"(a very long line)\n"


def _rotated(log: Path) -> IO[bytes]:
    """A fresh log; the earlier ones move up by one."""
    with contextlib.suppress(OSError):
        for number in range(LOG_FILES - 1, 0, -1):
            older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
            if older.exists():
                older.replace(log.with_name(f"{log.name}.{number}"))
    return log.open("wb")
