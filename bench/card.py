"""``make bench-gpu``: what the engine does with a graphics card. Says why where there is none.

The settings are those of the service (MINERU_APP_GPU, MINERU_APP_MODEL_DIR, MINERU_APP_SGLANG_ARGS, ...).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import httpx

from bench import report
from bench.card_load import BLOCKS, Sheet, read_pages, sheets
from bench.figures import Row, row
from bench.machine import machine
from bench.random_model import FLAGS, write_random_model
from gradio_app.base.errors import AppError
from gradio_app.base.settings import Settings
from gradio_app.engine import ModelSingleton
from gradio_app.machine import weights
from gradio_app.machine.cards import Card, choose_card, driver_problem, read_cards
from gradio_app.model_server.sglang_process import NO_SGLANG, SglangServer, find_python
from tests.live import ROOT

GIB = 2**30
#: arXiv 2509.22186, table 3: pages and tokens in a second of MinerU2.5 with vLLM
PUBLISHED = {"H200": (4.47, 4938.0), "A100 80G": (2.12, 2337.0), "RTX 4090 48G": (1.70, 1876.0)}
#: pages that are read at the same time; each has up to eight requests
AT_ONCE = 32

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Trial:
    """What is measured: how many pages in each round, of how many blocks, and how many replicas beside."""

    pages: int = 200
    blocks: int = BLOCKS
    rounds: int = 5
    replicas: int = 2
    at_once: int = AT_ONCE


class Server(SglangServer):
    """Also starts with a folder that lacks the weights themselves."""

    def _model(self) -> Path:
        """The folder as it is."""
        return weights.model_folder(self._settings.model_dir) / weights.VISION_MODEL


def settled(settings: Settings, folder: Path) -> tuple[Settings, str]:
    """The settings to measure with, and which weights these are: the real ones, or random ones made here."""
    if not weights.missing_vision(weights.model_folder(settings.model_dir)):
        return settings, "the real weights"
    write_random_model(folder / weights.VISION_MODEL)
    flags = f"{settings.sglang_args} {' '.join(FLAGS)}".strip()
    return replace(settings, model_dir=str(folder), sglang_args=flags), "random weights of the true shape"


@asynccontextmanager
async def an_engine(settings: Settings, folder: Path) -> AsyncGenerator[ModelSingleton]:
    """The engine as the service has it, which rests only when it is told to."""
    (folder / "tmp").mkdir(parents=True)
    model = ModelSingleton(Server(settings, folder), 0, 0).open()
    try:
        yield model
    finally:
        await model.close()


async def life(settings: Settings, folder: Path, trial: Trial, used: Callable[[], float]) -> list[Row]:
    """Start, request, sleep, wake, throughput, release: seconds of each, and GB of the card after it."""
    rows: list[Row] = [row("before, memory of the card", [used()], "GB")]

    async def step(name: str, work: Awaitable[_T]) -> _T:
        began = time.monotonic()
        done = await work
        rows.append(row(name, [time.monotonic() - began], "s", kind="seconds"))
        rows.append(row(f"after {name}, memory of the card", [used()], "GB", kind="memory"))
        return done

    one = sheets(1, seed=9000, blocks=1)
    async with an_engine(settings, folder) as model:
        await step("start", _use(model))
        await step("first request", _read(model, one, 1))
        await step("sleep", model.offload())
        await step("wake", _use(model))
        await step("first request after it", _read(model, one, 1))
        rows += await throughput("one server", [model], trial)
        await step("release", model.release())
    return rows


async def _use(model: ModelSingleton) -> None:
    async with model.lease():
        return


async def _read(model: ModelSingleton, pages: Sequence[Sheet], at_once: int) -> None:
    async with model.lease() as endpoint:
        await read_pages([endpoint], pages, at_once)


async def throughput(name: str, models: Sequence[ModelSingleton], trial: Trial) -> list[Row]:
    """Pages and tokens in a second over all servers together, the median of the rounds."""
    pages_rate: list[float] = []
    tokens_rate: list[float] = []
    async with AsyncExitStack() as stack:
        endpoints = [await stack.enter_async_context(model.lease()) for model in models]
        await read_pages(endpoints, sheets(trial.at_once, 8000, trial.blocks), trial.at_once)
        for number in range(trial.rounds):
            pages = sheets(trial.pages, number * trial.pages, trial.blocks)
            load = await read_pages(endpoints, pages, trial.at_once)
            pages_rate.append(load.pages / load.seconds)
            tokens_rate.append(load.tokens / load.seconds)
    return [
        row(name, pages_rate, "pages/s", kind="pages"),
        row(f"{name}, tokens", tokens_rate, "tokens/s", kind="tokens"),
    ]


async def beside(settings: Settings, folder: Path, trial: Trial) -> list[Row]:
    """Several servers on the same card, each with its share of it, started one after the other."""
    share = f"--mem-fraction-static {0.7 / trial.replicas:.2f}"
    smaller = replace(settings, sglang_args=f"{settings.sglang_args} {share}".strip())
    async with AsyncExitStack() as stack:
        models: list[ModelSingleton] = []
        for number in range(trial.replicas):
            models.append(await stack.enter_async_context(an_engine(smaller, folder / str(number))))
            await _use(models[-1])
        return await throughput(f"{trial.replicas} servers under MPS", models, trial)


def published() -> list[Row]:
    """What others have measured on their cards, to look at ours by."""
    where = "published, MinerU2.5 with vLLM (arXiv 2509.22186, table 3)"
    rows: list[Row] = []
    for card, (pages, tokens) in PUBLISHED.items():
        rows.append(row(f"{where}, {card}", [pages], "pages/s", kind="pages"))
        rows.append(row(f"{where}, {card}, tokens", [tokens], "tokens/s", kind="tokens"))
    return rows


def why_not(settings: Settings, cards: Sequence[Card]) -> str:
    """Empty where it can be measured; else a sentence for people."""
    if choose_card(cards, settings.gpu) is None:
        problem = driver_problem() or f"there is no card {settings.gpu}."
        return f"There is no NVIDIA card to measure here: {problem} Run it on a machine with one."
    return "" if find_python(settings) else NO_SGLANG


def main(argv: Sequence[str] | None = None) -> int:
    """Measures the card that the service would use; 1 and a sentence where that cannot be."""
    given = _parser().parse_args(argv)
    settings = Settings.load([])
    cards = read_cards(limit=settings.gpu_memory)
    if reason := why_not(settings, cards):
        print(reason, file=sys.stderr)
        return 1
    card = choose_card(cards, settings.gpu)
    assert card is not None
    trial = Trial(given.pages, rounds=given.rounds, replicas=given.replicas)
    with tempfile.TemporaryDirectory(prefix="bench-card-") as folder:
        result = asyncio.run(_measure(settings, card, trial, Path(folder)))
    print(f"{report.where([result])}\n\n{report.table([result])}\n\n{result.setting}")
    report.save(given.results, [result])
    print(f"\nAs JSON: {given.results}")
    return int(bool(result.failed))


async def _measure(settings: Settings, card: Card, trial: Trial, folder: Path) -> report.Result:
    began, rows, failed = time.monotonic(), published(), ""
    settings, which = settled(settings, folder / "models")
    note = ""
    try:
        rows += await life(settings, folder / "one", trial, lambda: _used(card.uuid))
        note = _mps("start")
        if not note:
            rows += await beside(settings, folder / "beside", trial)
    except (AppError, AssertionError, OSError, httpx.HTTPError) as error:
        failed = getattr(error, "message", "") or str(error) or type(error).__name__
    finally:
        if not note:
            _mps("stop")
    setting = (
        f"{card.name}, profile {settings.gpu_profile}, {which}; {trial.pages} pages a round, {trial.at_once}"
        f" at the same time. A page is a layout and {trial.blocks} blocks, 1,105 tokens in all, as"
        " many as in the published figures."
    )
    setting += f" Replicas were not measured: {note}" if note else ""
    seconds = time.monotonic() - began
    return report.Result("card", "the engine on a card", rows, setting, failed, seconds, machine())


def _used(uuid: str) -> float:
    """GB of the card that are in use now."""
    return next(card.used for card in read_cards({}) if card.uuid == uuid) / GIB


def _mps(order: str) -> str:
    """Starts or stops NVIDIA's MPS; empty when it did, else why not."""
    os.environ.setdefault("CUDA_MPS_PIPE_DIRECTORY", f"/tmp/mineru-mps-{os.getuid()}/pipe")
    try:
        command = [str(ROOT / "start_cuda_mps.sh"), order]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.card", description=__doc__)
    parser.add_argument("--pages", type=int, default=200, help="pages of each round (200)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("--replicas", type=int, default=2, help="servers beside each other under MPS (2)")
    stamp = time.strftime("%Y%m%d-%H%M%S")
    target = ROOT / "bench" / "results" / f"card-{stamp}.json"
    parser.add_argument("--results", type=Path, default=target, help="where figures go as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
