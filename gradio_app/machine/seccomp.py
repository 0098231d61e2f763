"""Seccomp filter of a worker: which system calls it may make, and with which arguments.

Covers: a program for the kernel's classic BPF machine, for x86-64 and arm64, built from the tables below.
Does not cover: files (``landlock``), and when a process takes the filter (``sandbox``).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
#: machine -> column of the tables, number of the architecture in the kernel's records
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
#: number of a call that arm64 does not have
_NONE = -1

#: calls that no document needs: number on x86-64, number on arm64. Sources: asm/unistd_64.h of the kernel,
#: asm-generic/unistd.h
REFUSED: dict[str, tuple[int, int]] = {
    # a way around this filter: io_uring opens sockets without socket(2)
    **{"io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427)},
    # other processes: their memory, descriptors, signals and scheduling
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271)},
    **{"pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "tkill": (200, 130)},
    **{"process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272)},
    **{"move_pages": (279, 239), "migrate_pages": (256, 238)},
    # processes and programs of its own: they would outlive the job
    **{"fork": (57, _NONE), "vfork": (58, _NONE), "execve": (59, 221), "execveat": (322, 281)},
    **{"memfd_create": (319, 279), "memfd_secret": (447, 447), "setsid": (112, 157), "setpgid": (109, 154)},
    # each user has few of them, and they tell what others do
    **{"inotify_init": (253, _NONE), "inotify_init1": (294, 26)},
    # metadata of files: Landlock knows no right for it
    **{"chmod": (90, _NONE), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452)},
    **{"chown": (92, _NONE), "fchown": (93, 55), "lchown": (94, _NONE), "fchownat": (260, 54)},
    **{"utime": (132, _NONE), "utimes": (235, _NONE), "futimesat": (261, _NONE), "utimensat": (280, 88)},
    **{"setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463)},
    **{"removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16)},
    **{"removexattrat": (466, 466), "file_setattr": (469, 469)},
    # names that lead elsewhere
    **{"symlink": (88, _NONE), "symlinkat": (266, 36), "link": (86, _NONE), "linkat": (265, 37)},
    **{"mknod": (133, _NONE), "mknodat": (259, 33), "open_by_handle_at": (304, 265)},
    # namespaces and mounts
    **{"unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39)},
    **{"pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429)},
    **{"fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433)},
    **{"mount_setattr": (442, 442), "open_tree_attr": (467, 467)},
    # memory and queues shared with other processes of this user
    **{"shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190)},
    **{"semctl": (66, 191), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188)},
    **{"msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181)},
    # the kernel and the machine
    **{"bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219)},
    **{"add_key": (248, 217), "request_key": (249, 218), "init_module": (175, 105)},
    **{"finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104)},
    **{"kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225)},
    **{"acct": (163, 89), "syslog": (103, 116), "quotactl": (179, 60), "quotactl_fd": (443, 443)},
    **{"sethostname": (170, 161), "setdomainname": (171, 162), "personality": (135, 92)},
    **{"settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171)},
    **{"clock_adjtime": (305, 266), "fanotify_init": (300, 262), "lookup_dcookie": (212, 18)},
    **{"iopl": (172, _NONE), "ioperm": (173, _NONE), "modify_ldt": (154, _NONE), "uselib": (134, _NONE)},
}
#: calls with a process as argument, which may only name the caller (0): prlimit64(2) stopped the web process
_OF_ITSELF: dict[str, tuple[int, int]] = {
    **{"prlimit64": (302, 261), "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119)},
    **{"sched_setparam": (142, 118), "sched_setattr": (314, 274)},
}
#: setpriority(PRIO_PROCESS, 0, n), ioprio_set(IOPRIO_WHO_PROCESS, 0, n)
_WHOSE: dict[str, tuple[tuple[int, int], int]] = {
    "setpriority": ((141, 140), 0),
    "ioprio_set": ((251, 30), 1),
}
#: signals, which may only go to the caller
_SIGNALS: dict[str, tuple[int, int]] = {
    **{
        "kill": (62, 129),
        "tgkill": (234, 131),
        "rt_sigqueueinfo": (129, 138),
        "rt_tgsigqueueinfo": (297, 240),
    },
}
#: commands that are refused: by the argument that holds them, and its bits that count (0: all)
_COMMANDS: dict[str, tuple[tuple[int, int], tuple[tuple[int, int, tuple[int, ...]], ...]]] = {
    # F_SETOWN, F_SETSIG and F_SETOWN_EX send signals; who holds F_SETLEASE makes openers wait; F_NOTIFY spies
    "fcntl": ((72, 25), ((1, 0, (8, 10, 15, 1024, 1026)),)),
    # signals and typing into terminals; all of file systems ("f", "v", "X", btrfs): some seal or encrypt what
    # the caller may only read, as long as it owns it
    "ioctl": (
        (16, 29),
        ((1, 0, (0x8901, 0x8902, 0x5412, 0x541C)), (1, 0xFF00, (0x6600, 0x7600, 0x5800, 0x9400))),
    ),
    # PR_SET_PDEATHSIG: it would outlive the server
    "prctl": ((157, 167), ((0, 0, (1,)),)),
}
_CLONE, _CLONE3, _SOCKET, _SOCKETPAIR = (56, 220), (435, 435), (41, 198), (53, 199)
_CLONE_THREAD = 0x00010000
#: NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_CLONE_NAMESPACES = 0x7E020080
_AF_INET, _AF_INET6, _AF_NETLINK = 2, 10, 16
_SOCK_STREAM, _SOCK_DGRAM, _SOCK_SEQPACKET, _SOCK_TYPES = 1, 2, 5, 0xF

# instructions of a filter: load a word, mask it, jump when equal, when a bit is set, when not less; answer
_LOAD, _AND, _EQUAL, _BITS, _AT_LEAST, _ANSWER = 0x20, 0x54, 0x15, 0x45, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_X32 = 0x40000000
_PERMISSION = _REFUSE | errno.EPERM


def machine() -> tuple[int, int] | None:
    """Column and architecture of this machine; None where there is no filter for it."""
    return MACHINES.get(platform.machine()) if sys.maxsize > 2**32 else None


def available() -> bool:
    """Whether the kernel takes filters."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, None, 0, 0)
    return ctypes.get_errno() == errno.EFAULT  # it asked for the filter


def apply(libc: ctypes.CDLL, network: bool, names: bool) -> bool:
    """Takes the filter of ``calls_filter`` for this process, for good. False where that is not possible."""
    if (here := machine()) is None:
        return False
    program = calls_filter(here, os.getpid(), network, names)
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    record = Program(len(program) // 8, ctypes.addressof(buffer))
    return libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(record), 0, 0) == 0


def calls_filter(here: tuple[int, int], pid: int, network: bool, names: bool) -> bytes:
    """The filter for the process ``pid``.

    ``network`` allows sockets for TCP, ``names`` those that ask for addresses of host names as well. Refused
    calls answer EPERM, sockets EACCES; clone3, whose flags a filter cannot read, ENOSYS: libraries then use
    clone.
    """
    column, architecture = here
    steps = [_step(_LOAD, 4), _step(_EQUAL, architecture, 1, 0), _step(_ANSWER, _PERMISSION)]
    # x86-64 knows each call under a second number
    steps += [_step(_LOAD, 0), _step(_AT_LEAST, _X32, 0, 1), _step(_ANSWER, _PERMISSION)]
    for numbers in REFUSED.values():
        if numbers[column] != _NONE:
            steps += [_step(_EQUAL, numbers[column], 0, 1), _step(_ANSWER, _PERMISSION)]
    steps += [_step(_EQUAL, _CLONE3[column], 0, 1), _step(_ANSWER, _REFUSE | errno.ENOSYS)]
    for numbers in _OF_ITSELF.values():
        steps += _case(numbers[column], _one_of(0, [0]))
    for numbers, kind in _WHOSE.values():
        steps += _case(numbers[column], [*_must(0, kind), *_one_of(1, [0])])
    for numbers in _SIGNALS.values():
        steps += _case(numbers[column], _one_of(0, [pid, -pid & 0xFFFFFFFF]))
    for numbers, refused in _COMMANDS.values():
        checks = [step for check in refused for step in _none_of(*check)]
        steps += _case(numbers[column], [*checks, _step(_ANSWER, _ALLOW)])
    # threads, and no processes
    thread = [_load(0), _step(_BITS, _CLONE_NAMESPACES, 2, 0), _step(_BITS, _CLONE_THREAD, 0, 1)]
    steps += _case(_CLONE[column], [*thread, _step(_ANSWER, _ALLOW), _step(_ANSWER, _PERMISSION)])
    # a pair of datagram sockets could still send to other local sockets
    steps += _case(_SOCKETPAIR[column], _one_of(1, [_SOCK_STREAM, _SOCK_SEQPACKET], _SOCK_TYPES))
    steps += _case(_SOCKET[column], _sockets(network, names))
    steps.append(_step(_ANSWER, _ALLOW))
    return b"".join(steps)


def _sockets(network: bool, names: bool) -> list[bytes]:
    refuse = _step(_ANSWER, _REFUSE | errno.EACCES)
    if not network:
        return [refuse]
    types = [_SOCK_STREAM, _SOCK_DGRAM] if names else [_SOCK_STREAM]
    internet = _one_of(1, types, _SOCK_TYPES, errno.EACCES)
    steps = [_load(0)]
    if names:  # looking up names asks which addresses there are
        steps += [_step(_EQUAL, _AF_NETLINK, 0, 1), _step(_ANSWER, _ALLOW)]
    steps += [_step(_EQUAL, _AF_INET, 1, 0), _step(_EQUAL, _AF_INET6, 0, len(internet))]
    return [*steps, *internet, refuse]


def _case(number: int, steps: list[bytes]) -> list[bytes]:
    """``steps`` for one call; each way through them ends with an answer."""
    return [_step(_EQUAL, number, 0, len(steps)), *steps]


def _one_of(argument: int, values: Iterable[int], mask: int = 0, error: int = errno.EPERM) -> list[bytes]:
    """Allows an argument (its lower 32 bits) that is one of these under ``mask``; else refuses."""
    steps = [_load(argument), *([_step(_AND, mask)] if mask else [])]
    for value in values:
        steps += [_step(_EQUAL, value, 0, 1), _step(_ANSWER, _ALLOW)]
    return [*steps, _step(_ANSWER, _REFUSE | error)]


def _none_of(argument: int, mask: int, values: Iterable[int]) -> list[bytes]:
    """Refuses an argument (its lower 32 bits) that is one of these under ``mask``; else goes on."""
    steps = [_load(argument), *([_step(_AND, mask)] if mask else [])]
    for value in values:
        steps += [_step(_EQUAL, value, 0, 1), _step(_ANSWER, _PERMISSION)]
    return steps


def _must(argument: int, value: int) -> list[bytes]:
    return [_load(argument), _step(_EQUAL, value, 1, 0), _step(_ANSWER, _PERMISSION)]


def _load(argument: int) -> bytes:
    """The lower half of an argument: the kernel takes numbers of processes, families and flags from it."""
    return _step(_LOAD, 16 + 8 * argument)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
