"""The filter of system calls, run by hand for both kinds of machine; what is told where locks are missing."""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence

import pytest

from gradio_app.machine import sandbox, seccomp
from gradio_app.machine.seccomp import calls_filter

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
#: read, write, openat, mmap, futex, rename, exit_group on both
ORDINARY = {"x86_64": (0, 1, 257, 9, 202, 82, 231), "aarch64": (63, 64, 56, 222, 98, 38, 94)}
SOCKET = {"x86_64": 41, "aarch64": 198}
INET = 2


PID = 4242


def answer(program: bytes, number: int, machine: int, *arguments: int) -> int:
    """What the kernel would do: 0 to let it pass, else the number of the error."""
    given = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    record = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, machine, 0, *(one & 2**64 - 1 for one in given))
    steps = list(struct.iter_unpack("HBBI", program))
    at = word = 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x20:
            word = struct.unpack_from("<I", record, value)[0]
        elif code == 0x54:
            word &= value
        elif code in (0x15, 0x35, 0x45):
            met = {0x15: word == value, 0x35: word >= value, 0x45: bool(word & value)}[code]
            at += if_true if met else if_false
        else:
            assert code == 0x06
            return 0 if value == 0x7FFF0000 else value & 0xFFFF


@pytest.fixture(params=MACHINES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def ask(name: str, number: int, *arguments: int, network: bool = False, names: bool = False) -> int:
    program = calls_filter(MACHINES[name], PID, network, names)
    return answer(program, number, MACHINES[name][1], *arguments)


def test_ordinary_calls_pass(name: str) -> None:
    assert [ask(name, number) for number in ORDINARY[name]] == [0] * len(ORDINARY[name])


def test_calls_that_no_document_needs_are_refused(name: str) -> None:
    column = MACHINES[name][0]
    for numbers in seccomp.REFUSED.values():
        if numbers[column] >= 0:
            assert ask(name, numbers[column]) == ask(name, numbers[column], network=True) == errno.EPERM


@pytest.mark.parametrize(
    ("call", "allowed", "refused"),
    [
        ((302, 261), [(0, 7)], [(1,), (PID,), (2**32 + 1,)]),
        ((203, 122), [(0,)], [(PID,)]),
        ((141, 140), [(0, 0, 5)], [(0, PID), (2, 0), (1, 0)]),
        ((251, 30), [(1, 0)], [(1, 9), (3, 0)]),
        ((62, 129), [(PID, 9), (-PID, 9)], [(0, 9), (-1, 15), (1, 9), (PID + 1, 0)]),
        ((234, 131), [(PID, PID + 3, 6)], [(1, 1, 9)]),
        ((72, 25), [(3, 2), (3, 1030)], [(3, 8), (3, 15), (3, 10), (3, 2**32 + 8)]),
        ((16, 29), [(0, 0x5401)], [(0, 0x5412), (3, 0x40086602), (3, 0x8901)]),
        ((56, 220), [(0x3D0F00,)], [(17,), (0x10000011,), (0x10010000,), (0x4111,)]),
        ((53, 199), [(1, 1), (1, 1 | 0o2000000), (1, 5)], [(1, 2), (1, 2 | 0o4000)]),
    ],
)
def test_arguments_decide(
    name: str, call: tuple[int, int], allowed: Sequence[tuple[int, ...]], refused: Sequence[tuple[int, ...]]
) -> None:
    number = call[MACHINES[name][0]]
    assert [ask(name, number, *each) for each in allowed] == [0] * len(allowed)
    assert [ask(name, number, *each) for each in refused] == [errno.EPERM] * len(refused)


def test_clone3_is_unknown(name: str) -> None:
    """Its flags are in memory, which a filter cannot read; libraries then use clone."""
    assert ask(name, 435) == errno.ENOSYS


def test_sockets(name: str) -> None:
    every, stream, datagram = range(0, 46), 1, 2
    number = SOCKET[name]
    assert {ask(name, number, family, stream) for family in every} == {errno.EACCES}

    def opened(kind: int, names: bool) -> list[int]:
        return [one for one in every if ask(name, number, one, kind, network=True, names=names) == 0]

    assert opened(stream, names=False) == [INET, 10] and opened(datagram, names=False) == []
    assert opened(stream, names=True) == opened(datagram, names=True) == [INET, 10, 16]
    assert opened(3, names=True) == [16], "raw packets, but for asking the kernel which addresses there are"


def test_the_upper_half_of_an_argument_opens_nothing(name: str) -> None:
    """The kernel takes the family from the lower half alone, and so does the filter."""
    assert ask(name, SOCKET[name], 17 + (INET << 32), 1, network=True) == errno.EACCES


def test_calls_of_other_machines_are_refused() -> None:
    """A program of 32 bits has other numbers for the same calls; x86-64 has a second row of them."""
    program = calls_filter(MACHINES["x86_64"], PID, True, True)
    for machine in (0x40000003, 0x40000028, MACHINES["aarch64"][1], 0):
        assert answer(program, 0, machine) == errno.EPERM
    assert answer(program, 0x40000000 + SOCKET["x86_64"], MACHINES["x86_64"][1], INET) == errno.EPERM
    assert answer(program, 0xFFFFFFFF, MACHINES["x86_64"][1]) == errno.EPERM


def test_a_filter_fits_the_kernel(name: str) -> None:
    assert len(calls_filter(MACHINES[name], PID, True, True)) // 8 < 4096


@pytest.mark.parametrize(
    ("machine", "filters", "version", "wanted"),
    [
        ("x86_64", True, 7, {"seccomp": "yes", "landlock": "7"}),
        ("aarch64", True, 0, {"seccomp": "yes"}),
        ("riscv64", True, 3, {"landlock": "3"}),
        ("x86_64", False, 0, {}),
    ],
)
def test_what_is_there_is_told(
    monkeypatch: pytest.MonkeyPatch, machine: str, filters: bool, version: int, wanted: dict[str, str]
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(sandbox.seccomp, "available", lambda: filters)
    monkeypatch.setattr(sandbox.landlock, "version", lambda: version)
    assert sandbox.found() == wanted
    assert set(sandbox.missing()) == {"seccomp", "landlock"} - wanted.keys()
