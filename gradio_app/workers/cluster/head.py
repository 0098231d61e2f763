"""Head of a cluster: ``Workers`` that read parts on all machines, this one included.

A part goes to the least loaded machine. Parts of a lost machine are read again elsewhere.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import (
    PASSING,
    EngineLost,
    EngineUnavailable,
    GpuOutOfMemory,
    ModelsMissing,
    NodeLost,
    from_code,
)
from gradio_app.base.settings import Settings
from gradio_app.machine.weights import model_folder, small_models
from gradio_app.workers.cluster import ray_process
from gradio_app.workers.cluster.capacity import LOST_OUT, Fleet, Machine
from gradio_app.workers.cluster.connection import Connection
from gradio_app.workers.cluster.messages import Facts, Lost, Outcome
from gradio_app.workers.cluster.node import versions
from gradio_app.workers.interface import Part, PartResult, Slots, Workers, nobody
from gradio_app.workers.local import LocalWorkers

#: errors of a machine's model server: another one's may work
_NO_ENGINE = (EngineUnavailable, GpuOutOfMemory, ModelsMissing)
_NO_MODELS = (
    "The machine of the model server lacks MinerU's layout and OCR models. Install them there with "
    "./start_mineru_optimized.sh models, then start it again."
)


class _NotBegun(NodeLost):
    """The machine had gone before it took the part, which cannot be why."""


class ClusterWorkers(Workers):
    """``Workers`` of a cluster. Use ``open`` and ``close``."""

    def __init__(self, settings: Settings, folders: Folders, local: LocalWorkers, token: str) -> None:
        self._limit = settings.worker_memory_limit
        self._local = local
        self.here, self.engine = local.here, local.engine
        self._models_here = small_models(model_folder(settings.model_dir))
        self._fleet = Fleet(self._facts_here, lambda: self.changed())
        address = ray_process.address_of(settings)
        self._connection = Connection(address, token, folders, self._fleet)
        self._running: asyncio.Task[None] | None = None
        self.changed = nobody

    def open(self) -> ClusterWorkers:
        """Begins to look for machines."""
        self._running = asyncio.create_task(self._connection.run(), name="cluster")
        return self

    async def close(self) -> None:
        """Lets go of the cluster, and ends it if it was started here."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._local.close()

    @property
    def slots(self) -> Slots:
        machines = self._fleet.all()
        return {vision: sum(machine.slots(vision) for machine in machines) for vision in (False, True)}

    @property
    def identity(self) -> str:
        """Those of all machines: usually it is the same everywhere."""
        there = (one.state.facts.identity for one in self._fleet.joined.values() if one.slots(True))
        here = self._local.identity if self._models_here else ""
        return " + ".join(sorted({here, *there} - {""}))

    @property
    def models_elsewhere(self) -> bool:
        return any(machine.fits(models=True) for machine in self._fleet.joined.values())

    @property
    def no_engine(self) -> str:
        return "" if self.identity else self._local.no_engine or _NO_MODELS

    def describe(self) -> dict[str, Any]:
        machines = [machine.to_dict() for machine in self._fleet.all()]
        address, error = str(self._connection.address), self._connection.error
        return {"address": address, "error": error, "machines": machines}

    def _facts_here(self) -> Facts:
        slots = self._local.slots
        vision = slots[True] if self._local.engine.available and self._models_here else 0
        both = {"compute": slots[False], "vision": vision}
        return Facts(socket.gethostname(), versions(), both, models=self._models_here)

    async def read(self, part: Part) -> PartResult:
        """See ``Workers.read``; ``NodeLost`` when the machine that read it went away."""
        while True:
            machine = await self._fleet.choose(part.vision)
            machine.busy[part.vision] += 1
            try:
                if machine is self._fleet.here:
                    result = await self._local.read(part)
                else:
                    outcome = await self._connection.ask(machine.state.id, part, self._limit)
                    result = result_of(outcome, machine, part.vision)
                machine.pages += result.pages
                return result
            except EngineLost:
                raise
            except NodeLost as error:
                # what became of it is told a moment later: till then the next parts are not lost with it
                machine.leave_out(False, True, seconds=LOST_OUT)
                if not isinstance(error, _NotBegun):
                    raise
            except _NO_ENGINE:
                others = (other for other in self._fleet.all() if other is not machine)
                if not part.vision or not any(other.slots(True) for other in others):
                    raise
                machine.leave_out(True)
            finally:
                machine.busy[part.vision] -= 1
                self._fleet.make_room()


def result_of(outcome: Outcome, machine: Machine, vision: bool) -> PartResult:
    """The result of a part that ``machine`` read, or its error raised. A fault of the machine rests it."""
    if isinstance(outcome, PartResult):
        return outcome
    name = machine.state.facts.name or "A machine of the cluster"
    if isinstance(outcome, Lost):
        logger.bind(action="node_lost", node=name).warning("{} was lost: {}", name, outcome.lost)
        raise NodeLost() if outcome.begun else _NotBegun()
    if outcome.kind == EngineLost.__name__:
        raise EngineLost(outcome.message)
    error = from_code(outcome.code, outcome.message)
    if isinstance(error, PASSING):  # of that machine: its disk, its files
        machine.leave_out(vision)
        logger.bind(action="node_trouble", node=name).warning("{} rests: {}", name, error.message)
        raise NodeLost()
    raise error
