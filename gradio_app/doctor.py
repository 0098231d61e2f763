"""``doctor``: what was found on this machine, what would be used, and what is missing."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from gradio_app.app import open_socket
from gradio_app.errors import AppError
from gradio_app.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: ``level`` is ok, note (works, but) or missing (does not work)."""

    level: str
    what: str
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """All findings for these settings. Changes nothing but creates the data folder."""
    checks: list[Callable[[Settings], Finding]] = [
        _python,
        _packages,
        _processor,
        _memory,
        _card,
        _data_folder,
        _port,
        _models,
    ]
    return [check(settings) for check in checks]


def _python(_settings: Settings) -> Finding:
    return Finding("ok", "Python", f"{platform.python_version()} at {sys.executable}")


def _packages(_settings: Settings) -> Finding:
    found: list[str] = []
    for name in ("mineru", "gradio"):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            return Finding("missing", "Packages", f"{name} is not installed; delete .venv and start again")
    return Finding("ok", "Packages", ", ".join(found))


def _processor(settings: Settings) -> Finding:
    return Finding("ok", "Workers", f"{settings.workers} at the same time (setting: workers)")


def _memory(settings: Settings) -> Finding:
    total = _total_memory()
    wanted = settings.workers * settings.worker_memory_limit
    text = f"{total / 2**30:.0f} GB; workers may take {wanted / 2**30:.0f} GB together"
    return Finding("note" if wanted > total else "ok", "Memory", text)


def _total_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _card(_settings: Settings) -> Finding:
    nvml: Any = importlib.import_module("pynvml")  # its own types are incomplete
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return Finding("note", "Graphics card", f"none found ({error}); tier flash needs none")
    names: list[str] = []
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        total = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
        names.append(f"{nvml.nvmlDeviceGetName(handle)} {total / 2**30:.0f} GB")
    nvml.nvmlShutdown()
    return Finding("ok", "Graphics card", ", ".join(names) or "none")


def _data_folder(settings: Settings) -> Finding:
    folder = settings.data_dir.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        return Finding("missing", "Data folder", f"{folder} cannot be written: {error.strerror}")
    free = shutil.disk_usage(folder).free
    level = "ok" if free > settings.disk_reserve else "missing"
    return Finding(level, "Data folder", f"{folder}, {free / 2**30:.0f} GB free")


def _port(settings: Settings) -> Finding:
    try:
        open_socket(settings.host, settings.port).close()
    except AppError as error:
        return Finding("missing", "Port", error.message)
    return Finding("ok", "Port", f"{settings.host}:{settings.port} is free")


def _models(settings: Settings) -> Finding:
    os.environ["MINERU_MODEL_SOURCE"] = "local"
    if settings.model_dir:
        os.environ["MINERU_MODEL_BASE_DIR"] = str(Path(settings.model_dir).expanduser())
    from gradio_app.parsing.inspection import models_ready

    if models_ready():
        return Finding("ok", "Models", "OCR and layout models are installed: scans can be read")
    return Finding("note", "Models", "none: digital documents work, scans and pictures do not")


def main(argv: Sequence[str] | None = None) -> None:
    """The ``doctor`` mode of the start script: exit code 1 when something is missing."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--json", action="store_true")
    own, rest = parser.parse_known_args(arguments)
    findings = examine(Settings.load(rest))
    if own.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.level:<8}{finding.what:<14}{finding.detail}")
    raise SystemExit(1 if any(finding.level == "missing" for finding in findings) else 0)


if __name__ == "__main__":
    main()
