"""What measurements start from and end in: made documents, a made model, statistics of any figures."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.documents import mixed
from bench.figures import percentile
from bench.random_model import parameters, write_random_model

FIGURES = st.floats(-1e6, 1e6)


@given(st.lists(FIGURES, min_size=1, max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_percentiles_grow_and_stay_inside(values: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    lower, upper = percentile(values, low), percentile(values, high)
    assert min(values) <= lower + 1e-6 and upper <= max(values) + 1e-6
    assert lower <= upper + 1e-6


def test_a_mixed_folder_is_the_same_each_time_and_takes_what_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "real.PDF").write_bytes(b"%PDF real")
    (tmp_path / "notes.txt").write_text("no document")
    found = mixed(5, tmp_path)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert mixed(5, tmp_path) == found, "also on another day"
    assert ("real.PDF", b"%PDF real") in found and len(found) == 6
    assert {Path(each.name).suffix.lower() for each in found} == {".pdf", ".docx", ".csv", ".html"}


def test_the_random_model_has_the_size_of_the_true_one_and_no_weights(tmp_path: Path) -> None:
    folder = write_random_model(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    assert 1.1e9 < parameters(config) < 1.25e9
    assert config["architectures"] == ["Qwen2VLForConditionalGeneration"]
    assert not (folder / "model.safetensors").exists() and (folder / "tokenizer.json").is_file()
