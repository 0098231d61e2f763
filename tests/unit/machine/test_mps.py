"""CUDA MPS: who is attached, what stands in its way, and the parts of a shared card."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gradio_app.base.errors import GpuOutOfMemory
from gradio_app.base.settings import Settings
from gradio_app.machine import mps
from gradio_app.machine.cards import Card, Process
from gradio_app.machine.mps import MpsError
from gradio_app.model_server import seats
from gradio_app.model_server.backend import LeftOut
from gradio_app.model_server.seats import Seat, SharedCard
from tests.fakes.mps import FakeMps

pytestmark = pytest.mark.anyio

GB = 2**30
CARD = Card(0, "GPU-one", "a card", 80 * GB, 0, 80 * GB, 0, 40, (9, 0), False, ())


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMps:
    fake = FakeMps(tmp_path / "mps")
    for name, text in fake.variables(os.environ["PATH"]).items():
        monkeypatch.setenv(name, text)
    return fake


def member(card: SharedCard, *pids: int, held: int = 0) -> Seat:
    """The seat of a model server with these processes, which hold so many bytes of the card together."""
    return Seat(card=card, turn=len(card.seats), pids=lambda: list(pids), taken=held)


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

    seat = member(SharedCard(1, ask=nobody), 1)
    await seat.claim(CARD)
    await seat.admit()
    assert seat.share(CARD) == CARD.free
    assert not seat.left_out and seat.notice == ""


async def test_each_has_its_part_of_what_is_free_and_of_what_they_hold() -> None:
    card = SharedCard(2, ask=set)
    first, second = member(card, 1, held=30 * GB), member(card)
    assert second.share(replace(CARD, free=50 * GB)) == 40 * GB
    assert second.share(replace(CARD, free=20 * GB)) == 20 * GB, "never more than is free"
    assert first.share(replace(CARD, free=80 * GB)) == 40 * GB


async def test_what_the_driver_says_of_a_server_goes_before_what_it_took_at_its_start() -> None:
    card = SharedCard(2, ask=set)
    first, second = member(card, 1, held=30 * GB), member(card)
    told = replace(CARD, free=60 * GB, processes=(Process(1, "python", 20 * GB), Process(9, "game", GB)))
    assert (first.held(told), second.held(told)) == (20 * GB, 0)
    assert second.share(told) == 40 * GB
    first.pids = list[int]
    assert first.held(CARD) == 0, "it has ended"


async def test_what_stands_in_the_way_leaves_one_and_is_looked_at_anew() -> None:
    answers: list[set[int] | MpsError] = [MpsError("MPS does not run."), {1}]

    def ask() -> set[int]:
        answer = answers.pop(0)
        if isinstance(answer, MpsError):
            raise answer
        return answer

    card = SharedCard(2, ask=ask)
    first, second = member(card), member(card)
    with pytest.raises(LeftOut):
        await second.claim(CARD)
    assert (card.shared, first.left_out, second.left_out) == (False, False, True)
    assert first.notice == "One model server instead of 2 on a card: MPS does not run." and not second.notice
    assert first.share(CARD) == CARD.free
    await second.claim(CARD)
    assert card.shared and not second.left_out and first.notice == ""
    await first.claim(replace(CARD, mig=True))
    assert "MIG" in first.notice


async def test_while_one_runs_nothing_is_decided_anew() -> None:
    card = SharedCard(2, ask=set)
    first, _ = member(card, 1), member(card)
    card.problem = "as it was found"
    await first.claim(CARD)
    assert card.problem == "as it was found"


async def test_who_is_attached_stays_and_who_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "ASK_EVERY", 0.001)
    looks: list[set[int]] = [set(), set(), {7}]
    card = SharedCard(3, ask=lambda: looks.pop(0) if looks else {7})
    first, second, third = member(card, 6, 7), member(card, 8), member(card)
    await first.admit()  # it touches the card a little later
    with pytest.raises(LeftOut, match=r"server 2 .* not attached"):
        await second.admit()
    assert second.left_out and "server 2" in second.notice and "not attached" in second.notice
    assert not third.left_out and first.notice == "", "the others go on"


async def test_the_first_one_stays_also_unattached_and_is_alone_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "ASK_EVERY", 0.001)
    card = SharedCard(2, ask=set)
    first, second = member(card, 6), member(card)
    await first.admit()
    assert second.left_out and "the first runs, but its processes are not attached" in first.notice


async def test_a_daemon_that_ends_meanwhile_refuses_with_its_own_words() -> None:
    def gone() -> set[int]:
        raise MpsError("CUDA MPS does not answer.")

    card = SharedCard(2, ask=gone)
    member(card)
    second = member(card, 6)
    with pytest.raises(LeftOut):
        await second.admit()
    assert second.notice.endswith("CUDA MPS does not answer.")


def test_a_share_that_is_too_small_gives_the_first_server_the_card_for_itself() -> None:
    small = replace(CARD, total=5 * GB, free=4 * GB)
    card = SharedCard(2, ask=set)
    first, second = member(card), member(card)
    with pytest.raises(GpuOutOfMemory):
        second.plan(Settings(), small)
    assert first.plan(Settings(), small).needs > small.free // 2
    assert second.left_out and "its share of card 0 is too small" in first.notice
