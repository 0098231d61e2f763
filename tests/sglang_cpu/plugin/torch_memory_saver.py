"""Takes the place of the package of this name, which needs CUDA: the same calls, but nothing is freed.

As with the real one, the process dies when what is released is released again, or what is in use resumed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class TorchMemorySaver:
    enabled = True
    memory_margin_bytes = 0
    hook_mode = "none"

    def __init__(self) -> None:
        self._released: set[str | None] = set()

    @contextmanager
    def region(self, tag: str = "default", enable_cpu_backup: bool = False) -> Iterator[None]:
        """Where memory is allocated that can be released."""
        _log(f"region {tag}, kept in host memory: {enable_cpu_backup}")
        yield

    @contextmanager
    def cuda_graph(self, *_: Any, **__: Any) -> Iterator[None]:
        yield

    @contextmanager
    def disable(self) -> Iterator[None]:
        yield

    def pause(self, tag: str | None = None) -> None:
        if tag in self._released:
            _die(f"cannot release {tag}: it is released")
        self._released.add(tag)
        _log(f"released {tag}")

    def resume(self, tag: str | None = None) -> None:
        if tag not in self._released:
            _die(f"cannot resume {tag}: it is in use")
        self._released.discard(tag)
        _log(f"resumed {tag}")


def _log(text: str) -> None:
    sys.stderr.write(f"memory saver (stand-in): {text}\n")
    sys.stderr.flush()


def _die(text: str) -> None:
    _log(text)
    os._exit(1)


torch_memory_saver = TorchMemorySaver()


@contextmanager
def configure_subprocess() -> Iterator[None]:
    """What the real one needs around the start of a process."""
    yield
