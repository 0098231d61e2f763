"""Diagnosis: from the last lines of an SGLang server's log and its exit code to an error with advice."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gradio_app.base.errors import AppError, EngineUnavailable, GpuOutOfMemory, ModelsMissing
from gradio_app.model_server.backend import EngineBroken

_BAD_FLAG = r"error: ((?:unrecognized arguments|argument|ambiguous option|the following).*)"
_PORT = "(?i:address already in use)"
#: what the log says -> the error, and its message (None: the one of its class); the first that fits counts
_CAUSES: dict[str, tuple[type[AppError], str | None]] = {
    "leave no GPU memory for the KV cache|"
    r"Not enough memory\. Please try to increase --mem-fraction-static": (
        GpuOutOfMemory,
        "The card has too little free memory for the model and its cache. Close other programs on the "
        "card, or choose a smaller profile (setting gpu_profile).",
    ),
    "(?i:out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED)": (GpuOutOfMemory, None),
    _BAD_FLAG: (EngineBroken, "SGLang does not take its flags ({:.200}). Check the setting sglang_args."),
    r"No accelerator \(CUDA[^(]*is available|Found no NVIDIA driver": (
        EngineBroken,
        "SGLang finds no graphics card that it can use. See ./start_mineru_optimized.sh doctor.",
    ),
    r"No module named '?(sglang[\w.]*)'?": (
        EngineBroken,
        "The setting sglang_python names a Python without SGLang (no module {}).",
    ),
    "Can't load the configuration of|does not appear to have a file named|No model weights found|"
    "Cannot find any model weights|is not a local folder and is not a valid model identifier|"
    "Repo id must be in the form|Unrecognized model in": (
        ModelsMissing,
        "The weights of the vision model are incomplete. Fetch them again with "
        "./start_mineru_optimized.sh models.",
    ),
    _PORT: (EngineUnavailable, "The port of the model server was taken by another program."),
}
_ERROR_LINE = re.compile(r"^\s*(?:\w+\.)*\w*(?:Error|Exception)\b: .+")


def hangs(tail: Iterable[str]) -> bool:
    """Whether a starting server will never be ready, though it does not end: its port was taken."""
    return any(re.search(_PORT, line) for line in tail)


def diagnose(tail: Iterable[str], exit_code: int | None) -> AppError:
    """The error for a server that ended with ``exit_code`` (negative: a signal) after these lines.

    SGLang ends itself with SIGKILL when there is no room for its cache, so -9 alone says nothing.
    """
    lines = list(tail)
    text = "\n".join(lines)
    for pattern, (kind, message) in _CAUSES.items():
        if (found := re.search(pattern, text)) and (pattern != _BAD_FLAG or exit_code == 2):
            return kind(message and message.format(*found.groups()))
    reason = next((line.strip() for line in reversed(lines) if _ERROR_LINE.match(line)), "")
    ended = f"signal {-exit_code}" if exit_code and exit_code < 0 else f"exit code {exit_code}"
    return EngineUnavailable(
        f"The model server ended ({ended}){f': {reason[:200]}' if reason else ''}. It is started again."
    )
