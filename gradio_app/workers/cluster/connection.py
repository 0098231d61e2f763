"""Connection of a head to its cluster: Ray's own head where it belongs here, and the agent, a process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import deque

from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError
from gradio_app.machine.child_process import Child
from gradio_app.workers.cluster import messages, ray_process
from gradio_app.workers.cluster.capacity import Fleet
from gradio_app.workers.interface import Part

#: seconds until a cluster that was lost is tried again: the first time, and at most
FIRST_PAUSE, LAST_PAUSE = 1.0, 15.0
#: how long a cancelled part may take to let go of its files, in seconds
LET_GO = 5.0
#: the longest line of the agent, in bytes
_LINE = 2**24
_START = "from gradio_app.workers.cluster.agent import main; main()"


class Connection:
    """Keeps ``fleet`` up to date while ``run`` runs. ``error``: why there is no cluster, or empty."""

    def __init__(self, address: ray_process.Address, token: str, folders: Folders, fleet: Fleet) -> None:
        self.address = address
        self.error = ""
        self._token = token
        self._run = folders.run
        self._fleet = fleet
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[messages.Outcome]] = {}
        self._agent: Process | None = None
        self._head: Child | None = None

    async def ask(self, machine: str, part: Part, limit: int) -> messages.Outcome:
        """Lets a machine read a part into ``part.out``, at most ``limit`` bytes. Cancelled, it is stopped."""
        number = next(self._numbers)
        if not self._send(messages.Read(number, machine, part, limit)):
            return messages.Lost("there is no connection to the cluster", begun=False)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            if self._send(messages.Cancel(number)):
                await asyncio.wait([answer], timeout=LET_GO)
            raise
        finally:
            del self._answers[number]

    def _send(self, message: messages.Read | messages.Cancel) -> bool:
        if self._agent is None or self._agent.stdin is None:
            return False
        self._agent.stdin.write(messages.encode(message).encode() + b"\n")
        return True

    async def run(self) -> None:
        """Connects, again whenever the cluster is lost, until cancelled."""
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
                await asyncio.to_thread(ray_process.forget_folder, self._run)

    async def _start_head(self) -> None:
        if self._head is not None and self._head.exit is not None:
            await self._head.end(0)
            self._head = None
        if self.address.ours and self._head is None:
            command, env = ray_process.head_command(self.address, self._run), self._environment()
            self._head = await ray_process.start(command, env, self._run / "tmp", self._run / "ray.log")

    def _environment(self) -> dict[str, str]:
        return ray_process.environment(self._token, alone=self.address.alone)

    async def _talk_while_there_is_a_head(self) -> None:
        """A head that was started here may end at once; the agent would look for it for a while."""
        talk = asyncio.create_task(self._talk(), name="cluster-agent")
        ended = asyncio.create_task(self._head.wait()) if self._head else talk
        try:
            await asyncio.wait({talk, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            talk.cancel()
            ended.cancel()
            await asyncio.wait([talk])
        if self._head is not None and self._head.exit is not None:
            self.error = ray_process.reason(self._head)
        elif not talk.cancelled():
            talk.result()  # raises why it could not begin

    async def _talk(self) -> None:
        """Runs the agent until it ends, or sends a line that is no message."""
        ray_process.program()
        self._agent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _START, str(self.address)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self._run / "cwd",
            env=self._environment(),
            start_new_session=True,
            limit=_LINE,
        )
        assert self._agent.stdout is not None and self._agent.stderr is not None
        tail: deque[str] = deque(maxlen=20)
        drain = asyncio.create_task(_read_into(self._agent.stderr, tail))
        try:
            while line := await self._agent.stdout.readline():
                self.error = ""
                self._hear(messages.decode(messages.TO_HEAD, line))
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

    def _hear(self, message: messages.Answer | messages.Machines) -> None:
        if isinstance(message, messages.Machines):
            self._fleet.update(message.machines)
        elif (answer := self._answers.get(message.number)) and not answer.done():
            answer.set_result(message.outcome)

    def _forget(self) -> None:
        """The cluster is gone: so are its machines, and what they were reading."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(messages.Lost("the connection to the cluster ended"))
        self._fleet.lose_all(self.error)


async def _read_into(stream: asyncio.StreamReader, tail: deque[str]) -> None:
    with contextlib.suppress(ValueError):
        async for line in stream:
            if text := line.decode("utf-8", "replace").strip():
                tail.append(text)
                logger.bind(action="cluster_agent").debug(text)
