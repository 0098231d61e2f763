"""While a server is built nothing is collected, and afterwards all is as before."""

from __future__ import annotations

import gc

import pytest

from gradio_app.quick_start import nothing_is_garbage


def test_the_collector_rests_meanwhile_and_works_again_also_after_a_failure() -> None:
    try:
        with nothing_is_garbage():
            assert not gc.isenabled()
        assert gc.isenabled() and gc.get_freeze_count() > 0
        with pytest.raises(OSError), nothing_is_garbage():
            raise OSError
        assert gc.isenabled()
    finally:
        gc.unfreeze()
