"""Choice of model servers: which ones this machine uses, by its settings and by what is installed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gradio_app.base.errors import AppError
from gradio_app.base.page_readers import MINERU, reader_of
from gradio_app.base.settings import Settings
from gradio_app.machine import reader_weights, weights
from gradio_app.machine.cards import choose_card, choose_cards, driver_problem, read_cards
from gradio_app.machine.mps import clients
from gradio_app.machine.sglang_python import NO_SGLANG, find_python, installed_version
from gradio_app.model_server import sglang_flags
from gradio_app.model_server.backend import Backend
from gradio_app.model_server.remote import NoServer, RemoteServer
from gradio_app.model_server.seats import Seat, SharedCard
from gradio_app.model_server.sglang_process import SglangServer


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that SGLang needs and is not here: in a word, and as a sentence that says what to do."""

    what: str
    advice: str


def choose_backends(settings: Settings, run_dir: Path) -> list[Backend]:
    """The model servers behind the engine, at least one. ``AppError`` when settings contradict themselves."""
    kind, lacks = engine_kind(settings)
    if kind == "remote":
        urls = [_checked(url.strip()) for url in settings.sglang_url.split(",")]
        key, patience = settings.sglang_api_key, settings.engine_patience
        reader = settings.reader
        return [
            RemoteServer(url, key, patience, urlsplit(url).netloc * (len(urls) > 1), reader) for url in urls
        ]
    if kind == "sglang":
        return [SglangServer(settings, run_dir, seat=seat) for seat in seats(settings)]
    return [NoServer(lacks[0].advice if lacks else "It is switched off on this server (setting engine).")]


def seats(settings: Settings) -> list[Seat]:
    """Seats of our own servers: one on each card that the setting ``gpu`` names, or several by CUDA MPS."""
    cards = read_cards(limit=settings.gpu_memory)
    found, notice = choose_cards(cards, settings.gpu), _missing_cards(settings.gpu, len(cards))
    replicas = settings.engine_replicas
    if sglang_flags.copies(sglang_flags.translate(shlex.split(settings.sglang_args))[0]) > 1:
        shared = f"One model server instead of {replicas}: its flags spread the model over several cards."
        return [Seat(about=" ".join(filter(None, (notice, shared * (replicas > 1)))))]
    several = (settings.gpu == "all" or "," in settings.gpu) and found
    first = found[0] if found else None
    problem = SharedCard(replicas, ask=clients).obstacle(first) if replicas > 1 else ""
    made: list[Seat] = []
    for card in found if several else [None]:
        uuid, name = (card.uuid, f"card {card.index}") if card else ("", "")
        shared = SharedCard(replicas, problem, clients)
        for turn in range(replicas):
            which = ", ".join(filter(None, (name, f"server {turn + 1}" * (replicas > 1))))
            made.append(Seat(len(made), which, uuid, shared, turn, "" if made else notice))
    return made


def _missing_cards(setting: str, count: int) -> str:
    """A sentence about numbers that no card has, while others do."""
    missing = [name for name in setting.split(",") if name.isdecimal() and int(name) >= count]
    if not missing or len(missing) == len(setting.split(",")):
        return ""
    return f"There is no card {' or '.join(missing)} (setting: gpu); the others are used."


def engine_kind(settings: Settings) -> tuple[str, list[Lack]]:
    """The kind of model server here (``sglang``, ``remote`` or ``none``), and what SGLang lacks."""
    if settings.engine == "none":
        return "none", []
    if settings.engine == "remote" or (settings.engine == "auto" and settings.sglang_url):
        return "remote", []
    lacks = list(_lacking(settings))
    return ("none" if lacks and settings.engine == "auto" else "sglang"), lacks


def _lacking(settings: Settings) -> Iterator[Lack]:
    on_cpu = "--device cpu" in " ".join(settings.sglang_args.replace("=", " ").split())
    if not on_cpu and choose_card(read_cards(limit=settings.gpu_memory), settings.gpu) is None:
        reason = driver_problem() or "This machine has no such graphics card."
        what = "a card" if settings.gpu in ("auto", "all") else f"card {settings.gpu} (setting: gpu)"
        elsewhere = "The address of a server that runs elsewhere can be given with --sglang-url."
        yield Lack(what, f"{reason} {elsewhere}")
    python = find_python(settings)
    # an interpreter that was named is believed: not every one keeps its packages beside it
    if python is None or not (settings.sglang_python or installed_version(python)):
        yield Lack("SGLang", NO_SGLANG)
    reader = reader_of(settings.reader)
    if problem := reader_weights.problem(weights.model_folder(settings.model_dir), reader):
        what = "the vision model" if reader is MINERU else f"the model of {reader.name}"
        yield Lack(what, f"{problem}start the server again.")


def _checked(url: str) -> str:
    parts = urlsplit(url)
    # without what may be a password or a key: this goes into the log
    shown = url.rpartition("@")[2].partition("?")[0]
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise AppError(
            f"The setting sglang_url should be an address such as http://gpu:30000, not {shown!r}; "
            "a key goes into sglang_api_key."
        )
    return url
