"""Where SGLang is installed on this machine, and which version."""

from __future__ import annotations

import os
from pathlib import Path

from gradio_app.base.settings import Settings

NO_SGLANG = (
    "SGLang is not installed on this server. Install it with ./start_mineru_optimized.sh setup --sglang, "
    "or give the address of a model server with --sglang-url."
)


def find_python(settings: Settings) -> Path | None:
    """The Python that has SGLang: the setting, else the one in ``.venv-sglang`` beside the package."""
    path = Path(settings.sglang_python).expanduser() if settings.sglang_python else _own_environment()
    return path.absolute() if os.access(path, os.X_OK) else None


def installed_version(python: Path) -> str:
    """The version of SGLang in the environment of ``python``, without running it; empty when unknown."""
    found = python.parent.parent.glob("lib*/python3*/*-packages/sglang-*.dist-info")
    return max((path.name.removesuffix(".dist-info").partition("-")[2] for path in found), default="")


def _own_environment() -> Path:
    return Path(__file__).resolve().parents[2] / ".venv-sglang" / "bin" / "python"
