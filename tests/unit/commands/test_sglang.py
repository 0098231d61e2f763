"""The sglang mode: the command that it makes, what it says about it, and when it does not start."""

from __future__ import annotations

import json
import os
import shlex
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import OptionInvalid
from gradio_app.base.settings import Settings
from gradio_app.commands import sglang
from gradio_app.commands.sglang import Command, is_loopback, main, prepare
from gradio_app.machine.cards import Card
from gradio_app.machine.weights import VISION_MODEL
from gradio_app.model_server.sglang_flags import check, split, value_of

GB = 2**30
ACCEPTANCE = "--mem-fraction-static 0.3 --load-in-4bit --max-model-len 2048".split()
GUARD = "--enable-custom-logit-processor"

Prepare = Callable[..., Command]


def card(index: int = 0, total: int = 24, free: float = 23, capability: tuple[int, int] = (8, 9)) -> Card:
    return Card(
        index=index,
        uuid=f"GPU-{index}",
        name="a card",
        total=total * GB,
        used=int((total - free) * GB),
        free=int(free * GB),
        load=0,
        temperature=40,
        capability=capability,
        mig=False,
        processes=(),
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with the smallest weights that count as complete."""
    folder = tmp_path / "models" / VISION_MODEL
    folder.mkdir(parents=True)
    header = json.dumps({"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"x")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    return folder


@pytest.fixture
def python(tmp_path: Path) -> Path:
    path = tmp_path / "venv/bin/python"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def made(model: Path, python: Path) -> Prepare:
    """``prepare`` with weights, SGLang and one large card, as far as a test does not say otherwise."""

    def make(flags: str = "", cards: list[Card] | None = None, **settings: Any) -> Command:
        chosen = {"model_dir": str(model.parent), "sglang_python": str(python), **settings}
        seen = [card()] if cards is None else cards
        return prepare(Settings(**chosen), flags.split(), lambda: seen, {"PATH": "/bin", "HOME": "/root"})

    return make


def flags_of(command: Command) -> list[str]:
    assert command.words[1:3] == ["-m", "sglang.launch_server"]
    flags = command.words[3:]
    check(flags)
    names = [item.key for item in split(flags)]
    assert len(names) == len(set(names)), "no flag is there twice"
    return flags


def said(command: Command) -> str:
    return " ".join(command.notices)


def test_the_plain_command(made: Prepare, model: Path, python: Path) -> None:
    command = made()
    flags = flags_of(command)
    assert command.missing == []
    assert command.words[0] == str(python)
    assert value_of(flags, "--model-path") == str(model)
    assert (value_of(flags, "--host"), value_of(flags, "--port")) == ("127.0.0.1", "30000")
    assert float(value_of(flags, "--mem-fraction-static") or 0) == pytest.approx(0.8, abs=1e-3)
    assert value_of(flags, "--enable-memory-saver") == ""
    assert value_of(flags, "--trust-remote-code") is None
    assert command.env["CUDA_VISIBLE_DEVICES"] == "GPU-0"
    assert command.env["HF_HUB_OFFLINE"] == "1"
    assert command.env["PATH"] == f"{python.parent}:/bin"  # SGLang calls ninja, which is beside its Python
    assert "24gb: Of the 23.0 GB" in said(command)


def test_old_flags_are_translated_and_win(made: Prepare) -> None:
    command = made(" ".join(ACCEPTANCE))
    flags = flags_of(command)
    assert value_of(flags, "--mem-fraction-static") == "0.3"
    assert value_of(flags, "--quantization") == "fp8"
    assert value_of(flags, "--context-length") == "8192"
    assert "--load-in-4bit became --quantization fp8" in said(command)
    assert "--max-model-len 2048 became --context-length 8192" in said(command)
    assert "--mem-fraction-static 0.3 comes from your flags; the profile would take 0.8" in said(command)


def test_flags_win_over_the_setting_and_that_over_the_profile(made: Prepare) -> None:
    flags = flags_of(made("--port 5", sglang_args="--port 4 --max-running-requests 2 --dtype 'half'"))
    assert value_of(flags, "--port") == "5"
    assert value_of(flags, "--max-running-requests") == "2"
    assert value_of(flags, "--dtype") == "half"


def test_an_older_card_has_no_8_bit(made: Prepare) -> None:
    command = made("--load-in-8bit", [card(total=16, free=15, capability=(7, 5))])
    assert value_of(flags_of(command), "--quantization") is None
    assert "older than Ampere" in said(command)


def test_the_card_that_is_asked_for_is_used(made: Prepare) -> None:
    cards = [card(0, free=20), card(1, free=10), card(2, free=23)]
    assert made(cards=cards).env["CUDA_VISIBLE_DEVICES"] == "GPU-2"
    assert made(cards=cards, gpu="1").env["CUDA_VISIBLE_DEVICES"] == "GPU-1"
    missing = made(cards=cards, gpu="7").missing
    assert len(missing) == 1
    assert missing[0].startswith("No graphics card: ")


def test_several_cards_are_planned_for_the_fullest_of_them(made: Prepare) -> None:
    cards = [card(0, free=23), card(1, free=10), card(2, free=22)]
    command = made("--dp-size 2", cards)
    assert command.env["CUDA_VISIBLE_DEVICES"] == "GPU-0,GPU-2"
    assert "Of the 22.0 GB" in said(command)
    assert "ask for 4 cards; 3 are seen" in made("--tp-size 2 --data-parallel-size 2", cards).missing[0]


def test_a_fraction_that_leaves_no_room_is_said(made: Prepare) -> None:
    assert "SGLang will probably not start" in said(made("--mem-fraction-static 0.1"))
    assert "probably not" not in said(made("--mem-fraction-static 0.3"))


def test_others_may_come_in_only_with_a_key_and_never_with_the_guard(made: Prepare) -> None:
    command = made(f"--host 0.0.0.0 {GUARD}")
    flags = flags_of(command)
    key = value_of(flags, "--api-key")
    assert key and len(key) == 32
    assert command.made_key == key and key not in said(command)
    assert value_of(flags, GUARD) is None
    assert "runs code that clients send" in said(command)
    assert key != value_of(flags_of(made("--host 0.0.0.0")), "--api-key")


@pytest.mark.parametrize("flags", ["--host 0.0.0.0 --api-key mine", "--host gpu.example --api-key=mine"])
def test_a_key_that_is_given_is_used(made: Prepare, flags: str) -> None:
    command = made(flags)
    assert value_of(flags_of(command), "--api-key") == "mine"
    assert "made for this start" not in said(command)


def test_the_guard_is_there_on_loopback_with_a_key(made: Prepare) -> None:
    assert value_of(flags_of(made(sglang_api_key="mine")), GUARD) == ""
    assert value_of(flags_of(made(sglang_api_key="mine")), "--api-key") == "mine"
    assert value_of(flags_of(made()), GUARD) is None
    assert "Give --api-key" in said(made())


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", 1),
        ("127.9.9.9", 1),
        ("::1", 1),
        ("localhost", 1),
        ("0.0.0.0", 0),
        ("::", 0),
        ("gpu", 0),
        ("", 0),
    ],
)
def test_what_is_loopback(host: str, own: int) -> None:
    assert is_loopback(host) is bool(own)


def test_without_cuda_there_is_no_profile(made: Prepare) -> None:
    command = made("--device cpu", [])
    flags = flags_of(command)
    assert command.missing == []
    assert value_of(flags, "--mem-fraction-static") is None
    assert value_of(flags, "--enable-memory-saver") is None
    assert "CUDA_VISIBLE_DEVICES" not in command.env


def test_everything_that_is_missing_is_said_and_the_command_is_there_all_the_same(tmp_path: Path) -> None:
    settings = Settings(model_dir=str(tmp_path), sglang_python=str(tmp_path / "python"))
    command = prepare(settings, ACCEPTANCE, lambda: [], {})
    flags = flags_of(command)
    assert value_of(flags, "--model-path") == str(tmp_path / VISION_MODEL)
    assert command.words[0] == str(tmp_path / "python")
    card_, weights, sglang = command.missing
    assert "No graphics card" in card_
    assert "start_mineru_optimized.sh models" in weights
    assert "setup --sglang" in sglang
    assert "Calculated for an empty card of 8 GB" in said(command)


def test_a_card_of_another_size_can_be_supposed(made: Prepare) -> None:
    assert "empty card of 12 GB" in said(made(cards=[], gpu_memory=12 * GB))
    assert "empty card of 16 GB" in said(made(cards=[], gpu_profile="16gb"))
    assert "empty card of 8 GB" in said(made(cards=[], gpu_memory=GB))


def test_a_card_that_is_taken_is_missing(made: Prepare) -> None:
    command = made(cards=[card(total=8, free=1)])
    assert "1.0 of 8.0 GB are free" in command.missing[0]
    flags_of(command)


def test_without_sglang_the_command_names_the_environment_that_setup_makes(made: Prepare) -> None:
    root = Path(__file__).parents[3]
    assert made(sglang_python="").words[0] == str(root / ".venv-sglang/bin/python")


def test_weights_of_ones_own_are_not_looked_for_elsewhere(made: Prepare, tmp_path: Path) -> None:
    command = made(f"--model {tmp_path}", model_dir="/nowhere")
    assert command.missing == []
    assert value_of(flags_of(command), "--model-path") == str(tmp_path)
    assert "nothing is downloaded" in made("--model-path opendatalab/MinerU").missing[0]


@pytest.mark.parametrize(
    "flags", ["--mem-fration-static 0.3", "--port", "--port 1 stray", "--gpu-profle 8gb"]
)
def test_what_sglang_would_refuse_is_refused(made: Prepare, flags: str) -> None:
    with pytest.raises(OptionInvalid):
        made(flags)


def test_a_setting_that_cannot_be_read_is_refused(made: Prepare) -> None:
    with pytest.raises(OptionInvalid, match="sglang_args"):
        made(sglang_args="--port '1")


# --- the mode itself -------------------------------------------------------------------------------------


@pytest.fixture
def no_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(sglang, "read_cards", lambda **_: [])
    monkeypatch.setattr(sglang, "driver_problem", lambda _: "there is no driver.")
    for name in list(os.environ):
        if name.startswith(("MINERU_", "GPU_", "CUDA_", "NVIDIA_")) or name in ("HOST", "PORT"):
            monkeypatch.delenv(name)
    return tmp_path


def outcome(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        main(argv)
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_dry_run_prints_one_line_that_a_shell_reads(
    no_card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = outcome(capsys, *ACCEPTANCE, "--model-dir", f"{no_card}/two words", "--dry-run")
    assert code == 0
    assert out.count("\n") == 1
    flags = shlex.split(out)[3:]
    check(flags)
    assert value_of(flags, "--model-path") == f"{no_card}/two words/{VISION_MODEL}"
    assert "Missing: No graphics card: there is no driver." in err
    assert "--max-model-len 2048 became" in err


def test_what_is_missing_stops_the_start(no_card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = outcome(capsys, "--model-dir", str(no_card), "--sglang-python", "/nowhere")
    assert (code, out) == (1, "")
    assert len([line for line in err.splitlines() if line.startswith("Missing: ")]) == 3


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--gpu-profile", "9gb"], "expected one of auto, 8gb"),
        (["--mem-fraction-static", "much"], "needs a number"),
        (["--gpu"], "expected one argument"),
        (["--gpu-prof", "8gb"], "Did you mean --gpu-profile?"),
    ],
)
def test_a_bad_flag_is_one_sentence(
    no_card: Path, capsys: pytest.CaptureFixture[str], argv: list[str], sentence: str
) -> None:
    code, out, err = outcome(capsys, *argv)
    assert (code, out) == (2, "")
    assert sentence in err.splitlines()[-1]
    assert "gradio" not in err


def test_it_becomes_the_server(
    monkeypatch: pytest.MonkeyPatch, model: Path, python: Path, no_card: Path
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(sglang, "read_cards", lambda **_: [card()])
    monkeypatch.setattr(os, "execve", lambda *call: started.append(call))
    main(["--model-dir", str(model.parent), "--sglang-python", str(python), "--port", "31000"])
    [(path, words, env)] = started
    assert path == words[0] == str(python)
    assert value_of(words[3:], "--port") == "31000"
    assert env["CUDA_VISIBLE_DEVICES"] == "GPU-0"


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        (["--api-key", "geheim 1"], {"api-key": "geheim 1"}),
        (["--sglang-api-key", 'gehe"im: 2'], {"api-key": 'gehe"im: 2'}),
        (
            ["--admin-api-key=geheim3", "--api-k", "geheim4"],
            {"admin-api-key": "geheim3", "api-key": "geheim4"},
        ),
        (["--host", "0.0.0.0"], {"api-key": None}),
    ],
)
def test_keys_are_handed_over_in_a_file(
    flags: list[str],
    kept: dict[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
    model: Path,
    python: Path,
    no_card: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(sglang, "read_cards", lambda **_: [card()])
    monkeypatch.setattr(os, "execve", lambda *call: started.append(call))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(no_card))
    given = ["--model-dir", str(model.parent), "--sglang-python", str(python), *flags]
    main(given)
    words, told = started[0][1], capsys.readouterr().err
    file = Path(value_of(words[3:], "--config") or "")
    assert file.parent == no_card and file.stat().st_mode & 0o077 == 0
    found = {
        name: json.loads(value)
        for name, _, value in (line.partition(": ") for line in file.read_text().splitlines())
    }
    assert found.keys() == kept.keys()
    for name, value in found.items():
        assert value == (kept[name] or value)
        assert value not in words and value not in told.split()
    assert (str(file) in told.partition("The key: in ")[2]) is ("--host" in flags)
    main([*given, "--dry-run"])
    printed = capsys.readouterr().out
    assert "--config FILE" in printed and not any(value in printed for value in found.values())


def test_a_python_that_is_none_is_said(
    monkeypatch: pytest.MonkeyPatch,
    model: Path,
    no_card: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = no_card / "python"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sglang, "read_cards", lambda **_: [card()])
    code, _, err = outcome(capsys, "--model-dir", str(model.parent), "--sglang-python", str(broken))
    assert code == 1
    assert "cannot be started: No such file" in err
