"""Folders of tests in memory: as fixtures, for a ``conftest.py`` to take in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
numbers = count()


@pytest.fixture(scope="session")
def in_memory() -> Iterator[Path]:
    """Where the folders of tests are: in memory if the system has that, as they are made to be deleted."""
    folder = Path(tempfile.mkdtemp(prefix="mineru-tests-", dir=MEMORY if MEMORY.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def tmp_path(in_memory: Path) -> Path:
    """As pytest's own, which looks through all that are there already before it makes one more."""
    folder = in_memory / str(next(numbers))
    folder.mkdir()
    return folder
