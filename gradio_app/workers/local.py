"""Workers of this machine: its processes read parts, with its model server where a part needs one."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import EngineLost, EngineUnavailable
from gradio_app.base.settings import Settings
from gradio_app.engine import ModelSingleton
from gradio_app.workers.interface import Part, PartResult, Slots, Workers, nobody
from gradio_app.workers.pool import WorkerPool


class LocalWorkers(Workers):
    """``Workers`` of one machine."""

    def __init__(
        self, settings: Settings, folders: Folders, pool: WorkerPool, engine: ModelSingleton
    ) -> None:
        self.here = pool
        self.engine = engine
        self._compute, self._vision = settings.workers, settings.workers_vlm
        # while a page of theirs is prepared others compute too, and one core is for everything else
        self._gate = [str(folders.gate / f"turn-{n}") for n in range(max(1, settings.workers - 1))]
        for file in self._gate:
            Path(file).touch()  # workers only lock them
        self.changed = nobody

    @property
    def slots(self) -> Slots:
        return {False: self._compute, True: self._vision * max(1, self.engine.size)}

    @property
    def identity(self) -> str:
        return self.engine.identity if self.engine.available else ""

    @property
    def no_engine(self) -> str:
        return self.engine.problem

    async def read(self, part: Part) -> PartResult:
        if not part.vision:
            return await self._run(part, {})
        async with self.engine.lease(part.alone) as endpoint:
            try:
                result = await self._run(part, {"endpoint": asdict(endpoint), "gate": self._gate})
            except EngineUnavailable as error:
                raise EngineLost(error.message) from error
        self.engine.tokens += result.tokens
        return replace(result, engine=json.dumps([self.engine.kind, endpoint.version, endpoint.model]))

    async def _run(self, part: Part, more: dict[str, Any]) -> PartResult:
        began = time.monotonic()
        args = {"source": str(part.source), **part.options, **more}
        server = more["endpoint"]["url"] if more else ""
        answer = await self.here.run(part.fn, args, seconds=part.seconds, out=part.out, server=server)
        return PartResult.of({**answer, "seconds": time.monotonic() - began, "engine": ""})

    async def close(self) -> None:
        await self.here.close()
