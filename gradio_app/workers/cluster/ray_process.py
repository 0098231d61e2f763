"""Ray's own processes on this machine: the head of a cluster, or what joins one. Ray is not imported."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
#: by itself Ray takes an address of the network instead of loopback, and listens on all. This is its own way
#: to stay on one machine, named after the systems where it is the default
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
NO_RAY = (
    "Ray is not installed in this environment. Install it with ./start_mineru_optimized.sh setup --cluster, "
    "then start again."
)


#: in the ``run`` folder: where Ray's folder is, when it is not there
_NOTE = "ray-folder"
LOOPBACK = "127.0.0.1"
#: a socket of the system has a path of at most so many bytes, and Ray's are this much below its folder
_SOCKET_PATH, _BELOW_FOLDER = 107, len("/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store")


@dataclass(frozen=True, slots=True)
class Address:
    """The cluster of ``ray_address``: one to connect to, or one to start here (``ours``)."""

    host: str
    port: int
    ours: bool = False

    @property
    def alone(self) -> bool:
        """Whether it is started here, on loopback: no other machine reaches it."""
        return self.ours and self.host == LOOPBACK

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


def address_of(settings: Settings) -> Address:
    """The cluster of these settings. One that is begun here listens where the page does, by itself."""
    found = parse_address(settings.ray_address)
    host = found.host or _address_of_page(settings.host)
    return replace(found, host=LOOPBACK if host == "localhost" else host) if found.ours else found


def _address_of_page(host: str) -> str:
    """Empty where Ray has to choose one itself: for all addresses, names, and the sixth version."""
    if host == "localhost":
        return LOOPBACK
    try:
        found = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return ""
    if found.is_loopback:
        return LOOPBACK
    return "" if found.is_unspecified or found.version == 6 else str(found)


def cluster_token(settings: Settings, made: str) -> str:
    """The password of the cluster: the given one, or ``made`` for one that is begun here; empty: none.

    Raises ``OptionInvalid`` when the settings cannot be meant.
    """
    if settings.ray_address:
        return settings.ray_token or (made if parse_address(settings.ray_address).ours else "")
    if not settings.workers:
        raise OptionInvalid("With --workers 0 nobody would read: that is for clusters (--ray-address).")
    return ""


def say_how_to_join(settings: Settings) -> None:
    """Logs the command for other machines, without the password."""
    if address_of(settings).alone:
        logger.bind(action="cluster").info(
            "no other machine can join: Ray listens on loopback, as the page does. --host lets others reach "
            "both, --ray-address start:ADDRESS:{} lets them reach Ray only",
            PORT,
        )
    else:
        logger.bind(action="cluster").info("other machines join with: {}", join_line(settings))


def join_line(settings: Settings) -> str:
    """What is typed on another machine, beside MINERU_APP_RAY_TOKEN."""
    where = address_of(settings)
    return f"./start_mineru_optimized.sh worker --address {where.host or socket.gethostname()}:{where.port}"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) < 65536


def environment(token: str, settings: Mapping[str, str] | None = None, alone: bool = False) -> dict[str, str]:
    """Variables for all processes of Ray, which share the ``token``; of our own only ``settings``.

    ``alone``: no other machine takes part.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    env.pop("TMPDIR", None)
    env |= _RAY_SETTINGS | dict(settings or {}) | (_ALONE if alone else {})
    return env | ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token} if token else {})


def program() -> str:
    """Ray's command; raises ``AppError`` when it is not installed."""
    ray = Path(sys.executable).with_name("ray")
    if not os.access(ray, os.X_OK):
        raise AppError(NO_RAY)
    return str(ray)


def head_command(address: Address, run: Path) -> list[str]:
    """Starts the head of a cluster here, which gives out no work itself. ``run``: see ``ray_folder``."""
    where = ["--node-ip-address", address.host] if address.host else []
    # nobody asks its autoscaler, whose monitor listens on all addresses
    head = [program(), "start", "--head", "--port", str(address.port), "--no-monitor"]
    return [*head, "--temp-dir", str(ray_folder(run)), *where, *_common({})]


def join_command(address: Address, resources: Mapping[str, float], run: Path, node_ip: str = "") -> list[str]:
    """The command that joins this machine to a cluster. ``run``: see ``ray_folder``."""
    where = ["--node-ip-address", node_ip] if node_ip else []
    join = [program(), "start", "--address", str(address), "--temp-dir", str(ray_folder(run))]
    return [*join, *where, *_common(resources)]


def ray_folder(run: Path) -> Path:
    """A fresh folder for Ray's sockets and logs, that does not exist yet.

    Ray lets everybody into it, so it lies in one for this user alone: ``run``, or, where the paths of sockets
    would be too long, a made one, which ``run`` notes for the next start.
    """
    forget_folder(run)
    folder = run / "ray"
    if len(os.fsencode(folder)) + _BELOW_FOLDER > _SOCKET_PATH:
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        made = tempfile.mkdtemp(prefix="mineru-", dir=runtime if _is_short(runtime) else "/tmp")
        (run / _NOTE).write_text(made, "utf-8")
        folder = Path(made) / "ray"
    return folder


def forget_folder(run: Path) -> None:
    """Deletes the folder of an earlier start, if there is one."""
    shutil.rmtree(run / "ray", ignore_errors=True)
    with contextlib.suppress(OSError):
        folder = Path((run / _NOTE).read_text("utf-8"))
        (run / _NOTE).unlink()
        if folder.name.startswith("mineru-") and folder.lstat().st_uid == os.getuid():
            shutil.rmtree(folder)


def _is_short(folder: str) -> bool:
    most = _SOCKET_PATH - _BELOW_FOLDER - len("/mineru-12345678/ray")
    return os.access(folder, os.W_OK) and len(os.fsencode(folder)) <= most


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
