"""The filter of system calls, run by hand for both kinds of machine; what is told where locks are missing."""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence

import pytest

from gradio_app.machine import sandbox
from gradio_app.machine.sandbox import calls_filter

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
#: read, write, openat, socketpair, clone, execve, exit_group on both
ORDINARY = {"x86_64": (0, 1, 257, 53, 56, 59, 231), "aarch64": (63, 64, 56, 199, 220, 221, 94)}
SOCKET = {"x86_64": 41, "aarch64": 198}
INET = 2


def answer(program: bytes, number: int, machine: int, first: int = 0) -> int:
    """What the kernel would do: 0 to let it pass, else the number of the error."""
    record = struct.pack("<IIQQ", number & 0xFFFFFFFF, machine, 0, first)
    steps = list(struct.iter_unpack("HBBI", program))
    at = word = 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x20:
            word = struct.unpack_from("<I", record, value)[0]
        elif code in (0x15, 0x35):
            at += if_true if (word == value if code == 0x15 else word >= value) else if_false
        else:
            assert code == 0x06
            return 0 if value == 0x7FFF0000 else value & 0xFFFF


@pytest.fixture(params=MACHINES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def ask(name: str, number: int, families: Sequence[int] = (), first: int = 0) -> int:
    return answer(calls_filter(MACHINES[name], families), number, MACHINES[name][1], first)


def test_ordinary_calls_pass(name: str) -> None:
    assert [ask(name, number) for number in ORDINARY[name]] == [0] * len(ORDINARY[name])


def test_calls_that_no_document_needs_are_refused(name: str) -> None:
    column = MACHINES[name][0]
    for numbers in sandbox._REFUSED.values():
        assert ask(name, numbers[column]) == ask(name, numbers[column], (1, INET)) == errno.EPERM


def test_sockets(name: str) -> None:
    every = range(0, 46)
    assert {ask(name, SOCKET[name], (), family) for family in every} == {errno.EACCES}
    opened = [family for family in every if ask(name, SOCKET[name], sandbox._FAMILIES, family) == 0]
    assert opened == sorted(sandbox._FAMILIES)


def test_the_upper_half_of_an_argument_opens_nothing(name: str) -> None:
    """The kernel takes the family from the lower half alone, and so does the filter."""
    assert ask(name, SOCKET[name], (INET,), 17 + (INET << 32)) == errno.EACCES


def test_calls_of_other_machines_are_refused() -> None:
    """A program of 32 bits has other numbers for the same calls; x86-64 has a second row of them."""
    program = calls_filter(MACHINES["x86_64"], ())
    for machine in (0x40000003, 0x40000028, MACHINES["aarch64"][1], 0):
        assert answer(program, 0, machine) == errno.EPERM
    assert answer(program, 0x40000000 + SOCKET["x86_64"], MACHINES["x86_64"][1], INET) == errno.EPERM
    assert answer(program, 0xFFFFFFFF, MACHINES["x86_64"][1]) == errno.EPERM


def test_a_filter_fits_the_kernel(name: str) -> None:
    assert len(calls_filter(MACHINES[name], sandbox._FAMILIES)) // 8 < 4096


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
    monkeypatch.setattr(sandbox, "_has_filters", lambda: filters)
    monkeypatch.setattr(sandbox, "landlock_version", lambda: version)
    assert sandbox.found() == wanted
    assert set(sandbox.missing()) == {"seccomp", "landlock"} - wanted.keys()
