"""What all tests share: how they are dealt out to two workers, and the loop of asynchronous ones."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

#: files that go to one worker, one after the other: a machine has the addresses and ports of Ray once,
#: and one server with an engine is enough for all pages
TOGETHER = {
    "tests/integration/test_cluster.py": "ray",
    "tests/integration/test_bench.py": "ray",
    "tests/browser/test_cluster.py": "ray",
    "tests/browser/test_again.py": "engine",
    "tests/browser/test_engine.py": "engine",
    "tests/browser/test_vision.py": "engine",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of pages come last: Playwright's loop stays, and asynchronous tests need one of their own.

    Those that need Ray come just before them, as one of them looks at a page.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    with_ray, with_page = TOGETHER.get(_file(item.nodeid)) == "ray", item.path.parent.name == "browser"
    return 1 if with_ray else 2 if with_page else 0


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
