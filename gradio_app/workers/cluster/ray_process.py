"""Ray's own processes on this machine: the head of a cluster, or what joins one. Ray is not imported."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from gradio_app.base.errors import AppError, OptionInvalid
from gradio_app.base.settings import ENV_PREFIX, Settings
from gradio_app.machine.child_process import Child

#: Ray's usual port
PORT = 6379
#: what Ray says when waiting does not help
FINAL = ("Version mismatch", "InvalidAuthToken", "Unauthenticated", "authentication")
#: those that Ray gives to its workers
WORKER_PORTS = range(10002, 20000)
#: documents and results on their way between machines, in bytes; more than this goes to the disk
OBJECT_STORE = 2**30
#: a machine that does not answer counts as lost after about six seconds, in Ray's own settings; and without
#: its head it ends after 20, to look for it anew
_RAY_SETTINGS = {
    "RAY_health_check_initial_delay_ms": "5000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "20",
    "RAY_USAGE_STATS_ENABLED": "0",
}
NO_RAY = (
    "Ray is not installed in this environment. Install it with ./start_mineru_optimized.sh setup --cluster, "
    "then start again."
)


@dataclass(frozen=True, slots=True)
class Address:
    """The cluster of ``ray_address``: one to connect to, or one to start here (``ours``)."""

    host: str
    port: int
    ours: bool = False

    def __str__(self) -> str:
        """``HOST:PORT``; where it is started here, as seen from here."""
        return f"{self.host or '127.0.0.1'}:{self.port}"


def parse_address(text: str) -> Address:
    """``HOST``, ``HOST:PORT``, ``start``, ``start:PORT`` or ``start:HOST:PORT``. Raises ``OptionInvalid``."""
    match text.strip().split(":"):
        case ["start"]:
            return Address("", PORT, True)
        case ["start", port] if _is_port(port) and int(port) not in WORKER_PORTS:
            return Address("", int(port), True)
        case ["start", host, port] if host and _is_port(port) and int(port) not in WORKER_PORTS:
            return Address(host, int(port), True)
        case [host] if host:
            return Address(host, PORT)
        case [host, port] if host not in ("", "start") and _is_port(port):
            return Address(host, int(port))
        case _:
            raise OptionInvalid(
                f"The address of a cluster should be HOST:{PORT}; or start, start:PORT or start:HOST:PORT to "
                f"begin one here, with a port below {WORKER_PORTS.start} or from {WORKER_PORTS.stop} on; not "
                f"{text!r}."
            )


def cluster_token(settings: Settings, made: str) -> str:
    """The password of the cluster: the given one, or ``made`` for one that is begun here; empty: none.

    Raises ``OptionInvalid`` when the settings cannot be meant.
    """
    if settings.ray_address:
        return settings.ray_token or (made if parse_address(settings.ray_address).ours else "")
    if not settings.workers:
        raise OptionInvalid("With --workers 0 nobody would read: that is for clusters (--ray-address).")
    return ""


def say_how_to_join(settings: Settings, token: str) -> None:
    """Logs the command for other machines."""
    where = parse_address(settings.ray_address)
    host = where.host or socket.gethostname()
    secret = "" if settings.ray_token else f"MINERU_APP_RAY_TOKEN={token} " * where.ours
    command = f"{secret}./start_mineru_optimized.sh worker --address {host}:{where.port}"
    logger.bind(action="cluster").info("other machines join with: {}", command)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) < 65536


def environment(token: str, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables for all processes of Ray, which share the ``token``; of our own only ``settings``."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    env.pop("TMPDIR", None)
    env |= _RAY_SETTINGS | dict(settings or {})
    return env | ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token} if token else {})


def program() -> str:
    """Ray's command; raises ``AppError`` when it is not installed."""
    ray = Path(sys.executable).with_name("ray")
    if not os.access(ray, os.X_OK):
        raise AppError(NO_RAY)
    return str(ray)


def head_command(address: Address) -> list[str]:
    """The command that starts the head of a cluster here. The head gives out no work itself."""
    where = ["--temp-dir", str(_folder()), *(["--node-ip-address", address.host] if address.host else [])]
    return [program(), "start", "--head", "--port", str(address.port), *where, *_common({})]


def join_command(address: Address, resources: Mapping[str, float], node_ip: str = "") -> list[str]:
    """The command that joins this machine to a cluster."""
    where = ["--node-ip-address", node_ip] if node_ip else []
    return [program(), "start", "--address", str(address), *where, *_common(resources)]


def _folder() -> Path:
    """Where Ray keeps its sockets, whose paths must be short: on each machine the same, and ours alone."""
    folder = Path(f"/tmp/mineru-ray-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise AppError(f"{folder} belongs to somebody else. Remove it, then start again.")
    folder.chmod(0o700)
    return folder


def _common(resources: Mapping[str, float]) -> list[str]:
    return [
        *("--block", "--disable-usage-stats", "--include-log-monitor", "false"),
        *("--num-cpus", "0", "--object-store-memory", str(OBJECT_STORE)),
        *("--resources", json.dumps(dict(resources))),
        *(("--include-dashboard", "false") if not resources else ()),
    ]


async def start(command: list[str], env: Mapping[str, str], folder: Path, log: Path) -> Child:
    """Runs it; what it prints goes to ``log``. It and all that it started end with this process."""
    try:
        return await Child.spawn(command, env, folder, log)
    except OSError as error:
        raise AppError(f"Ray cannot be started: {error}.") from error


def reason(child: Child) -> str:
    """Why it ended: the line that says most in what it printed."""
    lines = [line.strip() for line in child.tail if line.strip()]
    telling = [line for line in lines if "Error" in line or any(word in line for word in FINAL)]
    return (telling or lines or ["Ray ended."])[-1][-300:]
