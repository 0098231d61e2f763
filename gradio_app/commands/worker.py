"""Mode ``worker``: joins this machine to a cluster, again whenever the cluster was lost."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from gradio_app.base.data_folder import Folders, lock_folder
from gradio_app.base.errors import AppError
from gradio_app.base.logs import configure_logging
from gradio_app.base.settings import ENV_PREFIX, SECRETS, Settings, add_flags
from gradio_app.workers.cluster import ray_process
from gradio_app.workers.cluster.messages import NOTE, decode
from gradio_app.workers.cluster.node import RESOURCE

#: settings that mean something on a machine without page and queue
_OURS = """
    workers workers_vlm worker_memory_limit worker_jail data_dir model_dir builtin_models engine sglang_python
    sglang_url sglang_api_key sglang_api_key_file sglang_args engine_patience gpu engine_replicas gpu_share
    gpu_profile gpu_memory gpu_idle_timeout gpu_release_timeout ray_token ray_token_file log_level log_format
"""
OURS = frozenset(_OURS.split())
DATA_DIR = "./data-node"
#: seconds between two reads of the node's note, and until a head that does not answer is tried again
WATCH_EVERY, FIRST_PAUSE, LAST_PAUSE = 0.5, 1.0, 15.0
#: seconds that Ray gets to end
GRACE = 5.0


class Refused(AppError):
    """The head does not take this machine."""


@dataclass(slots=True)
class Join:
    """One machine and its cluster. ``env``: the variables that its actor gets its settings from."""

    address: ray_process.Address
    settings: Settings
    env: Mapping[str, str]
    node_ip: str

    async def run(self) -> None:
        """Joins, again and again. Raises ``Refused`` when the head will not have it, whatever is tried."""
        folders = Folders(self.settings.data_dir)
        folders.create()
        pause = FIRST_PAUSE
        with lock_folder(folders.run / "lock"):
            while True:
                logger.bind(action="join").info("joining the cluster at {}", self.address)
                joined = await self._once(folders)
                pause = FIRST_PAUSE if joined else min(2 * pause, LAST_PAUSE)
                await asyncio.sleep(pause)

    async def _once(self, folders: Folders) -> bool:
        """Until the cluster is lost; whether there was one."""
        note = folders.run / "node.json"
        note.unlink(missing_ok=True)
        command = ray_process.join_command(self.address, {RESOURCE: 1}, folders.run, self.node_ip)
        child = await ray_process.start(command, self.env, folders.run / "tmp", folders.run / "ray.log")
        known = ""
        try:
            while child.exit is None:
                known = self._log_note(note, known)
                await asyncio.sleep(WATCH_EVERY)
            await child.wait()
        finally:
            await child.end(GRACE)
            await asyncio.to_thread(ray_process.forget_folder, folders.run)
        why = ray_process.reason(child)
        # one that had joined is told the same when the head was started anew; the next try shows which it is
        if not known and any(word in why for word in ray_process.FINAL):
            raise Refused(f"The cluster at {self.address} does not take this machine: {why}")
        logger.bind(action="join_lost").warning("no cluster at {}: {}", self.address, why)
        return bool(known)

    def _log_note(self, file: Path, known: str) -> str:
        """Logs once what the node wrote about joining."""
        text = file.read_text("utf-8") if file.exists() else ""
        if not text or text == known:
            return known
        note = decode(NOTE, text)
        if note.state == "refused":
            raise Refused(note.text)
        logger.bind(action="joined").info("joined. {}", note.text)
        return text


def variables(flags: Mapping[str, str | None], env: Mapping[str, str]) -> dict[str, str]:
    """The settings of this machine as environment variables, flags first."""
    names = {ENV_PREFIX + name.upper(): name for name in OURS}
    found = {variable: env[variable] for variable in names if env.get(variable)}
    found |= {variable: value for variable, name in names.items() if (value := flags.get(name))}
    for name in SECRETS:
        if flags.get(f"{name}_file") and not flags.get(name):
            found.pop(f"{ENV_PREFIX}{name.upper()}", None)  # it would win over the file
    found.setdefault(f"{ENV_PREFIX}DATA_DIR", DATA_DIR)
    found[f"{ENV_PREFIX}DATA_DIR"] = str(Path(found[f"{ENV_PREFIX}DATA_DIR"]).expanduser().absolute())
    return found


def _without_files(given: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The same with the secrets themselves: the actor may be unable to read their files."""
    found = dict(given)
    for name in SECRETS:
        variable = ENV_PREFIX + name.upper()
        if found.pop(f"{variable}_FILE", None):
            found[variable] = getattr(settings, name)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """The ``worker`` mode of the start script. Exit code 1 when it cannot run, 3 when it is refused."""
    flags = vars(_parser().parse_args(sys.argv[1:] if argv is None else list(argv)))
    given = variables(flags, os.environ)
    try:
        rest = {name: text for name, text in os.environ.items() if not name.startswith(ENV_PREFIX)}
        settings = Settings.load([], {**rest, **given})
        given = _without_files(given, settings)
        configure_logging(settings.log_level, settings.log_format)
        os.umask(0o077)
        address = ray_process.parse_address(flags["address"])
        env = ray_process.environment(settings.ray_token, given)
        asyncio.run(_until_signal(Join(address, settings, env, flags["node_ip"])))
    except AppError as error:
        logger.error(error.message)
        raise SystemExit(3 if isinstance(error, Refused) else 1) from None


async def _until_signal(join: Join) -> None:
    work = asyncio.ensure_future(join.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="start_mineru_optimized.sh worker",
        description="Join this machine to the cluster of a server that was started with --ray-address.",
        epilog="Every setting can also be given as an environment variable, as for the gradio mode. The head "
        "prints the command with its password, MINERU_APP_RAY_TOKEN.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--address", required=True, metavar="HOST:PORT", help="where the head of the cluster is"
    )
    parser.add_argument("--node-ip", default="", help="address of this machine that others reach it by")
    add_flags(parser, OURS, data_dir=DATA_DIR)
    return parser
