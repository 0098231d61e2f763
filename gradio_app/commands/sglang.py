"""Mode ``sglang``: runs the SGLang server alone, in the foreground, with the profile of the card."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradio_app.base.errors import AppError, GpuOutOfMemory, OptionInvalid
from gradio_app.base.hidden_arguments import OF_SGLANG
from gradio_app.base.page_readers import MINERU, reader_of
from gradio_app.base.settings import Settings, SettingsInvalid, add_flags, flag_name, given_flags
from gradio_app.machine import reader_weights, weights
from gradio_app.machine.cards import Card, choose_card, choose_cards, driver_problem, read_cards
from gradio_app.machine.sglang_python import NO_SGLANG, OWN_PYTHON, find_python
from gradio_app.model_server import sglang_flags, sizing
from gradio_app.web.auth.origin import is_loopback

PORT = 30000
#: our own settings that mean something here; every other flag is SGLang's
OURS = (
    *("gpu", "gpu_profile", "gpu_memory", "model_dir", "sglang_python", "reader"),
    *("sglang_api_key", "sglang_api_key_file", "sglang_args"),
)
GUARD = "--enable-custom-logit-processor"
#: what a plan is made for where no card is seen: an empty one of the profile's size, or else this, in GB
_SUPPOSED = {"8gb": 8, "12gb": 12, "16gb": 16, "24gb": 24, "max": 24, "auto": 8}
_SUPPOSED_CAPABILITY = (8, 9)


@dataclass(slots=True)
class Command:
    """What is started: words, environment, sentences for people, and what is missing for it.

    ``made_key``: the key that was made, where others reach the server and none was given.
    """

    words: list[str]
    env: dict[str, str]
    notices: list[str] = field(default_factory=list[str])
    missing: list[str] = field(default_factory=list[str])
    made_key: str = ""


def prepare(
    settings: Settings, flags: Sequence[str], cards: Callable[[], Sequence[Card]], env: Mapping[str, str]
) -> Command:
    """The command for SGLang's flags (of today, or old ones) as they were typed. Starts nothing.

    ``cards`` reads this machine's. Raises ``OptionInvalid`` for what SGLang would refuse. All else that is
    missing is noted, and the command is as it would be.
    """
    command = Command([], sizing.environment(env))
    try:
        typed = [*shlex.split(settings.sglang_args), *flags]
    except ValueError as error:
        raise OptionInvalid(f"The setting sglang_args cannot be read: {error}.") from None
    sglang_flags.check(sglang_flags.translate(typed)[0], [flag_name(name) for name in OURS])
    on_card = (sglang_flags.value_of(typed, "--device") or "cuda") == "cuda"
    used = _cards(settings, cards(), sglang_flags.copies(typed), env, command) if on_card else []
    capability = min((card.capability for card in used), default=None)
    given, notices = sglang_flags.translate(typed, capability)
    command.notices += notices
    planned = ["--host", _host(given), "--port", sglang_flags.value_of(given, "--port") or str(PORT)]
    model = _model(settings, given, command)
    path = model[1] if model else sglang_flags.value_of(given, "--model-path") or ""
    planned += [*model, *reader_of(settings.reader).flags(path), *_safety(settings, given, on_card, command)]
    if on_card:
        fullest = min(used, key=lambda card: card.free, default=None)
        plan = _planned(settings, fullest, command)
        command.notices += [f"{plan.profile}: {sentence}" for sentence in plan.why]
        command.notices += _changes(plan, given, fullest.free if fullest else None)
        if fullest and (problem := sizing.too_old(reader_of(settings.reader), fullest.capability)):
            command.missing.append(problem)
        planned += plan.flags
        command.env["CUDA_VISIBLE_DEVICES"] = ",".join(card.uuid for card in used)
    if (found := find_python(settings)) is None:
        command.missing.append(NO_SGLANG)
    python = str(found or settings.sglang_python or OWN_PYTHON)
    command.env["PATH"] = os.pathsep.join((str(Path(python).parent), env.get("PATH", os.defpath)))
    merged = sglang_flags.merge(planned, _without_guard(given, command))
    command.words = [python, "-m", "sglang.launch_server", *merged]
    return command


def _cards(
    settings: Settings, seen: Sequence[Card], count: int, env: Mapping[str, str], command: Command
) -> list[Card]:
    """The cards to use: the chosen one, and, where more are asked for, the others with most free memory."""
    first = choose_card(seen, settings.gpu)
    if first is None:
        why = driver_problem(env) or f"There is no card {settings.gpu}: {len(seen)} are seen."
        command.missing.append(f"No graphics card: {why}")
        return []
    meant = choose_cards(seen, settings.gpu)
    usable = meant if len(meant) > 1 or "," in settings.gpu else seen
    others = sorted((card for card in usable if card.uuid != first.uuid), key=lambda card: -card.free)
    if len(usable) < count:
        command.missing.append(f"The flags ask for {count} cards; {len(usable)} are seen.")
    return [first, *others[: count - 1]]


def _host(given: Sequence[str]) -> str:
    return sglang_flags.value_of(given, "--host") or "127.0.0.1"


def _model(settings: Settings, given: Sequence[str], command: Command) -> list[str]:
    """The weights: the folder that was given, else the installed ones, else where they would be."""
    path = sglang_flags.value_of(given, "--model-path")
    if path is not None:
        if not Path(path).is_dir():
            command.missing.append(
                f"There are no weights: {path} is not a folder, and nothing is downloaded here."
            )
        return []
    folder = weights.model_folder(settings.model_dir)
    reader = reader_of(settings.reader)
    named = "The vision model's weights" if reader is MINERU else f"The weights of {reader.titles['en']}"
    if reader_weights.missing(folder, reader):
        command.missing.append(
            f"{named} are not in {folder}. Fetch them with {reader_weights.command(reader)}."
        )
    elif problem := reader_weights.problem(folder, reader):
        command.missing.append(f"{problem}start again.")
    model = folder / reader.weights.folder
    return ["--model-path", str(model), "--served-model-name", model.name]


def _safety(settings: Settings, given: Sequence[str], on_card: bool, command: Command) -> list[str]:
    """Key and guard. A client with the key runs programs on this machine where the server has the guard."""
    key = sglang_flags.value_of(given, "--api-key") or settings.sglang_api_key
    host = _host(given)
    unguarded = (
        f"{GUARD} (the guard against endless repetition) is left out: it runs code that clients send, and"
    )
    if not is_loopback(host):
        if not key:
            key = command.made_key = secrets.token_hex(16)
            command.notices.append(
                f"Others can reach {host}, so the server has a key, made for this start."
                " --sglang-api-key-file sets one; the page takes it under the same name."
            )
        command.notices.append(f"{unguarded} {host} lets others in.")
    elif not key:
        command.notices.append(
            f"{unguarded} without a key every user of this machine is one. Give --api-key to have it."
        )
    flags = sizing.base_flags(sleep=on_card, guard=is_loopback(host) and bool(key))
    if not on_card:
        command.notices.append("No profile and no sleep: they are for CUDA cards.")
    return [*flags, *(["--api-key", key] if key else [])]


def _without_guard(given: Sequence[str], command: Command) -> list[str]:
    """The user's flags, without the guard where it was asked for and would let others run programs."""
    if sglang_flags.value_of(given, GUARD) is None or is_loopback(_host(given)):
        return list(given)
    command.notices.append(f"{GUARD} of yours is left out too, for the same reason.")
    return [word for word in given if word != GUARD]


def _planned(settings: Settings, card: Card | None, command: Command) -> sizing.Plan:
    """The card's plan; where there is none, or it is too full, that of an empty card that is large enough."""
    profile, reader = settings.gpu_profile, reader_of(settings.reader)
    size, capability = settings.gpu_memory or _SUPPOSED[profile] * sizing.GIB, _SUPPOSED_CAPABILITY
    if card is not None:
        try:
            return sizing.plan(card.total, card.free, card.capability, profile, reader=reader)
        except GpuOutOfMemory as error:
            command.missing.append(error.message)
        size, capability = card.total, card.capability
    size = max(size, _SUPPOSED["8gb"] * sizing.GIB, 2 * reader.serve.weights)
    command.notices.append(f"Calculated for an empty card of {size / sizing.GIB:.0f} GB.")
    return sizing.plan(size, size, capability, profile, reader=reader)


def _changes(plan: sizing.Plan, given: Sequence[str], free: int | None) -> list[str]:
    """What the user's flags replace, and a warning when their fraction leaves no room for a page."""
    found = [
        f"{item.key} {item.values[0]} comes from your flags; the profile would take {theirs}."
        for item in sglang_flags.split(given)
        if item.values and item.flag
        for theirs in [sglang_flags.value_of(plan.flags, item.key)]
        if theirs is not None and theirs != item.values[0]
    ]
    fraction = sglang_flags.value_of(given, "--mem-fraction-static")
    if fraction is None or free is None:
        return found
    quantization = sglang_flags.value_of(given, "--quantization") or plan.quantization
    serve = plan.level.serve
    tokens = sizing.cache_tokens(free, float(fraction), quantization, serve)
    if tokens < serve.least:
        found.append(
            f"With --mem-fraction-static {fraction} the cache holds about {max(0, tokens):,} tokens; a page"
            f" may take {serve.least:,}. SGLang will probably not start."
        )
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="start_mineru_optimized.sh sglang",
        description="Run the SGLang server alone, with the profile of this machine's card.",
        epilog="Every other flag is handed to SGLang (such as --host, --port, --api-key, --context-length)"
        " and wins over the profile; flags of older versions are translated. The page uses the server with"
        " --sglang-url http://HOST:30000.",
        allow_abbrev=False,
    )
    parser.add_argument("--dry-run", action="store_true", help="print the command and why, and start nothing")
    add_flags(parser, OURS)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The ``sglang`` mode: becomes the server. Exit code 1 when something is missing, 2 for a bad flag."""
    parser = _parser()
    own, flags = parser.parse_known_args(sys.argv[1:] if argv is None else list(argv))
    try:
        settings = Settings.load(given_flags(own, OURS))
        command = prepare(settings, flags, lambda: read_cards(limit=settings.gpu_memory), os.environ)
    except (AppError, SettingsInvalid) as error:
        parser.error(str(error))
    for sentence in command.notices:
        print(f"  {sentence}", file=sys.stderr)
    for sentence in command.missing:
        print(f"Missing: {sentence}", file=sys.stderr)
    if own.dry_run:
        print(shlex.join(_handed_over(command.words, "FILE")[0]))
    elif command.missing:
        raise SystemExit(1)
    else:
        _become(command)


def _become(command: Command) -> None:
    try:
        words = _hand_over(command)
        print(shlex.join(words[1:]), file=sys.stderr, flush=True)
        os.execve(words[0], words, command.env)
    except OSError as error:
        print(f"{command.words[0]} cannot be started: {error.strerror}.", file=sys.stderr)
        raise SystemExit(1) from None


def _hand_over(command: Command) -> list[str]:
    """The words without secrets, which go into a file for this user alone. Says where a made key is."""
    if not _handed_over(command.words, "")[1]:
        return command.words
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = Path(runtime if os.path.isdir(runtime) else tempfile.mkdtemp(prefix="mineru-sglang-"))
    file = folder / f"mineru-sglang-{sglang_flags.value_of(command.words[3:], '--port')}.yaml"
    words, found = _handed_over(command.words, str(file))
    file.unlink(missing_ok=True)
    with open(file, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.writelines(f"{name}: {json.dumps(value)}\n" for name, value in found.items())
    if command.made_key:
        where = command.made_key if sys.stderr.isatty() else f"in {file}, for this user only"
        print(f"  The key: {where}", file=sys.stderr)
    return words


def _handed_over(words: Sequence[str], file: str) -> tuple[list[str], dict[str, str]]:
    """The words with ``--config FILE`` in place of the secrets, and these by their names there.

    SGLang takes one such file only: with one of the user's own the secrets stay where they are.
    """
    given = sglang_flags.split(words[3:])
    found = {item.key: item.values[0] for item in given if item.key in OF_SGLANG and item.values}
    if not found or any(item.key == "--config" for item in given):
        return list(words), {}
    rest = [word for item in given if item.key not in found for word in item.words()]
    return [*words[:3], *rest, "--config", file], {name.lstrip("-"): text for name, text in found.items()}
