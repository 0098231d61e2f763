"""Which model server this machine uses, by its settings and by what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gradio_app import gpu, weights
from gradio_app.backend import Backend
from gradio_app.errors import AppError
from gradio_app.remote_server import NoServer, RemoteServer
from gradio_app.settings import Settings
from gradio_app.sglang_server import NO_SGLANG, SglangServer, find_python, installed_version

_ELSEWHERE = "The address of a server that runs elsewhere can be given with --sglang-url."


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that SGLang needs and is not here: in a word, and as a sentence that says what to do."""

    what: str
    advice: str


def choose_backend(settings: Settings, run_dir: Path) -> Backend:
    """The model server behind the engine. Raises ``AppError`` when the settings contradict themselves."""
    kind, lacks = engine_kind(settings)
    if kind == "remote":
        return RemoteServer(_checked(settings.sglang_url), settings.sglang_api_key, settings.engine_patience)
    if kind == "sglang":
        return SglangServer(settings, run_dir)
    return NoServer(lacks[0].advice if lacks else "It is switched off on this server (setting engine).")


def engine_kind(settings: Settings) -> tuple[str, list[Lack]]:
    """What would run the vision model: ``sglang``, ``remote`` or ``none``; and what SGLang lacks here."""
    if settings.engine == "none":
        return "none", []
    if settings.engine == "remote" or (settings.engine == "auto" and settings.sglang_url):
        return "remote", []
    lacks = list(_lacking(settings))
    return ("none" if lacks and settings.engine == "auto" else "sglang"), lacks


def _lacking(settings: Settings) -> Iterator[Lack]:
    on_cpu = "--device cpu" in " ".join(settings.sglang_args.replace("=", " ").split())
    if not on_cpu and gpu.choose(gpu.cards(limit=settings.gpu_memory), settings.gpu) is None:
        reason = gpu.driver_problem() or "This machine has no such graphics card."
        what = "a card" if settings.gpu == "auto" else f"card {settings.gpu} (setting: gpu)"
        yield Lack(what, f"{reason} {_ELSEWHERE}")
    python = find_python(settings)
    # an interpreter that was named is believed: not every one keeps its packages beside it
    if python is None or not (settings.sglang_python or installed_version(python)):
        yield Lack("SGLang", NO_SGLANG)
    if weights.vision_model(weights.model_folder(settings.model_dir)) is None:
        yield Lack(
            "the vision model",
            "The vision model is not installed on this server. Install it with "
            "./start_mineru_optimized.sh models, then start the server again.",
        )


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise AppError(
            f"The setting sglang_url should be an address such as http://gpu:30000, not {url!r}; "
            "a key goes into sglang_api_key."
        )
    return url
