"""The script for CUDA MPS, with stand-ins for NVIDIA's tools: what it refuses, starts, tells and ends."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.mps import MPS_CONTROL

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "start_cuda_mps.sh"

# Answers from files: what the cards are, and whether the driver works.
NVIDIA_SMI = """#!/bin/sh
[ -z "$SMI_BROKEN" ] || { echo "NVIDIA-SMI has failed because it could not communicate"; exit 9; }
cat "$FAKE/cards"
"""

CARD = "0, NVIDIA H200, 9.0, Exclusive_Process, Disabled"


class Machine:
    """Stand-in tools, cards, and folders for the daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.pipe, self.log = folder / "pipe", folder / "log"
        for name, text in (("nvidia-smi", NVIDIA_SMI), ("nvidia-cuda-mps-control", MPS_CONTROL)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        self.cards(CARD)
        self.attached()

    def cards(self, *lines: str) -> None:
        (self.folder / "cards").write_text("\n".join(lines) + "\n")

    def attached(self, *lines: str) -> None:
        (self.folder / "clients").write_text("".join(f"{line}\n" for line in lines))

    def commands(self) -> list[str]:
        path = self.folder / "commands"
        return [line.strip() for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def alive(self) -> bool:
        return (self.folder / "alive").exists()

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        own = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "FAKE": str(self.folder),
            "CUDA_MPS_PIPE_DIRECTORY": str(self.pipe),
            "CUDA_MPS_LOG_DIRECTORY": str(self.log),
        }
        return subprocess.run(
            [str(SCRIPT), *arguments], env=own | env, capture_output=True, text=True, timeout=60, check=False
        )

    def start(self, **env: str) -> subprocess.CompletedProcess[str]:
        done = self.run("start", **env)
        assert done.returncode == 0, done.stderr
        return done


@pytest.fixture
def machine() -> Iterator[Machine]:
    # short: a socket's address has 108 characters
    folder = Path("/tmp") / f"mps-{os.getpid()}"
    folder.mkdir()
    yield Machine(folder)
    shutil.rmtree(folder)


def test_it_starts_tells_and_ends(machine: Machine) -> None:
    told = machine.start().stdout
    assert machine.alive and f"export CUDA_MPS_PIPE_DIRECTORY={machine.pipe}" in told and "4711" in told
    assert [path.stat().st_mode & 0o777 for path in (machine.pipe, machine.log)] == [0o700, 0o700]
    done = machine.run("status")
    assert done.returncode == 0 and "No process is attached" in done.stdout
    assert "runs already" in machine.start().stdout
    assert machine.run("stop").returncode == 0 and not machine.alive
    assert machine.run("status").returncode == 3
    assert machine.run("stop").stdout == "CUDA MPS does not run.\n"


def test_who_is_attached_is_named_and_not_cut_off(machine: Machine) -> None:
    machine.start()
    machine.attached(f"10 {os.getpid()}", "10 999999", f"11 {os.getppid()}")
    told = machine.run("status").stdout
    assert f"  {os.getpid()}  " in told and "pytest" in told and "not to be seen from here" in told
    assert told.count("[server 10]") == 2 and told.count("[server 11]") == 1
    for command in ("stop", "restart"):
        refused = machine.run(command)
        assert refused.returncode == 1 and "--force" in refused.stderr and "pytest" in refused.stderr
        assert machine.alive
    assert machine.run("stop", "--force").returncode == 0 and not machine.alive


def test_limits_are_set_for_all_clients(machine: Machine) -> None:
    machine.start(CUDA_MPS_ACTIVE_THREAD_PERCENTAGE="40", CUDA_MPS_PINNED_DEVICE_MEM_LIMIT="0=8G,1=512M")
    assert machine.commands()[-3:] == [
        "set_default_active_thread_percentage 40",
        "set_default_device_pinned_mem_limit 0 8G",
        "set_default_device_pinned_mem_limit 1 512M",
    ]
    assert "up to 40 %" in machine.run("status").stdout


@pytest.mark.parametrize(
    ("card", "env", "told"),
    [
        ("0, NVIDIA A100, 8.0, Default, Enabled", {}, "divided by MIG"),
        ("0, Tesla P100, 6.0, Default, [N/A]", {}, "compute capability 6.0"),
        ("0, NVIDIA L4, 8.9, Prohibited, [N/A]", {}, "'Prohibited'"),
        (CARD, {"SMI_BROKEN": "1"}, "The driver does not answer: NVIDIA-SMI has failed"),
        (CARD, {"MPS_BROKEN": "1"}, "Cannot open the device"),
        (CARD, {"CUDA_VISIBLE_DEVICES": "3"}, "names no card"),
        (CARD, {"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": "101"}, "must be 1 to 100"),
        (CARD, {"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": "0"}, "must be 1 to 100"),
        (CARD, {"CUDA_MPS_PINNED_DEVICE_MEM_LIMIT": "8G"}, "must look like 0=8G"),
        (CARD, {"CUDA_MPS_PINNED_DEVICE_MEM_LIMIT": "0=8G; rm -rf x"}, "must look like 0=8G"),
        (CARD, {"MINERU_APP_SGLANG_ARGS": "--tp-size 2"}, "do not go together"),
        (CARD, {"MINERU_APP_SGLANG_ARGS": "--tensor-parallel-size=16 --x"}, "do not go together"),
        (CARD, {"CUDA_MPS_PIPE_DIRECTORY": "/tmp/" + "x" * 100}, "too long for a socket"),
    ],
)
def test_it_refuses_where_it_cannot_work(machine: Machine, card: str, env: dict[str, str], told: str) -> None:
    machine.cards(card)
    done = machine.run("start", **env)
    assert done.returncode == 1 and told in done.stderr, done
    assert not machine.alive


def test_only_the_cards_that_are_used_count(machine: Machine) -> None:
    machine.cards("0, NVIDIA A100, 8.0, Default, Enabled", "1, NVIDIA L4, 8.9, Default, [N/A]")
    assert machine.run("start").returncode == 1
    told = machine.start(CUDA_VISIBLE_DEVICES="1").stdout
    assert "card 1 is in the compute mode 'Default'" in told
    assert machine.run("restart", CUDA_VISIBLE_DEVICES="0").returncode == 1
    assert machine.alive, "what runs is not stopped for something that cannot start"


def test_one_flag_of_tensor_parallel_is_none(machine: Machine) -> None:
    machine.start(MINERU_APP_SGLANG_ARGS="--tp-size 1 --mem-fraction-static 0.5")


def test_a_folder_of_somebody_else_is_not_used(machine: Machine) -> None:
    machine.log.mkdir()
    machine.pipe.symlink_to(machine.log)
    done = machine.run("start")
    assert done.returncode == 1 and "symbolic link" in done.stderr and not machine.alive


def test_what_a_killed_daemon_left_is_no_hindrance(machine: Machine) -> None:
    machine.pipe.mkdir()
    (machine.pipe / "control").touch()
    machine.start()


@pytest.mark.parametrize("tool", ["nvidia-smi", "nvidia-cuda-mps-control"])
def test_a_missing_tool_is_named(machine: Machine, tool: str) -> None:
    (machine.bin / tool).unlink()
    done = machine.run("start")
    assert done.returncode == 1 and tool in done.stderr


def test_help_and_mistakes(machine: Machine) -> None:
    done = machine.run("--help")
    assert done.returncode == 0 and str(machine.pipe) in done.stdout
    for arguments in ([], ["go"]):
        done = machine.run(*arguments)
        assert done.returncode == 2 and "start|stop|restart|status" in done.stderr
