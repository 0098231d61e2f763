"""Profiles of any card, with any memory free: each plan adds up."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradio_app.base import page_readers
from gradio_app.base.errors import GpuOutOfMemory
from gradio_app.base.page_readers import MINERU
from gradio_app.model_server.sglang_flags import CONTEXT_FLOOR, check, value_of
from gradio_app.model_server.sizing import (
    PICTURES,
    RUNTIME,
    base_flags,
    plan,
    weights_of,
)
from tests.unit.model_server.test_sizing import ADA, AMPERE, GB, HOPPER, TURING, ladder

NAMES = ["auto", "8gb", "12gb", "16gb", "24gb", "max"]
totals = st.integers(6 * GB, 192 * GB)
capabilities = st.sampled_from([(6, 1), (7, 0), TURING, (8, 0), AMPERE, ADA, HOPPER, (12, 0)])


@settings(max_examples=300, deadline=None)
@given(total=totals, part=st.floats(0, 1), capability=capabilities, profile=st.sampled_from(NAMES))
def test_every_plan_adds_up(total: int, part: float, capability: tuple[int, int], profile: str) -> None:
    free = int(total * part)
    steps = ladder(total, free, capability, profile)
    assert len(steps) <= 3
    for found in steps:
        check([*base_flags(), *found.flags])
        assert 0 < found.fraction < 1
        assert found.needs <= free
        tokens = int(value_of(found.flags, "--max-total-tokens") or 0)
        assert tokens >= CONTEXT_FLOOR
        # SGLang's own sum: the cache gets this much, and the plan must not ask for more
        launch = free - RUNTIME
        serve = MINERU.serve
        cache = launch - weights_of(serve, found.quantization) - launch * (1 - found.fraction) - PICTURES
        assert tokens * serve.kv <= cache
        assert found.context in (8192, 16384)
        assert found.slots >= 1
        assert found.quantization == "" or capability >= (8, 0)
    needs = [found.needs for found in steps]
    assert needs == sorted(set(needs), reverse=True), "each step takes less than the one before"


@given(total=totals, part=st.floats(0, 1), capability=capabilities)
def test_a_card_with_less_free_never_needs_more(total: int, part: float, capability: tuple[int, int]) -> None:
    fewer = ladder(total, int(total * part), capability, "auto")
    assume(fewer)
    assert fewer[0].needs <= plan(total, total, capability).needs


@settings(max_examples=100, deadline=None)
@given(part=st.integers(8 * GB, 80 * GB), beside=st.integers(0, 80 * GB), capability=capabilities)
def test_what_is_left_to_others_stays_free(part: int, beside: int, capability: tuple[int, int]) -> None:
    """The plan for a part is that of a card of that size; only the fraction is one of all that is free."""
    found, alone = (plan(part, part + more, capability, beside=more, step=0) for more in (beside, 0))
    assert found.needs <= part and found.context == alone.context
    static, same = ((size - RUNTIME) * one.fraction for size, one in ((part + beside, found), (part, alone)))
    assert static == pytest.approx(same, abs=1e-4 * (part + beside))
    assert beside == 0 or found.fraction <= alone.fraction
    assert any("stay for others" in sentence for sentence in found.why) == (beside > 0)


@settings(max_examples=200, deadline=None)
@given(
    total=totals,
    part=st.floats(0, 1),
    capability=capabilities,
    profile=st.sampled_from(NAMES),
    name=st.sampled_from(page_readers.names()),
)
def test_a_plan_for_any_reader_holds_its_weights_and_a_page(
    total: int, part: float, capability: tuple[int, int], profile: str, name: str
) -> None:
    reader, free = page_readers.reader_of(name), int(total * part)
    serve = reader.serve
    try:
        found = plan(total, free, capability, profile, reader=reader)
    except GpuOutOfMemory as error:
        assert reader.titles["en"] in error.message and free < serve.weights + 12 * GB
        return
    check([*base_flags(), *reader.flags("/models/x"), *found.flags])
    tokens, weights = (
        int(value_of(found.flags, "--max-total-tokens") or 0),
        weights_of(serve, found.quantization),
    )
    assert found.needs <= free and tokens >= serve.least and found.context in (serve.least, serve.context)
    launch = free - RUNTIME
    assert tokens * serve.kv <= launch * found.fraction - weights - PICTURES
    assert found.quantization in ("", "fp8" * bool(serve.small))
