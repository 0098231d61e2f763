"""The server that we start ourselves, against a stand-in for SGLang with faults: start, sleep, wake, ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gradio_app.base.errors import (
    AppError,
    EngineLost,
    EngineUnavailable,
    GpuOutOfMemory,
    ModelsMissing,
    OptionInvalid,
)
from gradio_app.base.settings import Settings
from gradio_app.engine import ModelSingleton
from gradio_app.machine.cards import Card, Process
from gradio_app.model_server import sglang_process
from gradio_app.model_server.backend import Endpoint, EngineBroken
from gradio_app.model_server.sglang_flags import value_of
from gradio_app.model_server.sglang_process import SglangServer
from gradio_app.model_server.states import EngineStatus
from tests.fakes.sglang import FakePython

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

GB = 2**30


class Desk:
    """A card whose memory the tests move by hand."""

    def __init__(self, total: int = 24, free: int = 23) -> None:
        self.card = Card(
            index=0,
            uuid="GPU-1",
            name="Stand-in",
            total=total * GB,
            used=(total - free) * GB,
            free=free * GB,
            load=0,
            temperature=40,
            capability=(8, 9),
            mig=False,
            processes=(),
        )

    def look(self) -> Sequence[Card]:
        return [self.card]

    def take(self, size: int, *processes: Process) -> None:
        free = self.card.total - size * GB
        self.card = replace(self.card, used=size * GB, free=free, processes=processes)


class Bench:
    def __init__(self, model: ModelSingleton, server: SglangServer, python: FakePython, desk: Desk) -> None:
        self.model, self.server, self.python, self.desk = model, server, python, desk

    async def chat(self, endpoint: Endpoint, seconds: float = 20) -> httpx.Response:
        body = {"model": endpoint.model, "messages": [{"role": "user", "content": "Text Recognition:"}]}
        headers = {"Authorization": f"Bearer {endpoint.api_key}"}
        async with httpx.AsyncClient(headers=headers, timeout=seconds) as client:
            return await client.post(f"{endpoint.url}/v1/chat/completions", json=body)

    async def use(self) -> Endpoint:
        async with self.model.lease() as endpoint:
            assert (await self.chat(endpoint)).status_code == 200
            return endpoint

    async def until(self, status: EngineStatus) -> None:
        async with asyncio.timeout(15):
            while self.model.status is not status:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def bench(
    tmp_path: Path, weights: Path, card: bool = False, idle: float = 60, release: float = 600, **faults: Any
) -> AsyncGenerator[Bench]:
    args = str(faults.pop("args", ""))
    python, desk = FakePython(tmp_path / "sglang", **faults), Desk()
    settings = replace(
        Settings(),
        sglang_python=str(python.path),
        model_dir=str(weights),
        sglang_args=args,
        engine_patience=2.0,
    )
    (tmp_path / "tmp").mkdir()
    server = SglangServer(settings, tmp_path, desk.look if card else lambda: [])
    model = ModelSingleton(server, idle, release).open()
    try:
        yield Bench(model, server, python, desk)
    finally:
        await model.close()
    assert python.alive() == []
    assert python.rule_breaks() == []


async def test_it_starts_sleeps_wakes_and_stops(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights) as b:
        endpoint = await b.use()
        assert endpoint.model == "MinerU2.5-Pro-2605-1.2B" and endpoint.guard and endpoint.version
        await b.model.offload()
        assert b.model.status is EngineStatus.ASLEEP and len(b.python.alive()) == 1
        assert await b.use() == endpoint
        await b.model.release()
        assert b.python.alive() == [] and b.model.status is EngineStatus.STOPPED
        assert (await b.use()).api_key != endpoint.api_key
        events = [event["event"] for event in b.python.events()]
        assert events == ["start", "ready", "release", "resume", "exit", "start", "ready"]


async def test_idle_it_rests_by_itself(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights, idle=0.2, release=3) as b:
        await b.use()
        await b.until(EngineStatus.ASLEEP)
        await b.until(EngineStatus.STOPPED)
        assert [event["event"] for event in b.python.events()][-2:] == ["release", "exit"]


async def test_only_who_has_the_key_gets_in(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights) as b, b.model.lease() as endpoint:
        assert endpoint.url.startswith("http://127.0.0.1:")
        assert (await b.chat(replace(endpoint, api_key="guess"))).status_code == 401
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {endpoint.api_key}"}) as client:
            assert (
                await client.post(f"{endpoint.url}/release_memory_occupation", json={})
            ).status_code == 401
        assert endpoint.api_key not in str(b.python.starts()), "everybody on the machine can read those"
        assert not b.server.keys_file.exists()
        environment = Path(f"/proc/{b.python.alive()[0]}/environ").read_text()
        assert "MINERU_APP_" not in environment and "HF_HUB_OFFLINE=1" in environment


async def test_a_request_whose_worker_was_killed_is_aborted_before_sleep(
    tmp_path: Path, stand_in_weights: Path
) -> None:
    async with bench(tmp_path, stand_in_weights, delay=30, lingers=30) as b:
        with pytest.raises(httpx.ReadTimeout):
            async with b.model.lease() as endpoint:
                await b.chat(endpoint, seconds=0.5)
        await b.model.offload()
        assert b.model.status is EngineStatus.ASLEEP


async def test_killed_under_work_it_comes_again(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights, delay=30) as b:
        with pytest.raises(EngineLost):
            async with b.model.lease() as endpoint:
                chat = asyncio.create_task(b.chat(endpoint))
                await asyncio.sleep(0.2)
                os.kill(b.python.alive()[0], signal.SIGKILL)
                with contextlib.suppress(httpx.TransportError):
                    await chat
                await asyncio.sleep(20)
        b.python.set(delay=0)
        await b.use()
        assert b.model.counts["crashes"] == 1 and len(b.python.starts()) == 2


async def test_killed_asleep_it_starts_for_the_next(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights) as b:
        await b.use()
        await b.model.offload()
        os.kill(b.python.alive()[0], signal.SIGKILL)
        await b.until(EngineStatus.FAILED)
        await b.use()


async def test_one_that_hangs_is_replaced(
    tmp_path: Path, stand_in_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sglang_process, "CHECK_EVERY", 0.1)
    async with bench(tmp_path, stand_in_weights, health_timeout=0.1) as b:
        async with b.model.lease() as endpoint:
            assert (await b.chat(endpoint)).status_code == 200
        b.python.set(hang=False)
        with pytest.raises(EngineLost):
            async with b.model.lease() as endpoint, httpx.AsyncClient() as client:
                await client.post(f"{endpoint.url}/_fake", json={"hang": True})
                await b.chat(endpoint)
        await b.use()
        assert len(b.python.starts()) == 2


@pytest.mark.parametrize(
    ("faults", "kind", "words"),
    [
        ({"load_failure": "bad_flag"}, EngineBroken, "flags"),
        ({"load_failure": "no_model"}, ModelsMissing, "models"),
        ({"load_failure": "no_config"}, ModelsMissing, "models"),
        ({"load_failure": "no_weights"}, ModelsMissing, "models"),
        ({"load_failure": "no_driver"}, EngineBroken, "graphics card"),
        ({"load_failure": "oom"}, GpuOutOfMemory, "memory"),
        ({"load_failure": "no_kv"}, GpuOutOfMemory, "memory"),
        ({"load_failure": "no_room"}, GpuOutOfMemory, "memory"),
    ],
)
async def test_why_it_does_not_start_is_told(
    tmp_path: Path, stand_in_weights: Path, faults: dict[str, Any], kind: type[AppError], words: str
) -> None:
    async with bench(tmp_path, stand_in_weights, **faults) as b:
        with pytest.raises(kind, match=words):
            await b.use()
        assert b.server.log.read_text()
        await b.until(EngineStatus.FAILED)
        assert not b.server.keys_file.exists(), "keys of a start that failed"


async def test_what_is_missing_is_told_at_once(tmp_path: Path, stand_in_weights: Path) -> None:
    none = replace(Settings(), model_dir=str(tmp_path), sglang_python=str(FakePython(tmp_path / "p").path))
    with pytest.raises(ModelsMissing, match="models"):
        await SglangServer(none, tmp_path, lambda: []).start(0)
    with pytest.raises(EngineBroken, match="setup --sglang"):
        await SglangServer(replace(none, sglang_python="/nowhere/python"), tmp_path, lambda: []).start(0)
    with pytest.raises(OptionInvalid):
        SglangServer(replace(none, sglang_args="stray"), tmp_path, lambda: [])


async def test_out_of_memory_steps_down_and_says_so(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights, card=True, oom_from=0.7) as b:
        await b.use()
        fractions = [float(value_of(argv, "--mem-fraction-static") or 0) for argv in b.python.starts()]
        assert len(fractions) >= 2 and fractions[0] > fractions[-1]
        assert b.model.notice and "less" in b.model.notice
        assert b.model.describe()["profile"] == "24gb"


async def test_a_stranger_on_the_card_is_named_and_waited_for(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights, card=True) as b:
        b.desk.take(23, Process(4242, "game", 23 * GB))
        with pytest.raises(GpuOutOfMemory, match="game"):
            await b.use()
        assert b.python.starts() == []
        b.desk.take(1)


async def test_a_card_taken_while_it_slept(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights, card=True, start_seconds=0.3) as b:
        begun = asyncio.create_task(b.use())
        while not b.python.starts():
            await asyncio.sleep(0.01)
        b.desk.take(20)
        await begun
        b.desk.take(2)
        await b.model.offload()
        b.desk.take(14, Process(1, "game", 12 * GB))
        await b.use()
        assert b.model.notice and "game" in b.model.notice
        first, second = (float(value_of(argv, "--max-total-tokens") or 0) for argv in b.python.starts())
        assert second < first


async def test_a_release_that_answers_early_is_waited_for(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights, card=True, start_seconds=0.3) as b:
        begun = asyncio.create_task(b.use())
        while not b.python.starts():
            await asyncio.sleep(0.01)
        b.desk.take(20)
        await begun
        asleep = asyncio.create_task(b.model.offload())
        await asyncio.sleep(2)
        assert not asleep.done(), "the driver still shows it as used"
        b.desk.take(2)
        await asleep


async def test_died_on_release(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights, die_on_release=True) as b:
        await b.use()
        await b.model.offload()
        assert b.model.status is EngineStatus.FAILED
        b.python.set(die_on_release=False)
        await b.use()


async def test_never_ready_ends_with_the_application(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights, never_ready=True, ignore_sigterm=True) as b:
        waiting = asyncio.create_task(b.use())
        await b.until(EngineStatus.STARTING)
        while not b.python.alive():
            await asyncio.sleep(0.01)
    with pytest.raises(AppError):
        await waiting


async def test_a_port_that_was_taken_is_no_reason_to_give_up(tmp_path: Path, stand_in_weights: Path) -> None:
    async with bench(tmp_path, stand_in_weights, load_failure="port") as b:
        using = asyncio.create_task(b.use())
        while not b.python.starts():
            await asyncio.sleep(0.01)
        b.python.set(load_failure="")
        await using
        with pytest.raises(EngineUnavailable):
            async with b.model.lease():
                raise EngineUnavailable("checked")
