"""CUDA MPS: who is attached, what stands in its way, and the parts of a shared card."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gradio_app.machine import mps
from gradio_app.machine.cards import Card
from gradio_app.machine.mps import MpsError
from gradio_app.model_server import seats
from gradio_app.model_server.seats import SharedCard
from tests.fakes.mps import FakeMps

pytestmark = pytest.mark.anyio

GB = 2**30
CARD = Card(0, "GPU-one", "a card", 80 * GB, 0, 80 * GB, 0, 40, (9, 0), False, ())


class Member:
    """A model server of a shared card."""

    def __init__(self, *pids: int, held: int = 0) -> None:
        self._pids, self._held = list(pids), held

    def pids(self) -> list[int]:
        return self._pids

    def holds(self, card: Card) -> int:
        return self._held


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMps:
    fake = FakeMps(tmp_path / "mps")
    for name, text in fake.variables(os.environ["PATH"]).items():
        monkeypatch.setenv(name, text)
    return fake


def shared(ask: Callable[[], set[int]], *members: Member, count: int = 2) -> SharedCard:
    card = SharedCard(count, ask=ask)
    card.members.extend(members)
    return card


# ---------------------------------------------------------------- the daemon


def test_the_folder_is_that_of_the_script_unless_told() -> None:
    assert mps.pipe_folder({}) == Path(f"/tmp/mineru-mps-{os.getuid()}/pipe")
    assert mps.pipe_folder({"CUDA_MPS_PIPE_DIRECTORY": "/run/mps"}) == Path("/run/mps")


def test_who_is_attached_is_asked_of_every_server(daemon: FakeMps) -> None:
    assert mps.clients() == set()
    daemon.attach([11, 12])
    with (daemon.home / "clients").open("a") as more:
        more.write("20 13\n")
    assert mps.clients() == {11, 12, 13}


def test_no_daemon_no_answer_no_program_and_each_says_so(
    daemon: FakeMps, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.end()
    with pytest.raises(MpsError, match=r"does not answer .*start_cuda_mps\.sh start"):
        mps.clients()
    monkeypatch.setenv("PATH", str(daemon.home / "nowhere"))
    with pytest.raises(MpsError, match="nvidia-cuda-mps-control"):
        mps.clients()
    (daemon.pipe / "control").unlink()
    with pytest.raises(MpsError, match=r"does not run .*start_cuda_mps\.sh start"):
        mps.clients()


def test_a_daemon_that_hangs_is_not_waited_for(daemon: FakeMps, monkeypatch: pytest.MonkeyPatch) -> None:
    (daemon.bin / "nvidia-cuda-mps-control").write_text("#!/bin/sh\nexec sleep 30\n")
    monkeypatch.setattr(mps, "PATIENCE", 0.05)
    with pytest.raises(MpsError, match="does not answer"):
        mps.clients()


def test_a_folder_of_somebody_else_is_not_believed(daemon: FakeMps, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.stat(daemon.pipe).st_uid
    monkeypatch.setattr(mps.os, "getuid", lambda: owner + 1)
    if owner:
        with pytest.raises(MpsError, match="does not run"):
            mps.clients()
    else:
        os.chown(daemon.pipe, 12345, -1)
        with pytest.raises(MpsError, match="does not run"):
            mps.clients()


@pytest.mark.parametrize(
    ("card", "why"), [({"mig": True}, "MIG"), ({"capability": (6, 1)}, "6.1"), ({"capability": (7, 0)}, "")]
)
def test_which_cards_can_be_shared(card: dict[str, object], why: str) -> None:
    told = mps.unfit(replace(CARD, **card))  # type: ignore[arg-type]
    assert (why in told) if why else told == ""


# ---------------------------------------------------------------- a shared card


async def test_one_server_asks_nobody_and_has_all_that_is_free() -> None:
    def nobody() -> set[int]:
        raise AssertionError("nothing is to be asked")

    card = shared(nobody, Member(1), count=1)
    await card.examine(CARD)
    assert await card.admit(0, lambda: [1]) and card.part(CARD, card.members[0]) == CARD.free  # type: ignore[arg-type]
    assert not card.left_out(0) and card.notice(0) == ""


async def test_each_has_its_part_of_what_is_free_and_of_what_they_hold() -> None:
    first, second = Member(held=30 * GB), Member()
    card = shared(set, first, second)
    assert card.part(replace(CARD, free=50 * GB), second) == 40 * GB
    assert card.part(replace(CARD, free=20 * GB), second) == 20 * GB, "never more than is free"
    assert card.part(replace(CARD, free=80 * GB), first) == 40 * GB


async def test_what_stands_in_the_way_leaves_one_and_is_looked_at_anew() -> None:
    answers: list[set[int] | MpsError] = [MpsError("MPS does not run."), {1}]

    def ask() -> set[int]:
        answer = answers.pop(0)
        if isinstance(answer, MpsError):
            raise answer
        return answer

    card = shared(ask, Member(), Member())
    await card.examine(CARD)
    assert (card.shared, card.left_out(0), card.left_out(1)) == (False, False, True)
    assert card.notice(0) == "One model server instead of 2 on a card: MPS does not run."
    assert card.part(CARD, card.members[0]) == CARD.free  # type: ignore[arg-type]
    await card.examine(CARD)
    assert card.shared and not card.left_out(1) and card.notice(0) == ""
    await card.examine(replace(CARD, mig=True))
    assert "MIG" in card.notice(0)


async def test_while_one_runs_nothing_is_decided_anew() -> None:
    card = shared(set, Member(1), Member())
    card.problem = "as it was found"
    await card.examine(CARD)
    assert card.problem == "as it was found"


async def test_who_is_attached_stays_and_who_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "LOOK_EVERY", 0.001)
    looks: list[set[int]] = [set(), set(), {7}]
    card = shared(lambda: looks.pop(0) if looks else {7}, count=3)
    assert await card.admit(0, lambda: [6, 7]), "it touches the card a little later"
    assert not await card.admit(1, lambda: [8])
    assert card.left_out(1) and "server 2" in card.notice(1) and "not attached" in card.notice(1)
    assert not card.left_out(2) and card.notice(0) == "", "the others go on"


async def test_the_first_one_stays_also_unattached_and_is_alone_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "LOOK_EVERY", 0.001)
    card = shared(set)
    assert await card.admit(0, lambda: [6])
    assert card.left_out(1) and "the first runs, but its processes are not attached" in card.notice(0)


async def test_a_daemon_that_ends_meanwhile_refuses_with_its_own_words() -> None:
    def gone() -> set[int]:
        raise MpsError("CUDA MPS does not answer.")

    card = shared(gone)
    assert not await card.admit(1, lambda: [6])
    assert card.notice(1).endswith("CUDA MPS does not answer.")
