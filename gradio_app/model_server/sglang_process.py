"""SGLang as a child process: owns its command, environment, keys, log, memory and end.

Does not cover: which card it gets and with how much memory (``seats.py``), its HTTP (``http_client.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shlex
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loguru import logger

from gradio_app.base.errors import (
    AppError,
    EngineUnavailable,
    GpuOutOfMemory,
    ModelsMissing,
    OptionInvalid,
)
from gradio_app.base.hidden_arguments import OF_SGLANG
from gradio_app.base.page_readers import MINERU, reader_of
from gradio_app.base.settings import Settings
from gradio_app.machine import reader_weights, weights
from gradio_app.machine.cards import Card, choose_cards, gigabytes, read_cards
from gradio_app.machine.child_process import Child
from gradio_app.machine.sglang_python import NO_SGLANG, find_python, installed_version
from gradio_app.model_server import sglang_flags, sizing
from gradio_app.model_server.backend import Backend, CardTaken, End, Endpoint, EngineBroken
from gradio_app.model_server.http_client import ModelApi
from gradio_app.model_server.log_diagnosis import diagnose, hangs
from gradio_app.model_server.seats import Seat

#: loading weights and recording CUDA graphs; the first start also compiles kernels, in seconds
START_TIMEOUT = 900.0
#: it finishes what runs before it ends; nothing does when we stop it, in seconds
STOP_GRACE = 10.0
#: seconds between two questions to a starting server, and to one in use
ASK_EVERY = 0.5
CHECK_EVERY = 15.0
#: checks in a row without an answer, after which a server counts as hung
CHECKS = 3
#: how long the driver may take to show memory as free, in seconds
FREED_WITHIN = 10.0
#: of the memory that the server took, what must be back after sleep and stop
FREED_SHARE = 0.5

_PASSED_ON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_HOME", "XDG_CACHE_HOME")
_PASSED_PREFIXES = ("SGLANG_", "NCCL_", "NVIDIA_", "TRITON_", "FLASHINFER_", "OMP_", "CUDA_MPS_")


class SglangServer(Backend):
    """SGLang on loopback, with keys of its own."""

    kind = "sglang"
    can_sleep = True

    def __init__(
        self,
        settings: Settings,
        run_dir: Path,
        cards: Callable[[], Sequence[Card]] | None = None,
        seat: Seat | None = None,
    ) -> None:
        self._settings = settings
        self._run_dir = run_dir
        self._seat = seat = seat or Seat()
        self.name = seat.name
        suffix = f"-{seat.number + 1}" if seat.number else ""
        self.log = run_dir / f"sglang{suffix}.log"
        self.keys_file = run_dir / f"sglang-keys{suffix}.yaml"
        self._reader = reader_of(settings.reader)
        self._read_cards = cards or (lambda: read_cards(limit=settings.gpu_memory))
        self._own_flags, self._notices = self._translate(None)
        self._copies = sglang_flags.copies(self._own_flags)
        self._cards: list[Card] = []
        self._card: Card | None = None
        self._plan: sizing.Plan | None = None
        self._child: Child | None = None
        self._api: ModelApi | None = None
        self._known: Endpoint | None = None
        self._asleep = False
        self._taken = 0  # bytes of the card that the server took when it started

    @property
    def identity(self) -> str:
        """The version of SGLang, the model, and what changes how it computes."""
        settings, python = self._settings, find_python(self._settings)
        version, reader = installed_version(python) if python else "", self._reader
        named = "" if reader is MINERU else f" {reader.identity}"
        model = reader.weights.folder
        return f"sglang {version} {model} {settings.gpu_profile} {settings.sglang_args}{named}"

    @property
    def notice(self) -> str:
        return self._seat.notice

    @property
    def left_out(self) -> bool:
        return self._seat.left_out

    def patience(self, error: AppError) -> float:
        """A card that others use becomes free again; anything else is tried a few times only."""
        return self._settings.engine_patience if isinstance(error, CardTaken) else 0.0

    async def start(self, step: int) -> Endpoint:
        """Plans for the card as it is now and starts; returns when the server generates.

        Raises ``ModelsMissing``, ``CardTaken`` or ``GpuOutOfMemory`` before anything is started, and
        what its log says when it does not come up.
        """
        async with self._seat.card.turn:
            return await self._start(step)

    async def _start(self, step: int) -> Endpoint:
        python = find_python(self._settings)
        if python is None:
            raise EngineBroken(NO_SGLANG)
        model = self._model()
        self._cards = await self._choose_cards()
        card = self._card = min(self._cards, key=lambda card: card.free, default=None)
        if card and (problem := sizing.too_old(self._reader, card.capability)):
            raise EngineBroken(problem)
        await self._seat.claim(card)
        self._plan = self._make_plan(card, step) if card else None
        self._own_flags, self._notices = self._translate(card)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        key, admin_key = secrets.token_hex(24), secrets.token_hex(24)
        command = [str(python), "-m", "sglang.launch_server", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--model-path", str(model), "--served-model-name", model.name]
        planned = [
            *sizing.base_flags(),
            *self._reader.flags(str(model)),
            *(self._plan.flags if self._plan else ()),
        ]
        command += sglang_flags.merge(planned, self._own_flags)
        logger.bind(action="engine_start").info("starting SGLang: {}", shlex.join(command))
        command += self._hand_over(key, admin_key)
        self._asleep = False
        try:
            self._child = await Child.spawn(command, self._environment(), self._run_dir, self.log)
        except OSError as error:
            raise EngineBroken(f"SGLang cannot be started: {error}.") from error
        self._seat.pids = self._child.pids
        self._api = ModelApi(f"http://127.0.0.1:{port}", key, admin_key)
        try:
            await asyncio.wait_for(self._until_ready(), START_TIMEOUT)
        except TimeoutError:
            minutes = f"{START_TIMEOUT / 60:.0f} minutes"
            raise EngineUnavailable(f"The model server did not start within {minutes}.") from None
        self.keys_file.unlink(missing_ok=True)
        self._known = await self._api.endpoint()
        await self._seat.admit()
        self._taken = self._seat.taken = await self._taken_since(card)
        return self._known

    def _translate(self, card: Card | None) -> tuple[list[str], list[str]]:
        """The administrator's flags in today's names, and what was changed. ``OptionInvalid`` if broken."""
        given = shlex.split(self._settings.sglang_args)
        if any(item.key in OF_SGLANG for item in sglang_flags.split(given)):
            raise OptionInvalid(
                "Keys and passwords do not belong into sglang_args: the model server of the page has keys of "
                "its own, made at each start."
            )
        return sglang_flags.translate(given, card.capability if card else None)

    def _hand_over(self, key: str, admin_key: str) -> list[str]:
        """The keys, in a file for us alone: a command line is read by every user of the machine."""
        if "--config" in self._own_flags:  # SGLang takes one such file only
            return ["--api-key", key, "--admin-api-key", admin_key]
        self.keys_file.unlink(missing_ok=True)
        with open(self.keys_file, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(f'api-key: "{key}"\nadmin-api-key: "{admin_key}"\n')
        return ["--config", str(self.keys_file)]

    def _model(self) -> Path:
        """The folder of the weights; ``ModelsMissing`` when they are not there."""
        folder = weights.model_folder(self._settings.model_dir)
        if problem := reader_weights.problem(folder, self._reader):
            raise ModelsMissing(f"{problem}retry.")
        return folder / self._reader.weights.folder

    async def _choose_cards(self) -> list[Card]:
        """The cards to use now: one, or as many as its flags spread the model over; none without any.

        ``EngineUnavailable`` when the card of this server, or one of several, is not there.
        """
        seen = await asyncio.to_thread(self._read_cards)
        setting = self._seat.cards or self._settings.gpu
        found = sorted(choose_cards(seen, setting), key=lambda card: -card.free)
        if not found and self._seat.cards not in ("", self._settings.gpu):
            raise EngineUnavailable(f"The driver does not show card {setting} any more.")
        if found and len(found) < self._copies and setting == "auto":
            found += sorted((card for card in seen if card not in found), key=lambda card: -card.free)
        if found and len(found) < self._copies:
            raise EngineBroken(
                f"The flags of SGLang ask for {self._copies} cards; {len(found)} can be used (setting: gpu)."
            )
        return found[: self._copies]

    def _make_plan(self, card: Card, step: int) -> sizing.Plan:
        copies = sglang_flags.number_of(self._own_flags, "--dp-size")
        try:
            return self._seat.plan(self._settings, card, step, copies)
        except GpuOutOfMemory as error:
            if not self._seat.shares and (strangers := self._seat.strangers(card)):
                raise CardTaken(f"{error.message} It is used by {strangers}.") from error
            raise

    def _environment(self) -> dict[str, str]:
        """The least it needs: none of our tokens, and nothing that makes it call outside."""
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {name: text for name, text in os.environ.items() if name.startswith(_PASSED_PREFIXES)}
        env = sizing.environment(env)
        env |= {"PYTHONUNBUFFERED": "1", "TMPDIR": str(self._run_dir / "tmp")}
        env["CUDA_VISIBLE_DEVICES"] = ",".join(card.uuid for card in self._cards)
        return env | self._seat.environment()

    async def _until_ready(self) -> None:
        assert self._child is not None and self._api is not None
        ended = asyncio.create_task(self._child.wait())
        try:
            while not ended.done():
                with contextlib.suppress(EngineUnavailable):
                    if await self._api.healthy():
                        return
                await asyncio.wait([ended], timeout=ASK_EVERY)
                if hangs(self._child.tail):
                    raise diagnose(self._child.tail, None)
            raise diagnose(self._child.tail, ended.result())
        finally:
            ended.cancel()

    async def stop(self, end: End = "rest") -> None:
        child, api, taken = self._child, self._api, self._seat.taken
        self._child, self._api, self._asleep = None, None, False
        self._seat.pids, self._seat.taken = list[int], 0
        self.keys_file.unlink(missing_ok=True)  # of a start that did not come up
        if child is not None:
            await child.end(STOP_GRACE if end == "rest" else 0)
        if api is not None:
            await api.close()
        if child is not None and taken and end != "exit":
            await self._confirm(taken, "stop")

    async def drain(self) -> None:
        assert self._api is not None
        await self._api.drain()

    async def sleep(self) -> None:
        assert self._api is not None
        self._asleep, self._seat.taken = True, 0
        await self._api.sleep()
        await self._confirm(self._taken, "sleep")

    async def wake(self) -> None:
        assert self._api is not None
        card = await self._card_now()
        if card is not None and card.free < self._taken:
            who = self._seat.strangers(card)
            raise CardTaken(
                f"The model needs {gigabytes(self._taken)} and {gigabytes(card.free)} are free"
                f"{f': the card is used by {who}' if who else ''}."
            )
        await self._api.wake()
        self._asleep, self._seat.taken = False, self._taken

    async def _card_now(self) -> Card | None:
        if self._card is None:
            return None
        uuid = self._card.uuid
        return next((card for card in await asyncio.to_thread(self._read_cards) if card.uuid == uuid), None)

    async def _taken_since(self, before: Card | None) -> int:
        now = await self._card_now()
        if now and self._seat.shares and (held := self._seat.held(now)):
            return held  # what is free changes with the others too
        return max(0, before.free - now.free) if before and now else 0

    async def _confirm(self, taken: int, what: str) -> None:
        """Waits until the driver shows the memory as free: SGLang answers before it is."""
        before = self._card
        if before is None or not taken or self._seat.shares:
            return  # what is free of a shared card says nothing of one server
        for _ in range(int(FREED_WITHIN / ASK_EVERY)):
            now = await self._card_now()
            if now is None or before.free - now.free <= (1 - FREED_SHARE) * taken:
                return
            await asyncio.sleep(ASK_EVERY)
        logger.bind(action="engine_memory").warning(
            "after the {} the card's memory is not free yet: somebody else may have taken it", what
        )

    async def check(self) -> None:
        if self._child is None or self._api is None:
            raise EngineUnavailable()
        if self._child.exit is not None:
            raise diagnose(self._child.tail, self._child.exit)
        if not await self._api.healthy():
            raise EngineUnavailable("The model server says that it is not well.")

    async def died(self) -> AppError:
        """Returns when it has ended by itself, or did not answer several times in a row: why."""
        assert self._child is not None
        child, missed = self._child, 0
        ended = asyncio.create_task(child.wait())
        try:
            while missed < CHECKS:
                await asyncio.wait([ended], timeout=CHECK_EVERY)
                if ended.done():
                    return diagnose(child.tail, ended.result())
                missed += 1
                with contextlib.suppress(EngineUnavailable):
                    if not self._asleep:
                        await self.check()
                    missed = 0
            return EngineUnavailable("The model server hangs: it did not answer for a while.")
        finally:
            ended.cancel()

    def describe(self) -> dict[str, Any]:
        plan, known = self._plan, self._known
        return super().describe() | {
            "model": known.model if known else self._reader.weights.folder,
            "version": known.version if known else "",
            "profile": plan.profile if plan else "",
            "why": [*(plan.why if plan else ()), *self._notices],
            "card": self._card.uuid if self._card else "",
            "cards": [card.uuid for card in self._cards],
            "pids": self._seat.pids(),
        }
