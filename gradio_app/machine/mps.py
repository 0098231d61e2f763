"""Client of the CUDA MPS daemon: whether it runs, which processes are attached, which cards it fits.

``start_cuda_mps.sh`` starts the daemon. https://docs.nvidia.com/deploy/mps/
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gradio_app.machine.cards import Card

PIPE = "CUDA_MPS_PIPE_DIRECTORY"
#: NVIDIA's program; the daemon's socket is in the pipe folder
CONTROL = "nvidia-cuda-mps-control"
#: the first cards that separate the memory of MPS clients (Volta)
OLDEST = (7, 0)
#: seconds that the daemon has for an answer
PATIENCE = 5.0

_START = "Start it with ./start_cuda_mps.sh start, then start this service again."


class MpsError(Exception):
    """Why MPS cannot be used, in a sentence that says what to do."""


def pipe_folder(env: Mapping[str, str] | None = None) -> Path:
    """The daemon's pipe folder: as set, else that of start_cuda_mps.sh."""
    return Path((os.environ if env is None else env).get(PIPE) or f"/tmp/mineru-mps-{os.getuid()}/pipe")


def clients(env: Mapping[str, str] | None = None) -> set[int]:
    """Process ids of all that compute through MPS; ``MpsError`` when no daemon of ours answers."""
    folder = pipe_folder(env)
    try:
        ours = (folder / "control").exists() and folder.stat().st_uid in (os.getuid(), 0)
    except OSError:
        ours = False
    if not ours:
        raise MpsError(f"CUDA MPS does not run (pipe folder {folder}). {_START}")
    found: set[int] = set()
    for server in _ask("get_server_list", folder):
        found |= set(_ask(f"get_client_list {server}", folder))
    return found


def _ask(command: str, folder: Path) -> list[int]:
    """The numbers that the daemon answers."""
    env = {"PATH": os.environ.get("PATH", os.defpath), PIPE: str(folder)}
    run = partial(subprocess.run, env=env, capture_output=True, text=True, timeout=PATIENCE, check=True)
    try:
        done = run([CONTROL], input=command + "\n")
    except FileNotFoundError:
        raise MpsError(
            f"CUDA MPS cannot be used: {CONTROL} is not installed. It comes with the driver."
        ) from None
    except (OSError, subprocess.SubprocessError):
        raise MpsError(f"CUDA MPS does not answer (pipe folder {folder}). {_START}") from None
    return [int(word) for word in done.stdout.split() if word.isdecimal()]


def unfit(card: Card) -> str:
    """Why this card cannot be shared by MPS, in a sentence; empty when it can."""
    if card.mig:
        return f"Card {card.index} is divided by MIG, which CUDA MPS cannot join."
    if card.capability < OLDEST:
        this = ".".join(map(str, card.capability))
        return (
            f"Card {card.index} has compute capability {this}; CUDA MPS separates memory from 7.0 (Volta) on."
        )
    return ""
