"""What tests of the whole share: a real SGLang on the CPU, and stand-ins for weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sglang_cpu.environment import PYTHON, why_missing
from tests.sglang_cpu.tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def real_sglang() -> Path:
    """The Python of a real SGLang that serves on the CPU (``make sglang-cpu``)."""
    if reason := why_missing():
        pytest.skip(f"no real SGLang here: {reason}")
    return PYTHON


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights for that SGLang: a model that recites (see ``tiny_model``)."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def stand_in_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MINERU_MODEL_BASE_DIR with small models and a folder like the vision model's."""
    from tests.stub_weights import write_small_models, write_vision_model

    folder = tmp_path_factory.mktemp("weights")
    write_small_models(folder)
    write_vision_model(folder)
    return folder
