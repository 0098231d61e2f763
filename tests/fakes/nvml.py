"""A stand-in for the driver's library: cards, slices and processes as told, errors on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

GB = 2**30


@dataclass
class FakeCard:
    """What the driver knows of one card; ``fails`` maps a function's name to the error it answers."""

    uuid: str = "GPU-aaaa"
    name: Any = "NVIDIA RTX 4090"
    total: int = 24 * GB
    used: int = 2 * GB
    load: int = 7
    temperature: int = 41
    capability: tuple[int, int] = (8, 9)
    processes: dict[int, int | None] = field(default_factory=dict)
    drawing: dict[int, int | None] = field(default_factory=dict)
    slices: list[FakeCard | None] | None = None
    fails: Mapping[str, str] = field(default_factory=dict)


class NVMLError(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.value = ERRORS[name]


ERRORS = {
    "UNINITIALIZED": 1,
    "NOT_SUPPORTED": 3,
    "NO_PERMISSION": 4,
    "NOT_FOUND": 6,
    "DRIVER_NOT_LOADED": 9,
    "LIBRARY_NOT_FOUND": 12,
    "FUNCTION_NOT_FOUND": 13,
    "GPU_IS_LOST": 15,
    "RESET_REQUIRED": 16,
    "LIB_RM_VERSION_MISMATCH": 18,
    "GPU_NOT_FOUND": 28,
    "UNKNOWN": 999,
}


class FakeNvml:
    """The module ``pynvml``, as far as it is used. ``init_error`` is what starting it answers."""

    NVML_TEMPERATURE_GPU = 0
    nvmlMemory_v2 = 2
    NVMLError = NVMLError

    def __init__(self, *cards: FakeCard) -> None:
        self.cards = list(cards)
        self.init_error = ""
        self.names: dict[int, Any] = {}
        self.starts = 0
        self.stops = 0
        self.running = False
        for name, value in ERRORS.items():
            setattr(self, "NVML_ERROR_" + name, value)

    def nvmlInit(self) -> None:
        self.starts += 1
        if self.init_error:
            raise NVMLError(self.init_error)
        self.running = True

    def nvmlShutdown(self) -> None:
        self.stops += 1
        self.running = False

    def reload_driver(self) -> None:
        """As when the driver's module was taken out and put in again: the old handles are dead."""
        self.running = False

    def _check(self, card: FakeCard | None, name: str) -> None:
        if not self.running:
            raise NVMLError("UNINITIALIZED")
        if card is not None and name in card.fails:
            raise NVMLError(card.fails[name])

    def nvmlDeviceGetCount(self) -> int:
        self._check(None, "")
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeCard:
        self._check(self.cards[index], "HandleByIndex")
        return self.cards[index]

    def nvmlDeviceGetUUID(self, card: FakeCard) -> str:
        self._check(card, "UUID")
        return card.uuid

    def nvmlDeviceGetName(self, card: FakeCard) -> Any:
        self._check(card, "Name")
        return card.name

    def nvmlDeviceGetMemoryInfo(self, card: FakeCard, version: int = 1) -> SimpleNamespace:
        self._check(card, "MemoryInfo")
        if version == 2:
            self._check(card, "MemoryInfo_v2")
        return SimpleNamespace(total=card.total, used=card.used, free=card.total - card.used)

    def nvmlDeviceGetUtilizationRates(self, card: FakeCard) -> SimpleNamespace:
        self._check(card, "UtilizationRates")
        return SimpleNamespace(gpu=card.load)

    def nvmlDeviceGetTemperatureV(self, card: FakeCard, sensor: int) -> int:
        self._check(card, "TemperatureV")
        return card.temperature

    def nvmlDeviceGetTemperature(self, card: FakeCard, sensor: int) -> int:
        self._check(card, "Temperature")
        return card.temperature

    def nvmlDeviceGetCudaComputeCapability(self, card: FakeCard) -> tuple[int, int]:
        self._check(card, "CudaComputeCapability")
        return card.capability

    def nvmlDeviceGetMigMode(self, card: FakeCard) -> list[int]:
        self._check(card, "MigMode")
        return [int(card.slices is not None)] * 2

    def nvmlDeviceGetMaxMigDeviceCount(self, card: FakeCard) -> int:
        return len(card.slices or [])

    def nvmlDeviceGetMigDeviceHandleByIndex(self, card: FakeCard, position: int) -> FakeCard:
        part = (card.slices or [])[position]
        if part is None:
            raise NVMLError("NOT_FOUND")
        return part

    def _running(self, card: FakeCard, name: str, held: dict[int, int | None]) -> list[SimpleNamespace]:
        self._check(card, name)
        return [SimpleNamespace(pid=pid, usedGpuMemory=memory) for pid, memory in held.items()]

    def nvmlDeviceGetComputeRunningProcesses(self, card: FakeCard) -> list[SimpleNamespace]:
        return self._running(card, "ComputeRunningProcesses", card.processes)

    def nvmlDeviceGetGraphicsRunningProcesses(self, card: FakeCard) -> list[SimpleNamespace]:
        return self._running(card, "GraphicsRunningProcesses", card.drawing)

    def nvmlSystemGetProcessName(self, pid: int) -> Any:
        if pid not in self.names:
            raise NVMLError("NOT_FOUND")
        return self.names[pid]
