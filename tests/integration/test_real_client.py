"""Our own client against a real SGLang on the CPU: external mode, and the quiet before a sleep."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gradio_app.base.errors import EngineUnavailable
from gradio_app.engine import ModelSingleton
from gradio_app.model_server.http_client import ModelApi
from gradio_app.model_server.remote import RemoteServer
from gradio_app.model_server.states import EngineStatus
from tests.documents import picture
from tests.sglang_cpu.environment import GUARD, SLEEP, RealSglang
from tests.sglang_cpu.tiny_model import CONTEXT

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture(scope="module")
def server(
    real_sglang: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealSglang]:
    keys = ("--api-key", "key", "--admin-api-key", "admin")
    log = tmp_path_factory.mktemp("sglang") / "log"
    with RealSglang(tiny_model, log, *keys, *SLEEP, GUARD, "--served-model-name", "tiny") as server:
        server.wait_ready()
        yield server


def body(**more: Any) -> dict[str, Any]:
    url = "data:image/png;base64," + base64.b64encode(picture(200, 200)).decode()
    content = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "\nText Recognition:"},
    ]
    return {"model": "tiny", "messages": [{"role": "user", "content": content}], "temperature": 0.0, **more}


async def test_as_an_external_server(server: RealSglang) -> None:
    model = ModelSingleton(RemoteServer(server.url + "/v1", "key", 5), 60, 600).open()
    try:
        async with model.lease() as endpoint:
            assert (endpoint.model, endpoint.version, endpoint.slots) == ("tiny", "0.5.23", 8)
            assert endpoint.guard and endpoint.max_tokens == CONTEXT - 2248
        assert model.describe()["can"] == {"offload": False, "release": True}
        await model.release()
        assert model.status is EngineStatus.STOPPED and server.process.poll() is None
    finally:
        await model.close()


async def test_with_a_wrong_key_it_says_so(server: RealSglang) -> None:
    model = ModelSingleton(RemoteServer(server.url, "guess", 0), 60, 600).open()
    try:
        with pytest.raises(EngineUnavailable, match="sglang_api_key"):
            async with model.lease():
                pass
    finally:
        await model.close()


async def test_requests_that_nobody_waits_for_are_gone_before_it_sleeps(server: RealSglang) -> None:
    api = ModelApi(server.url, "key", "admin")
    endless = body(max_tokens=1500, ignore_eos=True)
    try:
        for _ in range(3):
            async with httpx.AsyncClient(
                base_url=server.url, headers={"Authorization": "Bearer key"}
            ) as client:
                chats = [client.post("/v1/chat/completions", json=endless, timeout=0.4) for _ in range(12)]
                given_up = await asyncio.gather(*chats, return_exceptions=True)
                assert {type(error) for error in given_up} == {httpx.ReadTimeout}
            await api.drain()
            await api.sleep()
            await api.wake()
            assert server.process.poll() is None, "a release under a request kills it"
        guarded = body(
            max_tokens=50,
            custom_logit_processor=(await api.endpoint()).guard,
            custom_params={"ngram_size": 100, "window_size": 256},
        )
        async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": "Bearer key"}) as client:
            answer = await client.post("/v1/chat/completions", json=guarded, timeout=30)
        assert answer.status_code == 200 and answer.json()["choices"][0]["finish_reason"] == "stop"
    finally:
        await api.close()
