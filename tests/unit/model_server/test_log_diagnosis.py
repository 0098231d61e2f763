"""From what SGLang writes before it ends to an error with advice. The lines are those of SGLang 0.5.23."""

from __future__ import annotations

import pytest

from gradio_app.base.errors import AppError, EngineUnavailable, GpuOutOfMemory, ModelsMissing
from gradio_app.model_server.backend import EngineBroken
from gradio_app.model_server.log_diagnosis import diagnose, hangs

CHILD_FAILED = "Received sigquit from a child process. It usually means the child failed."
OUT_OF_MEMORY = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.16 GiB. GPU 0 has a total capacity of "
    "7.63 GiB of which 512.00 MiB is free."
)
NO_CACHE = (
    "ValueError: Loaded weights leave no GPU memory for the KV cache under --mem-fraction-static=0.4. "
    "Raise --mem-fraction-static above 0.461 (minimum viable = 0.461)"
)
NO_TOKENS = (
    "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. "
    "Current value: mem_fraction_static=0.4"
)
NO_FOLDER = (
    "OSError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/srv/m'. "
    "Use `repo_type` argument if needed."
)
NO_CONFIG = "ValueError: Unrecognized model in /srv/m. Should have a `model_type` key in its config.json."
NO_CARD = "RuntimeError: No accelerator (CUDA, XPU, HPU, NPU, MUSA, MPS) or platform plugin is available."
TOO_LONG = (
    "ValueError: Warning: User-specified context_length (1000000) is greater than the derived "
    "context_length (8192). This may lead to incorrect model outputs or CUDA errors."
)
PORT_TAKEN = (
    "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 31991): "
    "address already in use"
)
USAGE = ["usage: sglang serve [-h] --model-path MODEL_PATH", "                    [--port PORT]"]

#: lines -> exit code, the class of the error, a word of its message
TOLD: list[tuple[list[str], int | None, type[AppError], str]] = [
    (
        [*USAGE, "sglang serve: error: unrecognized arguments: --load-in-4bit"],
        2,
        EngineBroken,
        "--load-in-4bit",
    ),
    (
        [*USAGE, "sglang serve: error: argument --mem-fraction-static: invalid float value: 'abc'"],
        2,
        EngineBroken,
        "sglang_args",
    ),
    ([NO_FOLDER], 1, ModelsMissing, "models"),
    ([NO_CONFIG], 1, ModelsMissing, "models"),
    (
        ["RuntimeError: Cannot find any model weights with `/srv/m`", CHILD_FAILED],
        -9,
        ModelsMissing,
        "models",
    ),
    (["Scheduler hit an exception: Traceback", OUT_OF_MEMORY, CHILD_FAILED], -9, GpuOutOfMemory, "memory"),
    (["Prefill out of memory. Try to lower your batch size."], -9, GpuOutOfMemory, "memory"),
    (["Decode out of memory. Try to lower your batch size."], -9, GpuOutOfMemory, "memory"),
    ([NO_CACHE, CHILD_FAILED], -9, GpuOutOfMemory, "gpu_profile"),
    ([NO_TOKENS, CHILD_FAILED], -9, GpuOutOfMemory, "gpu_profile"),
    ([NO_CARD], 1, EngineBroken, "doctor"),
    (["/usr/bin/python: No module named sglang"], 1, EngineBroken, "sglang_python"),
    (["ModuleNotFoundError: No module named 'sglang.srt'"], 1, EngineBroken, "no module sglang.srt"),
    ([PORT_TAKEN, "INFO:     Waiting for application shutdown."], None, EngineUnavailable, "port"),
    ([TOO_LONG], 1, EngineUnavailable, "context_length (1000000)"),
    (
        [
            "AssertionError: release_memory_occupation should be called only when server is idle.",
            CHILD_FAILED,
        ],
        -9,
        EngineUnavailable,
        "only when server is idle",
    ),
    (["Initialization failed. warmup error: timed out"], -9, EngineUnavailable, "signal 9"),
    (
        ["SIGQUIT received. signum=3, frame=None. It usually means one child failed."],
        -9,
        EngineUnavailable,
        "signal 9",
    ),
    ([], -9, EngineUnavailable, "signal 9"),
    ([], 0, EngineUnavailable, "exit code 0"),
]


@pytest.mark.parametrize(("lines", "code", "kind", "word"), TOLD)
def test_each_end_has_its_error(lines: list[str], code: int | None, kind: type[AppError], word: str) -> None:
    before = ["[2026-01-01 00:00:00] INFO: loading"]
    error = diagnose([*before, *lines, "kill_process_tree called: parent_pid=7"], code)
    assert type(error) is kind
    assert word in error.message
    assert "Traceback" not in error.message and len(error.message) < 400


def test_memory_comes_before_all_that_follows_from_it() -> None:
    """A worker that ran out of memory makes others complain too."""
    lines = [NO_CACHE, OUT_OF_MEMORY, "sglang serve: error: argument --x: no", NO_CARD, PORT_TAKEN]
    assert "gpu_profile" in diagnose(lines, -9).message
    assert type(diagnose(lines[1:], -9)) is GpuOutOfMemory


def test_a_flag_is_blamed_only_by_the_one_who_reads_flags() -> None:
    line = "sglang serve: error: unrecognized arguments: --load-in-4bit"
    assert type(diagnose([line], 2)) is EngineBroken
    assert type(diagnose([line], 1)) is EngineUnavailable


def test_the_last_reason_is_told_and_cut() -> None:
    message = diagnose(["KeyError: 'first'", "ValueError: " + "x" * 500, "  done"], 1).message
    assert "ValueError: xxx" in message and "first" not in message and len(message) < 300


def test_only_a_taken_port_keeps_it_from_ever_being_ready() -> None:
    assert hangs(["INFO: loading", PORT_TAKEN])
    assert not hangs([]) and not hangs(["The server is fired up and ready to roll!", OUT_OF_MEMORY])
