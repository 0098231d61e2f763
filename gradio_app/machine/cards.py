"""Graphics cards, as the NVIDIA driver shows them: memory, load, temperature, processes; and which to use.

Never raises, and works without a driver. The driver's library is loaded once, and anew after the driver was
reloaded. Reading takes some milliseconds, the first time up to seconds where the card sleeps.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pynvml  # pyright: ignore[reportMissingTypeStubs]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that holds memory of a card; ``memory`` in bytes, 0 when the driver hides it."""

    pid: int
    name: str
    memory: int


@dataclass(frozen=True, slots=True)
class Card:
    """One card, or one slice (MIG) of a card. Bytes; load in percent, temperature in degrees Celsius.

    ``index`` is the driver's number, which CUDA need not share (it counts the fastest card first):
    a program is sent to a card by ``uuid``.
    """

    index: int
    uuid: str
    name: str
    total: int
    used: int
    free: int
    load: int | None
    temperature: int | None
    capability: tuple[int, int]
    mig: bool
    processes: tuple[Process, ...]


class _NoDriver(Exception):
    """No card can be seen; why, in a sentence."""


class _DriverWentAway(_NoDriver):
    """The library must be started anew: the driver was reloaded, or a card was lost."""


_lock = threading.Lock()
_nvml: Any = pynvml  # its own types are incomplete
_started = False

#: errors after which starting the library anew can help
_STALE = (
    *(_nvml.NVML_ERROR_UNINITIALIZED, _nvml.NVML_ERROR_GPU_IS_LOST, _nvml.NVML_ERROR_DRIVER_NOT_LOADED),
    *(_nvml.NVML_ERROR_RESET_REQUIRED, _nvml.NVML_ERROR_UNKNOWN),
)
_NO_CARD = "The NVIDIA driver sees no card."
#: error of the library -> the sentence for it
_SENTENCES = {
    _nvml.NVML_ERROR_LIBRARY_NOT_FOUND: (
        "There is no NVIDIA driver here (in a container: none was passed in)."
    ),
    _nvml.NVML_ERROR_DRIVER_NOT_LOADED: "The NVIDIA driver is installed but not loaded.",
    _nvml.NVML_ERROR_NO_PERMISSION: "This account may not use the NVIDIA driver.",
    _nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "The NVIDIA driver was updated while in use; restart the machine."
    ),
    _nvml.NVML_ERROR_GPU_NOT_FOUND: _NO_CARD,
}


def read_cards(env: Mapping[str, str] | None = None, limit: int = 0) -> list[Card]:
    """The visible cards, in the order of CUDA_VISIBLE_DEVICES where it is set; empty without a driver.

    With ``limit`` (bytes) each counts as a card of that size: what is used on the real one is used on
    the smaller one too, so that a program sized by ``free`` meets what it would meet there.
    """
    found, _ = _read()
    return [_limited(card, limit) for card in _visible(found, os.environ if env is None else env)]


def driver_problem(env: Mapping[str, str] | None = None) -> str:
    """Why no card is seen, in one sentence; empty when there is one."""
    found, problem = _read()
    if problem or not found:
        return problem or _NO_CARD
    env = os.environ if env is None else env
    if _visible(found, env):
        return ""
    name = "CUDA_VISIBLE_DEVICES" if "CUDA_VISIBLE_DEVICES" in env else "NVIDIA_VISIBLE_DEVICES"
    return f"{name}={env[name]!r} hides every card."


def choose_card(cards: Sequence[Card], setting: str) -> Card | None:
    """The card that a setting means for one server: of several the one with most free memory; None: none."""
    return max(choose_cards(cards, setting), key=lambda card: card.free, default=None)


def choose_cards(cards: Sequence[Card], setting: str) -> list[Card]:
    """The cards of a setting: ``auto`` (the one with most free memory), ``all``, a uuid, or ``0,2``.

    A number counts the visible cards, as CUDA does; one without a card is left out.
    """
    if setting in ("auto", "all"):
        return list(cards) if setting == "all" else sorted(cards, key=lambda card: -card.free)[:1]
    names = setting.split(",")
    positions = [int(name) for name in names if name.isdecimal()]
    return [cards[position] for position in positions if position < len(cards)] or [
        card for card in cards if card.uuid in names
    ]


def foreign_processes(card: Card, ours: Collection[int]) -> list[Process]:
    """Processes on a card that are not ``ours``; none when no id on the card exists here.

    In a container the driver shows the ids of the host, by which ours cannot be known from others.
    """
    others = [process for process in card.processes if process.pid not in ours]
    if ours and len(others) == len(card.processes) and not any(_exists(other.pid) for other in others):
        return []
    return others


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _limited(card: Card, limit: int) -> Card:
    if not 0 < limit < card.total:
        return card
    used = min(card.used, limit)
    return replace(card, total=limit, used=used, free=max(0, min(card.free, limit - used)))


def _visible(found: Sequence[tuple[str, Card]], env: Mapping[str, str]) -> list[Card]:
    """Applies CUDA_VISIBLE_DEVICES, else NVIDIA_VISIBLE_DEVICES."""
    if "CUDA_VISIBLE_DEVICES" in env:
        return _named(found, env["CUDA_VISIBLE_DEVICES"])
    wanted = env.get("NVIDIA_VISIBLE_DEVICES", "").strip().lower()
    if wanted == "none":
        return []
    # A container that got its cards through CDI has "void" here, and sees them all the same.
    if wanted in ("", "all", "void"):
        return [card for _, card in found]
    # A container runtime that granted a list has hidden the rest and numbered anew: with as many names
    # as cards there is nothing left to choose. MIG names such as 0:1 are the runtime's own as well.
    named = _named(found, env["NVIDIA_VISIBLE_DEVICES"])
    granted = wanted.count(",") + 1 >= len({uuid for uuid, _ in found}) or ":" in wanted
    return [card for _, card in found] if granted else named


def _named(found: Sequence[tuple[str, Card]], text: str) -> list[Card]:
    """Cards by index or beginning of a uuid. As in CUDA, the first name without a card ends the list."""
    chosen: dict[str, Card] = {}
    for name in text.split(","):
        matching = [card for uuid, card in found if _is_named(uuid, card, name.strip())]
        if not matching:
            break
        chosen |= {card.uuid: card for card in matching}
    return list(chosen.values())


def _is_named(uuid: str, card: Card, name: str) -> bool:
    if name.isdecimal():
        return card.index == int(name)
    name = name.lower()
    return name.startswith(("gpu-", "mig-")) and (
        card.uuid.lower().startswith(name) or uuid.lower().startswith(name)
    )


def _read() -> tuple[list[tuple[str, Card]], str]:
    """All cards, each with the uuid of its physical card, and what was wrong. Any thread.

    Starts the library anew, once, when the driver went away.
    """
    with _lock:
        try:
            try:
                return _survey(skip_lost=False)
            except _DriverWentAway:
                _stop()
                return _survey(skip_lost=True)
        except _NoDriver as error:
            problem = str(error)
        except Exception as error:  # figures for people: whatever is wrong with them must stop nothing
            problem = f"The NVIDIA driver cannot be asked: {error}."
        _stop()
        return [], problem


def _survey(skip_lost: bool) -> tuple[list[tuple[str, Card]], str]:
    """With ``skip_lost`` a card that is gone for good hides no others; else raises ``_DriverWentAway``."""
    _start()
    found: list[tuple[str, Card]] = []
    problem = ""
    for index in range(int(_ask("nvmlDeviceGetCount") or 0)):
        try:
            handle = _ask("nvmlDeviceGetHandleByIndex", index)
            seen = [] if handle is None else _cards_of(index, handle)
        except _DriverWentAway as error:
            if not skip_lost:
                raise
            problem = str(error)
            continue
        found += seen
        if handle is not None and not seen:
            problem = "MIG is on and no slice of the card has been made (see nvidia-smi mig)."
    return found, "" if found else problem


def _cards_of(index: int, handle: Any) -> list[tuple[str, Card]]:
    """The card, or the slices that it is cut into (none when MIG is on and nothing was made)."""
    uuid = _ask("nvmlDeviceGetUUID", handle) or ""
    mode = _plain("nvmlDeviceGetMigMode", handle)
    if not mode or mode[0] != 1:
        return [(uuid, _card(index, handle, handle, False))]
    count = int(_ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0)
    slices = [_ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, position) for position in range(count)]
    return [(uuid, _card(index, handle, one, True)) for one in slices if one is not None]


def _start() -> None:
    global _started
    if not _started:
        try:
            _nvml.nvmlInit()
        except _nvml.NVMLError as error:
            raise _NoDriver(_sentence(error)) from error
        _started = True


def _stop() -> None:
    global _started
    if _started:
        _started = False
        _plain("nvmlShutdown")


def _sentence(error: Any) -> str:
    return _SENTENCES.get(error.value, f"The NVIDIA driver answers: {error}.")


def _ask(name: str, *arguments: Any) -> Any:
    """The answer; None when this card, this driver or this version of the library does not know it.

    Raises ``_DriverWentAway`` when nothing can be asked any more.
    """
    try:
        return getattr(_nvml, name)(*arguments)
    except AttributeError:
        return None
    except _nvml.NVMLError as error:
        if error.value in _STALE:
            raise _DriverWentAway(_sentence(error)) from error
        return None


def _plain(name: str, *arguments: Any) -> Any:
    """Like ``_ask``, for a question whose failure says nothing about the driver."""
    try:
        return _ask(name, *arguments)
    except _DriverWentAway:
        return None


def _card(index: int, handle: Any, device: Any, sliced: bool) -> Card:
    """``device`` is the card itself or a slice of it; load and temperature are those of whole cards only."""
    total, free, used = _memory(device)
    rates = _plain("nvmlDeviceGetUtilizationRates", handle)
    major, minor = _plain("nvmlDeviceGetCudaComputeCapability", handle) or (0, 0)
    return Card(
        index=index,
        uuid=_ask("nvmlDeviceGetUUID", device) or "",
        name=_ask("nvmlDeviceGetName", device) or "NVIDIA card",
        total=total,
        used=used,
        free=free,
        load=None if rates is None else int(rates.gpu),
        temperature=_temperature(handle),
        capability=(int(major), int(minor)),
        mig=sliced,
        processes=_processes(device),
    )


def _memory(device: Any) -> tuple[int, int, int]:
    """Total, free and used bytes. Version 2 counts the reserve of the driver as neither."""
    memory = _plain("nvmlDeviceGetMemoryInfo", device, _nvml.nvmlMemory_v2)
    memory = memory or _ask("nvmlDeviceGetMemoryInfo", device)
    if memory is None:  # a chip that shares the machine's memory has none of its own
        page = os.sysconf("SC_PAGE_SIZE")
        total, free = os.sysconf("SC_PHYS_PAGES") * page, os.sysconf("SC_AVPHYS_PAGES") * page
        return total, free, total - free
    return int(memory.total), int(memory.free), int(memory.used)


def _temperature(handle: Any) -> int | None:
    for name in ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"):  # older drivers know the second
        degrees = _plain(name, handle, _nvml.NVML_TEMPERATURE_GPU)
        if degrees is not None:
            return int(degrees)
    return None


def _processes(device: Any) -> tuple[Process, ...]:
    """All that compute or draw on the card, most memory first; empty when the driver hides them."""
    memory: dict[int, int] = {}
    for kind in ("Compute", "MPSCompute", "Graphics"):
        for entry in _plain(f"nvmlDeviceGet{kind}RunningProcesses", device) or ():
            memory[int(entry.pid)] = max(memory.get(int(entry.pid), 0), int(entry.usedGpuMemory or 0))
    found = (Process(pid, _process_name(pid), held) for pid, held in memory.items())
    return tuple(sorted(found, key=lambda process: (-process.memory, process.pid)))


def _process_name(pid: int) -> str:
    """The program's name without its folder, its arguments and our secrets in them; ``?`` if hidden."""
    if name := _plain("nvmlSystemGetProcessName", pid):
        return name.split(" ")[0].rpartition("/")[2] or name
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip() or "?"
    except OSError:
        return "?"


def gigabytes(size: int) -> str:
    """``12.3 GB`` from bytes."""
    return f"{size / 2**30:.1f} GB"
