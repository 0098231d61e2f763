"""Why an SGLang server ended: from the last lines of its log and its exit code to an error with advice."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gradio_app.base.errors import AppError, EngineUnavailable, GpuOutOfMemory, ModelsMissing
from gradio_app.model_server.backend import EngineBroken

_NO_CACHE = re.compile(
    "leave no GPU memory for the KV cache|Not enough memory\\. Please try to increase --mem-fraction-static"
)
_NO_MEMORY = re.compile("out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED", re.IGNORECASE)
_BAD_FLAG = re.compile(r"error: ((?:unrecognized arguments|argument|ambiguous option|the following).*)")
_NO_MODULE = re.compile(r"No module named '?(sglang[\w.]*)'?")
_PORT = re.compile("address already in use", re.IGNORECASE)
_NO_WEIGHTS = re.compile(
    "Can't load the configuration of|does not appear to have a file named|No model weights found|"
    "Cannot find any model weights|is not a local folder and is not a valid model identifier|"
    "Repo id must be in the form|Unrecognized model in"
)
_NO_CARD = re.compile("No accelerator \\(CUDA.*is available|Found no NVIDIA driver")
_ERROR_LINE = re.compile(r"^\s*(?:\w+\.)*\w*(?:Error|Exception)\b: .+")


def hangs(tail: Iterable[str]) -> bool:
    """Whether a starting server will never be ready, though it does not end: its port was taken."""
    return any(_PORT.search(line) for line in tail)


def diagnose(tail: Iterable[str], exit_code: int | None) -> AppError:
    """The error for a server that ended with ``exit_code`` (negative: a signal) after these lines.

    SGLang ends itself with SIGKILL when there is no room for its cache, so -9 alone says nothing.
    """
    lines = list(tail)
    text = "\n".join(lines)
    if _NO_CACHE.search(text):
        return GpuOutOfMemory(
            "The card has too little free memory for the model and its cache. Close other programs on the "
            "card, or choose a smaller profile (setting gpu_profile)."
        )
    if _NO_MEMORY.search(text):
        return GpuOutOfMemory()
    if exit_code == 2 and (flag := _BAD_FLAG.search(text)):
        return EngineBroken(
            f"SGLang does not take its flags ({flag[1][:200]}). Check the setting sglang_args."
        )
    if _NO_CARD.search(text):
        return EngineBroken(
            "SGLang finds no graphics card that it can use. See ./start_mineru_optimized.sh doctor."
        )
    if module := _NO_MODULE.search(text):
        return EngineBroken(
            f"The setting sglang_python names a Python without SGLang (no module {module[1]})."
        )
    if _NO_WEIGHTS.search(text):
        return ModelsMissing(
            "The weights of the vision model are incomplete. Fetch them again with "
            "./start_mineru_optimized.sh models."
        )
    if _PORT.search(text):
        return EngineUnavailable("The port of the model server was taken by another program.")
    reason = next((line.strip() for line in reversed(lines) if _ERROR_LINE.match(line)), "")
    ended = f"signal {-exit_code}" if exit_code and exit_code < 0 else f"exit code {exit_code}"
    return EngineUnavailable(
        f"The model server ended ({ended}){f': {reason[:200]}' if reason else ''}. It is started again."
    )
