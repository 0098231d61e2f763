"""Cards: what is told of them, which are visible, and that nothing a driver does is ever an error."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradio_app.machine.cards import (
    Card,
    Process,
    __file__,
    choose_card,
    choose_cards,
    driver_problem,
    foreign_processes,
    read_cards,
)
from tests.fakes.nvml import ERRORS, GB, FakeCard, FakeNvml

A, B, C = FakeCard("GPU-aaaa"), FakeCard("GPU-bbbb", used=1 * GB), FakeCard("GPU-cccc", used=3 * GB)
NOWHERE = 2**22 + 1  # no Linux gives out such a process id


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeNvml]:
    """Puts a stand-in in place of the driver's library."""

    def install(*cards: FakeCard) -> FakeNvml:
        fake = FakeNvml(*cards)
        monkeypatch.setattr("gradio_app.machine.cards._nvml", fake)
        monkeypatch.setattr("gradio_app.machine.cards._started", False)
        return fake

    return install


def failing(error: str, *questions: str) -> dict[str, str]:
    return dict.fromkeys(questions, error)


def uuids(env: dict[str, str]) -> list[str]:
    return [card.uuid for card in read_cards(env)]


def card(**more: Any) -> Card:
    known = Card(0, "GPU-aaaa", "a card", 24 * GB, 0, 24 * GB, 0, 40, (8, 9), False, ())
    return replace(known, **more)


def test_everything_a_card_tells(driver: Callable[..., FakeNvml]) -> None:
    fake = driver(replace(A, processes={7: 3 * GB, 8: None}, drawing={7: 1 * GB, 9: 4 * GB}))
    fake.names = {7: "/usr/bin/python -m thing --key secret", 8: "sglang::scheduler"}
    assert read_cards({}) == [
        Card(
            index=0,
            uuid="GPU-aaaa",
            name="NVIDIA RTX 4090",
            total=24 * GB,
            used=2 * GB,
            free=22 * GB,
            load=7,
            temperature=41,
            capability=(8, 9),
            mig=False,
            processes=(
                Process(9, name_here(9), 4 * GB),
                Process(7, "python", 3 * GB),
                Process(8, "sglang::scheduler", 0),
            ),
        )
    ]
    assert driver_problem({}) == ""


def name_here(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
            return comm.read().strip()
    except OSError:
        return "?"


def test_the_library_is_started_once(driver: Callable[..., FakeNvml]) -> None:
    fake = driver(A)
    for _ in range(3):
        read_cards({})
    assert (fake.starts, fake.stops) == (1, 0)


def test_names_of_processes_come_from_the_system_when_the_driver_has_none(
    driver: Callable[..., FakeNvml],
) -> None:
    driver(replace(A, processes={os.getpid(): 1, NOWHERE: 1}))
    (found,) = read_cards({})
    assert {process.pid: process.name for process in found.processes} == {
        os.getpid(): name_here(os.getpid()),
        NOWHERE: "?",
    }


def test_every_question_is_one_that_the_real_library_knows() -> None:
    import pynvml

    asked = set(re.findall(r'"(nvml[A-Z]\w+)"', Path(__file__).read_text()))
    asked |= {f"nvmlDeviceGet{kind}RunningProcesses" for kind in ("Compute", "MPSCompute", "Graphics")}
    assert len(asked) > 15
    assert [name for name in asked if not hasattr(pynvml, name)] == []
    assert {name: getattr(pynvml, "NVML_ERROR_" + name) for name in ERRORS} == ERRORS
    assert pynvml.nvmlMemory_v2


# --- a driver that does not answer -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("LIBRARY_NOT_FOUND", "no NVIDIA driver"),
        ("DRIVER_NOT_LOADED", "not loaded"),
        ("NO_PERMISSION", "may not use"),
        ("LIB_RM_VERSION_MISMATCH", "restart the machine"),
        ("FUNCTION_NOT_FOUND", "FUNCTION_NOT_FOUND"),
    ],
)
def test_no_driver_is_no_card_and_one_sentence(
    driver: Callable[..., FakeNvml], error: str, sentence: str
) -> None:
    driver(A).init_error = error
    assert read_cards({}) == []
    assert sentence in driver_problem({})


def test_a_driver_that_comes_later_is_found(driver: Callable[..., FakeNvml]) -> None:
    fake = driver(A)
    fake.init_error = "DRIVER_NOT_LOADED"
    assert read_cards({}) == []
    fake.init_error = ""
    assert uuids({}) == ["GPU-aaaa"]


def test_no_card_in_the_machine(driver: Callable[..., FakeNvml]) -> None:
    driver()
    assert read_cards({}) == []
    assert "sees no card" in driver_problem({})


def test_this_machine_is_asked_without_an_error() -> None:
    assert bool(read_cards({})) is not bool(driver_problem({}))


def test_a_driver_that_was_reloaded_is_asked_again(driver: Callable[..., FakeNvml]) -> None:
    fake = driver(A)
    read_cards({})
    fake.reload_driver()
    assert uuids({}) == ["GPU-aaaa"]
    assert fake.starts == 2


@pytest.mark.parametrize("where", ["HandleByIndex", "UUID", "MemoryInfo"])
@pytest.mark.parametrize("error", ["GPU_IS_LOST", "RESET_REQUIRED", "UNKNOWN"])
def test_a_lost_card_does_not_hide_the_others(
    driver: Callable[..., FakeNvml], where: str, error: str
) -> None:
    driver(replace(A, fails={where: error}), B)
    assert uuids({}) == ["GPU-bbbb"]
    assert driver_problem({}) == ""


def test_the_only_card_being_lost_is_told(driver: Callable[..., FakeNvml]) -> None:
    driver(replace(A, fails={"HandleByIndex": "GPU_IS_LOST"}))
    assert read_cards({}) == []
    assert "GPU_IS_LOST" in driver_problem({})


@pytest.mark.parametrize(
    "where",
    [
        "HandleByIndex",
        "UUID",
        "Name",
        "MemoryInfo",
        "MemoryInfo_v2",
        "UtilizationRates",
        "TemperatureV",
        "Temperature",
        "CudaComputeCapability",
        "MigMode",
        "ComputeRunningProcesses",
        "GraphicsRunningProcesses",
    ],
)
def test_no_error_of_any_question_gets_out(driver: Callable[..., FakeNvml], where: str) -> None:
    for error in sorted(ERRORS):
        driver(replace(A, fails={where: error}), B)
        assert "GPU-bbbb" in uuids({}), error


def test_an_error_that_nobody_foresaw_is_told_too(driver: Callable[..., FakeNvml]) -> None:
    fake = driver(replace(A, processes={1: 1}))
    fake.nvmlDeviceGetComputeRunningProcesses = lambda card: [None]  # type: ignore[method-assign]
    assert read_cards({}) == []
    assert "cannot be asked" in driver_problem({})


def test_what_a_card_does_not_tell_is_none(driver: Callable[..., FakeNvml]) -> None:
    hidden = (
        "UtilizationRates",
        "TemperatureV",
        "Temperature",
        "CudaComputeCapability",
        "ComputeRunningProcesses",
    )
    driver(replace(A, processes={7: 1}, fails=dict.fromkeys(hidden, "NOT_SUPPORTED")))
    (found,) = read_cards({})
    assert (found.load, found.temperature, found.capability, found.processes) == (None, None, (0, 0), ())


def test_an_old_driver_is_asked_in_the_old_way(driver: Callable[..., FakeNvml]) -> None:
    newer = dict.fromkeys(("TemperatureV", "MemoryInfo_v2"), "FUNCTION_NOT_FOUND")
    driver(replace(A, name="Tesla T4", fails=newer))
    (found,) = read_cards({})
    assert (found.name, found.temperature, found.used) == ("Tesla T4", 41, 2 * GB)


def test_a_chip_without_memory_of_its_own_has_the_machines(driver: Callable[..., FakeNvml]) -> None:
    driver(replace(A, fails={"MemoryInfo": "NOT_SUPPORTED"}))
    (found,) = read_cards({})
    assert found.total == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert found.used + found.free == found.total


# --- which cards are visible -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "seen"),
    [
        ("0,1,2", "aaaa bbbb cccc"),
        ("2,0", "cccc aaaa"),
        (" 1 ", "bbbb"),
        ("1,1", "bbbb"),
        ("GPU-bb", "bbbb"),
        ("gpu-cccc,0", "cccc aaaa"),
        ("0,9,1", "aaaa"),  # as CUDA: nothing counts behind a name without a card
        ("-1", ""),
        ("", ""),
        ("none", ""),
        ("bbbb", ""),
    ],
)
def test_cuda_visible_devices(driver: Callable[..., FakeNvml], variable: str, seen: str) -> None:
    driver(A, B, C)
    env = {"CUDA_VISIBLE_DEVICES": variable, "NVIDIA_VISIBLE_DEVICES": "all"}
    assert uuids(env) == ["GPU-" + name for name in seen.split()]
    assert ("hides every card" in driver_problem(env)) is not bool(seen)


@pytest.mark.parametrize(
    ("variable", "seen"),
    [
        ("all", "aaaa bbbb cccc"),
        ("", "aaaa bbbb cccc"),
        ("void", "aaaa bbbb cccc"),  # what CDI leaves in a container that was given cards
        ("none", ""),
        ("1", "bbbb"),
        ("2,GPU-aaaa", "cccc aaaa"),
        ("4,5,6", "aaaa bbbb cccc"),  # three were granted, three are here: the host's numbers
        ("0:1", "aaaa bbbb cccc"),
    ],
)
def test_nvidia_visible_devices(driver: Callable[..., FakeNvml], variable: str, seen: str) -> None:
    driver(A, B, C)
    assert uuids({"NVIDIA_VISIBLE_DEVICES": variable}) == ["GPU-" + name for name in seen.split()]


def test_the_environment_of_the_process_is_the_default(
    driver: Callable[..., FakeNvml], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(A, B)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [found.uuid for found in read_cards()] == ["GPU-bbbb"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert driver_problem() == "CUDA_VISIBLE_DEVICES='7' hides every card."


def test_slices_stand_for_the_card_they_are_cut_from(driver: Callable[..., FakeNvml]) -> None:
    unsupported = failing("NOT_SUPPORTED", "UtilizationRates", "TemperatureV", "Temperature")
    one = FakeCard("MIG-1111", "H200 MIG 1g.18gb", 18 * GB, 1 * GB, fails=unsupported)
    two = FakeCard("MIG-2222", "H200 MIG 2g.35gb", 35 * GB, 0, fails=unsupported)
    driver(replace(A, slices=[one, None, two]), B)
    found = read_cards({})
    assert [(seen.uuid, seen.index, seen.mig) for seen in found] == [
        ("MIG-1111", 0, True),
        ("MIG-2222", 0, True),
        ("GPU-bbbb", 1, False),
    ]
    assert (found[1].free, found[1].temperature, found[1].capability) == (35 * GB, 41, (8, 9))
    assert uuids({"CUDA_VISIBLE_DEVICES": "MIG-2"}) == ["MIG-2222"]
    assert uuids({"CUDA_VISIBLE_DEVICES": "GPU-aaaa"}) == ["MIG-1111", "MIG-2222"]
    assert uuids({"CUDA_VISIBLE_DEVICES": "1"}) == ["GPU-bbbb"]
    assert uuids({"NVIDIA_VISIBLE_DEVICES": "1"}) == ["GPU-bbbb"]


def test_a_card_to_be_sliced_without_slices_is_no_card(driver: Callable[..., FakeNvml]) -> None:
    driver(replace(A, slices=[None, None]))
    assert read_cards({}) == []
    assert "MIG is on" in driver_problem({})


# --- decisions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "used", "expected"),
    [
        (0, 2, (24, 2, 22)),
        (8, 2, (8, 2, 6)),
        (8, 12, (8, 8, 0)),
        (24, 2, (24, 2, 22)),
        (48, 2, (24, 2, 22)),
    ],
)
def test_a_card_can_be_treated_as_a_smaller_one(
    driver: Callable[..., FakeNvml], limit: int, used: int, expected: tuple[int, int, int]
) -> None:
    driver(replace(A, used=used * GB))
    (found,) = read_cards({}, limit * GB)
    assert (found.total // GB, found.used // GB, found.free // GB) == expected


def test_the_freest_card_is_chosen_and_a_number_counts_the_visible_ones(
    driver: Callable[..., FakeNvml],
) -> None:
    driver(A, B, C)
    found = read_cards({"CUDA_VISIBLE_DEVICES": "2,0,1"})
    assert choose_card(found, "auto") == found[2]
    assert choose_card(found, "0") == found[0]
    assert found[0].uuid == "GPU-cccc"


def test_of_equal_cards_the_first_is_chosen() -> None:
    first, second = card(index=0), card(index=1)
    assert choose_card([first, second], "auto") is first


@pytest.mark.parametrize("setting", ["auto", "0", "3", "", "-1", "x"])
def test_no_such_card_is_none(setting: str) -> None:
    assert choose_card([], setting) is None
    assert setting in ("auto", "0") or choose_card([card()], setting) is None


def test_strangers_are_those_who_are_not_ours() -> None:
    mine, other = Process(os.getpid(), "ours", 1), Process(1, "theirs", 2)
    both = card(processes=(mine, other))
    assert foreign_processes(both, [mine.pid]) == [other]
    assert foreign_processes(both, []) == [mine, other]
    assert foreign_processes(both, [mine.pid, other.pid]) == []


def test_ids_of_another_system_accuse_nobody() -> None:
    outside = card(processes=(Process(NOWHERE, "python", 1),))
    assert foreign_processes(outside, [os.getpid()]) == [], (
        "it may be ours under the id that the host gave it"
    )
    assert len(foreign_processes(outside, [])) == 1, "nothing of ours runs, so it is somebody else's"
    here = card(processes=(Process(os.getppid(), "shell", 1),))
    assert len(foreign_processes(here, [os.getpid()])) == 1


def test_several_cards_are_all_or_those_that_are_named_and_there() -> None:
    found = [card(index=index, uuid=f"GPU-{index}", free=index * GB) for index in range(3)]
    assert choose_cards(found, "all") == found
    assert choose_cards(found, "2,0,7") == [found[2], found[0]]
    assert choose_cards(found, "auto") == [found[2]]
    assert choose_cards(found, "GPU-1") == [found[1]]
    assert choose_card(found, "0,1") is found[1], "of several the one with most free memory"
    assert choose_cards([], "all") == choose_cards(found, "GPU-9") == []
