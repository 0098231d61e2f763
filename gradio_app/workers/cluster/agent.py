"""Agent of a head: the process that speaks Ray, finds the machines of a cluster and hands them parts.

Started by ``connection`` with the address of the cluster. Orders come as lines on stdin; answers and the list
of machines go out on stdout (``messages``). Ray ends a process that lost its cluster, and unpickles what
machines send: neither may happen to the web process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, TaskCancelledError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from gradio_app.base.errors import AppError
from gradio_app.workers.cluster import messages
from gradio_app.workers.cluster.node import RESOURCE, Node, versions
from gradio_app.workers.cluster.transfer import unpack
from gradio_app.workers.interface import PartResult

#: seconds between two requests for the machines of the cluster, and for how long a machine may be silent
WATCH_EVERY, PATIENCE = 1.0, 60.0
#: machines that went away are shown for so many seconds
SHOWN = 600.0
#: a machine whose actor ended gets a new one after so many seconds
AGAIN_AFTER = 5.0
#: documents that stay in the object store for their next parts, and their bytes together
KEPT_SOURCES, KEPT_BYTES = 16, 512 * 2**20
#: calls that one actor takes at the same time: more than its slots, so that questions are answered too
CALLS = 1000

#: Ray's types are incomplete
_ray: Any = ray


class Member:
    """A machine of the cluster: its actor, and what it last said of itself."""

    def __init__(self, key: str, address: str) -> None:
        self.state = messages.MachineState(
            key, address, "joining", since=time.time(), facts=messages.Facts(address, {})
        )
        self.actor: Any = None
        self.retry_at = 0.0
        self.watch: asyncio.Task[None] | None = None

    def move(self, status: messages.Status, why: str, facts: messages.Facts) -> None:
        """Begins another status."""
        self.state = replace(self.state, status=status, why=why, since=time.time(), facts=facts)


class Agent:
    """One connection to a cluster. ``send`` sends a message to the head."""

    def __init__(self, send: Callable[[messages.Answer | messages.Machines], None]) -> None:
        self._send = send
        self._members: dict[str, Member] = {}
        self._jobs: dict[int, asyncio.Task[None]] = {}
        self._sources: OrderedDict[tuple[int, ...], tuple[asyncio.Task[Any], int]] = OrderedDict()
        self._sent = messages.Machines(())

    async def watch(self) -> None:
        """Follows which machines are there, until cancelled."""
        while True:
            for seen in await asyncio.to_thread(_ray.nodes):
                self._note(seen)
            self._send_machines()
            await asyncio.sleep(WATCH_EVERY)

    def _note(self, seen: dict[str, Any]) -> None:
        key = seen["NodeID"]
        member = self._members.get(key)
        if not seen["Alive"]:
            if member is not None and member.state.status != "lost":
                self._lose(member, "It left, or does not answer any more.")
        elif RESOURCE in seen["Resources"]:
            if member is None:
                member = self._members[key] = Member(key, seen["NodeManagerAddress"])
            waits = time.monotonic() < member.retry_at or member.state.status == "refused"
            if member.watch is None and not waits:
                cards = seen["Resources"].get("GPU", 0)
                member.watch = asyncio.create_task(self._attend(member, cards), name=key)

    async def _attend(self, member: Member, cards: float) -> None:
        """The life of a machine's actor: made, asked for its facts again and again, and ended."""
        try:
            made = _ray.remote(Node).options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(member.state.id, soft=False),
                num_cpus=0,
                num_gpus=cards,
                resources={RESOURCE: 1},
                max_concurrency=CALLS,
            )
            member.actor = made.remote()
            member.move("joining", "", member.state.facts)
            facts = await self._ask(member.actor.open, json.dumps(versions()))
            if isinstance(facts, messages.Refused):
                member.move("refused", facts.refused, member.state.facts)
                return
            member.move("ready", "", facts)
            while True:
                self._send_machines()
                await asyncio.sleep(WATCH_EVERY)
                facts = await self._ask(member.actor.describe)
                if isinstance(facts, messages.Facts):
                    member.state = replace(member.state, facts=facts)
        except (RayError, TimeoutError, AppError) as error:
            self._lose(member, _first_line(error))
        finally:
            member.watch = None
            member.retry_at = time.monotonic() + AGAIN_AFTER
            if member.actor is not None:
                _ray.kill(member.actor)
                member.actor = None

    async def _ask(self, method: Any, *arguments: Any) -> messages.Facts | messages.Refused:
        async with asyncio.timeout(PATIENCE):
            return messages.decode(messages.OPENED, await method.remote(*arguments))

    def _lose(self, member: Member, why: str) -> None:
        facts = member.state.facts
        member.move("lost", why, messages.Facts(facts.name, facts.versions))
        self._send_machines()

    def _send_machines(self) -> None:
        for key, member in list(self._members.items()):
            over = member.state.status == "lost" and time.time() - (member.state.since or 0) > SHOWN
            if over and member.watch is None:
                del self._members[key]
        machines = messages.Machines(tuple(member.state for member in self._members.values()))
        if machines != self._sent:
            self._sent = machines
            self._send(machines)

    def take(self, order: messages.Read | messages.Cancel) -> None:
        """Begins to read a part, or cancels one."""
        if isinstance(order, messages.Read):
            self._jobs[order.number] = asyncio.create_task(self._answer(order))
        elif job := self._jobs.get(order.cancel):
            job.cancel()

    async def _answer(self, order: messages.Read) -> None:
        try:
            outcome = await self._read(order)
        except asyncio.CancelledError:
            outcome = messages.Lost("cancelled")
        except RayError as error:
            outcome = messages.Lost(_first_line(error))
        except Exception as error:
            outcome = messages.Failed.of(error)
        self._jobs.pop(order.number, None)
        self._send(messages.Answer(order.number, outcome))

    async def _read(self, order: messages.Read) -> messages.Outcome:
        member = self._members.get(order.machine)
        if member is None or member.actor is None or member.state.status != "ready":
            return messages.Lost("It is not there any more.", begun=False)
        source = await self._put(order.part.source)
        method = member.actor.read.options(num_returns=2)
        answer, files = method.remote(messages.encode(order.part), source)
        try:
            outcome = messages.decode(messages.OUTCOME, await answer)
            packed = await files
        except TaskCancelledError as error:
            raise asyncio.CancelledError from error
        except asyncio.CancelledError:
            _ray.cancel(answer)
            raise
        if isinstance(outcome, PartResult):
            unpacking = asyncio.create_task(asyncio.to_thread(unpack, packed, order.part.out, order.limit))
            try:
                await asyncio.shield(unpacking)
            except asyncio.CancelledError:
                await asyncio.wait([unpacking])  # the folder is deleted after that
                raise
        return outcome

    async def _put(self, source: Path) -> Any:
        """The document in the object store. The files of one upload are links to the same content."""
        found = await asyncio.to_thread(source.stat)
        key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if key not in self._sources:
            putting = asyncio.create_task(asyncio.to_thread(lambda: _ray.put(source.read_bytes())))
            self._sources[key] = (putting, found.st_size)
        self._sources.move_to_end(key)
        held = sum(size for _, size in self._sources.values())
        while len(self._sources) > 1 and (len(self._sources) > KEPT_SOURCES or held > KEPT_BYTES):
            held -= self._sources.popitem(last=False)[1][1]
        try:
            return await asyncio.shield(self._sources[key][0])
        except (OSError, RayError):
            self._sources.pop(key, None)
            raise


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


async def _serve(agent: Agent) -> None:
    """Takes orders until stdin closes, which is when the web process is gone."""
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    watch = asyncio.create_task(agent.watch())
    while line := await lines.readline():
        agent.take(messages.decode(messages.TO_AGENT, line))
        if watch.done():
            break
    watch.cancel()


def main() -> None:
    """Connects and serves. Exit code 1 with a line on stderr when there is no cluster to connect to."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what Ray prints
    os.umask(0o077)
    try:
        _ray.init(
            address=sys.argv[1],
            namespace=RESOURCE,
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.WARNING,
        )
    except (RayError, ConnectionError, RuntimeError, ValueError, AppError) as error:
        sys.stderr.write(f"{_first_line(error)}\n")
        raise SystemExit(1) from None

    def send(message: messages.Answer | messages.Machines) -> None:
        channel.write(messages.encode(message) + "\n")
        channel.flush()

    asyncio.run(_serve(Agent(send)))
    os._exit(0)  # Ray's own end takes seconds, and the machines notice either


if __name__ == "__main__":
    main()
