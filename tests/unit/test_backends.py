"""Which model server a machine gets, and what it is told when it gets none."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradio_app import backends, gpu
from gradio_app.backends import choose_backends, engine_kind
from gradio_app.errors import AppError
from gradio_app.gpu import Card
from gradio_app.settings import Settings
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
        monkeypatch.setattr(gpu, "cards", self.look)
        monkeypatch.setattr(gpu, "driver_problem", lambda: "" if self.cards else "There is no driver.")

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


@pytest.mark.parametrize("url", ["http://gpu", "https://gpu.lab:443/v1", "http://[::1]:30000"])
def test_these_are_addresses(url: str) -> None:
    assert backends._checked(url) == url
