"""Node of a cluster: the actor of one machine, which reads parts with its processes and its model server.

``agent`` makes an actor of ``Node``, whose methods take and return JSON (``messages``) and bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import shutil
import socket
import uuid
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path

from loguru import logger

from gradio_app import __version__
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError
from gradio_app.base.settings import Settings
from gradio_app.engine import ModelSingleton
from gradio_app.machine.cards import read_cards
from gradio_app.machine.weights import model_folder, small_models
from gradio_app.model_server.choose import choose_backends
from gradio_app.workers.cluster import messages
from gradio_app.workers.cluster.transfer import pack
from gradio_app.workers.interface import Part
from gradio_app.workers.local import LocalWorkers
from gradio_app.workers.pool import WorkerPool

#: what a machine that takes part calls itself, as a resource of Ray
RESOURCE = "mineru"
#: facts of the engine and of each card
_OF_ENGINE = ("kind", "status", "in_flight", "waiting", "model")
_OF_CARD = ("name", "used", "total", "load")


@cache
def versions() -> dict[str, str]:
    """Versions that all machines must have in common, as their results must fit together."""
    return {
        "MinerU Optimized": __version__,
        "MinerU": metadata.version("mineru"),
        "Python": platform.python_version().rpartition(".")[0],
    }


def mismatch(head: dict[str, str], node: dict[str, str]) -> str:
    """Why a machine cannot take part, in a sentence that names the versions; empty when it can."""
    differing = [name for name in head if head[name] != node.get(name)]
    if not differing:
        return ""
    there = ", ".join(f"{name} {node.get(name, 'unknown')}" for name in differing)
    here = ", ".join(f"{name} {head[name]}" for name in differing)
    return f"It runs {there}, and the head {here}. Install the same version on both, then join again."


class Node:
    """Reads for one head, as the settings in its environment say. Everything below is called from afar."""

    def __init__(self) -> None:
        os.umask(0o077)
        self._settings = Settings.load([])
        self._folders = Folders(self._settings.data_dir)
        self._folders.create()
        self._note = self._folders.run / "node.json"
        logger.add(
            self._folders.run / "node.log", level=self._settings.log_level, rotation="10 MB", retention=2
        )
        self._workers: LocalWorkers | None = None

    async def open(self, head: str) -> str:
        """Begins to work for a head of these versions. Returns ``Facts``, or ``Refused``."""
        if reason := mismatch(messages.decode(messages.VERSIONS, head), versions()):
            self._write_note(messages.Note("refused", reason))
            return messages.encode(messages.Refused(reason))
        # an earlier run left these when its machine or head was lost
        for folder in self._folders.tmp.iterdir():
            await asyncio.to_thread(shutil.rmtree, folder, True)
        os.environ["TMPDIR"] = str(self._folders.run / "tmp")
        settings = self._settings
        backends = choose_backends(settings, self._folders.run)
        servers = len(backends) if backends[0].kind != "none" else 0
        pool = WorkerPool.of(settings, self._folders, settings.workers + 1 + settings.workers_vlm * servers)
        timeouts = settings.gpu_idle_timeout, settings.gpu_release_timeout
        engine = ModelSingleton(backends, *timeouts, room=settings.workers_vlm)
        self._workers = LocalWorkers(self._settings, self._folders, pool, engine.open())
        await pool.warm(self._settings.workers)
        text = f"This machine reads {self._settings.workers} parts at the same time."
        self._write_note(messages.Note("ready", text))
        return await self.describe()

    async def read(self, order: str, source: bytes) -> tuple[str, bytes]:
        """Reads a ``Part`` whose paths are the head's. Returns its outcome, and its files as of ``pack``."""
        assert self._workers is not None
        folder = self._folders.tmp / uuid.uuid4().hex
        try:
            part = _moved(messages.decode(messages.ORDER, order), folder)
            folder.mkdir(parents=True)
            await asyncio.to_thread(part.source.write_bytes, source)
            result = await self._workers.read(part)
            return messages.encode(result), await asyncio.to_thread(pack, part.out)
        except Exception as error:
            if not isinstance(error, AppError):
                logger.opt(exception=error).error("a part failed")
            return messages.encode(messages.Failed.of(error)), b""
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, True))

    async def describe(self) -> str:
        """The ``Facts`` of this machine as they are now."""
        assert self._workers is not None
        engine, identity, slots = self._workers.engine.describe(), self._workers.identity, self._workers.slots
        models = await asyncio.to_thread(small_models, model_folder(self._settings.model_dir))
        cards = await asyncio.to_thread(read_cards, limit=self._settings.gpu_memory)
        return messages.encode(
            messages.Facts(
                name=socket.gethostname(),
                versions=versions(),
                slots={"compute": slots[False], "vision": slots[True] if identity and models else 0},
                identity=identity,
                models=models,
                engine={name: engine[name] for name in _OF_ENGINE},
                cards=tuple({name: getattr(card, name) for name in _OF_CARD} for card in cards),
            )
        )

    def _write_note(self, note: messages.Note) -> None:
        fresh = self._note.with_suffix(".new")
        with contextlib.suppress(OSError):
            fresh.write_text(messages.encode(note), "utf-8")
            fresh.replace(self._note)


def _moved(part: Part, folder: Path) -> Part:
    """The part with its paths in ``folder``; some types are known by the suffix of the document."""
    source = folder / f"document{part.source.suffix}"
    return replace(part, source=source, out=folder / "out")
