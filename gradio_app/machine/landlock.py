"""Landlock rules of a worker: which files it may use, and to which TCP ports it may connect.

Does not cover: metadata of files and other system calls (``seccomp``).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_BELOW_PATH, _PORT = 1, 2
#: the version that knows TCP ports
PORTS_SINCE = 4

# rights on files: in all versions of Landlock, then the rights that version 2, 3 and 5 added
_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FOLDER, _REMOVE, _MAKE_FOLDER, _MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE, _CONTROL = 1 << 13, 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _CONTROL
_VIEW = _READ | _LIST
_RUN = _VIEW | _EXECUTE
_CHANGE = _VIEW | _WRITE | _TRUNCATE | _REMOVE | _REMOVE_FOLDER | _MAKE_FOLDER | _MAKE_FILE | _REFER
_USE = _VIEW | _WRITE | _TRUNCATE | _CONTROL
_CONNECT_TCP, _BIND_TCP = 2, 1

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


def version() -> int:
    """Of the kernel's Landlock; 0 when it has none, or hides it."""
    if sys.platform != "linux":
        return 0
    return max(0, ctypes.CDLL(None).syscall(_CREATE, None, 0, 1))


def apply(
    libc: ctypes.CDLL, kernel: int, reads: Iterable[str], writes: Iterable[str], ports: Iterable[int]
) -> bool:
    """Restricts this process to these files and TCP ports, for good, as version ``kernel`` can."""
    rights = (1 << 13) - 1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _CONTROL)):
        rights |= right if kernel >= since else 0
    tcp = _CONNECT_TCP | _BIND_TCP if kernel >= PORTS_SINCE else 0
    record = struct.pack("QQQ", rights, tcp, 0b11)  # 0b11: no signals to, no abstract sockets of, others
    size = 24 if kernel >= 6 else 16 if kernel >= PORTS_SINCE else 8
    ruleset = libc.syscall(_CREATE, ctypes.c_char_p(record[:size]), size, 0)
    if ruleset < 0:
        return False
    try:
        for path, wanted in _rules(reads, writes):
            _allow(libc, ruleset, path, wanted & rights)
        for port in ports if tcp else ():
            record = struct.pack("QQ", _CONNECT_TCP, port)
            libc.syscall(_ADD, ruleset, _PORT, ctypes.c_char_p(record), 0)
        return libc.syscall(_RESTRICT, ruleset, 0) == 0
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
            libc.syscall(_ADD, ruleset, _BELOW_PATH, ctypes.c_char_p(record), 0)
        finally:
            os.close(handle)
