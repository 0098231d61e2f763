"""What is said to a model server: its facts, its key, how it comes to rest, and nonsense as an answer."""

from __future__ import annotations

import asyncio
import json
import pickletools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gradio_app.base.errors import EngineUnavailable
from gradio_app.model_server import http_client
from gradio_app.model_server.http_client import GUARD, ModelApi, answer_cap
from tests.fakes.virtual_time import run

pytestmark = pytest.mark.anyio

MODELS = {"data": [{"id": "MinerU2.5", "max_model_len": 4096}]}
FACTS = {"version": "0.5.23", "max_running_requests": 8, "enable_custom_logit_processor": True}

Answer = Callable[[httpx.Request], httpx.Response] | httpx.Response | dict[str, Any]


@asynccontextmanager
async def server(
    routes: dict[str, Answer], key: str = "key", admin_key: str = "admin", url: str = "http://gpu:30000/v1/"
) -> AsyncGenerator[tuple[ModelApi, list[httpx.Request]]]:
    """A server that answers these routes, and what it was asked; others are not found."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        answer = routes.get(request.url.path, httpx.Response(404))
        if isinstance(answer, dict):
            return httpx.Response(200, json=answer)
        return (
            answer(request)
            if callable(answer)
            else httpx.Response(answer.status_code, content=answer.content)
        )

    api = ModelApi(url, key, admin_key)
    await api._http.aclose()
    api._http = httpx.AsyncClient(base_url=api.url, transport=httpx.MockTransport(handle))
    try:
        yield api, asked
    finally:
        await api.close()


def keys(asked: list[httpx.Request]) -> dict[str, str]:
    return {request.url.path: request.headers.get("Authorization", "") for request in asked}


# ---------------------------------------------------------------- how long an answer may be


def test_an_answer_fits_beside_the_largest_picture() -> None:
    assert answer_cap(0) == 8192  # not known
    assert answer_cap(16384) == answer_cap(2248 + 8192) == 8192
    assert answer_cap(4096) == 4096 - 2248
    assert answer_cap(2000) == answer_cap(2248) == 256


def test_the_guard_names_a_class_and_holds_no_code() -> None:
    pickled = bytes.fromhex(json.loads(GUARD)["callable"])
    operations = [(opcode.name, told) for opcode, told, _ in pickletools.genops(pickled)]
    module = "sglang.srt.sampling.custom_logit_processor"
    assert operations == [
        ("GLOBAL", f"{module} DeepseekOCRNoRepeatNGramLogitProcessor"),
        ("STOP", None),
    ]


# ---------------------------------------------------------------- what it serves


async def test_its_facts() -> None:
    async with server({"/v1/models": MODELS, "/server_info": FACTS}) as (api, asked):
        endpoint = await api.endpoint()
    assert (endpoint.url, endpoint.model, endpoint.api_key) == ("http://gpu:30000", "MinerU2.5", "key")
    assert (endpoint.version, endpoint.slots, endpoint.max_tokens) == ("0.5.23", 8, 4096 - 2248)
    assert endpoint.guard == GUARD
    assert set(keys(asked).values()) == {"Bearer key"}


@pytest.mark.parametrize("enabled", [False, None, "yes"])
async def test_the_guard_is_for_servers_that_take_it(enabled: Any) -> None:
    facts = FACTS | {"enable_custom_logit_processor": enabled}
    async with server({"/v1/models": MODELS, "/server_info": facts}) as (api, _):
        assert (await api.endpoint()).guard == ""


async def test_a_server_of_another_make_tells_less() -> None:
    async with server({"/v1/models": {"data": [{"id": "m"}]}}, key="") as (api, asked):
        endpoint = await api.endpoint()
        assert await api.healthy()  # it has no such route; that it answers has to do
    assert (endpoint.version, endpoint.slots, endpoint.guard, endpoint.max_tokens) == ("", 0, "", 8192)
    assert set(keys(asked).values()) == {""}


async def test_the_context_of_the_server_counts_when_the_model_does_not_tell() -> None:
    routes: dict[str, Answer] = {
        "/v1/models": {"data": [{"id": "m"}]},
        "/server_info": {"context_length": 4096},
    }
    async with server(routes) as (api, _):
        assert (await api.endpoint()).max_tokens == 4096 - 2248


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_names_its_setting(status: int) -> None:
    async with server({"/v1/models": httpx.Response(status)}) as (api, _):
        with pytest.raises(EngineUnavailable, match=r"refuses the key.*sglang_api_key"):
            await api.endpoint()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>router login</html>"),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, json=["a", "list"]),
        httpx.Response(302),
        httpx.Response(404),
        httpx.Response(500),
    ],
)
async def test_what_is_no_model_server_is_told_so(answer: httpx.Response) -> None:
    async with server({"/v1/models": answer, "/v1/loads": answer}) as (api, _):
        for question in (api.endpoint, api.requests):
            with pytest.raises(EngineUnavailable, match="is no model server"):
                await question()


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/models", {"data": ["x"]}),
        ("/v1/models", {"data": "text"}),
        ("/v1/models", {"data": [{"id": "m", "max_model_len": "many"}]}),
        ("/v1/loads", {"loads": ["x"]}),
        ("/v1/loads", {"loads": [{"num_running_reqs": None, "num_waiting_reqs": 0}]}),
        ("/v1/loads", {"loads": [{}]}),
    ],
)
async def test_shapes_that_are_no_model_servers(path: str, answer: dict[str, Any]) -> None:
    async with server({path: answer}) as (api, _):
        with pytest.raises(EngineUnavailable, match="is no model server"):
            await (api.endpoint() if path == "/v1/models" else api.requests())


@pytest.mark.parametrize("data", [{}, {"data": []}, {"data": None}, {"data": [{}]}, {"data": [{"id": 7}]}])
async def test_a_server_without_a_model_is_told_so(data: dict[str, Any]) -> None:
    async with server({"/v1/models": data}) as (api, _):
        with pytest.raises(EngineUnavailable, match="offers no model"):
            await api.endpoint()


async def test_nobody_there_is_told_with_the_address() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with server({"/v1/models": refuse, "/health": refuse}) as (api, _):
        for question in (api.endpoint, api.healthy):
            with pytest.raises(EngineUnavailable, match=r"http://gpu:30000 does not answer \(ConnectError\)"):
                await question()


@pytest.mark.parametrize(("status", "well"), [(200, True), (404, True), (503, False), (500, False)])
async def test_it_is_well_when_it_says_so(status: int, well: bool) -> None:
    async with server({"/health": httpx.Response(status)}) as (api, _):
        assert await api.healthy() is well


# ---------------------------------------------------------------- rest


def loads(*counts: tuple[int, int]) -> dict[str, Any]:
    return {"loads": [{"num_running_reqs": runs, "num_waiting_reqs": waits} for runs, waits in counts]}


async def test_the_load_is_that_of_all_its_parts() -> None:
    async with server({"/v1/loads": loads((2, 1), (3, 0))}) as (api, asked):
        assert await api.requests() == 6
    assert keys(asked) == {"/v1/loads": "Bearer key"}  # SGLang refuses the other one there


def test_it_is_at_rest_after_a_second_of_quiet() -> None:
    """A request whose picture is being prepared is in no figure yet: the quiet has to last."""

    async def scene() -> None:
        began = asyncio.get_running_loop().time()
        told = {0.0: (3, 1), 2.0: (0, 0), 2.5: (0, 1), 4.0: (0, 0)}

        def load(_: httpx.Request) -> httpx.Response:
            now = asyncio.get_running_loop().time() - began
            return httpx.Response(200, json=loads(told[max(at for at in told if at <= now)]))

        async with server({"/v1/loads": load, "/abort_request": httpx.Response(200)}) as (api, asked):
            await api.drain()
            lasted = asyncio.get_running_loop().time() - began
        aborts = [request for request in asked if request.url.path == "/abort_request"]
        assert 4.0 + http_client.QUIET - 0.3 < lasted < 4.0 + http_client.QUIET + 0.3
        assert len(aborts) > 10, "what shows up later is aborted too"
        assert {json.dumps(json.loads(request.content)) for request in aborts} == {
            '{"rid": "", "abort_all": true}'
        }
        assert keys(aborts) == {"/abort_request": "Bearer admin"}

    run(scene())


def test_requests_that_cannot_be_aborted_do_not_hold_it_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "DRAIN_TIMEOUT", 5.0)

    async def scene() -> None:
        began = asyncio.get_running_loop().time()
        async with server({"/v1/loads": loads((1, 0)), "/abort_request": httpx.Response(200)}) as (api, _):
            with pytest.raises(EngineUnavailable, match="taken back"):
                await api.drain()
        assert 5.0 < asyncio.get_running_loop().time() - began < 6.0

    run(scene())


async def test_sleep_and_wake_are_asked_with_the_administrators_key() -> None:
    good = httpx.Response(200)
    routes: dict[str, Answer] = {
        "/release_memory_occupation": good,
        "/resume_memory_occupation": good,
        "/health": good,
    }
    async with server(routes) as (api, asked):
        await api.sleep()
        assert [request.url.path for request in asked] == [
            "/release_memory_occupation"
        ]  # no look while it sleeps
        await api.wake()
    assert keys(asked) == {
        "/release_memory_occupation": "Bearer admin",
        "/resume_memory_occupation": "Bearer admin",
        "/health": "Bearer key",
    }


async def test_what_does_not_go_well_is_raised() -> None:
    routes: dict[str, Answer] = {"/release_memory_occupation": httpx.Response(500)}
    routes |= {"/resume_memory_occupation": httpx.Response(200), "/health": httpx.Response(503)}
    async with server(routes) as (api, _):
        with pytest.raises(EngineUnavailable, match="answers 500"):
            await api.sleep()
        with pytest.raises(EngineUnavailable, match="not well after it was woken"):
            await api.wake()


def test_an_only_key_is_the_administrators_too() -> None:
    assert ModelApi("http://gpu", "one")._admin_key == "one"
    assert ModelApi("http://gpu/v1").url == "http://gpu"
