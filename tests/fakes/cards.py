"""A driver with cards for a server in a process of its own: a stand-in for ``pynvml`` on its PYTHONPATH.

A card holds what the fake model servers (``FakePython``) on it hold: its memory comes and goes with them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.fakes.nvml import FakeCard, FakeNvml
from tests.fakes.sglang import FakePython
from tests.fakes.sglang_server import ASLEEP, LOADED

_MODULE = """
import sys
from tests.fakes.cards import Driver
sys.modules[__name__] = Driver({folder!r})
"""


class FakeDriver:
    """A folder for PYTHONPATH (``path``); ``tell`` says which cards there are from now on."""

    def __init__(self, path: Path, python: FakePython) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        (path / "engine").write_text(str(python.folder))
        (path / "pynvml.py").write_text(_MODULE.format(folder=str(path)))
        self.tell([FakeCard()])

    def tell(self, cards: Sequence[FakeCard], names: dict[int, str] | None = None) -> None:
        """The cards, without what the engine takes; ``names`` of the processes that are on them."""
        fresh = self.path / "cards.tmp"
        fresh.write_text(json.dumps({"cards": [asdict(card) for card in cards], "names": names or {}}))
        fresh.replace(self.path / "cards.json")


class Driver(FakeNvml):
    """What the server imports as ``pynvml``: looks at the files of its ``FakeDriver`` at every question."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._engine = Path((self._folder / "engine").read_text())

    def nvmlDeviceGetCount(self) -> int:
        """The first of the questions, so that one look sees one state."""
        told = json.loads((self._folder / "cards.json").read_text())
        self.cards = [_card(card) for card in told["cards"]]
        self.names = {int(pid): name for pid, name in told["names"].items()}
        for pid, (memory, uuid) in _held(self._engine).items() if self.cards else ():
            card = next((card for card in self.cards if card.uuid == uuid), self.cards[0])
            card.used += memory
            card.processes[pid] = memory
            self.names[pid] = "sglang"
        return super().nvmlDeviceGetCount()


def _card(told: dict[str, Any]) -> FakeCard:
    processes = {int(pid): memory for pid, memory in told.pop("processes").items()}
    told = {**told, "capability": tuple(told["capability"]), "processes": processes}
    return FakeCard(**told)


def _held(folder: Path) -> dict[int, tuple[int, str]]:
    """Bytes that each living fake server holds and the uuid of its card, by what it wrote down."""
    python = FakePython.__new__(FakePython)
    python.folder = folder
    memory = {"ready": LOADED, "resume": LOADED, "release": ASLEEP}
    held = {event["pid"]: memory[event["event"]] for event in python.events() if event["event"] in memory}
    cards = {event["pid"]: event["env"]["CUDA_VISIBLE_DEVICES"] for event in python.events("start")}
    return {pid: (held[pid], cards[pid]) for pid in python.alive() if pid in held}
