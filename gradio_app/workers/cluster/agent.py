"""The process that speaks Ray for the web process: it finds the machines of a cluster and hands them parts.

Started by ``cluster`` with one argument, JSON: ``address`` of the cluster. Orders come as JSON lines on
stdin, answers and the list of machines go out on stdout. Ray ends a process that lost its cluster, and it
unpickles what machines send: neither may happen to the web process, so Ray lives here.
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
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, TaskCancelledError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from gradio_app.base.errors import AppError, as_app_error
from gradio_app.workers.cluster.node import RESOURCE, Node, versions
from gradio_app.workers.cluster.transfer import unpack

#: seconds between two looks at who is in the cluster, and for how long a machine may be silent
LOOK_EVERY, PATIENCE = 1.0, 60.0
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


class Machine:
    """A machine of the cluster: its actor, and what it last said of itself."""

    def __init__(self, key: str, address: str) -> None:
        self.key = key
        self.address = address
        self.status = "joining"
        self.why = ""
        self.facts: dict[str, Any] = {}
        self.actor: Any = None
        self.since = time.time()
        self.retry_at = 0.0
        self.watch: asyncio.Task[None] | None = None

    def move(self, status: str, why: str = "") -> None:
        """``joining``, ``ready``, ``refused`` or ``lost``."""
        self.status, self.why, self.since = status, why, time.time()

    def to_dict(self) -> dict[str, Any]:
        """What the web process is told."""
        shown = {"id": self.key, "address": self.address, "status": self.status, "why": self.why}
        return {"name": self.address, **self.facts, **shown, "since": self.since}


class Agent:
    """One connection to a cluster. ``tell`` sends a message to the web process."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._machines: dict[str, Machine] = {}
        self._jobs: dict[int, asyncio.Task[None]] = {}
        self._sources: OrderedDict[tuple[int, ...], tuple[asyncio.Task[Any], int]] = OrderedDict()
        self._told = ""

    # ------------------------------------------------------------ machines

    async def watch(self) -> None:
        """Looks who is there, until cancelled."""
        while True:
            for seen in await asyncio.to_thread(_ray.nodes):
                self._note(seen)
            self._tell_machines()
            await asyncio.sleep(LOOK_EVERY)

    def _note(self, seen: dict[str, Any]) -> None:
        key = seen["NodeID"]
        machine = self._machines.get(key)
        if not seen["Alive"]:
            if machine is not None and machine.status != "lost":
                self._lose(machine, "It left, or does not answer any more.")
        elif RESOURCE in seen["Resources"]:
            if machine is None:
                machine = self._machines[key] = Machine(key, seen["NodeManagerAddress"])
            if machine.watch is None and time.monotonic() >= machine.retry_at and machine.status != "refused":
                cards = seen["Resources"].get("GPU", 0)
                machine.watch = asyncio.create_task(self._look_after(machine, cards), name=key)

    async def _look_after(self, machine: Machine, cards: float) -> None:
        """The life of a machine's actor: made, asked how it is, and gone in the end."""
        try:
            near = NodeAffinitySchedulingStrategy(machine.key, soft=False)
            made = _ray.remote(Node).options(
                scheduling_strategy=near,
                num_cpus=0,
                num_gpus=cards,
                resources={RESOURCE: 1},
                max_concurrency=CALLS,
            )
            machine.actor = made.remote()
            machine.move("joining")
            facts = json.loads(await self._ask(machine.actor.open, json.dumps(versions())))
            if "refused" in facts:
                machine.move("refused", facts["refused"])
                return
            machine.facts = facts
            machine.move("ready")
            while True:
                self._tell_machines()
                await asyncio.sleep(LOOK_EVERY)
                machine.facts = json.loads(await self._ask(machine.actor.describe))
        except (RayError, TimeoutError) as error:
            self._lose(machine, _first_line(error))
        finally:
            machine.watch = None
            machine.retry_at = time.monotonic() + AGAIN_AFTER
            if machine.actor is not None:
                _ray.kill(machine.actor)
                machine.actor = None

    async def _ask(self, method: Any, *arguments: Any) -> str:
        async with asyncio.timeout(PATIENCE):
            return await method.remote(*arguments)

    def _lose(self, machine: Machine, why: str) -> None:
        machine.move("lost", why)
        machine.facts = {name: machine.facts[name] for name in ("name", "versions") if name in machine.facts}
        self._tell_machines()

    def _tell_machines(self) -> None:
        for key, machine in list(self._machines.items()):
            if machine.status == "lost" and machine.watch is None and time.time() - machine.since > SHOWN:
                del self._machines[key]
        machines = [machine.to_dict() for machine in self._machines.values()]
        text = json.dumps(machines)
        if text != self._told:
            self._told = text
            self._tell({"machines": machines})

    # ------------------------------------------------------------ parts

    def take(self, order: dict[str, Any]) -> None:
        """Begins what the web process asks for: ``read`` a part, or ``cancel`` one."""
        if (number := order.get("cancel")) is not None:
            if job := self._jobs.get(number):
                job.cancel()
            return
        number = order["number"]
        self._jobs[number] = asyncio.create_task(self._answer(number, order["read"]))

    async def _answer(self, number: int, order: dict[str, Any]) -> None:
        try:
            said = await self._read(order)
        except asyncio.CancelledError:
            said = {"cancelled": True}
        except RayError as error:
            said = {"lost": _first_line(error)}
        except Exception as error:
            told = as_app_error(error)
            said = {"error": {"kind": type(told).__name__, **told.to_dict()}}
        self._jobs.pop(number, None)
        self._tell({"number": number, **said})

    async def _read(self, order: dict[str, Any]) -> dict[str, Any]:
        machine = self._machines.get(order["machine"])
        if machine is None or machine.actor is None or machine.status != "ready":
            return {"lost": "It is not there any more.", "begun": False}
        source = await self._put(order["source"])
        method = machine.actor.read.options(num_returns=2)
        answer, files = method.remote(json.dumps(order["part"]), source)
        try:
            said = json.loads(await answer)
            packed = await files
        except TaskCancelledError as error:
            raise asyncio.CancelledError from error
        except asyncio.CancelledError:
            _ray.cancel(answer)
            raise
        if "result" in said:
            out, limit = Path(order["out"]), int(order["limit"])
            # a cancelled caller waits for it: the folder is deleted after that
            await _to_the_end(asyncio.to_thread(unpack, packed, out, limit))
        return said

    async def _put(self, source: str) -> Any:
        """The document in the object store. The files of one upload are links to the same content."""
        found = await asyncio.to_thread(os.stat, source)
        key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if key not in self._sources:
            putting = asyncio.create_task(asyncio.to_thread(_put_file, source))
            self._sources[key] = (putting, found.st_size)
        self._sources.move_to_end(key)
        while len(self._sources) > 1 and (len(self._sources) > KEPT_SOURCES or self._held() > KEPT_BYTES):
            self._sources.popitem(last=False)
        try:
            return await asyncio.shield(self._sources[key][0])
        except (OSError, RayError):
            self._sources.pop(key, None)
            raise

    def _held(self) -> int:
        return sum(size for _, size in self._sources.values())


async def _to_the_end(work: Any) -> None:
    job = asyncio.ensure_future(work)
    try:
        await asyncio.shield(job)
    except asyncio.CancelledError:
        await asyncio.wait([job])
        raise


def _put_file(source: str) -> Any:
    return _ray.put(Path(source).read_bytes())


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


async def _serve(agent: Agent) -> None:
    """Takes orders until stdin closes, which is when the web process is gone."""
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    watch = asyncio.create_task(agent.watch())
    while line := await lines.readline():
        agent.take(json.loads(line))
        if watch.done():
            break
    watch.cancel()


def main() -> None:
    """Connects and serves. Exit code 1 with a line on stderr when there is no cluster to connect to."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what Ray prints
    orders: dict[str, Any] = json.loads(sys.argv[1])
    os.umask(0o077)
    try:
        _ray.init(
            address=orders["address"],
            namespace=RESOURCE,
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.WARNING,
        )
    except (RayError, ConnectionError, RuntimeError, ValueError, AppError) as error:
        sys.stderr.write(f"{_first_line(error)}\n")
        raise SystemExit(1) from None

    def tell(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    asyncio.run(_serve(Agent(tell)))
    os._exit(0)  # Ray's own end takes seconds, and the machines notice either


if __name__ == "__main__":
    main()
