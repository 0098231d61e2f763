"""While a server is built nothing is collected, and afterwards all is as before."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from gradio_app.web.startup import nothing_is_garbage


@pytest.fixture(autouse=True)
def frozen_as_before() -> Iterator[None]:
    """All that was imported stays out of collections, as ``conftest`` wants it; what tests left does not."""
    gc.collect(1)
    yield
    gc.unfreeze()
    gc.freeze()


def test_the_collector_rests_meanwhile_and_works_again_also_after_a_failure() -> None:
    gc.unfreeze()
    with nothing_is_garbage():
        assert not gc.isenabled()
    assert gc.isenabled() and gc.get_freeze_count() > 0
    with pytest.raises(OSError), nothing_is_garbage():
        raise OSError
    assert gc.isenabled()
