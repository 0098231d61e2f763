"""``doctor``: what it finds of the card, the weights and the engine, and what that means for the tiers."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.settings import Settings
from gradio_app.commands import doctor
from gradio_app.commands.doctor import Finding
from gradio_app.machine import builtin_models, sglang_python
from gradio_app.machine.cards import Card, Process
from gradio_app.model_server import choose
from tests.fakes import wheels
from tests.fakes.weights import make_small, make_vision

GB = 2**30
#: each search through all that is installed takes as long as the rest of a test
VERSION = cache(doctor.metadata.version)
CARD = Card(0, "GPU-aaaa", "RTX 4090", 24 * GB, GB, 23 * GB, 0, 40, (8, 9), False, (Process(7, "Xorg", GB),))


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    """The cards of this machine; none at first."""
    found: list[Card] = []
    for module in (choose, doctor):
        monkeypatch.setattr(module, "read_cards", lambda limit=0: found)
        monkeypatch.setattr(module, "driver_problem", lambda: "No driver.")
    return found


@pytest.fixture
def house(tmp_path: Path, cards: list[Card], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing: no card, no weights, no SGLang, no built-in models."""
    monkeypatch.setattr(builtin_models, "MODELS", (wheels.model("detection", b"a"),))
    monkeypatch.setattr(sglang_python, "OWN_PYTHON", tmp_path / ".venv-sglang/bin/python")
    monkeypatch.setattr(doctor.metadata, "version", VERSION)
    return tmp_path


def install_sglang(house: Path, version: str = "0.5.23") -> Path:
    python = house / ".venv-sglang" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    packages = house / ".venv-sglang" / "lib" / "python3.12" / "site-packages"
    for name in (f"sglang-{version}.dist-info", "sglang_router-0.2.0.dist-info"):
        (packages / name).mkdir(parents=True)
    return python


def settings(house: Path, **more: Any) -> Settings:
    known: dict[str, Any] = {"data_dir": house / "data", "port": 0}
    known |= {"model_dir": str(house / "models"), "builtin_models": str(house / "builtin")}
    return Settings(**(known | more))


def make_builtin(house: Path) -> None:
    (house / "builtin").mkdir()
    (house / "builtin" / "detection.onnx").write_bytes(b"a")


def findings(house: Path, **more: Any) -> dict[str, Finding]:
    return {finding.what: finding for finding in doctor.examine(settings(house, **more))}


def everything(house: Path, cards: list[Card]) -> None:
    make_builtin(house)
    make_vision(make_small(house / "models"))
    install_sglang(house)
    cards.append(CARD)


def test_a_machine_with_nothing_reads_documents_with_text(house: Path) -> None:
    found = findings(house)
    assert [finding.what for finding in found.values() if finding.level == "missing"] == []
    assert found["Graphics card"].detail == "No driver. Tiers flash and basic need none."
    assert "models --what small" in found["Models"].detail
    assert "models --what vision" in found["Vision model"].detail
    assert "setup --sglang" in found["SGLang"].detail
    assert found["Engine"].detail == "none, for want of a card, SGLang, the vision model (setting: engine)"
    assert found["Tiers"].detail.startswith("flash; basic, standard, advanced once")


def test_a_machine_with_everything_runs_every_tier(house: Path, cards: list[Card]) -> None:
    everything(house, cards)
    found = findings(house)
    after = list(found)[list(found).index("Graphics card") :]
    assert {found[what].level for what in after} == {"ok"}
    assert found["Graphics card"].detail == "RTX 4090, 23.0 GB of 24.0 GB free, used by Xorg (7) (chosen)"
    assert found["SGLang"].detail == f"0.5.23 at {house}/.venv-sglang/bin/python"
    assert found["Engine"].detail.startswith("SGLang on card 0, profile 24gb, takes ")
    assert found["Tiers"] == Finding("ok", "Tiers", "flash, basic, standard, advanced")


def test_built_in_models_or_those_of_mineru_make_tier_basic(house: Path) -> None:
    make_small(house / "models")
    found = findings(house)
    assert (found["Models"].level, found["Built-in"].level) == ("ok", "note")
    assert found["Tiers"].detail.startswith("flash, basic; standard, advanced once")
    shutil.rmtree(house / "models")
    make_builtin(house)
    found = findings(house)
    assert (found["Models"].level, found["Built-in"].level) == ("note", "ok")
    assert found["Tiers"].detail.startswith("flash, basic; standard, advanced once")


def test_the_vision_model_without_the_small_ones_adds_no_tier(house: Path, cards: list[Card]) -> None:
    everything(house, cards)
    for path in (house / "models" / "MinerU-4_models_onnx").rglob("*.onnx"):
        path.unlink()
    assert findings(house)["Tiers"].detail.startswith("flash, basic; standard, advanced once")


def test_a_vision_model_that_is_not_complete_is_told(house: Path) -> None:
    root = make_vision(house / "models") / "MinerU2.5-Pro-2605-1.2B"
    (root / "tokenizer.json").unlink()
    told = findings(house)["Vision model"]
    assert told.level == "note" and "tokenizer.json; ./start" in told.detail


@pytest.mark.parametrize(
    ("engine", "level", "start"),
    [("auto", "note", "none, for want of a card"), ("sglang", "missing", "none, for")],
)
def test_an_engine_that_was_asked_for_and_cannot_run_is_an_error(
    house: Path, cards: list[Card], engine: str, level: str, start: str
) -> None:
    everything(house, cards)
    cards.clear()
    told = findings(house, engine=engine)["Engine"]
    assert told.level == level and told.detail.startswith(start)


def test_a_card_that_is_not_there_is_told_by_its_number(house: Path, cards: list[Card]) -> None:
    everything(house, cards)
    assert "card 3 (setting: gpu)" in findings(house, gpu="3")["Engine"].detail


def test_several_cards_are_all_chosen_and_each_has_its_server(house: Path, cards: list[Card]) -> None:
    everything(house, cards)
    cards.append(replace(CARD, index=1, uuid="GPU-b", processes=()))
    found = findings(house, gpu="all")
    assert found["Graphics card"].detail.count("(chosen)") == 2
    assert found["Engine"].level == "ok"
    assert "on card 0, profile 24gb" in found["Engine"].detail
    assert "; SGLang on card 1, profile 24gb" in found["Engine"].detail
    told = findings(house, gpu="0,4")["Engine"]
    assert told.level == "note" and "There is no card 4" in told.detail


def test_replicas_are_told_with_their_part_or_why_there_are_none(
    house: Path, cards: list[Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(house, cards)
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(house / "nothing"))
    told = findings(house, engine_replicas=2)["Engine"]
    assert told.level == "note" and "One model server instead of 2" in told.detail
    monkeypatch.setattr(choose, "clients", set)
    told = findings(house, engine_replicas=2)["Engine"]
    assert told.level == "ok" and "on card 0, 2 servers by CUDA MPS, each, profile 12gb" in told.detail


def test_a_card_that_is_too_small_is_told(house: Path, cards: list[Card]) -> None:
    everything(house, cards)
    cards[:] = [Card(0, "GPU-b", "GT 710", 2 * GB, GB, GB, 0, 40, (3, 5), False, ())]
    told = findings(house)["Engine"]
    assert told.level == "note" and "1.0 of 2.0 GB are free" in told.detail


@pytest.mark.parametrize("flags", ["--device cpu", "--tp-size 1 --device=cpu"])
def test_sglang_on_the_processor_needs_no_card(house: Path, cards: list[Card], flags: str) -> None:
    everything(house, cards)
    cards.clear()
    found = findings(house, sglang_args=flags)
    assert "on the processor" in found["Engine"].detail
    assert found["Tiers"].level == "ok"


def test_no_engine_as_asked_for_is_fine(house: Path, cards: list[Card]) -> None:
    everything(house, cards)
    found = findings(house, engine="none")
    assert found["Engine"] == Finding("ok", "Engine", "none, as asked for (setting: engine)")
    assert found["Tiers"].detail.startswith("flash, basic; standard")


# --- SGLang's environment ----------------------------------------------------------------------------------


def test_an_interpreter_that_is_not_there_is_missing(house: Path) -> None:
    assert findings(house, sglang_python="/no/python")["SGLang"].level == "missing"


def test_an_environment_without_sglang_is_told(house: Path, cards: list[Card]) -> None:
    everything(house, cards)
    for folder in (house / ".venv-sglang").rglob("sglang-*"):
        folder.rmdir()
    found = findings(house)
    assert "no SGLang was found beside it" in found["SGLang"].detail
    assert "for want of SGLang (" in found["Engine"].detail


def test_an_interpreter_that_was_named_is_believed(house: Path, cards: list[Card]) -> None:
    everything(house, cards)
    python = house / "python3"
    python.touch(0o755)
    assert findings(house, sglang_python=str(python))["Engine"].level == "ok"


# --- a model server elsewhere ------------------------------------------------------------------------------


class _Models(BaseHTTPRequestHandler):
    """Lists its models to those who have the key."""

    def do_GET(self) -> None:
        known = (self.path, self.headers.get("Authorization")) == ("/v1/models", "Bearer key")
        self.send_response(200 if known else 401)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def remote() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Models) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("engine", ["auto", "remote"])
@pytest.mark.parametrize("end", ["", "/", "/v1"])
def test_a_model_server_elsewhere_is_asked(house: Path, remote: str, engine: str, end: str) -> None:
    make_small(house / "models")
    found = findings(house, engine=engine, sglang_url=remote + end, sglang_api_key="key")
    assert found["Engine"] == Finding("ok", "Engine", f"remote at {remote + end}")
    assert found["Tiers"].level == "ok"


def test_a_model_server_that_wants_a_key_is_told(house: Path, remote: str) -> None:
    told = findings(house, sglang_url=remote)["Engine"]
    assert told.level == "note" and "401 (setting: sglang_api_key)" in told.detail


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense", "http://[", "http://a b"])
def test_a_model_server_that_does_not_answer_is_told(house: Path, url: str) -> None:
    assert findings(house, sglang_url=url)["Engine"].detail == f"remote at {url}: it does not answer"


def test_remote_without_an_address_is_missing(house: Path) -> None:
    told = findings(house, engine="remote")["Engine"]
    assert told.level == "missing" and "sglang_url" in told.detail


# --- the command -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("engine", "code"), [("auto", 0), ("sglang", 1)])
def test_the_command_tells_all_of_it_and_ends_with_1_when_something_is_missing(
    house: Path, capsys: pytest.CaptureFixture[str], engine: str, code: int
) -> None:
    flags = ["--port", "0", "--data-dir", str(house / "data"), "--engine", engine]
    with pytest.raises(SystemExit) as end:
        doctor.main(["--json", *flags])
    told = json.loads(capsys.readouterr().out)
    assert end.value.code == code
    assert {"level", "what", "detail"} == set(told[0])
    with pytest.raises(SystemExit):
        doctor.main(flags)
    lines = capsys.readouterr().out.splitlines()
    assert [line[8:].startswith(one["what"]) for line, one in zip(lines, told, strict=True)] == [True] * len(
        told
    )


def test_a_reader_that_has_seen_enough_is_no_fault(
    house: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source, sink = os.pipe()
    os.close(source)
    with os.fdopen(sink, "w") as closed:
        monkeypatch.setattr("sys.stdout", closed)
        with pytest.raises(SystemExit):
            doctor.main(["--data-dir", str(house / "data"), "--engine", "none"])
    assert "BrokenPipe" not in capfd.readouterr().err


def test_built_in_models_are_read_before_they_are_believed(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (wheels.model("detection", b"a"), wheels.model("regions", b"b"))
    monkeypatch.setattr(builtin_models, "MODELS", rows)
    folder = house / "own"
    folder.mkdir()
    (folder / "detection.onnx").write_bytes(b"a")
    (folder / "regions.onnx").write_bytes(b"?")
    found = findings(house, builtin_models=str(folder))["Built-in"]
    assert found.level == "note" and "regions (damaged); there: detection; no regions" in found.detail
    assert f"models --source builtin --builtin-models {folder}" in found.detail
    (folder / "regions.onnx").write_bytes(b"b")
    found = findings(house, builtin_models=str(folder))["Built-in"]
    assert found.level == "ok" and found.detail.startswith("detection, regions: scans, pictures and tables")
