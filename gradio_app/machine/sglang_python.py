"""SGLang's Python: which environment of this machine has SGLang, and in which version."""

from __future__ import annotations

import os
from pathlib import Path

from gradio_app.base.settings import Settings

#: the environment that ``setup --sglang`` makes, beside the package
OWN_PYTHON = Path(__file__).resolve().parents[2] / ".venv-sglang/bin/python"
NO_SGLANG = (
    "SGLang is not installed on this server. Install it with ./start_mineru_optimized.sh setup --sglang, "
    "or give the address of a model server with --sglang-url."
)


def find_python(settings: Settings) -> Path | None:
    """The Python that has SGLang: the setting, else ``OWN_PYTHON``; None when no such program can be run."""
    path = Path(settings.sglang_python).expanduser() if settings.sglang_python else OWN_PYTHON
    return path.absolute() if os.access(path, os.X_OK) else None


def installed_version(python: Path) -> str:
    """The version of SGLang in the environment of ``python``, without running it; empty when unknown."""
    found = python.parent.parent.glob("lib*/python3*/*-packages/sglang-*.dist-info")
    return max((path.name.removesuffix(".dist-info").partition("-")[2] for path in found), default="")
