"""A corner of the machine for one test: its own mounts and network, gone when it ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live import ROOT, LiveServer


class Corner:
    """Namespaces that live as long as a process that waits in them. Use ``corner``."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        command = ["unshare", *kinds, "--propagation", "private", "cat"]
        self._holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdin is not None and self._holder.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._holder.stdin.write(b"in\n")
            self._holder.stdin.flush()
        if self._holder.stdout.readline() != b"in\n":
            self.close()
            pytest.skip("namespaces are not permitted here (they need root)")
        self.prefix = ["nsenter", "-t", str(self._holder.pid), *kinds, f"--wd={ROOT}"]

    @property
    def pid(self) -> int:
        """The process that holds it open."""
        return self._holder.pid

    def run(self, *command: str) -> str:
        """Runs a command inside; what it printed."""
        done = subprocess.run([*self.prefix, *command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def see(self, path: Path) -> Path:
        """The way from outside to a path inside."""
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def mount(self, path: Path, size: str) -> Path:
        """An empty small disk at a path inside; the way to it from outside."""
        path.mkdir(parents=True, exist_ok=True)
        self.run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path))
        return self.see(path)

    def server(self, data: Path, *flags: str) -> LiveServer:
        """A server inside, not started yet."""
        server = LiveServer(data, *flags)
        server.data, server.prefix = self.see(data), self.prefix
        return server

    def close(self) -> None:
        """Ends it with all its mounts, once nothing runs inside."""
        for pipe in (self._holder.stdin, self._holder.stdout):
            with contextlib.suppress(BrokenPipeError):
                assert pipe is not None
                pipe.close()
        self._holder.wait(10)


@contextmanager
def corner(*kinds: str) -> Generator[Corner]:
    """New namespaces (``-m``: mounts, ``-n``: network); skips the test where they are not permitted."""
    made = Corner(kinds or ("-m",))
    try:
        yield made
    finally:
        made.close()


def fill(folder: Path) -> Path:
    """Takes the last byte of a disk, again where somebody gave some back; delete the file to make room."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (2**20, 4096):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    assert os.statvfs(folder).f_bavail == 0
    return ballast


def processes(word: str) -> Iterator[int]:
    """Live processes with this word in their environment or command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if word.encode() in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                    yield int(entry.name)
