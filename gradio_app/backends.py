"""Which model server this machine uses, by its settings and by what is there."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from gradio_app import gpu, weights
from gradio_app.backend import Backend
from gradio_app.errors import AppError
from gradio_app.remote_server import NoServer, RemoteServer
from gradio_app.settings import Settings
from gradio_app.sglang_server import NO_SGLANG, SglangServer, find_python

_ELSEWHERE = "The address of a server that runs elsewhere can be given with --sglang-url."


def choose_backend(settings: Settings, run_dir: Path) -> Backend:
    """The model server behind the engine. Raises ``AppError`` when the settings contradict themselves."""
    if settings.engine == "none":
        return NoServer("It is switched off on this server (setting engine).")
    if settings.engine == "remote" or (settings.engine == "auto" and settings.sglang_url):
        return RemoteServer(_checked(settings.sglang_url), settings.sglang_api_key, settings.engine_patience)
    if settings.engine == "auto" and (reason := missing(settings)):
        return NoServer(reason)
    return SglangServer(settings, run_dir)


def missing(settings: Settings) -> str:
    """What this machine lacks to run the model itself, and what to do; empty when nothing."""
    if gpu.choose(gpu.cards(limit=settings.gpu_memory), settings.gpu) is None:
        return f"{gpu.driver_problem() or 'This machine has no such graphics card.'} {_ELSEWHERE}"
    if find_python(settings) is None:
        return NO_SGLANG
    if weights.vision_model(weights.model_folder(settings.model_dir)) is None:
        return (
            "The vision model is not installed on this server. Install it with "
            "./start_mineru_optimized.sh models, then start the server again."
        )
    return ""


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise AppError(
            f"The setting sglang_url should be an address such as http://gpu:30000, not {url!r}; "
            "a key goes into sglang_api_key."
        )
    return url
