"""On a machine with an NVIDIA card: our figures are the driver's, and the engine takes and gives back memory.

``make gpu`` runs this, and says why where it cannot. The settings are those of the service (MINERU_APP_GPU,
MINERU_APP_MODEL_DIR, MINERU_APP_SGLANG_ARGS, ...), so that a profile can be measured.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from gradio_app.base.settings import Settings
from gradio_app.engine import ModelSingleton
from gradio_app.machine import weights
from gradio_app.machine.cards import Card, choose_card, driver_problem, foreign_processes, read_cards
from gradio_app.machine.sglang_python import find_python
from gradio_app.model_server.backend import CardTaken, Endpoint
from gradio_app.model_server.sglang_process import SglangServer
from gradio_app.model_server.states import EngineStatus
from tests.documents import picture

MIB, GB = 2**20, 2**30
QUERIES = ("uuid", "name", "memory.total", "memory.used", "memory.free", "temperature.gpu", "compute_cap")
#: how long the driver may take to show memory as free, and a program to take a GB, in seconds
SOON = 20.0
#: loading weights; the first start compiles kernels too, in seconds
START_TIMEOUT = 1200.0

#: takes a GB of the card that it sees, says so, and keeps it until its input ends
TAKE_A_GB = """
import ctypes, sys
try:
    cuda = ctypes.CDLL("libcuda.so.1")
except OSError:
    sys.exit("no libcuda")
def call(name, *arguments):
    status = getattr(cuda, name)(*arguments)
    if status:
        sys.exit(f"{name} answers {status}")
device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
call("cuInit", 0)
call("cuDeviceGet", ctypes.byref(device), 0)
call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
call("cuCtxSetCurrent", context)
call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(2**30))
print("taken", flush=True)
sys.stdin.read()
"""


# ---------------------------------------------------------------- what is needed


def ask_smi() -> list[dict[str, str]]:
    """One row for each card that nvidia-smi shows; empty when there is none, or no nvidia-smi."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={','.join(QUERIES)}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    rows = csv.reader(done.stdout.splitlines(), skipinitialspace=True)
    found: list[dict[str, str]] = [dict(zip(QUERIES, row, strict=False)) for row in rows]
    return [row for row in found if row.keys() == set(QUERIES)] if done.returncode == 0 else []


@pytest.fixture(scope="module")
def card() -> Card:
    """The card that the service would use."""
    settings = Settings.load([])
    found = choose_card(read_cards(limit=settings.gpu_memory), settings.gpu)
    if found is not None:
        return found
    reason = driver_problem() or f"there is no card {settings.gpu}."
    if rows := ask_smi():
        hidden = "hides every card" in reason or bool(read_cards({}))
        assert hidden, f"nvidia-smi shows {len(rows)} card(s), and we see none: {reason}"
    pytest.skip(f"no NVIDIA card to test with: {reason}")


@pytest.fixture
def settings(card: Card) -> Settings:
    """Those of the service, where everything that the engine needs is there."""
    found = Settings.load([])
    if find_python(found) is None:
        pytest.skip("no SGLang here: ./start_mineru_optimized.sh setup --sglang installs it")
    folder = weights.model_folder(found.model_dir)
    missing = weights.missing_vision(folder)
    if {"config.json", "tokenizer.json"} & set(missing):
        pytest.skip(
            f"no weights of the vision model in {folder} (missing: {', '.join(missing)}): "
            "./start_mineru_optimized.sh models fetches them"
        )
    # memory and times need weights of the true shape, not the true weights
    return replace(found, sglang_args=f"{found.sglang_args} --load-format dummy") if missing else found


def used(uuid: str) -> int:
    """Bytes of the card that are in use now."""
    return next(card.used for card in read_cards({}) if card.uuid == uuid)


async def until(check: Callable[[], bool]) -> bool:
    """Whether it comes true soon: the driver takes a moment to count."""
    deadline = time.monotonic() + SOON
    while not check():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.2)
    return True


# ---------------------------------------------------------------- the driver's figures


def test_our_figures_are_those_of_nvidia_smi(card: Card) -> None:
    if not (rows := ask_smi()):
        pytest.skip("nvidia-smi is not here, or shows no card: there is nothing to compare with")
    cards = {card.uuid: card for card in read_cards({})}
    if any(card.mig for card in cards.values()):
        pytest.skip("a card is cut into slices (MIG): nvidia-smi tells of whole cards in its table")
    assert sorted(cards) == sorted(row["uuid"] for row in rows)
    for row in rows:
        ours = cards[row["uuid"]]
        assert ours.name == row["name"]
        assert ".".join(map(str, ours.capability)) == row["compute_cap"]
        if row["memory.total"].isdigit():  # a chip that shares the machine's memory has none to tell of
            assert ours.total == pytest.approx(int(row["memory.total"]) * MIB, rel=0.01)
            # others may use the card between the two looks
            for figure, name in ((ours.used, "memory.used"), (ours.free, "memory.free")):
                assert figure == pytest.approx(int(row[name]) * MIB, rel=0.05, abs=256 * MIB), name
        if row["temperature.gpu"].isdigit():
            assert ours.temperature == pytest.approx(int(row["temperature.gpu"]), abs=5)
        assert ours.load is None or 0 <= ours.load <= 100


@pytest.mark.anyio
async def test_a_program_on_the_card_is_seen_and_gone_again(card: Card) -> None:
    before = used(card.uuid)
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": card.uuid}
    with subprocess.Popen(
        [sys.executable, "-c", TAKE_A_GB],
        env=env,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout and program.stderr
        if program.stdout.readline().strip() != "taken":
            reason = program.stderr.read().strip()
            if reason == "no libcuda":
                pytest.skip("the driver's CUDA library (libcuda) is not here")
            pytest.fail(reason)
        assert await until(lambda: used(card.uuid) - before > 0.95 * GB)
        seen = {item.pid: item for found in read_cards({}) for item in found.processes}
        if program.pid in seen:  # in a container the driver tells other ids, or none
            assert seen[program.pid].memory == 0 or seen[program.pid].memory > 0.95 * GB
            assert "python" in seen[program.pid].name
        program.communicate()
    assert await until(lambda: abs(used(card.uuid) - before) < 0.05 * GB)


# ---------------------------------------------------------------- the engine


class Table:
    """What was measured: seconds, and GB of the card in use after it."""

    def __init__(self, card: Card, settings: Settings) -> None:
        self._uuid = card.uuid
        self.rows = [
            f"{card.name}, profile {settings.gpu_profile}, {settings.sglang_args or 'no further flags'}"
        ]
        self.rows.append(f"{'step':<16}{'seconds':>9}{'GB in use':>11}")
        self.note("before")

    def note(self, step: str, began: float | None = None) -> int:
        """Adds a row; ``began`` in seconds of ``time.monotonic``. Returns the bytes in use."""
        now, seconds = used(self._uuid), "" if began is None else f"{time.monotonic() - began:.2f}"
        self.rows.append(f"{step:<16}{seconds:>9}{now / GB:>11.2f}")
        return now


class Server(SglangServer):
    """Also starts with a folder that lacks the weights themselves."""

    def _model(self) -> Path:
        return weights.model_folder(self._settings.model_dir) / weights.VISION_MODEL


@asynccontextmanager
async def an_engine(settings: Settings, folder: Path) -> AsyncGenerator[tuple[ModelSingleton, Server]]:
    (folder / "tmp").mkdir()
    server = Server(settings, folder)
    model = ModelSingleton(server, 0, 0).open()
    try:
        yield model, server
    finally:
        await model.close()


async def read_a_page(endpoint: Endpoint) -> None:
    """One request as MinerU sends it. With random weights the answer is noise."""
    url = "data:image/png;base64," + base64.b64encode(picture(1036, 1036)).decode()
    content = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "\nText Recognition:"},
    ]
    body = {"model": endpoint.model, "messages": [{"role": "user", "content": content}], "max_tokens": 64}
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    async with httpx.AsyncClient(headers=headers, timeout=300, trust_env=False) as client:
        answer = await client.post(f"{endpoint.url}/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text[:500]


@pytest.mark.anyio
@pytest.mark.slow
async def test_the_engine_takes_memory_and_gives_it_back(
    card: Card, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, table = used(card.uuid), Table(card, settings)
    try:
        async with an_engine(settings, tmp_path) as (model, server), asyncio.timeout(START_TIMEOUT):
            began = time.monotonic()
            async with model.lease() as endpoint:
                table.note("start", began)
                for step in ("first request", "second request"):
                    began = time.monotonic()
                    await read_a_page(endpoint)
                    awake = table.note(step, began)
                _check_processes(card, server)
            taken = awake - before
            assert taken > GB, "the weights alone are more"

            if server.can_sleep:
                began = time.monotonic()
                await model.offload()
                asleep = table.note("sleep", began)
                assert model.status is EngineStatus.ASLEEP
                assert awake - asleep >= taken / 2, "it sleeps, and keeps the memory"
                began = time.monotonic()
                async with model.lease() as endpoint:
                    table.note("wake", began)
                    began = time.monotonic()
                    await read_a_page(endpoint)
                    table.note("request", began)

            began = time.monotonic()
            await model.release()
            close = 0.05 * max(before, taken)
            back = await until(lambda: abs(used(card.uuid) - before) <= close)
            after = table.note("stop", began)
            assert model.status is EngineStatus.STOPPED and server._seat.pids() == []
            assert back, f"{(after - before) / GB:.2f} GB did not come back"
            assert model.counts["crashes"] == 0
    except CardTaken as error:
        pytest.skip(f"the card is in use: {error.message}")
    finally:
        with capsys.disabled():
            sys.stdout.write("\n" + "\n".join(table.rows) + "\n")


def _check_processes(before: Card, server: Server) -> None:
    """The server's processes are told from those that were on the card before."""
    now = next(card for card in read_cards({}) if card.uuid == before.uuid)
    others = {process.pid for process in foreign_processes(now, server._seat.pids())}
    assert others <= {process.pid for process in before.processes}
