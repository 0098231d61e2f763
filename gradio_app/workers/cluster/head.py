"""Reads parts on all machines of a Ray cluster, this one included. What speaks Ray is a process of its own.

A part goes to the machine with the most free slots. What a lost machine was reading is read again elsewhere;
without any other machine this one goes on alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import (
    PASSING,
    AppError,
    EngineLost,
    EngineUnavailable,
    GpuOutOfMemory,
    ModelsMissing,
    NodeLost,
    OptionInvalid,
    from_code,
)
from gradio_app.base.settings import Settings
from gradio_app.engine import ModelSingleton
from gradio_app.machine.child_process import Child
from gradio_app.machine.weights import model_folder, small_models
from gradio_app.workers.cluster import ray_process
from gradio_app.workers.cluster.capacity import LOST_OUT, Place
from gradio_app.workers.cluster.node import versions
from gradio_app.workers.interface import Part, PartResult, Slots, nobody
from gradio_app.workers.local import LocalWorkers
from gradio_app.workers.pool import WorkerPool

#: seconds until a cluster that was lost is tried again: the first time, and at most
FIRST_PAUSE, LAST_PAUSE = 1.0, 15.0
#: how long a cancelled part may take to let go of its files, in seconds
LET_GO = 5.0
#: the longest line of the agent, in bytes
_LINE = 2**24
#: errors of a machine's model server: another one's may work
_NO_ENGINE = (EngineUnavailable, GpuOutOfMemory, ModelsMissing)
_NO_MODELS = (
    "The machine of the model server lacks the layout and OCR models. Install them there with "
    "./start_mineru_optimized.sh models, then start it again."
)
_START = "from gradio_app.workers.cluster.agent import main; main()"


class _NotBegun(NodeLost):
    """The machine had gone before it took the part, which cannot be why."""


class ClusterWorkers:
    """``Workers`` of a cluster. Use ``open`` and ``close``."""

    def __init__(self, settings: Settings, folders: Folders, local: LocalWorkers, token: str) -> None:
        self._settings = settings
        self._folders = folders
        self._local = local
        self._models_here = small_models(model_folder(settings.model_dir))
        self._token = token
        self.address = ray_process.parse_address(settings.ray_address)
        self._here = Place()
        self._places: dict[str, Place] = {}
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._agent: Process | None = None
        self._head: Child | None = None
        self._life: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self.error = ""
        self.changed = nobody

    # ------------------------------------------------------------ what the queue asks

    @property
    def engine(self) -> ModelSingleton:
        """The model server of this machine."""
        return self._local.engine

    @property
    def here(self) -> WorkerPool:
        """The processes of this machine."""
        return self._local.here

    @property
    def slots(self) -> Slots:
        """Those of all machines that are there now."""
        return {vision: sum(place.slots(vision) for place in self._all()) for vision in (False, True)}

    @property
    def identity(self) -> str:
        """Those of all machines: usually it is the same everywhere."""
        there = (str(place.facts["identity"]) for place in self._places.values() if place.slots(True))
        here = self._local.identity if self._models_here else ""
        return " + ".join(sorted({here, *there} - {""}))

    @property
    def models_elsewhere(self) -> bool:
        """Whether a machine that is there has the small models."""
        return any(place.fits(models=True) for place in self._places.values())

    @property
    def trouble(self) -> str:
        """Why no machine has an engine now."""
        return "" if self.identity else self._local.trouble or _NO_MODELS

    def describe(self) -> dict[str, Any]:
        """The cluster, for people: its address, why it is not connected, its machines."""
        machines = [
            {
                **place.facts,
                "busy": {"compute": place.busy[False], "vision": place.busy[True]},
                "pages": place.pages,
            }
            for place in self._all()
        ]
        machines[0] |= {
            "id": "",
            "name": socket.gethostname(),
            "address": "",
            "why": "",
            "versions": versions(),
        }
        return {"address": str(self.address), "error": self.error, "machines": machines}

    def _all(self) -> list[Place]:
        slots = self._local.slots
        vision = slots[True] if self._local.engine.available and self._models_here else 0
        slots = {"compute": slots[False], "vision": vision}
        self._here.facts = {"status": "ready", "slots": slots, "models": self._models_here}
        return [self._here, *self._places.values()]

    # ------------------------------------------------------------ reading

    async def read(self, part: Part) -> PartResult:
        """See ``Workers.read``; ``NodeLost`` when the machine that read it went away."""
        while True:
            place = await self._choose(part.vision, part.models)
            place.busy[part.vision] += 1
            try:
                result = await (self._read_there(place, part) if place.key else self._local.read(part))
                place.pages += result.pages
                return result
            except EngineLost:
                raise
            except NodeLost as error:
                # what became of it is told a moment later: till then the next parts are not lost with it
                place.leave_out(False, True, seconds=LOST_OUT)
                if not isinstance(error, _NotBegun):
                    raise
            except _NO_ENGINE:
                if not part.vision or not self._elsewhere(place):
                    raise
                place.leave_out(True)
            finally:
                place.busy[part.vision] -= 1
                self._make_room()

    def _elsewhere(self, place: Place) -> bool:
        return any(other.slots(True) for other in self._all() if other is not place)

    async def _choose(self, vision: bool, models: bool) -> Place:
        """The least loaded machine for this kind; waits while there is none at all."""
        while True:
            places = [place for place in self._all() if place.slots(vision) and place.fits(models)]
            if places:
                # this machine first when all are equal: nothing has to be sent
                return min(places, key=lambda place: place.busy[vision] / place.slots(vision))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), 1.0)

    async def _read_there(self, place: Place, part: Part) -> PartResult:
        number, order = next(self._numbers), asdict(part)
        paths = {name: str(order.pop(name)) for name in ("source", "out", "tmp")}
        order["suffix"] = part.source.suffix.lstrip(".")
        asked: dict[str, Any] = {"machine": place.key, "part": order, **paths}
        asked["limit"] = self._settings.worker_memory_limit
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"number": number, "read": asked})
            return self._understood(place, part, await asyncio.shield(answer))
        except asyncio.CancelledError:
            with contextlib.suppress(NodeLost):  # then nobody reads it any more
                self._send({"cancel": number})
                await asyncio.wait([answer], timeout=LET_GO)
            raise
        finally:
            self._answers.pop(number, None)

    def _understood(self, place: Place, part: Part, said: Mapping[str, Any]) -> PartResult:
        if "result" in said:
            return PartResult.of(said["result"])
        name = place.facts.get("name") or "A machine of the cluster"
        if "error" not in said:
            logger.bind(action="node_lost", node=name).warning("{} was lost: {}", name, said.get("lost", ""))
            raise NodeLost() if said.get("begun", True) else _NotBegun()
        told = said["error"]
        error = from_code(told["code"], told["message"])
        if told["kind"] == EngineLost.__name__:
            raise EngineLost(told["message"])
        if isinstance(error, PASSING):  # of that machine: its disk, its files
            place.leave_out(part.vision)
            logger.bind(action="node_trouble", node=name).warning("{} rests: {}", name, error.message)
            raise NodeLost()
        raise error

    # ------------------------------------------------------------ the agent

    def open(self) -> ClusterWorkers:
        """Begins to look for machines."""
        self._life = asyncio.create_task(self._live(), name="cluster")
        return self

    async def close(self) -> None:
        """Lets go of the cluster, and ends it if it was started here."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
        await self._local.close()

    async def _live(self) -> None:
        pause = FIRST_PAUSE
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._start_head()
                    await self._talk_while_there_is_a_head()
                except AppError as error:
                    self.error = error.message
                self._forget()
                logger.bind(action="cluster_lost").warning(
                    "no cluster at {}: {}", str(self.address), self.error
                )
                pause = FIRST_PAUSE if time.monotonic() - began > 60 else min(2 * pause, LAST_PAUSE)
                await asyncio.sleep(pause)
        finally:
            self._forget()
            await self._end_agent()
            if self._head is not None:
                await self._head.end(2.0)

    async def _start_head(self) -> None:
        if self._head is not None and self._head.exit is not None:
            await self._head.end(0)
            self._head = None
        if self.address.ours and self._head is None:
            command, env = ray_process.head_command(self.address), ray_process.environment(self._token)
            folder = self._folders.run / "tmp"
            self._head = await ray_process.start(command, env, folder, self._folders.run / "ray.log")

    async def _talk_while_there_is_a_head(self) -> None:
        """One that was started here may end at once; the agent would look for it for a while."""
        talk = asyncio.create_task(self._talk(), name="cluster-agent")
        ended = asyncio.create_task(self._head.wait()) if self._head else None
        try:
            await asyncio.wait({talk, *([ended] if ended else [])}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in filter(None, (talk, ended)):
                task.cancel()
            await asyncio.wait([talk])
        if self._head is not None and self._head.exit is not None:
            self.error = ray_process.reason(self._head)
        elif not talk.cancelled():
            talk.result()  # raises why it could not begin

    async def _talk(self) -> None:
        """Runs the agent until it ends."""
        ray_process.program()
        orders = json.dumps({"address": str(self.address)})
        self._agent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _START, orders),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self._folders.run / "cwd",
            env=ray_process.environment(self._token),
            start_new_session=True,
            limit=_LINE,
        )
        assert self._agent.stdout is not None and self._agent.stderr is not None
        tail: deque[str] = deque(maxlen=20)
        drain = asyncio.create_task(_read_into(self._agent.stderr, tail))
        try:
            while line := await self._agent.stdout.readline():
                self.error = ""
                self._hear(json.loads(line))
        finally:
            await self._end_agent()
            await asyncio.wait([drain], timeout=1)
            drain.cancel()
        self.error = next(reversed(tail), "") or "The connection to Ray ended."

    async def _end_agent(self) -> None:
        agent, self._agent = self._agent, None
        if agent is not None and agent.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(agent.pid, 9)
            await agent.wait()

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._agent is None or self._agent.stdin is None:
            raise _NotBegun()
        self._agent.stdin.write(json.dumps(message).encode() + b"\n")

    def _hear(self, message: dict[str, Any]) -> None:
        if "machines" in message:
            self._note(message["machines"])
        elif (answer := self._answers.get(message.pop("number"))) and not answer.done():
            answer.set_result(message)

    def _note(self, machines: list[dict[str, Any]]) -> None:
        before = self._places
        self._places = {facts["id"]: before.get(facts["id"]) or Place(facts["id"]) for facts in machines}
        for facts, place in zip(machines, self._places.values(), strict=True):
            if facts["status"] != place.facts.get("status"):
                text = f"{facts['name']} ({facts['address']}) is {facts['status']}. {facts['why']}".rstrip()
                logger.bind(action=f"node_{facts['status']}").info("cluster: {}", text)
                place.out_until.clear()
            place.facts = facts
        self._make_room()

    def _forget(self) -> None:
        """The cluster is gone: so are all machines but this one, and what they were reading."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result({"lost": "the connection to the cluster ended"})
        for place in self._places.values():
            if place.facts["status"] != "lost":
                place.facts = {**place.facts, "status": "lost", "why": self.error, "since": time.time()}

    def _make_room(self) -> None:
        self._room.set()
        self._room = asyncio.Event()
        self.changed()


def cluster_token(settings: Settings, made: str) -> str:
    """The password of the cluster: the given one, or ``made`` for one that is begun here; empty: none.

    Raises ``OptionInvalid`` when the settings cannot be meant.
    """
    if settings.ray_address:
        return settings.ray_token or (made if ray_process.parse_address(settings.ray_address).ours else "")
    if not settings.workers:
        raise OptionInvalid("With --workers 0 nobody would read: that is for clusters (--ray-address).")
    return ""


def say_how_to_join(settings: Settings, token: str) -> None:
    """Prints the command for other machines."""
    where = ray_process.parse_address(settings.ray_address)
    host = where.host or socket.gethostname()
    secret = "" if settings.ray_token else f"MINERU_APP_RAY_TOKEN={token} " * where.ours
    command = f"{secret}./start_mineru_optimized.sh worker --address {host}:{where.port}"
    logger.bind(action="cluster").info("other machines join with: {}", command)


async def _read_into(stream: asyncio.StreamReader, tail: deque[str]) -> None:
    with contextlib.suppress(ValueError):
        async for line in stream:
            if text := line.decode("utf-8", "replace").strip():
                tail.append(text)
                logger.bind(action="cluster_agent").debug(text)
