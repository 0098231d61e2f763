"""What all tests share: how they are dealt out to two workers, and the loop of asynchronous ones."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

#: files that go to one worker, one after the other: the machines of their clusters have the same addresses,
#: or one server with a model server is enough for them
TOGETHER = {
    "tests/integration/test_bench.py": "ray",
    "tests/integration/test_cluster.py": "ray",
    "tests/integration/test_climbing.py": "vision",
    "tests/integration/test_second_reading.py": "vision",
    "tests/integration/test_vision.py": "vision",
    "tests/browser/test_again.py": "engine",
    "tests/browser/test_engine.py": "engine",
    "tests/browser/test_vision.py": "engine",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that both workers end at the same time.

    Tests of pages come last: Playwright's loop stays, and asynchronous tests need one of their own.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if TOGETHER.get(_file(item.nodeid)) == "ray":
        return 0
    return 2 if item.path.parent.name == "browser" else 1


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class ByFile(LoadFileScheduling):
    """Deals out whole files, so that each is done with the servers that its tests share."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(_file(nodeid), _file(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the server does."""
    return "asyncio"
