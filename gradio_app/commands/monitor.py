"""Mode ``monitor``: shows cards, their processes, the engine, and advice, live in a terminal."""

from __future__ import annotations

import argparse
import json
import os
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from gradio_app.base.settings import Settings, secret_in
from gradio_app.machine import builtin_models, weights
from gradio_app.machine.cards import choose_cards, driver_problem, foreign_processes, gigabytes, read_cards
from gradio_app.web.auth.origin import is_loopback

Facts = dict[str, Any]

#: seconds that the server has for its answer
PATIENCE = 3.0
#: degrees Celsius above which cards slow themselves down
HOT = 85
#: free share of a card's memory below which it is nearly full
NEARLY_FULL = 0.03
#: share of a card that others may hold before they are worth a word
MUCH = 0.25
_BAR = 20
_WORKS_WITHOUT = "Tier flash works without a card"


@dataclass(frozen=True, slots=True)
class View:
    """What is shown at one moment. ``engine`` and ``cards`` have the form of ``GET /gpu/status``.

    ``server`` and ``driver`` say in a sentence why no engine and no card is seen; ``small``: whether
    small models that read scans are here, the built-in ones or MinerU's.
    """

    url: str
    server: str
    engine: Facts | None
    driver: str
    cards: list[Facts]
    small: bool


def observe(url: str, token: str, settings: Settings) -> View:
    """What the server at ``url`` and the driver of this machine say now."""
    status, problem = ask(url, token)
    cards: list[Facts] = status.get("cards") or []
    driver = str(status.get("driver") or "")
    if not status or is_loopback(urlsplit(url).hostname or ""):
        # this machine's own driver knows the moment; the server says which card and processes are its
        cards, driver = _here(settings, status), driver_problem()
    small = builtin_models.complete(builtin_models.folder(settings.builtin_models))
    small = small or weights.small_models(weights.model_folder(settings.model_dir))
    return View(url, problem, status.get("engine"), driver, cards, small)


def _here(settings: Settings, status: Facts) -> list[Facts]:
    """The cards of this machine, with the marks that the server's answer ``status`` gives them."""
    seen = read_cards(limit=settings.gpu_memory)
    known: list[Facts] = status.get("cards") or []
    marked = {card["uuid"] for card in known if card.get("chosen")}
    chosen = marked or {card.uuid for card in choose_cards(seen, settings.gpu)}
    engine: Facts = status.get("engine") or {}
    ours: set[int] = set(engine.get("pids") or ())
    ours |= {entry["pid"] for card in known for entry in card["processes"] if entry.get("ours")}
    found: list[Facts] = []
    for card in seen:
        others = {process.pid for process in foreign_processes(card, ours)}
        processes = [asdict(one) | {"ours": one.pid not in others} for one in card.processes]
        found.append(asdict(card) | {"chosen": card.uuid in chosen, "processes": processes})
    return found


def ask(url: str, token: str) -> tuple[Facts, str]:
    """The answer of ``/gpu/status``, or why there is none, in one sentence."""
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        # no proxy: it is this machine, or one beside it
        answer = httpx.get(
            url.rstrip("/") + "/gpu/status",
            headers=headers,
            timeout=PATIENCE,
            trust_env=False,
            follow_redirects=True,
            verify=ssl.create_default_context(),
        )
        if answer.status_code in (401, 403):
            return {}, f"The server at {url} wants a token (data/sign-in.txt there): --token-file FILE."
        if not answer.is_success:
            return {}, f"The server at {url} answers {answer.status_code} when it is asked for its engine."
        return _status(answer.json()), ""
    except (httpx.HTTPError, httpx.InvalidURL):
        return {}, f"No server answers at {url}."
    except (ValueError, KeyError, TypeError):
        return {}, f"What answers at {url} is not MinerU Optimized."


def _status(answer: Any) -> Facts:
    """The answer, if it has the form of one. Raises KeyError or TypeError."""
    for card in answer["cards"]:
        for name in ("index", "uuid", "name", "total", "used", "free", "processes"):
            card[name]
    answer["engine"]["status"]
    return cast(Facts, answer)


def advice(view: View) -> list[str]:
    """What a person may want to do, in sentences; most urgent first. Empty when all is well."""
    return [*_about_cards(view), *_about_engine(view)]


def _about_cards(view: View) -> Iterator[str]:
    if not view.cards:
        yield f"{view.driver or 'No card is seen.'} {_tiers_without_card(view)}"
    for card in view.cards:
        heat = card.get("temperature")
        if heat is not None and heat > HOT:
            yield (
                f"Card {card['index']} is at {heat} °C and slows itself down: check its fans and the air "
                "around it."
            )
        if card.get("chosen"):
            yield from _about_room(card, view.cards)


def _tiers_without_card(view: View) -> str:
    if (view.engine or {}).get("kind") == "remote":
        return "The vision model runs elsewhere, so every tier works."
    if view.small:
        return f"{_WORKS_WITHOUT}, and so does basic; standard and advanced need a card or sglang_url."
    return f"{_WORKS_WITHOUT} for documents with text; scans need {builtin_models.COMMAND}."


def _about_room(card: Facts, cards: Sequence[Facts]) -> Iterator[str]:
    others = [process for process in card["processes"] if not process.get("ours")]
    held = sum(process["memory"] for process in others)
    if held > MUCH * card["total"]:
        most = max(others, key=lambda process: process["memory"])
        freer = max(
            [card, *(other for other in cards if not other.get("chosen"))], key=lambda one: one["free"]
        )
        way = f"card {freer['index']} has more room (setting: gpu)" if freer is not card else "close it"
        company = f" and {len(others) - 1} more" if len(others) > 1 else ""
        yield (
            f"{gigabytes(held)} of card {card['index']} are held by {_clean(most['name'])} "
            f"(process {most['pid']}){company}, not by us: {way}, "
            "or choose a smaller profile (setting: gpu_profile)."
        )
    elif card["free"] < NEARLY_FULL * card["total"]:
        yield (
            f"The memory of card {card['index']} is nearly full, and a large page may not fit: choose a "
            "smaller profile (setting: gpu_profile)."
        )


def _about_engine(view: View) -> Iterator[str]:
    engine = view.engine
    if engine is None:
        yield f"{view.server} Start one: ./start_mineru_optimized.sh gradio, or name another with --url."
        return
    status, error = engine["status"], engine.get("error")
    if engine.get("kind") == "none":
        yield "No vision model is set up; ./start_mineru_optimized.sh doctor says what is missing."
    elif status == "failed":
        yield error["message"] if error else "The engine failed; its log says why."
    elif status == "asleep":
        yield "The engine sleeps and the card is free; the next page that needs it wakes it in seconds."
    elif status == "stopped":
        yield "The engine is stopped and the card is free; the next page that needs it starts it."
    for server in _several(engine):
        if server["status"] == "failed" and status != "failed":
            error = server.get("error")
            why = error["message"] if error else "Its log says why."
            yield f"Model server {server['number']} failed, and the others do its work: {why}"


def as_text(view: View, now: float) -> str:
    """A view as a block of lines; ``now`` in Unix seconds."""
    lines = [f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))}  {view.url}"]
    lines += [_engine_line(view, now), *(_server_line(server) for server in _several(view.engine or {}))]
    for card in view.cards:
        lines += [_card_line(card), *(_process_line(process) for process in card["processes"])]
    if not view.cards:
        lines.append("Cards   none")
    return "\n".join([*lines, *(f"Advice  {sentence}" for sentence in advice(view))])


def _engine_line(view: View, now: float) -> str:
    if view.engine is None:
        return "Engine  unknown"
    engine = view.engine
    parts = [str(engine["status"])]
    if engine.get("since"):
        parts[0] += f" for {_span(now - engine['since'])}"
    if engine.get("in_flight") or engine.get("waiting"):
        parts.append(f"{engine.get('in_flight', 0)} in flight, {engine.get('waiting', 0)} waiting")
    for name, word in (("sleeps_in", "sleeps"), ("stops_in", "stops")):
        if engine.get(name) is not None:
            parts.append(f"{word} in {_span(engine[name])}")
    parts += [str(engine[name]) for name in ("model", "version") if engine.get(name)]
    if engine.get("profile"):
        parts.append(f"profile {engine['profile']}")
    notice = f"\n        {engine['notice']}" if engine.get("notice") else ""
    return "Engine  " + _clean(", ".join(parts)) + notice


def _several(engine: Facts) -> list[Facts]:
    """The servers of an engine that has more than one, each with its ``number``."""
    servers: list[Facts] = engine.get("servers") or []
    return [server | {"number": number} for number, server in enumerate(servers, 1)] if servers[1:] else []


def _server_line(server: Facts) -> str:
    name = f"{server['number']}{' on ' + server['name'] if server.get('name') else ''}"
    work = f", {server['in_flight']} in flight" if server.get("in_flight") else ""
    waits = f", {server['waiting']} waiting" if server.get("waiting") else ""
    return f"Server  {_clean(name)}: {_clean(server['status'])}{work}{waits}"


def _card_line(card: Facts) -> str:
    total, used = card["total"], card["used"]
    filled = round(_BAR * used / total) if total else 0
    load = "" if card.get("load") is None else f"  load {card['load']} %"
    heat = "" if card.get("temperature") is None else f"  {card['temperature']} °C"
    mark = "*" if card.get("chosen") else " "
    bar = "#" * filled + "." * (_BAR - filled)
    memory = f"{used / 2**30:.1f} of {gigabytes(total)}"
    return f"Card {card['index']}{mark} [{bar}] {memory}{load}{heat}  {_clean(card['name'])}"


def _process_line(process: Facts) -> str:
    held = gigabytes(process["memory"]) if process["memory"] else "?"
    mine = "  ours" if process.get("ours") else ""
    return f"        {held:>8}  {_clean(process['name'])} (process {process['pid']}){mine}"


def _span(seconds: float) -> str:
    seconds = max(0, seconds)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _clean(text: object) -> str:
    """Without control characters: anybody may name a process so that it drives the terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(text))


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the mode; Ctrl-C and the end of a pipe end it quietly."""
    settings = Settings.load([])
    asked = _parser(settings).parse_args(argv)
    try:
        _watch(asked, settings)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        # Python flushes it once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _watch(asked: argparse.Namespace, settings: Settings) -> None:
    redraw = sys.stdout.isatty() and not asked.once and not asked.json
    token = secret_in(asked.token_file) if asked.token_file else asked.token
    if redraw:
        print("\x1b[2J", end="")
    while True:
        view, now = observe(asked.url, token, settings), time.time()
        if asked.json:
            facts = {"time": now, **asdict(view), "advice": advice(view)}
            print(json.dumps(facts, indent=2 if asked.once else None), flush=True)
        elif redraw:
            # over the old one, without a blink: to the end of each line, and of the screen
            text = as_text(view, now).replace("\n", "\x1b[K\n")
            print(f"\x1b[H{text}\x1b[K\n\x1b[J", end="", flush=True)
        else:
            print(as_text(view, now) + ("" if asked.once else "\n"), flush=True)
        if asked.once:
            return
        time.sleep(asked.interval)


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="start_mineru_optimized.sh monitor",
        description="Show the cards, their processes, the engine, and advice.",
        allow_abbrev=False,
    )
    parser.add_argument("--once", action="store_true", help="show everything once, then end")
    parser.add_argument("--json", action="store_true", help="one JSON object each time")
    parser.add_argument("--url", default=own_url(settings), help="the server (default: %(default)s)")
    parser.add_argument("--token", default=settings.token, help="its token, where it has one")
    parser.add_argument("--token-file", help="file that holds its token")
    parser.add_argument("--interval", type=_seconds, default=2.0, help="seconds in between (default: 2)")
    return parser


def own_url(settings: Settings) -> str:
    """Where the server of these settings answers on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{host}:{settings.port}"


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"expected seconds from 0.1 to 3600, not {text!r}")
    return seconds
