"""A machine with an engine, for a server under test: a model server to start, weights, and cards."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.documents import text_pdf
from tests.fakes.cards import FakeDriver
from tests.fakes.sglang import FakePython
from tests.live import LiveServer
from tests.stub_weights import write_small_models, write_vision_model


class Machine:
    """What the server under test sees of the world: a model server to start, and cards."""

    def __init__(self, folder: Path) -> None:
        self.python = FakePython(folder / "sglang")
        self.driver = FakeDriver(folder / "driver", self.python)
        self.models = folder / "models"
        write_small_models(self.models)
        write_vision_model(self.models)
        self._documents = 0

    def flags(self) -> tuple[str, ...]:
        chosen = ("--sglang-python", str(self.python.path), "--model-dir", str(self.models))
        return ("--workers", "1", "--engine", "sglang", "--gpu-idle-timeout", "9m", *chosen)

    def submit(self, server: LiveServer) -> str:
        """A document of one page that needs the engine, and that nobody has read before."""
        self._documents += 1
        pages = text_pdf(1, seed=300 + self._documents)
        return server.submit(f"engine {self._documents}.pdf", pages, tier="standard")

    def rested(self, server: LiveServer) -> None:
        """Stops the engine, whatever an earlier test has left."""
        server.client.post("/gpu/release").raise_for_status()

    def ready(self, server: LiveServer) -> None:
        """The engine is awake and idle."""
        assert server.end(self.submit(server), 60)["status"] == "completed"

    def change(self, **faults: Any) -> None:
        """Changes the model server while it runs, or as soon as it does, and its next starts."""
        self.python.set(**faults)
        deadline = time.monotonic() + 60
        while not self._told(faults):
            assert time.monotonic() < deadline, "no model server was started"
            time.sleep(0.05)

    def _told(self, faults: dict[str, Any]) -> bool:
        alive = self.python.alive()
        ports = [event["port"] for event in self.python.events("start") if event["pid"] in alive]
        if not ports:
            return False
        request = urllib.request.Request(f"http://127.0.0.1:{ports[-1]}/_fake", json.dumps(faults).encode())
        request.add_header("Content-Type", "application/json")
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            return False  # it has written that it starts, and does not listen yet
        return True
