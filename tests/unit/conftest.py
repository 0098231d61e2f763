"""Two thousand tests in a few seconds: what each of them does costs little."""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

# They make little garbage; looking for it each time among all that is imported takes a second.
gc.set_threshold(100_000, 50, 50)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is imported by now stays: pytest's own collections at the end look at what tests left only.

    Hypothesis's plugin would import all of it at the end, to say that there is nothing to say.
    """
    gc.freeze()
    if "hypothesis" not in sys.modules:
        session.config.pluginmanager.unregister(name="hypothesispytest")


MEMORY = Path("/dev/shm")
numbers = count()


@pytest.fixture(scope="session")
def in_memory() -> Iterator[Path]:
    """Where the folders of tests are: in memory if the system has that, as they are made to be deleted."""
    folder = Path(tempfile.mkdtemp(prefix="mineru-unit-", dir=MEMORY if MEMORY.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def tmp_path(in_memory: Path) -> Path:
    """As pytest's own, which looks through all that are there already before it makes one more."""
    folder = in_memory / str(next(numbers))
    folder.mkdir()
    return folder
