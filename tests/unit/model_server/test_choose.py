"""Which model server a machine gets, and what it is told when it gets none."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import AppError
from gradio_app.base.settings import Settings
from gradio_app.machine.cards import Card
from gradio_app.machine.mps import MpsError
from gradio_app.model_server import choose
from gradio_app.model_server.choose import choose_backends, engine_kind, seats
from tests.fakes.weights import make_vision

GB = 2**30
CARD = Card(0, "GPU-one", "a card", 24 * GB, 0, 24 * GB, 0, 40, (8, 9), False, ())


class Machine:
    """What is there of card, SGLang and weights. At first everything."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = tmp_path
        self.cards = [CARD]
        self.limits: list[int] = []
        self.settings = replace(
            Settings(), sglang_python=sys.executable, model_dir=str(make_vision(tmp_path / "models"))
        )
        monkeypatch.setattr(choose, "read_cards", self.look)
        monkeypatch.setattr(choose, "driver_problem", lambda: "" if self.cards else "There is no driver.")

    def look(self, limit: int = 0) -> list[Card]:
        self.limits.append(limit)
        return self.cards

    def set(self, **settings: Any) -> None:
        self.settings = replace(self.settings, **settings)

    def choice(self, **settings: Any) -> tuple[str, str]:
        """The kind of server and, where there is none, why."""
        self.set(**settings)
        backend = choose_backends(self.settings, self.folder)[0]
        return backend.kind, " ".join(backend.describe()["why"]) if backend.kind == "none" else ""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_with_everything_there_it_is_our_own(machine: Machine) -> None:
    assert machine.choice() == ("sglang", "")
    assert engine_kind(machine.settings) == ("sglang", [])


def test_without_a_card_the_driver_says_why_and_the_way_out_is_named(machine: Machine) -> None:
    machine.cards = []
    kind, why = machine.choice()
    assert kind == "none" and why.startswith("There is no driver.") and "--sglang-url" in why


def test_a_card_that_is_not_there_is_no_card(machine: Machine) -> None:
    assert machine.choice(gpu="0") == ("sglang", "")
    kind, why = machine.choice(gpu="1")
    assert kind == "none" and "no such graphics card" in why


def test_without_sglang_its_setup_is_named(machine: Machine) -> None:
    kind, why = machine.choice(sglang_python=str(machine.folder / "nothing"))
    assert kind == "none" and "setup --sglang" in why


def test_on_a_processor_no_card_is_needed_and_nothing_else_is_forgiven(machine: Machine) -> None:
    machine.cards = []
    assert machine.choice(sglang_args="--device=cpu") == ("sglang", "")
    kind, why = machine.choice(sglang_args="--device cpu", model_dir=str(machine.folder / "empty"))
    assert kind == "none" and "start_mineru_optimized.sh models" in why


def test_without_weights_their_download_is_named(machine: Machine) -> None:
    kind, why = machine.choice(model_dir=str(machine.folder / "empty"))
    assert kind == "none" and "start_mineru_optimized.sh models" in why


def test_a_smaller_card_is_looked_for_when_told(machine: Machine) -> None:
    machine.choice(gpu_memory=8 * GB)
    assert set(machine.limits) == {8 * GB}


def test_switched_off_it_is_off_whatever_is_there(machine: Machine) -> None:
    kind, why = machine.choice(engine="none", sglang_url="http://gpu:30000")
    assert kind == "none" and "setting engine" in why
    assert machine.limits == [], "nothing has to be looked at for that"


@pytest.mark.parametrize("engine", ["auto", "remote"])
def test_an_address_goes_before_a_card(machine: Machine, engine: str) -> None:
    assert machine.choice(engine=engine, sglang_url="http://gpu:30000") == ("remote", "")
    assert machine.limits == []


def test_our_own_is_taken_when_asked_for_also_where_something_lacks(machine: Machine) -> None:
    """What it lacks is told with the first start: it may be there by then."""
    machine.cards = []
    assert machine.choice(engine="sglang", sglang_url="http://gpu:30000") == ("sglang", "")


@pytest.mark.parametrize(
    "url", ["", "gpu:30000", "ftp://gpu", "http://", "http://user:key@gpu", "http://gpu/?key=1", "https:gpu"]
)
def test_what_is_no_address_is_refused(machine: Machine, url: str) -> None:
    with pytest.raises(AppError, match="sglang_url"):
        machine.choice(engine="remote", sglang_url=url)


def test_several_addresses_are_several_servers(machine: Machine) -> None:
    machine.set(sglang_url="http://one:30000, http://two:30000/v1")
    made = choose_backends(machine.settings, machine.folder)
    assert [backend.name for backend in made] == ["one:30000", "two:30000"]
    assert [backend.describe()["why"][0].split()[-1] for backend in made] == [
        "http://one:30000.",
        "http://two:30000/v1.",
    ]
    with pytest.raises(AppError, match="sglang_url"):
        machine.choice(sglang_url="http://one:30000,")


@pytest.mark.parametrize("url", ["http://gpu", "https://gpu.lab:443/v1", "http://[::1]:30000"])
def test_these_are_addresses(url: str) -> None:
    assert choose._checked(url) == url


# ---------------------------------------------------------------- several servers


def cards(*capabilities: tuple[int, int]) -> list[Card]:
    return [
        replace(CARD, index=index, uuid=f"GPU-{index}", free=(20 - index) * GB, capability=capability)
        for index, capability in enumerate(capabilities)
    ]


def places(machine: Machine, **settings: Any) -> list[tuple[str, str, int]]:
    machine.set(**settings)
    return [(seat.name, seat.cards, seat.turn) for seat in seats(machine.settings)]


@pytest.mark.parametrize("gpu", ["auto", "0", "1"])
def test_one_card_is_one_server_as_ever(machine: Machine, gpu: str) -> None:
    machine.cards = cards((8, 9), (8, 9))
    assert places(machine, gpu=gpu) == [("", "", 0)]


def test_each_named_card_has_a_server_by_its_uuid(machine: Machine) -> None:
    machine.cards = cards((8, 9), (8, 9), (8, 9))
    assert places(machine, gpu="0,2") == [("card 0", "GPU-0", 0), ("card 2", "GPU-2", 0)]
    assert [name for name, _, _ in places(machine, gpu="all")] == ["card 0", "card 1", "card 2"]
    made = choose_backends(machine.settings, machine.folder)
    assert [backend.name for backend in made] == ["card 0", "card 1", "card 2"]
    assert len({backend.identity for backend in made}) == 1


def test_a_card_that_is_missing_among_others_is_told(machine: Machine) -> None:
    machine.cards = cards((8, 9), (8, 9))
    assert places(machine, gpu="1,5") == [("card 1", "GPU-1", 0)]
    assert seats(machine.settings)[0].notice.startswith("There is no card 5")
    machine.set(gpu="7,8")
    assert engine_kind(machine.settings)[0] == "none"


def test_without_a_card_all_of_them_is_one_server(machine: Machine) -> None:
    machine.cards = []
    assert places(machine, gpu="all") == [("", "", 0)]


@pytest.mark.parametrize("flags", ["--tp-size 2", "--dp 2", "--tensor-parallel-size=2"])
def test_flags_that_spread_the_model_make_one_server_of_all_cards(machine: Machine, flags: str) -> None:
    machine.cards = cards((8, 9), (8, 9))
    assert places(machine, gpu="all", sglang_args=flags, engine_replicas=2) == [("", "", 0)]
    (seat,) = seats(machine.settings)
    assert "spread the model over several cards" in seat.notice and not seat.card.shared


def test_replicas_share_each_card(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "clients", set)
    machine.cards = cards((8, 9), (8, 9))
    assert places(machine, gpu="all", engine_replicas=2) == [
        ("card 0, server 1", "GPU-0", 0),
        ("card 0, server 2", "GPU-0", 1),
        ("card 1, server 1", "GPU-1", 0),
        ("card 1, server 2", "GPU-1", 1),
    ]
    first, second, third, _ = seats(machine.settings)
    assert first.card is second.card is not third.card and first.card.shared
    assert not any(seat.left_out for seat in seats(machine.settings))


@pytest.mark.parametrize(
    ("card", "told"), [({"mig": True}, "MIG"), ({"capability": (6, 1)}, "6.1"), ({}, "not here")]
)
def test_where_a_card_cannot_be_shared_there_is_one_and_a_reason(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, card: dict[str, Any], told: str
) -> None:
    def ask() -> set[int]:
        if card:
            return set()
        raise MpsError("MPS is not here.")

    monkeypatch.setattr(choose, "clients", ask)
    machine.cards = [replace(CARD, **card)]
    machine.set(engine_replicas=2)
    first, second = seats(machine.settings)
    assert not first.left_out and second.left_out
    assert first.notice.startswith("One model server instead of 2 on a card: ") and told in first.notice
    assert second.notice == ""
