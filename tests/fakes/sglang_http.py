"""The way in of the fake model server: HTTP, keys, routes, and a life from the first flag to SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import fields
from pathlib import Path
from secrets import compare_digest
from typing import Any

from tests.fakes import sglang_answers as answers
from tests.fakes.sglang_server import READY, VERSION, Fake, Faults, die, error_answer, log

#: flags that old guides name and today's parser does not know
UNKNOWN_FLAGS = ("--load-in-4bit", "--load-in-8bit", "--max-model-len", "--torchao-config")
_ADMIN = ("/release_memory_occupation", "/resume_memory_occupation", "/abort_request")
_OPEN = ("/health", "/ready", "/metrics", "/_fake")
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 503: "Service Unavailable"}


def main(argv: list[str]) -> int:
    """Serves until SIGTERM; the exit code. ``-m sglang.launch_server FLAGS`` and ``launch FLAGS`` are one."""
    home = _home(argv)
    if argv and argv[0] == "-c":  # somebody asks this "Python" which SGLang it has
        sys.stdout.write(VERSION + "\n")
        return 0
    if argv[:2] == ["-m", "sglang.launch_server"] or argv[:1] == ["launch"]:
        argv = argv[2:] if argv[0] == "-m" else argv[1:]
    faults = _faults(home)
    options, rest = _parser().parse_known_args(argv)
    for line in Path(options.config).read_text().splitlines() if options.config else ():
        name, _, value = line.partition(": ")
        setattr(options, name.replace("-", "_"), value.strip('"'))
    options.served_model_name = options.served_model_name or options.model_path
    options.weights_lost = False
    bad = [flag for flag in rest if flag in UNKNOWN_FLAGS] or (
        ["--made-to-fail"] if faults.load_failure == "bad_flag" else []
    )
    if bad:
        error = f"sglang serve: error: unrecognized arguments: {bad[0]}"
        sys.stderr.write(f"usage: sglang serve [-h] ...\n{error}\n")
        return 2
    fake = Fake(options, faults, home)
    env = {name: os.environ.get(name, "") for name in ("CUDA_VISIBLE_DEVICES", "CUDA_MPS_PIPE_DIRECTORY")}
    fake.event("start", argv=argv, port=options.port, env=env)
    code = asyncio.run(_live(fake))
    fake.event("exit", code=code)
    return code


def _home(argv: list[str]) -> Path | None:
    """Takes ``--home FOLDER`` from the front of the arguments."""
    if argv[:1] != ["--home"]:
        return None
    home = Path(argv[1])
    del argv[:2]
    return home


def _faults(home: Path | None) -> Faults:
    """What a test has written into ``faults.json``, read at every start."""
    file = home and home / "faults.json"
    return Faults(**json.loads(file.read_text())) if file and file.exists() else Faults()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sglang serve", allow_abbrev=False)
    parser.add_argument("--model-path", "--model", default="fake-model")
    parser.add_argument("--served-model-name")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=30000)
    parser.add_argument("--api-key")
    parser.add_argument("--admin-api-key")
    parser.add_argument("--config")
    parser.add_argument("--context-length", type=int, default=16384)
    parser.add_argument("--mem-fraction-static", type=float, default=0.8)
    parser.add_argument("--quantization")
    for flag in ("memory-saver", "weights-cpu-backup", "custom-logit-processor"):
        parser.add_argument(f"--enable-{flag}", action="store_true")
    return parser


async def _live(fake: Fake) -> int:
    """Starts, serves, drains. Dies instead where it was told to."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, _on_sigterm, fake, ended)
    failure = _load_failure(fake)
    if failure in answers.LOAD_FAILURES:
        return await _fail(fake, failure)
    await asyncio.sleep(fake.faults.load_seconds)
    taken = failure == "port"
    server = None
    with contextlib.suppress(OSError):
        server = await asyncio.start_server(
            lambda reader, writer: _connection(fake, reader, writer), fake.options.host, fake.options.port
        )
    if taken or server is None:
        # The real one says so and then neither serves nor ends.
        address = (fake.options.host, fake.options.port)
        error = f"[Errno 98] error while attempting to bind on address {address}"
        log(f"ERROR:    {error}: address already in use")
        await asyncio.Event().wait()
    starting = asyncio.create_task(_get_ready(fake))
    await ended.wait()
    starting.cancel()
    while fake.answering:
        await asyncio.sleep(0.01)
    await asyncio.sleep(fake.faults.stop_seconds)
    return 0


def _on_sigterm(fake: Fake, ended: asyncio.Event) -> None:
    log("SIGTERM received. Draining requests and shutting down...")
    if not fake.faults.ignore_sigterm:
        fake.status = "stopping"
        ended.set()


async def _get_ready(fake: Fake) -> None:
    await asyncio.sleep(fake.faults.start_seconds)
    while fake.faults.never_ready:
        await asyncio.sleep(0.05)
    fake.status = "ready"
    fake.event("ready")
    log(READY)


def _load_failure(fake: Fake) -> str:
    faults, options = fake.faults, fake.options
    if faults.oom_from and options.mem_fraction_static >= faults.oom_from and not options.quantization:
        return "oom"
    return faults.load_failure


async def _fail(fake: Fake, failure: str) -> int:
    text, code = answers.LOAD_FAILURES[failure]
    await asyncio.sleep(fake.faults.load_seconds)
    log(text.format(fraction=fake.options.mem_fraction_static, model=fake.options.model_path))
    fake.event("load_failed", failure=failure)
    if code < 0:
        die()
    return code


# ------------------------------------------------------------ HTTP


async def _connection(fake: Fake, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serves one connection, which clients keep open for many requests."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while request := await _request(reader):
            with fake.at_work():
                status, answer = await _while_listening(fake, reader, request)
                writer.write(_response(status, answer))
                await writer.drain()
    writer.close()


def _response(status: int, answer: Any) -> bytes:
    raw = isinstance(answer, bytes)
    kind, data = ("octet-stream", answer) if raw else ("json", json.dumps(answer).encode())
    head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Internal Server Error')}\r\n"
    head += f"Content-Type: application/{kind}\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes] | None:
    """Method, path, headers, body; None when the client has left."""
    line = await reader.readline()
    if not line.strip():
        return None
    method, path, _ = line.decode("latin-1").split()
    headers: dict[str, str] = {}
    while (line := await reader.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, path.partition("?")[0], headers, body


async def _while_listening(
    fake: Fake, reader: asyncio.StreamReader, request: tuple[str, str, dict[str, str], bytes]
) -> tuple[int, Any]:
    """The answer; the work is cancelled when the client hangs up first."""
    work = asyncio.create_task(_route(fake, *request))
    gone = asyncio.create_task(_hung_up(reader))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        fake.aborted += 1
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        raise ConnectionResetError
    finally:
        gone.cancel()


async def _hung_up(reader: asyncio.StreamReader) -> None:
    """Returns at the end of the stream; a reader cannot be asked without reading, hence the waiting."""
    while not reader.at_eof():
        await asyncio.sleep(0.02)


async def _route(fake: Fake, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
    if not _allowed(fake.options, path, headers.get("authorization", "")):
        return 401, {"error": "Unauthorized"}
    try:
        content = json.loads(body) if body else {}
    except ValueError:
        return error_answer(400, "Invalid JSON body")
    if method == "POST":
        return await _post(fake, path, content)
    match path:
        case "/health" | "/health_generate":
            return await fake.health()
        case "/ready" | "/ping":
            good = fake.status == "ready" or (path == "/ping" and fake.status == "stopping")
            return 200 if good else 503, b""
        case "/model_info" | "/get_model_info":
            name = fake.options.served_model_name
            return 200, {"model_path": fake.options.model_path, "served_model_name": name}
        case "/server_info" | "/get_server_info":
            return 200, {**vars(fake.options), "version": VERSION, "internal_states": [{}]}
        case "/v1/models":
            name, context = fake.options.served_model_name, fake.options.context_length
            card = {"id": name, "object": "model", "created": 0, "owned_by": "sglang", "root": name}
            return 200, {"object": "list", "data": [{**card, "parent": None, "max_model_len": context}]}
        case "/v1/loads":
            return 200, fake.loads()
        case "/metrics":
            return 200, _metrics(fake)
        case "/_fake":
            return 200, fake.stats()
        case _:
            return 404, {"detail": "Not Found"}


async def _post(fake: Fake, path: str, content: dict[str, Any]) -> tuple[int, Any]:
    match path:
        case "/v1/chat/completions":
            return await fake.abortable(fake.chat(content))
        case "/release_memory_occupation":
            return await fake.release()
        case "/resume_memory_occupation":
            return await fake.resume()
        case "/abort_request":
            if content.get("abort_all"):
                fake.abort_all()
            return 200, b""
        case "/_fake":
            known = {field.name for field in fields(Faults)}
            if unknown := set(content) - known:
                return error_answer(400, f"no such fault: {', '.join(unknown)}")
            await fake.change(**content)
            return 200, fake.stats()
        case _:
            return 404, {"detail": "Not Found"}


def _allowed(options: argparse.Namespace, path: str, given: str) -> bool:
    """SGLang's rule: with both keys set the control routes take the admin key only."""
    if path.startswith(_OPEN):
        return True
    wanted = options.admin_api_key or options.api_key if path in _ADMIN else options.api_key
    return not wanted or compare_digest(given.encode(), f"Bearer {wanted}".encode())


def _metrics(fake: Fake) -> bytes:
    """The few of SGLang's figures that anybody reads."""
    label = f'{{model_name="{fake.options.served_model_name}"}}'
    rows = {
        "sglang:num_running_reqs": fake.running,
        "sglang:num_queue_reqs": fake.in_flight - fake.running,
        "sglang:prompt_tokens_total": fake.chats * answers.IMAGE_TOKENS,
        "sglang:generation_tokens_total": fake.tokens,
    }
    return "".join(f"{name}{label} {float(value)}\n" for name, value in rows.items()).encode()
