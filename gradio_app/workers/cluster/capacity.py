"""Capacity of the machines of a cluster: the free slots of each, and which machine gets the next part."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from loguru import logger

from gradio_app.workers.cluster.messages import Facts, MachineState

#: a machine with a fault of its own gets nothing for so many seconds; one that lost a part gets nothing until
#: the agent says what became of that machine
LEFT_OUT, LOST_OUT = 30.0, 5.0


@dataclass(slots=True)
class Machine:
    """A machine and the parts that it reads now. ``busy`` counts them: computing (False), vision (True)."""

    state: MachineState = field(default_factory=MachineState)
    busy: Counter[bool] = field(default_factory=Counter[bool])
    pages: int = 0
    out_until: dict[bool, float] = field(default_factory=dict[bool, float])

    @property
    def ready(self) -> bool:
        """Whether it takes part."""
        return self.state.status == "ready"

    def slots(self, vision: bool) -> int:
        """How many parts it reads at the same time now."""
        if time.monotonic() < self.out_until.get(vision, 0.0) or not self.ready:
            return 0
        return self.state.facts.slots.get("vision" if vision else "compute", 0)

    def fits(self, models: bool) -> bool:
        """Whether it is ready, and has the small models where they are needed."""
        return self.ready and (self.state.facts.models or not models)

    def leave_out(self, *kinds: bool, seconds: float = LEFT_OUT) -> None:
        """Gives it no parts of these kinds for so many seconds."""
        until = time.monotonic() + seconds
        self.out_until |= {kind: max(until, self.out_until.get(kind, 0.0)) for kind in kinds}

    def to_dict(self) -> dict[str, Any]:
        """For people; the fields of ``MachineView`` in ``web.api.schemas``."""
        state = asdict(self.state)
        busy = {"compute": self.busy[False], "vision": self.busy[True]}
        return {**state.pop("facts"), **state, "busy": busy, "pages": self.pages}


class Fleet:
    """The machine of the head, and all that joined it, by their ids.

    ``facts`` describes the machine of the head as it is now. ``changed`` is called when slots may be free.
    """

    def __init__(self, facts: Callable[[], Facts], changed: Callable[[], None]) -> None:
        self.here = Machine()
        self.joined: dict[str, Machine] = {}
        self._facts = facts
        self._changed = changed
        self._room = asyncio.Event()

    def all(self) -> list[Machine]:
        """All machines, that of the head first."""
        self.here.state = MachineState(facts=self._facts())
        return [self.here, *self.joined.values()]

    async def choose(self, vision: bool) -> Machine:
        """The least loaded machine for a part of this kind; waits while no machine takes one."""
        while True:
            fitting = [one for one in self.all() if one.slots(vision) and one.fits(models=vision)]
            if fitting:
                # the first of equals is this machine: nothing has to be sent
                return min(fitting, key=lambda machine: machine.busy[vision] / machine.slots(vision))
            self._room.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), 1.0)

    def make_room(self) -> None:
        """Says that slots may be free."""
        self._room.set()
        self._changed()

    def update(self, states: Sequence[MachineState]) -> None:
        """Takes over what the agent says of the machines."""
        before, self.joined = self.joined, {}
        for state in states:
            machine = self.joined[state.id] = before.get(state.id) or Machine(MachineState(status="lost"))
            if state.status != machine.state.status:
                text = f"{state.facts.name} ({state.address}) is {state.status}. {state.why}".rstrip()
                logger.bind(action=f"node_{state.status}").info("cluster: {}", text)
                machine.out_until.clear()
            machine.state = state
        self.make_room()

    def lose_all(self, why: str) -> None:
        """The cluster is gone, and all machines but that of the head with it."""
        for machine in self.joined.values():
            if machine.state.status != "lost":
                machine.state = replace(machine.state, status="lost", why=why, since=time.time())
