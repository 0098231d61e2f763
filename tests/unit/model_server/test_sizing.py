"""Profiles: what a card gets, that it adds up, and that SGLang's parser would take it."""

from __future__ import annotations

import pytest

from gradio_app.base.errors import GpuOutOfMemory
from gradio_app.model_server.sglang_flags import check, value_of
from gradio_app.model_server.sizing import Plan, base_flags, environment, plan

GB = 2**30
TURING, AMPERE, ADA, HOPPER = (7, 5), (8, 6), (8, 9), (9, 0)


def ladder(total: int, free: int, capability: tuple[int, int], profile: str) -> list[Plan]:
    """The plans of all steps until there is none."""
    found: list[Plan] = []
    while True:
        try:
            found.append(plan(total, free, capability, profile, len(found)))
        except GpuOutOfMemory:
            return found


@pytest.mark.parametrize(
    ("gigabytes", "capability", "name", "fraction", "quantization"),
    [
        (8, ADA, "8gb", 0.4, "fp8"),
        (12, AMPERE, "12gb", 0.5, "fp8"),
        (16, ADA, "16gb", 0.6, "fp8"),
        (24, ADA, "24gb", 0.8, ""),
        (22.5, AMPERE, "24gb", 0.8, ""),  # sold with 24 GB
        (80, HOPPER, "24gb", 0.8, ""),
        (15, TURING, "16gb", 0.6, ""),
    ],
)
def test_an_empty_card_gets_what_the_table_says(
    gigabytes: float, capability: tuple[int, int], name: str, fraction: float, quantization: str
) -> None:
    total = int(gigabytes * GB)
    found = plan(total, total - GB // 4, capability)
    assert (found.profile, found.quantization) == (name, quantization)
    assert found.fraction == pytest.approx(fraction, abs=2e-4)


def test_a_card_that_is_nearly_taken_gets_a_larger_fraction_of_what_is_left() -> None:
    found = plan(8 * GB, 4 * GB, ADA)
    assert found.fraction > 0.4
    assert any("usually takes 0.4" in sentence for sentence in found.why)


def test_max_leaves_room_for_all_else() -> None:
    found = plan(8 * GB, 8 * GB, ADA, "max")
    assert found.fraction < 0.95
    assert any("leave room" in sentence for sentence in found.why)
    assert plan(80 * GB, 80 * GB, HOPPER, "max").slots > plan(80 * GB, 80 * GB, HOPPER).slots


def test_steps_take_less_memory_and_then_go_to_8_bit() -> None:
    first, second, third = ladder(24 * GB, 23 * GB, ADA, "auto")
    assert first.fraction > second.fraction > third.fraction
    assert [first.quantization, second.quantization, third.quantization] == ["", "", "fp8"]
    assert first.slots > second.slots > third.slots
    assert "One step down" in " ".join(second.why)


def test_what_does_not_fit_is_refused_with_advice() -> None:
    with pytest.raises(GpuOutOfMemory, match=r"needs 3\.\d GB .* 2\.0 of 8\.0 GB are free\. Close"):
        plan(8 * GB, 2 * GB, ADA)
    with pytest.raises(GpuOutOfMemory, match=r"The smallest plan .* and it ran out"):
        plan(8 * GB, 8 * GB, ADA, step=3)


def test_the_refusal_names_what_would_do() -> None:
    free = 0
    while not ladder(8 * GB, free, ADA, "8gb"):
        free += GB // 16
    with pytest.raises(GpuOutOfMemory, match=f"needs {free / GB:.1f} GB"):
        plan(8 * GB, free - GB // 8, ADA, "8gb")


def test_an_older_card_computes_in_float16() -> None:
    found = plan(16 * GB, 15 * GB, TURING)
    assert value_of(found.flags, "--dtype") == "half"
    assert any("16 bit" in sentence for sentence in found.why)
    assert value_of(plan(16 * GB, 15 * GB, AMPERE).flags, "--dtype") is None
    assert any("may not start" in sentence for sentence in plan(16 * GB, 15 * GB, (7, 0)).why)


def test_several_cards_have_a_copy_each() -> None:
    assert value_of(plan(24 * GB, 23 * GB, ADA, cards=4).flags, "--dp-size") == "4"
    assert value_of(plan(24 * GB, 23 * GB, ADA).flags, "--dp-size") is None


def test_the_guard_that_unpickles_is_for_loopback_only() -> None:
    assert "--enable-custom-logit-processor" in base_flags()
    assert "--enable-custom-logit-processor" not in base_flags(guard=False)
    assert not any("trust" in flag for flag in base_flags())
    check(base_flags())


def test_the_environment_is_offline_and_without_our_secrets() -> None:
    given = {
        "PATH": "/bin",
        "MINERU_APP_TOKEN": "secret",
        "PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:64,expandable_segments:True",
        "PYTORCH_ALLOC_CONF": "expandable_segments:True",
        "HF_HUB_OFFLINE": "0",
    }
    made = environment(given)
    assert made["PATH"] == "/bin"
    assert made["HF_HUB_OFFLINE"] == made["TRANSFORMERS_OFFLINE"] == "1"
    assert made["PYTORCH_CUDA_ALLOC_CONF"] == "max_split_size_mb:64"
    assert made.keys() & {"MINERU_APP_TOKEN", "PYTORCH_ALLOC_CONF"} == set()
