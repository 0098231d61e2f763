"""The fake model server keeps SGLang's rules and has the faults that it promises."""

from __future__ import annotations

import base64
import io
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.fakes import sglang_answers as answers
from tests.fakes.sglang import FakePython, FakeSglang, free_port, python_like

pytestmark = pytest.mark.integration

#: one client for all: to make one costs as much as to start a server
http = httpx.Client(timeout=5)
KEY, ADMIN = {"Authorization": "Bearer k"}, {"Authorization": "Bearer a"}


def png(color: tuple[int, int, int] = (255, 255, 255), size: tuple[int, int] = (40, 20)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, "PNG")
    return out.getvalue()


def body(prompt: str = "Text Recognition:", picture: bytes = b"", **more: Any) -> dict[str, Any]:
    url = "data:image/png;base64," + base64.b64encode(picture or png()).decode()
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": prompt}]
    system = {"role": "system", "content": "You are a helpful assistant."}
    return {"model": "m", "messages": [system, {"role": "user", "content": content}], **more}


def ask(server: FakeSglang, prompt: str = "Text Recognition:", picture: bytes = b"", **more: Any) -> Any:
    """The choice that a chat answers."""
    answer = http.post(f"{server.url}/v1/chat/completions", json=body(prompt, picture, **more))
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]


def post(server: FakeSglang, path: str, **headers: str) -> httpx.Response:
    return http.post(server.url + path, json={}, headers=headers)


def until(check: Any, seconds: float = 5) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture(scope="module", autouse=True)
def close_client() -> Iterator[None]:
    yield
    http.close()


@pytest.fixture(scope="module")
def plain() -> Iterator[FakeSglang]:
    """A server without faults, for tests that leave it as it is."""
    with FakeSglang() as server:
        until(lambda: server.stats()["status"] == "ready")
        yield server


@pytest.fixture
def guarded() -> Iterator[FakeSglang]:
    """A server that can sleep and has both keys."""
    flags = ("--api-key", "k", "--admin-api-key", "a", "--enable-memory-saver", "--enable-weights-cpu-backup")
    with FakeSglang(flags=flags) as server:
        until(lambda: server.stats()["status"] == "ready")
        yield server


def test_answers_by_prompt_and_picture(plain: FakeSglang) -> None:
    prompts = ["Layout Detection:", "Table Recognition:", "Formula Recognition:", "Image Analysis:", "Text:"]
    texts = [ask(plain, prompt)["message"]["content"] for prompt in prompts]
    assert len(set(texts)) == 5
    assert texts[0].startswith("<|box_start|>") and "<nl>" in texts[1]
    assert ask(plain)["message"]["content"] == ask(plain)["message"]["content"]
    assert ask(plain)["message"]["content"] != ask(plain, picture=png((1, 2, 3)))["message"]["content"]


def test_lists_one_model_and_its_load(plain: FakeSglang) -> None:
    models = http.get(f"{plain.url}/v1/models").json()["data"]
    assert len(models) == 1 and models[0]["max_model_len"] == 16384
    assert http.get(f"{plain.url}/v1/loads").json()["loads"][0]["num_running_reqs"] == 0
    assert "sglang:num_running_reqs" in http.get(f"{plain.url}/metrics").text
    assert {http.get(plain.url + path).status_code for path in ("/health", "/ping", "/model_info")} == {200}
    assert http.get(plain.url + "/nothing").status_code == 404


def test_stops_at_max_tokens(plain: FakeSglang) -> None:
    assert ask(plain, max_tokens=2)["finish_reason"] == "length"
    assert ask(plain, max_tokens=2000)["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "wrong", [{"max_tokens": -1}, {"max_tokens": 16000}, {"messages": []}, {"messages": [{"content": [{}]}]}]
)
def test_refuses_what_is_no_chat(plain: FakeSglang, wrong: dict[str, Any]) -> None:
    answer = http.post(f"{plain.url}/v1/chat/completions", json={**body(), **wrong})
    assert answer.status_code == 400 and answer.json()["object"] == "error"


def test_guard_needs_its_flag() -> None:
    with FakeSglang(flags=()) as server:
        url = f"{server.url}/v1/chat/completions"
        assert http.post(url, json=body(custom_logit_processor="{}")).status_code == 400
        assert http.post(url, json=body()).status_code == 200


def test_keys(guarded: FakeSglang) -> None:
    assert http.get(f"{guarded.url}/health").status_code == 200
    for path in ("/v1/models", "/v1/loads", "/ping", "/model_info"):
        assert http.get(guarded.url + path).status_code == 401
        assert http.get(guarded.url + path, headers=KEY).status_code == 200
    assert post(guarded, "/release_memory_occupation", **KEY).status_code == 401
    assert guarded.stats()["releases"] == 0


def test_sleeps_and_wakes(guarded: FakeSglang) -> None:
    loaded = guarded.stats()["memory_used"]
    assert post(guarded, "/release_memory_occupation", **ADMIN).json() is None
    assert guarded.stats()["memory_used"] < loaded
    assert http.get(f"{guarded.url}/ping", headers=KEY).status_code == 200
    assert post(guarded, "/resume_memory_occupation", **ADMIN).status_code == 200
    assert guarded.stats()["memory_used"] == loaded
    assert guarded.stats()["rule_breaks"] == []


def test_release_can_answer_early(guarded: FakeSglang) -> None:
    guarded.set(release_early=0.1)
    loaded = guarded.stats()["memory_used"]
    post(guarded, "/release_memory_occupation", **ADMIN)
    assert guarded.stats()["memory_used"] == loaded
    until(lambda: guarded.stats()["memory_used"] < loaded)


@pytest.mark.parametrize(
    "calls",
    [
        ["/resume_memory_occupation"],
        ["/release_memory_occupation", "/release_memory_occupation"],
        ["/release_memory_occupation", "/v1/chat/completions"],
        ["/release_memory_occupation", "/health"],
    ],
)
def test_a_broken_rule_kills_it(guarded: FakeSglang, calls: list[str]) -> None:
    *before, last = calls
    for path in before:
        assert post(guarded, path, **ADMIN).status_code == 200
    with pytest.raises(httpx.TransportError):
        if last == "/health":
            http.get(guarded.url + last)
        else:
            post(guarded, last, **(KEY if "chat" in last else ADMIN))
    assert guarded.process and guarded.process.wait(5) == -9
    assert len(guarded.python.rule_breaks()) == 1


def test_release_under_a_request_kills_it(guarded: FakeSglang) -> None:
    guarded.set(hang=True)
    with ThreadPoolExecutor() as threads:
        chat = threads.submit(
            http.post, f"{guarded.url}/v1/chat/completions", json=body(), headers=KEY, timeout=5
        )
        until(lambda: guarded.stats()["running"] == 1)
        with pytest.raises(httpx.TransportError):
            post(guarded, "/release_memory_occupation", **ADMIN)
        assert isinstance(chat.exception(), httpx.TransportError)
    assert guarded.python.rule_breaks() == ["release while requests run"]


def test_slots_and_busy_time() -> None:
    with FakeSglang(slots=2, delay=0.05) as server, ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: ask(server), range(6)))
        stats = server.stats()
    assert (stats["requests"], stats["peak"]) == (6, 2)
    assert 0.3 <= stats["busy_seconds"] < 1
    assert [body["messages"][1]["content"][1]["text"] for body in stats["bodies"]] == [
        "Text Recognition:"
    ] * 6


def test_notices_who_hangs_up_and_aborts() -> None:
    with FakeSglang(hang=True) as server, ThreadPoolExecutor() as threads:
        with pytest.raises(httpx.TimeoutException):
            http.post(f"{server.url}/v1/chat/completions", json=body(), timeout=0.2)
        until(lambda: server.stats()["aborted"] == 1 and server.stats()["in_flight"] == 0)
        chat = threads.submit(ask, server)
        until(lambda: server.stats()["running"] == 1)
        http.post(f"{server.url}/abort_request", json={"abort_all": True})
        assert chat.result()["finish_reason"] == "abort"


def test_a_chat_can_outlive_its_client() -> None:
    with FakeSglang(hang=True, lingers=5) as server:
        with pytest.raises(httpx.TimeoutException):
            http.post(f"{server.url}/v1/chat/completions", json=body(), timeout=0.1)
        until(lambda: server.stats()["aborted"] == 1)
        assert http.get(f"{server.url}/v1/loads").json()["loads"][0]["num_running_reqs"] == 1
        http.post(f"{server.url}/abort_request", json={"abort_all": True})
        until(lambda: server.stats()["in_flight"] == 0, seconds=1)


def test_fails_as_told(plain: FakeSglang) -> None:
    with FakeSglang(fail_status=503, fail_every=2) as server:
        url = f"{server.url}/v1/chat/completions"
        assert [http.post(url, json=body()).status_code for _ in range(4)] == [200, 503, 200, 503]
        server.set(fail_every=1, fail_status=500, fail_match={"size": [9, 9]})
        assert http.post(url, json=body()).status_code == 200
        assert http.post(url, json=body(picture=png(size=(9, 9)))).status_code == 500
        server.set(fail_status=0, garbage="binary")
        with pytest.raises(ValueError):
            http.post(url, json=body()).json()
        server.set(garbage="json")
        assert "choices" not in http.post(url, json=body()).json()
        server.set(garbage="", endless=True)
        assert ask(server, max_tokens=30)["finish_reason"] == "length"
        with pytest.raises(httpx.TimeoutException):
            http.post(url, json=body(), timeout=0.1)


def test_poison_is_known_in_every_piece_of_its_page() -> None:
    with FakeSglang(poison={"color": [255, 190, 190]}) as server:
        ask(server)
        page = Image.open(io.BytesIO(png((255, 190, 190), (300, 300)))).crop((50, 60, 200, 90))
        piece = io.BytesIO()
        page.save(piece, "PNG")
        with pytest.raises(httpx.TransportError):
            ask(server, picture=piece.getvalue())
        assert server.process and server.process.wait(5) == -9
        server.restart()
        assert ask(server)["finish_reason"] == "stop"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_colors_of_real_pictures(mode: str) -> None:
    noise = Image.effect_noise((64, 8), 90).convert(mode)
    out = io.BytesIO()
    noise.save(out, "PNG")
    rows = noise.crop((0, 0, 64, 4)).convert("RGB")
    red = [rows.getpixel((x, y))[0] for x in range(64) for y in range(4)]  # type: ignore[index]
    assert answers.color(out.getvalue())[0] == pytest.approx(sum(red) / len(red))


def test_starting(tmp_path: Path) -> None:
    with FakeSglang(never_ready=True) as server:
        assert http.get(f"{server.url}/health").status_code == 503
        server.set(never_ready=False)
        until(lambda: http.get(f"{server.url}/health").status_code == 200)
        until(lambda: "fired up and ready to roll" in server.log())


def test_drains_at_sigterm() -> None:
    with FakeSglang(delay=0.3) as server, ThreadPoolExecutor() as threads:
        chat = threads.submit(ask, server)
        until(lambda: server.stats()["running"] == 1)
        assert server.end(signal.SIGTERM) == 0
        assert chat.result()["finish_reason"] == "stop"


def launch(path: Path, *flags: str) -> tuple[int, str]:
    """Exit code and log of a start that fails."""
    done = subprocess.run(
        [path, "-m", "sglang.launch_server", "--model-path", "m", "--port", str(free_port()), *flags],
        capture_output=True,
        text=True,
        timeout=10,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("failure", "code", "text"),
    [
        ("oom", -9, "CUDA out of memory"),
        ("no_kv", -9, "leave no GPU memory for the KV cache under --mem-fraction-static=0.8"),
        ("no_model", 1, "'m'"),
        ("no_weights", -9, "Cannot find any model weights with `m`"),
        ("bad_flag", 2, "unrecognized arguments"),
    ],
)
def test_fails_to_load(tmp_path: Path, failure: str, code: int, text: str) -> None:
    got, log = launch(python_like(tmp_path, load_failure=failure))
    assert got == code and text in log


def test_an_old_flag_is_refused(tmp_path: Path) -> None:
    assert launch(python_like(tmp_path), "--max-model-len", "2048")[0] == 2


def test_out_of_memory_until_smaller_or_quantised(tmp_path: Path) -> None:
    python = FakePython(tmp_path, oom_from=0.6, stop_seconds=0)
    assert launch(python.path, "--mem-fraction-static", "0.8")[0] == -9
    for flags in (["--mem-fraction-static", "0.5"], ["--quantization", "fp8"]):
        server = subprocess.Popen([python.path, "launch", "--port", str(free_port()), *flags], stderr=-3)
        until(lambda pid=server.pid: any(event["pid"] == pid for event in python.events("ready")))
        assert python.alive() == [server.pid]
        server.terminate()
        assert server.wait(5) == 0
    assert len(python.starts()) == 3 and python.alive() == []


def test_a_taken_port_is_said_and_nothing_more_happens(plain: FakeSglang, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        command = [python_like(tmp_path), "launch", "--port", str(plain.port)]
        server = subprocess.Popen(command, stderr=file)
    until(lambda: "address already in use" in log.read_text())
    assert server.poll() is None
    server.kill()
    server.wait(5)


def test_unknown_faults_are_refused(plain: FakeSglang, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        python_like(tmp_path, no_such_fault=1)
    assert http.post(f"{plain.url}/_fake", json={"no_such_fault": 1}).status_code == 400
