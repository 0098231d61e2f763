"""The state of the fake model server: it answers at once and goes wrong when told to.

Only the standard library, so that any Python starts it. It keeps SGLang's rules: whoever breaks one (a
request while its memory is released, a release while it works) is written down, and the server dies.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from tests.fakes import reader_answers
from tests.fakes import sglang_answers as answers

VERSION = "0.5.23"
READY = "The server is fired up and ready to roll!"
#: bytes that the make-believe card has in use
LOADED, ASLEEP = 12 * 2**30, 600 * 2**20


@dataclass
class Faults:
    """How fast it is and what goes wrong; everything can be changed while it runs (``POST /_fake``)."""

    slots: int = 64  #: requests at the same time; more of them wait
    delay: float = 0.0  #: seconds each request takes
    load_seconds: float = 0.0  #: until the port is open or loading fails
    start_seconds: float = 0.0  #: from then until it is ready
    never_ready: bool = False  #: listens, but never gets ready
    stop_seconds: float = 0.0  #: between SIGTERM and the end, when nothing runs
    ignore_sigterm: bool = False
    health_seconds: float = 0.01  #: the real one takes one second
    health_timeout: float = 20.0  #: until /health of a server that hangs answers 503
    hang: bool = False  #: chats are taken and never answered
    lingers: float = 0.0  #: seconds a chat goes on when its client has left (the real one: up to four)
    fail_status: int = 0  #: chats answer this (500, 503, 400, ...)
    fail_every: int = 1  #: only every n-th of them
    fail_match: dict[str, Any] | None = None  #: only those with such a picture (see ``matches``)
    poison: dict[str, Any] | None = None  #: such a picture kills the server
    die_at: int = 0  #: the n-th chat kills the server
    die_on_release: bool = False
    die_on_resume: bool = False
    release_early: float = 0.0  #: memory is free only so many seconds after release has answered
    keeps_memory: bool = False  #: release answers 200 and frees nothing
    forgiving: bool = False  #: a broken rule is only written down
    garbage: str = ""  #: binary | text | json | shape | empty: what chats answer instead
    answer: str = ""  #: a kind in ``reader_answers.BAD``: what becomes of a page model's answers
    endless: bool = False  #: answers stop at max_tokens only; without it, when the client leaves
    load_failure: str = ""  #: a name in ``LOAD_FAILURES``, ``port`` or ``bad_flag``
    oom_from: float = 0.0  #: out of memory unless quantised or --mem-fraction-static is below this


class Fake:
    """The state of one running server."""

    def __init__(self, options: argparse.Namespace, faults: Faults, home: Path | None) -> None:
        self.options, self.faults, self.home = options, faults, home
        self.status, self.released, self.freed_at = "starting", False, 0.0
        self.chats = self.aborted = self.releases = self.resumes = self.tokens = 0
        self.in_flight = self.running = self.peak = self.answering = 0
        self.busy, self._changed_at = 0.0, time.monotonic()
        self.rule_breaks: list[str] = []
        self.bodies: deque[dict[str, Any]] = deque(maxlen=50)
        self._turn = asyncio.Condition()
        self._aborts: set[asyncio.Task[Any]] = set()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Keeps SIGTERM waiting until an answer has left."""
        self.answering += 1
        try:
            yield
        finally:
            self.answering -= 1

    # ------------------------------------------------------------ what is written down

    def event(self, event: str, /, **more: Any) -> None:
        """Adds a line that outlives the process; one write, as several servers may share the file."""
        if self.home is None:
            return
        line = json.dumps({"event": event, "pid": os.getpid(), "time": time.time(), **more}) + "\n"
        with (self.home / "events.jsonl").open("ab", buffering=0) as file:
            file.write(line.encode())

    def broke_rule(self, what: str) -> None:
        """What kills the real server."""
        self.rule_breaks.append(what)
        self.event("rule_break", what=what)
        log(f"RULE BROKEN: {what}")
        if not self.faults.forgiving:
            die()

    def stats(self) -> dict[str, Any]:
        self._count(0)
        return {
            "pid": os.getpid(),
            "status": self.status,
            "released": self.released,
            "memory_used": self.memory_used(),
            "requests": self.chats,
            "in_flight": self.in_flight,
            "running": self.running,
            "peak": self.peak,
            "busy_seconds": round(self.busy, 3),
            "aborted": self.aborted,
            "releases": self.releases,
            "resumes": self.resumes,
            "tokens": self.tokens,
            "rule_breaks": self.rule_breaks,
            "bodies": list(self.bodies),
            "faults": asdict(self.faults),
        }

    def memory_used(self) -> int:
        """Bytes on the make-believe card."""
        free = self.released and not self.faults.keeps_memory and self.options.enable_memory_saver
        return ASLEEP if free and time.monotonic() >= self.freed_at else LOADED

    def _count(self, change: int) -> None:
        now = time.monotonic()
        self.busy += self.running * (now - self._changed_at)
        self._changed_at, self.running = now, self.running + change
        self.peak = max(self.peak, self.running)

    async def change(self, **faults: Any) -> None:
        """Sets faults; those who wait for a slot look again."""
        self.faults = Faults(**{**asdict(self.faults), **faults})
        async with self._turn:
            self._turn.notify_all()

    # ------------------------------------------------------------ chats

    async def chat(self, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and answer of one request."""
        if self.released:
            self.broke_rule("a chat while memory is released")
        try:
            prompt, picture = answers.question(body["messages"])
            limit = self._checked_limit(body)
        except (KeyError, TypeError, ValueError) as error:
            return error_answer(400, f"{error}")
        self.chats += 1
        number = self.chats
        self.bodies.append(without_pictures(body))
        if number == self.faults.die_at or answers.matches(picture, self.faults.poison):
            self.event("died", request=number)
            die()
        self.in_flight += 1
        try:
            async with self._slot():
                return await self._answer(number, prompt, picture, limit)
        finally:
            self.in_flight -= 1

    def _checked_limit(self, body: dict[str, Any]) -> int | None:
        """``max_tokens`` of a request. Raises ``ValueError`` as SGLang refuses it."""
        limit, context = body.get("max_tokens"), self.options.context_length
        if limit is not None and (not isinstance(limit, int) or limit < 0):
            raise ValueError(f"max_new_tokens must be at least 0, got {limit}.")
        if limit and limit + answers.IMAGE_TOKENS > context:
            total = limit + answers.IMAGE_TOKENS
            raise ValueError(
                f"Requested token count exceeds the model's maximum context length of {context} tokens. "
                f"You requested a total of {total} tokens"
            )
        if body.get("custom_logit_processor") and not self.options.enable_custom_logit_processor:
            raise ValueError("The server is not configured to enable custom logit processor.")
        return limit

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        async with self._turn:
            await self._turn.wait_for(lambda: self.running < self.faults.slots)
            self._count(1)
        try:
            yield
        finally:
            self._count(-1)
            async with self._turn:
                self._turn.notify_all()

    async def _answer(self, number: int, prompt: str, picture: bytes, limit: int | None) -> tuple[int, Any]:
        faults = self.faults
        await asyncio.sleep(faults.delay)
        while self.faults.hang or (self.faults.endless and limit is None):
            await asyncio.sleep(0.02)
        if self._fails(number, picture):
            return error_answer(faults.fail_status, "made to fail")
        if faults.garbage:
            return 200, garbage(faults.garbage)
        text, reason = answers.answer(prompt, picture), "stop"
        if page := reader_answers.good(prompt, answers.sha(picture)[:10], answers.size(picture)):
            text = reader_answers.BAD.get(faults.answer, str)(page)
            reason = "length" if faults.answer in ("cut", "loop") else "stop"
        if self.options.weights_lost:
            text = "".join(chr(0x4E00 + byte) for byte in picture[-16:])
        count = len(text) // 3
        if faults.endless and limit is not None:
            text, reason, count = "and so on " * (limit // 3), "length", limit
        elif limit is not None and count > limit:
            text, reason, count = text[: 3 * limit], "length", limit
        self.tokens += count
        return 200, completion(self.options.served_model_name, number, text, reason, count)

    def _fails(self, number: int, picture: bytes) -> bool:
        faults = self.faults
        chosen = faults.fail_match is None or answers.matches(picture, faults.fail_match)
        return bool(faults.fail_status) and number % max(1, faults.fail_every) == 0 and chosen

    async def abortable(self, work: Awaitable[tuple[int, Any]]) -> tuple[int, Any]:
        """Runs a chat so that ``/abort_request`` can end it."""
        task = asyncio.ensure_future(work)
        self._aborts.add(task)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():  # the client has left
                await asyncio.wait({task}, timeout=self.faults.lingers)
                task.cancel()
                raise
            return 200, completion(self.options.served_model_name, self.chats, "", "abort", 0)
        finally:
            self._aborts.discard(task)

    def abort_all(self) -> None:
        for task in self._aborts:
            task.cancel()

    # ------------------------------------------------------------ sleep and wake

    async def release(self) -> tuple[int, Any]:
        self.event("release", in_flight=self.in_flight)
        self.releases += 1
        if self.in_flight:
            self.broke_rule("release while requests run")
        if self.released and self.options.enable_memory_saver:
            self.broke_rule("release twice")
        if self.faults.die_on_release:
            die()
        self.released, self.freed_at = True, time.monotonic() + self.faults.release_early
        return 200, None

    async def resume(self) -> tuple[int, Any]:
        self.event("resume", in_flight=self.in_flight)
        self.resumes += 1
        if not self.released:
            self.broke_rule("resume without a release")
        if self.faults.die_on_resume:
            die()
        self.released = False
        self.options.weights_lost |= not self.options.enable_weights_cpu_backup
        return 200, None

    async def health(self) -> tuple[int, Any]:
        if self.status != "ready":
            return 503, b""
        if self.released:
            self.broke_rule("a health check while memory is released")
        await asyncio.sleep(self.faults.health_timeout if self.faults.hang else self.faults.health_seconds)
        return (503 if self.faults.hang else 200), b""

    def loads(self) -> dict[str, Any]:
        """The answer of ``/v1/loads``; the names are the real ones, most figures are zero."""
        used = self.running * answers.IMAGE_TOKENS
        core = {
            "timestamp": time.time(),
            "dp_rank": 0,
            "num_running_reqs": self.running,
            "num_waiting_reqs": self.in_flight - self.running,
            **dict.fromkeys(("num_used_tokens", "num_total_tokens", "num_active_tokens"), used),
            **dict.fromkeys(("num_waiting_uncached_tokens", "num_prealloc_ready_tokens"), 0),
            **dict.fromkeys(("gen_throughput", "cache_hit_rate"), 0.0),
            "max_total_num_tokens": 8 * self.options.context_length,
            "max_running_requests": self.faults.slots,
            "token_usage": round(used / (8 * self.options.context_length), 4),
            "utilization": round(self.running / max(1, self.faults.slots), 4),
            "total_prefill_uncached_tokens": self.chats * answers.IMAGE_TOKENS,
            "total_prefill_busy_us": 0,
            "decode_moments": None,
            "memory": {"weight_gb": 2.2, "kv_cache_gb": 1.0, "graph_gb": 0.0, "token_capacity": 131072},
            "queues": dict.fromkeys(("waiting", "grammar", "paused", "retracted", "prealloc_ready"), 0),
        }
        head = {"timestamp": datetime.now(UTC).isoformat(), "version": VERSION}
        return {**head, "accelerator": "fake", "num_accelerators": 1, "loads": [core]}


def error_answer(code: int, message: str) -> tuple[int, Any]:
    kind = "BadRequestError" if code == 400 else "InternalServerError"
    return code, {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def completion(model: str, number: int, text: str, reason: str, tokens: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "reasoning_content": None, "tool_calls": None}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": reason,
        "matched_stop": 151645,
    }
    usage = {
        "prompt_tokens": answers.IMAGE_TOKENS,
        "completion_tokens": tokens,
        "total_tokens": answers.IMAGE_TOKENS + tokens,
    }
    head = {"id": f"fake-{number}", "object": "chat.completion", "created": int(time.time()), "model": model}
    return {**head, "choices": [choice], "usage": usage}


def garbage(kind: str) -> Any:
    """An answer of status 200 that is none."""
    return {
        "binary": bytes(range(256)),
        "text": b"<html><body>It works!</body></html>",
        "json": {"result": ["nothing", "of", "use"]},
        "shape": {"choices": ["nothing"], "usage": "none"},
        "empty": b"",
    }[kind]


def without_pictures(body: dict[str, Any]) -> dict[str, Any]:
    """A request with the SHA-256 in the place of each picture."""
    copy = json.loads(json.dumps(body))
    for message in copy["messages"]:
        for part in message["content"] if isinstance(message["content"], list) else []:
            if part["type"] == "image_url":
                data = part["image_url"]["url"].partition(",")[2]
                part["image_url"]["url"] = "sha256:" + answers.sha(answers.base64.b64decode(data))
    return copy


def log(text: str) -> None:
    sys.stderr.write(f"[{datetime.now():%Y-%m-%d %H:%M:%S}] {text}\n")
    sys.stderr.flush()


def die() -> NoReturn:
    """As SGLang does when its scheduler has failed."""
    log("kill_process_tree called")
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not reached")
