"""Sandbox of workers: the kernel's locks that a process puts on itself, for good and for all it starts.

Seccomp (which system calls) and Landlock (which files) through ctypes. Each is used where the kernel has
it; see docs/adr/0007-confined-workers.md.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_SECCOMP_MODE_FILTER = 2
_LANDLOCK = {"create": 444, "add": 445, "restrict": 446}

#: system calls that no document needs: a way to other processes, to the kernel's inside, around this sandbox
#: (io_uring opens sockets without socket(2)). Number on x86-64, number on arm64
_REFUSED = {
    "io_uring_setup": (425, 425),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_by_handle_at": (304, 265),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
}
_SOCKET = (41, 198)
#: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (looking up names asks it which addresses there are)
_FAMILIES = (1, 2, 10, 16)
#: machine -> column above, number of the architecture in the kernel's records
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

# the instructions of a filter: load a word, jump when equal, jump when not less, answer
_LOAD, _EQUAL, _AT_LEAST, _ANSWER = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_X32 = 0x40000000

# rights on files: in all versions of Landlock, then the rights that version 2, 3 and 5 added
_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FOLDER, _REMOVE, _MAKE_FOLDER, _MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_LINK, _REFER, _TRUNCATE, _CONTROL = 1 << 12, 1 << 13, 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _CONTROL
_VIEW = _READ | _LIST
_RUN = _VIEW | _EXECUTE
_CHANGE = (
    _VIEW | _WRITE | _TRUNCATE | _REMOVE | _REMOVE_FOLDER | _MAKE_FOLDER | _MAKE_FILE | _MAKE_LINK | _REFER
)
_USE = _VIEW | _WRITE | _TRUNCATE | _CONTROL

#: programs and libraries
_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store")
#: what libraries read; nothing of it is secret
_SHARED_FILES = (
    *("/proc", "/sys", "/var/cache/fontconfig", "/run/systemd/resolve"),
    *(
        f"/etc/{name}"
        for name in (
            *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "os-release", "passwd", "group"),
            *("localtime", "timezone", "mime.types", "fonts", "OpenCL", "nvidia"),
            *("nsswitch.conf", "hosts", "host.conf", "resolv.conf", "gai.conf", "protocols", "services"),
            *("ssl/certs", "ssl/openssl.cnf", "pki/tls/certs", "ca-certificates"),
        )
    ),
)
#: devices without memory of their own, and graphics cards
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/dri", "/dev/kfd")


def drop_capabilities() -> None:
    """Drops root's powers but those over files, which a data folder of another user needs."""
    libc = ctypes.CDLL(None, use_errno=True)
    kept = 1 << 1 | 1 << 2 | 1 << 3  # DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER
    now = (ctypes.c_uint32 * 6)()
    head = struct.pack("Ii", 0x20080522, 0)
    if sys.platform == "linux" and libc.capget(ctypes.c_char_p(head), now) == 0:
        # effective, permitted, inheritable of the first 32, then of the others
        less = (ctypes.c_uint32 * 6)(now[0] & kept, now[1] & kept, 0, 0, 0, 0)
        libc.capset(ctypes.c_char_p(head), less)


def confine(network: bool, reads: Iterable[str], writes: Iterable[str]) -> list[str]:
    """Locks this process in; returns what could be done. Call it before there is a second thread.

    ``reads`` and ``writes`` are files and folders it may use beside Python, libraries and fonts.
    """
    done: list[str] = []
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform != "linux" or libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return done
    version = landlock_version()
    if version and _restrict_files(libc, version, reads, writes):
        done.append("landlock")
    if _filter_calls(libc, network):
        done.append("seccomp")
    return done


def found() -> dict[str, str]:
    """What this kernel offers: name -> version or ``yes``; empty when it cannot confine at all."""
    offered: dict[str, str] = {}
    if sys.platform == "linux":
        if _machine() and _has_filters():
            offered["seccomp"] = "yes"
        if version := landlock_version():
            offered["landlock"] = str(version)
    return offered


def missing() -> list[str]:
    """The locks that this kernel does not have."""
    return [name for name in ("seccomp", "landlock") if name not in found()]


def _machine() -> tuple[int, int] | None:
    return _MACHINES.get(platform.machine()) if sys.maxsize > 2**32 else None


def _has_filters() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, None, 0, 0)
    return ctypes.get_errno() == errno.EFAULT  # it asked for the filter


def _filter_calls(libc: ctypes.CDLL, network: bool) -> bool:
    machine = _machine()
    if machine is None:
        return False
    program = calls_filter(machine, _FAMILIES if network else ())
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    record = Program(len(program) // 8, ctypes.addressof(buffer))
    return libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(record), 0, 0) == 0


def calls_filter(machine: tuple[int, int], families: Sequence[int]) -> bytes:
    """The filter: refuses foreign calls, those above, and sockets but of these families (EACCES)."""
    column, architecture = machine
    refuse = _step(_ANSWER, _REFUSE | errno.EPERM)
    steps = [_step(_LOAD, 4), _step(_EQUAL, architecture, 1, 0), refuse]
    # x86-64 knows each call under a second number
    steps += [_step(_LOAD, 0), _step(_AT_LEAST, _X32, 0, 1), refuse]
    for numbers in _REFUSED.values():
        steps += [_step(_EQUAL, numbers[column], 0, 1), refuse]
    steps += [_step(_EQUAL, _SOCKET[column], 1, 0), _step(_ANSWER, _ALLOW), _step(_LOAD, 16)]
    for family in families:
        steps += [_step(_EQUAL, family, 0, 1), _step(_ANSWER, _ALLOW)]
    steps.append(_step(_ANSWER, _REFUSE | errno.EACCES))
    return b"".join(steps)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def landlock_version() -> int:
    """Of the kernel; 0 when it has none, or hides it."""
    if sys.platform != "linux":
        return 0
    return max(0, ctypes.CDLL(None).syscall(_LANDLOCK["create"], None, 0, 1))


def _restrict_files(libc: ctypes.CDLL, version: int, reads: Iterable[str], writes: Iterable[str]) -> bool:
    rights = (1 << 13) - 1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _CONTROL)):
        rights |= right if version >= since else 0
    record = struct.pack("QQQ", rights, 0, 0b11)  # 0b11: no signals to, no abstract sockets of, others
    size = 24 if version >= 6 else 8
    ruleset = libc.syscall(_LANDLOCK["create"], ctypes.c_char_p(record[:size]), size, 0)
    if ruleset < 0:
        return False
    try:
        for path, wanted in _rules(reads, writes):
            _allow(libc, ruleset, path, wanted & rights)
        return libc.syscall(_LANDLOCK["restrict"], ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _rules(reads: Iterable[str], writes: Iterable[str]) -> Iterable[tuple[str, int]]:
    python = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.executable, os.path.realpath(sys.executable)}
    packages = {path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")}
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    for path in (*_PROGRAMS, *python, *packages, str(Path(__file__).parents[1]), *filter(None, libraries)):
        yield path, _RUN
    cards = (f"/dev/{name}" for name in os.listdir("/dev") if name.startswith("nvidia"))
    for path in (*_DEVICES, *cards):
        yield path, _USE
    yield "/dev/shm", _CHANGE  # locks between a worker and what it starts
    for path in (*_SHARED_FILES, *reads):
        yield path, _VIEW
    for path in writes:
        yield path, _CHANGE


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    with contextlib.suppress(OSError):  # it is not there
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(path):
                rights &= _ON_FILES
            record = struct.pack("=Qi", rights, handle)
            libc.syscall(_LANDLOCK["add"], ruleset, 1, ctypes.c_char_p(record), 0)
        finally:
            os.close(handle)
