"""Mode ``doctor``: reports what was found on this machine, what would be used, and what is missing."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import httpx

from gradio_app.base import page_readers
from gradio_app.base.errors import AppError
from gradio_app.base.page_readers import MINERU, PageReader, reader_of
from gradio_app.base.settings import Settings
from gradio_app.machine import builtin_models, reader_weights, sandbox, weights
from gradio_app.machine.cards import Card, choose_card, choose_cards, driver_problem, gigabytes, read_cards
from gradio_app.machine.sglang_python import find_python, installed_version
from gradio_app.model_server.choose import engine_kind, seats
from gradio_app.model_server.seats import Seat
from gradio_app.web.server import open_socket

#: seconds that a model server which runs elsewhere has for its answer
PATIENCE = 3.0
_FETCH = "./start_mineru_optimized.sh models --what"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: ``level`` is ok, note (works, but) or missing (does not work)."""

    level: str
    what: str
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """All findings for these settings. Changes nothing but creates the data folder."""
    return [check(settings) for check in _CHECKS]


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


def _confinement(settings: Settings) -> Finding:
    jail = settings.worker_jail
    if jail == "off":
        return Finding("note", "Jail", "workers are not confined (setting: worker_jail)")
    found = [name if version == "yes" else f"{name} {version}" for name, version in sandbox.found().items()]
    lacks = sandbox.missing()
    text = f"workers are confined by {', '.join(found)}" if found else "workers are not confined"
    text += f"; no {', no '.join(lacks)}" if lacks else ""
    if lacks and jail == "required":
        return Finding("missing", "Jail", f"{text}, and worker_jail is required: the server will not start")
    return Finding("note" if lacks else "ok", "Jail", text)


def _memory(settings: Settings) -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = settings.workers * settings.worker_memory_limit
    text = f"{total / 2**30:.0f} GB; workers may take {wanted / 2**30:.0f} GB together"
    return Finding("note" if wanted > total else "ok", "Memory", text)


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


def _card(settings: Settings) -> Finding:
    found = read_cards(limit=settings.gpu_memory)
    if not found:
        return Finding("note", "Graphics card", f"{driver_problem()} Tiers flash and basic need none.")
    chosen = choose_cards(found, settings.gpu)
    texts = [_card_text(card) + (" (chosen)" if card in chosen else "") for card in found]
    return Finding("ok", "Graphics card", "; ".join(texts))


def _card_text(card: Card) -> str:
    names = ", ".join(f"{process.name} ({process.pid})" for process in card.processes[:3])
    used = f", used by {names}" if names else ""
    return f"{card.name}, {gigabytes(card.free)} of {gigabytes(card.total)} free{used}"


def _builtin_models(settings: Settings) -> Finding:
    folder = builtin_models.folder(settings.builtin_models)
    states = builtin_models.state(folder, content=True)
    ready = ", ".join(name for name, found in states.items() if found == "ready")
    lacking = ", ".join(f"{name} ({found})" for name, found in states.items() if found != "ready")
    if not lacking:
        return Finding("ok", "Built-in", f"{ready}: scans, pictures and tables can be read; in {folder}")
    text = f"not in {folder}: {lacking}{ready and '; there: ' + ready}; "
    text += f"{builtin_models.consequences(states)}; {builtin_models.command(folder)}"
    return Finding("note", "Built-in", text)


def _models(settings: Settings) -> Finding:
    folder = weights.model_folder(settings.model_dir)
    if weights.small_models(folder):
        return Finding("ok", "Models", f"MinerU's own layout, OCR and formula models are in {folder}")
    text = (
        f"none of MinerU's own layout, OCR and formula models in {folder}, which standard and advanced need"
    )
    text += f"; {_FETCH} small"
    return Finding("note", "Models", text)


def _vision_model(settings: Settings) -> Finding:
    folder = weights.model_folder(settings.model_dir)
    root = weights.vision_model(folder)
    if root:
        return Finding("ok", "Vision model", str(root))
    problem = f"not in {folder}"
    if (folder / weights.VISION_MODEL).is_dir():
        problem = f"not complete in {folder}: {', '.join(weights.missing_vision(folder))}"
    return Finding("note", "Vision model", f"{problem}; {_FETCH} vision")


def _readers(settings: Settings) -> Finding:
    """Each page reader: whether its model is here, what it is good at, what it takes, its licence."""
    folder, served = weights.model_folder(settings.model_dir), reader_of(settings.reader)
    texts = [_reader_text(folder, reader_of(name), served) for name in page_readers.names()]
    problem = (
        reader_weights.problem(folder, served) if served is not MINERU and not settings.sglang_url else ""
    )
    told = f"the engine serves {served.name}"
    more = f" once {reader_weights.command(served)} was run" if problem else ""
    return Finding("note" if problem else "ok", "Readers", f"{told}{more}; by name: {'; '.join(texts)}")


def _reader_text(folder: Path, reader: PageReader, served: PageReader) -> str:
    there = "not here" if reader_weights.missing(folder, reader) else "here"
    if there == "here" and not reader_weights.accepted(folder, reader):
        there = "here, its licence not accepted"
    facts = [there, reader.good_at["en"], gigabytes(reader.weights.size), reader.weights.licence]
    return f"{reader.name} ({'; '.join(facts)}){' (served)' * (reader is served)}"


def _sglang(settings: Settings) -> Finding:
    python = find_python(settings)
    if python is None:
        where = f"no program at {settings.sglang_python}" if settings.sglang_python else "not installed"
        level = "missing" if settings.sglang_python else "note"
        return Finding(level, "SGLang", f"{where}; ./start_mineru_optimized.sh setup --sglang")
    version = installed_version(python)
    if version:
        return Finding("ok", "SGLang", f"{version} at {python}")
    return Finding("note", "SGLang", f"{python} is there, but no SGLang was found beside it")


def _engine(settings: Settings) -> Finding:
    kind, lacks = engine_kind(settings)
    if kind == "remote":
        if not settings.sglang_url:
            return Finding("missing", "Engine", "remote at ?: it lacks its address (setting: sglang_url)")
        urls, key = settings.sglang_url.split(","), settings.sglang_api_key
        problem = next(filter(None, (_problem_at(url.strip(), key) for url in urls)), "")
        text = f"remote at {settings.sglang_url}{problem and ': ' + problem}"
        return Finding("note" if problem else "ok", "Engine", text)
    if lacks:
        level = "missing" if settings.engine == "sglang" else "note"
        names = ", ".join(lack.what for lack in lacks)
        return Finding(level, "Engine", f"none, for want of {names} (setting: engine)")
    if kind == "none":
        return Finding("ok", "Engine", "none, as asked for (setting: engine)")
    return _planned(settings)


def _planned(settings: Settings) -> Finding:
    """Each server that would be, on its card."""
    cards = read_cards(limit=settings.gpu_memory)
    if choose_card(cards, settings.gpu) is None:
        return Finding("ok", "Engine", "SGLang on the processor, started by the first page that needs it")
    found = seats(settings)
    try:
        texts = list(dict.fromkeys(_server(settings, seat, cards) for seat in found if not seat.left_out))
    except AppError as error:
        return Finding("note", "Engine", error.message)
    text = f"{'; '.join(texts)}; started by the first page that needs it"
    notices = dict.fromkeys(seat.notice for seat in found if seat.notice)
    return Finding(
        "note" if notices else "ok", "Engine", ". ".join([text, *([" ".join(notices)] * bool(notices))])
    )


def _server(settings: Settings, seat: Seat, cards: Sequence[Card]) -> str:
    card = choose_card(cards, seat.cards or settings.gpu)
    assert card is not None
    plan = seat.plan(settings, card)
    many = f", {seat.card.count} servers by CUDA MPS, each" if seat.shares else ""
    return f"SGLang on card {card.index}{many}, profile {plan.profile}, takes {gigabytes(plan.needs)}"


def _problem_at(address: str, key: str) -> str:
    """What is wrong with a model server elsewhere, in some words; empty when it answers."""
    url = address.rstrip("/").removesuffix("/v1") + "/v1/models"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.get(url, headers=headers, timeout=PATIENCE, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return "it does not answer"
    hint = " (setting: sglang_api_key)" if answer.status_code in (401, 403) else ""
    return "" if answer.is_success else f"it answers {answer.status_code}{hint}"


def _tiers(settings: Settings) -> Finding:
    kind, lacks = engine_kind(settings)
    small = weights.small_models(weights.model_folder(settings.model_dir))
    tiers = ["flash"]
    if small or builtin_models.complete(builtin_models.folder(settings.builtin_models)):
        tiers += ["basic"]
    if settings.reader != page_readers.DEFAULT:
        tiers += [settings.reader] * (kind != "none" and not lacks)
    elif small and kind != "none" and not lacks:
        tiers += ["standard", "advanced"]
    rest = [tier for tier in ("basic", "standard", "advanced") if tier not in tiers]
    more = f"; {', '.join(rest)} once what is missing above is there" if rest else ""
    return Finding("note" if rest else "ok", "Tiers", ", ".join(tiers) + more)


_CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    *(_python, _packages, _processor, _confinement, _memory, _data_folder, _port),
    *(_card, _builtin_models, _models, _vision_model, _readers, _sglang, _engine, _tiers),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the mode: exit code 1 when something is missing."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--json", action="store_true")
    own, rest = parser.parse_known_args(argv)
    findings = examine(Settings.load(rest))
    lines = [f"{finding.level:<8}{finding.what:<14}{finding.detail}" for finding in findings]
    rows = [asdict(finding) for finding in findings]
    try:
        print(json.dumps(rows, indent=2) if own.json else "\n".join(lines), flush=True)
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(1 if any(finding.level == "missing" for finding in findings) else 0)
