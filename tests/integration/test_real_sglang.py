"""A real SGLang on the CPU, asked directly: what the engine and its fake believe about it is true."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents import picture
from tests.fakes.sglang import FakeSglang
from tests.sglang_cpu.environment import FLAGS, GUARD, SLEEP, RealSglang, start
from tests.sglang_cpu.tiny_model import AND_SO_ON, ANSWERS, CONTEXT, answer

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KEY, ADMIN = {"Authorization": "Bearer key"}, {"Authorization": "Bearer admin"}
NO_REPEAT = "sglang.srt.sampling.custom_logit_processor:DeepseekOCRNoRepeatNGramLogitProcessor"


@pytest.fixture(scope="module")
def server(
    real_sglang: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealSglang]:
    """One for all tests, as it takes half a minute to start."""
    keys = ("--api-key", "key", "--admin-api-key", "admin")
    log = tmp_path_factory.mktemp("sglang") / "log"
    with RealSglang(
        tiny_model, log, *keys, *SLEEP, GUARD, "--enable-metrics", "--served-model-name", "tiny"
    ) as server:
        server.wait_ready()
        yield server


@pytest.fixture(scope="module")
def client(server: RealSglang) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60, headers=KEY) as client:
        yield client


def body(prompt: str, **more: Any) -> dict[str, Any]:
    """A request as MinerU sends it."""
    url = "data:image/png;base64," + base64.b64encode(picture(1036, 1036)).decode()
    content = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": f"\n{prompt}:"},
    ]
    system = {"role": "system", "content": "You are a helpful assistant."}
    sampling = {"temperature": 0.0, "top_p": 0.01, "top_k": 1, "presence_penalty": 1.0}
    sampling |= {"frequency_penalty": 0.05, "repetition_penalty": 1.0, "skip_special_tokens": False}
    messages = [system, {"role": "user", "content": content}]
    return {"model": "tiny", "messages": messages, **sampling, **more}


def ask(client: httpx.Client, prompt: str = "Text Recognition", **more: Any) -> dict[str, Any]:
    """The first choice of the answer."""
    got = client.post("/v1/chat/completions", json=body(prompt, **more))
    assert got.status_code == 200, got.text
    return got.json()["choices"][0]


def load(client: httpx.Client) -> tuple[int, int]:
    """Requests that run and that wait."""
    (row,) = client.get("/v1/loads").json()["loads"]
    return row["num_running_reqs"], row["num_waiting_reqs"]


def until(check: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize("prompt", [words for words in ANSWERS if words] + ["Text Recognition"])
def test_recites(client: httpx.Client, prompt: str) -> None:
    choice = ask(client, prompt)
    assert (choice["message"]["content"], choice["finish_reason"]) == (answer(prompt), "stop")


def test_max_tokens_ends_what_would_not_end(client: httpx.Client) -> None:
    choice = ask(client, ignore_eos=True, max_tokens=40)
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"].count(AND_SO_ON) > 30


def test_guard_against_repetition(client: httpx.Client) -> None:
    """Our string is fixed: a pickle that names a class of SGLang's and holds no code."""
    module, name = NO_REPEAT.split(":")
    words = b"".join(b"\x8c" + bytes([len(word)]) + word.encode() for word in (module, name))
    pickled = b"\x80\x04" + words + b"\x93."
    guard = {"custom_logit_processor": json.dumps({"callable": pickled.hex()})}
    params = {"ngram_size": 3, "window_size": 100}
    endless: dict[str, Any] = {"ignore_eos": True, "max_tokens": 40, **guard}
    assert ask(client, custom_params=params, **endless)["message"]["content"].count(AND_SO_ON) < 10
    assert ask(client, **endless)["message"]["content"].count(AND_SO_ON) > 30
    assert ask(client, custom_params=params, **guard)["message"]["content"] == answer("")


def test_keys(server: RealSglang) -> None:
    with httpx.Client(base_url=server.url) as stranger:
        for path in ("/v1/models", "/v1/loads", "/ping", "/model_info"):
            assert stranger.get(path).status_code == 401
            assert stranger.get(path, headers=ADMIN).status_code == 401
            assert stranger.get(path, headers=KEY).status_code == 200
        assert stranger.post("/v1/chat/completions", json=body("Text Recognition")).status_code == 401
        for path in ("/release_memory_occupation", "/resume_memory_occupation", "/abort_request"):
            assert stranger.post(path, json={}).status_code == 401
            assert stranger.post(path, json={}, headers=KEY).status_code == 401
        assert stranger.get("/metrics").status_code == 200


def test_one_model_with_its_context(client: httpx.Client) -> None:
    (model,) = client.get("/v1/models").json()["data"]
    assert (model["id"], model["max_model_len"]) == ("tiny", CONTEXT)


@pytest.mark.parametrize("wrong", [{"max_tokens": -1}, {"max_tokens": 100_000}, {"messages": []}])
def test_refuses(client: httpx.Client, wrong: dict[str, Any]) -> None:
    got = client.post("/v1/chat/completions", json={**body("Text Recognition"), **wrong})
    assert got.status_code == 400 and got.json()["object"] == "error"


def test_load_while_busy_and_abort(client: httpx.Client) -> None:
    assert load(client) == (0, 0)
    with ThreadPoolExecutor(10) as threads:
        chats = [threads.submit(ask, client, ignore_eos=True, max_tokens=1000) for _ in range(10)]
        until(lambda: load(client) == (8, 2))
        assert client.post("/abort_request", json={"abort_all": True}, headers=ADMIN).status_code == 200
        assert {chat.result()["finish_reason"] for chat in chats} == {"abort"}
    until(lambda: load(client) == (0, 0))


def test_a_request_outlives_its_client(client: httpx.Client) -> None:
    """So nobody who counts its own requests knows that the server is idle."""
    chat = body("Text Recognition", ignore_eos=True, max_tokens=3000)
    with pytest.raises(httpx.TimeoutException):
        client.post("/v1/chat/completions", json=chat, timeout=1)
    assert load(client) == (1, 0)
    client.post("/abort_request", json={"abort_all": True}, headers=ADMIN)
    until(lambda: load(client) == (0, 0))


def test_the_fake_answers_in_the_same_shape(client: httpx.Client) -> None:
    with FakeSglang() as fake, httpx.Client(base_url=fake.url) as other:
        for path, rows in (("/v1/models", "data"), ("/v1/loads", "loads")):
            ours, real = (each.get(path).json() for each in (other, client))
            assert set(ours) == set(real)
            assert set(ours[rows][0]) <= set(real[rows][0])
            kinds = {key: type(value) for key, value in ours[rows][0].items() if value is not None}
            assert {key: type(real[rows][0][key]) for key in kinds} == kinds
        ours, real = (
            each.post("/v1/chat/completions", json=body("Text Recognition")).json()
            for each in (other, client)
        )
        assert set(ours) <= set(real)
        assert set(ours["choices"][0]) <= set(real["choices"][0])


def test_sleeps_and_wakes(server: RealSglang, client: httpx.Client) -> None:
    until(lambda: load(client) == (0, 0))
    assert client.post("/release_memory_occupation", json={}, headers=ADMIN).json() is None
    assert "memory saver (stand-in): released weights" in server.log()
    assert client.get("/ping").status_code == 200
    assert client.post("/resume_memory_occupation", json={}, headers=ADMIN).status_code == 200
    assert ask(client)["message"]["content"] == answer("")
    assert httpx.get(f"{server.url}/health", timeout=30).status_code == 200


def test_sigterm_when_idle(server: RealSglang) -> None:
    """The last one that uses this server."""
    assert server.stop() == 0
    assert "The server is fired up and ready to roll!" in server.log()


def test_failures_to_start(real_sglang: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Exit codes and what stands in the log, side by side as each takes ten seconds."""
    (empty := tmp_path / "empty").mkdir()
    cases: list[tuple[Path, tuple[str, ...], int, str]] = [
        (tiny_model, ("--load-in-4bit",), 2, "error: unrecognized arguments: --load-in-4bit"),
        (empty, (), 1, "Unrecognized model in"),
        (tmp_path / "nothing", (), 1, "Repo id must be in the form"),
    ]
    logs = [tmp_path / f"{number}.log" for number in range(len(cases))]
    running: list[subprocess.Popen[bytes]] = []
    for (model, flags, _, _), log in zip(cases, logs, strict=True):
        with log.open("wb") as file:
            running.append(start(model, [*FLAGS, *flags], file))
    for process, log, (_, _, code, text) in zip(running, logs, cases, strict=True):
        assert process.wait(90) == code
        assert text in log.read_text()
