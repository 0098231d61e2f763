"""Launch of a worker process: its command, its environment, and what of the machine it may use."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from loguru import logger

from gradio_app.base.errors import AppError
from gradio_app.machine import builtin_models, sandbox

#: what a worker runs
PROGRAM = ("-m", "gradio_app.workers.main")
#: names of variables that are no business of a worker, whatever they begin with
_SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
#: MINERU_VL_*: the old names of MinerU's settings for a model server, which ours would contradict
_PASSED_ON = re.compile("PATH|LANG|LC_ALL|LD_LIBRARY_PATH|SYSTEMROOT|VIRTUAL_ENV|MINERU_(?!APP_|VL_).*")


@dataclass(frozen=True, slots=True)
class Network:
    """What of the network a worker may use: one TCP ``port`` (0: nothing), and host ``names``."""

    port: int = 0
    names: bool = False

    @classmethod
    def to(cls, url: str) -> Self:
        """For one model server; an empty ``url`` means none."""
        if not url:
            return cls()
        address = urlsplit(url)
        port = address.port or (443 if address.scheme == "https" else 80)
        try:
            ip_address(address.hostname or "")
        except ValueError:
            return cls(port, names=True)
        return cls(port)


@dataclass(frozen=True, slots=True)
class Launch:
    """How the workers of a pool are started; the fields are those of ``WorkerPool``."""

    run_dir: Path
    memory_limit: int
    model_dir: str
    small_backend: str
    confined: str
    #: folder of the built-in models; empty: that of this environment
    builtin_models: str = ""

    def report(self) -> None:
        """Logs what this machine lacks to confine workers, and which built-in models they will miss.

        Raises ``AppError`` when workers must be confined and this kernel cannot.
        """
        if self.confined == "required" and (missing := sandbox.missing()):
            raise AppError(
                f"This system has no {' and no '.join(missing)}, and worker_jail is required. "
                "Use Linux 5.13 or newer and a container that does not hide it, or set worker_jail=auto."
            )
        if self.confined == "off":
            logger.bind(action="jail").warning("workers are not confined (setting: worker_jail)")
        elif missing := sandbox.missing():
            logger.bind(action="jail").warning(
                "this system has no {}: workers run with the rights of this user", " and no ".join(missing)
            )
        if notice := builtin_models.notice(builtin_models.folder(self.builtin_models)):
            logger.bind(action="models").warning(notice)

    def command(self, network: Network, reads: Sequence[str]) -> list[str]:
        """Program and arguments. The last one is JSON: limits, and what the worker may use."""
        folders = [str(builtin_models.folder(self.builtin_models)), *filter(None, [self.model_dir])]
        models = [path for folder in folders for path in (folder, *_targets(folder))]
        config = [os.environ["MINERU_CONFIG"]] if "MINERU_CONFIG" in os.environ else []
        orders = {
            "memory": self.memory_limit,
            "file": self.memory_limit,
            "confined": self.confined,
            "port": network.port,
            "names": network.names,
            "reads": [*reads, *models, *config],
        }
        return [sys.executable, *PROGRAM, json.dumps(orders)]

    def link_code(self) -> Path:
        """A folder with nothing but our package: what Python lists to find it, and workers may see."""
        folder, package = self.run_dir / "code", Path(__file__).resolve().parents[1]
        link = folder / package.name
        if not link.is_symlink() or link.readlink() != package:
            folder.mkdir(exist_ok=True)
            made = folder / f".{secrets.token_hex(8)}"
            made.symlink_to(package)
            made.replace(link)  # in one step: several workers may start at the same time
        return folder

    def environment(self, home: Path, code: Path) -> dict[str, str]:
        """The least a worker needs: no tokens, no keys, nothing that makes MinerU call outside."""
        env = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
        env = {name: value for name, value in env.items() if not _SECRET.search(name)}
        env["PYTHONPATH"] = str(code)
        env["HOME"], env["TMPDIR"] = str(home), str(home / "job" / "tmp")
        env["MINERU_MODEL_SOURCE"] = "local"
        env["MINERU_MALLOC_TRIM"] = "1"
        env["MINERU_LOG_LEVEL"] = "warning"
        # pages that are prepared before the first of them is read: few, so that the model gets work soon
        env.setdefault("MINERU_PROCESSING_WINDOW_SIZE", "4")
        env["HF_HUB_OFFLINE"] = "1"
        env["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime would tell its makers, and leave a file in TMPDIR
        # there is a worker for each core. And onnxruntime waits for ever when the memory limit lets it start
        # only some of a session's threads
        for name in ("OMP_NUM_THREADS", "MINERU_INTRA_OP_NUM_THREADS"):
            env.setdefault(name, "1")
        env[builtin_models.VARIABLE] = str(builtin_models.folder(self.builtin_models))
        if self.model_dir:
            env["MINERU_MODEL_BASE_DIR"] = self.model_dir
        if self.small_backend:
            # else MinerU takes torch when there is a card, and asks for weights in its form
            env.setdefault("MINERU_MODEL_SMALL_BACKEND", self.small_backend)
        return env


def _targets(folder: str) -> list[str]:
    """Where links below a folder lead: weights are large, and often kept on another disk."""
    entries = (
        os.path.join(parent, name) for parent, below, names in os.walk(folder) for name in (*below, *names)
    )
    return sorted({os.path.realpath(path) for path in entries if os.path.islink(path)})
