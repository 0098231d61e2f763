"""Sandbox of workers: what a process can no longer do, for good, once it has confined itself.

Seccomp (system calls) and Landlock (files, TCP ports) through ctypes. Each is used where the kernel has it;
see docs/adr/0007-confined-workers.md.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Iterable

from gradio_app.machine import landlock, seccomp

_PR_SET_NO_NEW_PRIVS = 38
_DAC_READ_SEARCH = 1 << 2


def drop_capabilities() -> None:
    """Drops root's powers but that to read files, as uploads may belong to another user."""
    libc = ctypes.CDLL(None, use_errno=True)
    now = (ctypes.c_uint32 * 6)()
    head = struct.pack("Ii", 0x20080522, 0)
    if sys.platform == "linux" and libc.capget(ctypes.c_char_p(head), now) == 0:
        # effective, permitted, inheritable of the first 32, then of the others
        less = (ctypes.c_uint32 * 6)(now[0] & _DAC_READ_SEARCH, now[1] & _DAC_READ_SEARCH, 0, 0, 0, 0)
        libc.capset(ctypes.c_char_p(head), less)


def confine(reads: Iterable[str], writes: Iterable[str], port: int = 0, names: bool = False) -> list[str]:
    """Confines this process and returns the names of what the kernel did. Call it before the second thread.

    ``reads`` and ``writes`` are files and folders that it may use beside Python, libraries and fonts. It may
    connect to TCP ``port`` (0: no network at all), and look up host ``names``.
    """
    done: list[str] = []
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform != "linux" or libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return done
    version = landlock.version()
    # a resolver asks by TCP when an answer is long
    ports = [port, *([53] if names else [])] if port else []
    if version and landlock.apply(libc, version, reads, writes, ports):
        done.append("landlock")
    if seccomp.apply(libc, bool(port), names):
        done.append("seccomp")
    return done


def found() -> dict[str, str]:
    """What this kernel offers: name -> version or ``yes``; empty when it cannot confine at all."""
    offered: dict[str, str] = {}
    if sys.platform == "linux":
        if seccomp.machine() and seccomp.available():
            offered["seccomp"] = "yes"
        if version := landlock.version():
            offered["landlock"] = str(version)
    return offered


def missing() -> list[str]:
    """What this kernel lacks of it."""
    return [name for name in ("seccomp", "landlock") if name not in found()]
