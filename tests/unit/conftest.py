"""Two thousand tests in a few seconds: what each of them does costs little."""

from __future__ import annotations

import gc
import sys

import pytest

from tests.memory import in_memory, tmp_path

__all__ = ["in_memory", "tmp_path"]

# They make little garbage; looking for it each time among all that is imported takes a second.
gc.set_threshold(1_000_000, 50, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First the one that freezes and thaws all objects: later there are many more of them."""
    items.sort(key=lambda item: item.path.stem != "test_startup")


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is imported by now stays: pytest's own collections at the end look at what tests left only.

    Two plugins take a second and give nothing: that of Hypothesis would import all of it at the end, to say
    that there is nothing to say; that of logging goes through all loggers six times a test, while our log and
    the warnings of libraries come by stderr.
    """
    gc.freeze()
    plugins = session.config.pluginmanager
    plugins.unregister(name="logging-plugin")
    if "hypothesis" not in sys.modules:
        plugins.unregister(name="hypothesispytest")


def pytest_sessionfinish() -> None:
    """All that tests left is looked at once; pytest and Python would look at what stays three times more."""
    gc.collect()
    gc.freeze()
