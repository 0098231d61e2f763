"""Files of the built-in models: found, checked, loaded, freed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradio_app.machine import builtin_models as installed
from gradio_app.parsing.readers.embedded.models import FILES, ORIENTATION, BuiltinModelsUnfit, Models

INPUT = np.zeros((1, 3, 224, 224), np.float32)


def test_reader_and_installer_mean_the_same_files() -> None:
    assert {(model.file, model.size, model.sha256) for model in installed.MODELS} == {
        (file.name, file.size, file.sha256) for file in FILES
    }


def test_models_are_loaded_once_and_freed(builtin_models: Models) -> None:
    models = Models(installed.folder())
    session = models.session(ORIENTATION)
    assert models.session(ORIENTATION) is session
    assert models.run(ORIENTATION, INPUT)[0].shape == (1, 4)
    models.drop()
    assert models.session(ORIENTATION) is not session


def test_without_a_folder_there_are_none() -> None:
    assert not Models().available
    with pytest.raises(BuiltinModelsUnfit, match="models --source builtin") as raised:
        Models().session(ORIENTATION)
    assert raised.value.code == "models_missing" and not raised.value.retryable


@pytest.mark.parametrize("damage", ["short", "changed", "absent"])
def test_a_damaged_file_is_never_loaded(builtin_models: Models, tmp_path: Path, damage: str) -> None:
    content = bytearray((installed.folder() / ORIENTATION.name).read_bytes())
    content[5000] ^= 1
    if damage != "absent":
        (tmp_path / ORIENTATION.name).write_bytes(content[:100] if damage == "short" else content)
    with pytest.raises(BuiltinModelsUnfit, match="absent or damaged"):
        Models(tmp_path).session(ORIENTATION)
    assert not Models(tmp_path).available


def test_another_folder_frees_what_was_loaded(builtin_models: Models, tmp_path: Path) -> None:
    models = Models(installed.folder())
    models.session(ORIENTATION)
    models.use(tmp_path)
    with pytest.raises(BuiltinModelsUnfit):
        models.session(ORIENTATION)
