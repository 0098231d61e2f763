"""Weights of models on the disk: their folder, and whether they are complete.

Knows MinerU's folders without importing MinerU, which would cost the web process hundreds of megabytes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SMALL_MODELS = ("MinerU-4_models_onnx", "MinerU-4_models_torch")
VISION_MODEL = "MinerU2.5-Pro-2605-1.2B"

#: what to have free on the disk for each, in bytes: its size, roughly and with some room
ROOM = {"MinerU-4_models_onnx": 2**30, "MinerU-4_models_torch": 2**30, VISION_MODEL: 5 * 2**29}


_MARKER = ".mineru_complete"
_INFERENCE = "ch_PP-OCRv6_{}_infer.onnx"
_SETTINGS = "ch_PP-OCRv6_{}_inference.yml"
_TABLES = ("Table/slanet-plus.onnx", "Table/unet.onnx", "Table/PP-LCNet_x1_0_table_cls.onnx")
#: what MinerU asks for of its small models: files, or folders that it marked as complete
_FILES: dict[str, tuple[str, ...]] = {
    "MinerU-4_models_onnx": (
        "Layout/PP-DocLayoutV2/inference.onnx",
        "Layout/PP-DocLayoutV2/inference.yml",
        "OCR/paddleocr/" + _INFERENCE.format("tiny_det"),
        "OCR/paddleocr/" + _SETTINGS.format("tiny_det"),
        "OCR/paddleocr/" + _INFERENCE.format("small_rec"),
        "OCR/paddleocr/" + _SETTINGS.format("small_rec"),
        "OCR/paddleocr/seal_PP-OCRv4_det_infer.onnx",
        "OCR/paddleocr/seal_PP-OCRv4_det_inference.yml",
        "MFR/pp_formulanet_plus_m/PP-FormulaNet_plus-M.onnx",
        "MFR/pp_formulanet_plus_m/PP-FormulaNet_plus-M_inference.yml",
        *_TABLES,
    ),
    "MinerU-4_models_torch": (
        "Layout/PP-DocLayoutV2",
        "MFR/pp_formulanet_plus_m/PP-FormulaNet_plus-M.pth",
        "MFR/pp_formulanet_plus_m/PP-FormulaNet_plus-M_inference.yml",
        "OCR/paddleocr",
        *_TABLES,
    ),
}
_TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("tokenizer.model",))
#: largest header of a safetensors file that the format allows, in bytes
_MOST_HEADER = 100_000_000


def model_folder(setting: str, env: Mapping[str, str] | None = None) -> Path:
    """The folder of all weights: the setting, else what MinerU itself would take.

    That is MINERU_MODEL_BASE_DIR, else ``model.base_dir`` of its config.yaml, else ``models`` in its home.
    """
    env = os.environ if env is None else env
    chosen = setting or env.get("MINERU_MODEL_BASE_DIR") or _configured(env)
    return Path(chosen).expanduser() if chosen else _home(env) / "models"


def _home(env: Mapping[str, str]) -> Path:
    return Path(env.get("MINERU_HOME") or "~/.mineru").expanduser()


def _configured(env: Mapping[str, str]) -> str:
    """``model.base_dir`` of MinerU's configuration; empty when there is none or it cannot be read."""
    path = Path(env.get("MINERU_CONFIG") or _home(env) / "config.yaml").expanduser()
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return ""
    import yaml  # comes with MinerU; few have a configuration, and nobody else pays for loading it

    try:
        found: Any = yaml.safe_load(text)["model"]["base_dir"]
    except (yaml.YAMLError, KeyError, TypeError):
        return ""
    return _filled(found, env) if isinstance(found, str) else ""


def _filled(text: str, env: Mapping[str, str]) -> str:
    """``${NAME}`` and ``${NAME:-default}`` replaced, as MinerU does it."""

    def value(match: re.Match[str]) -> str:
        return env.get(match[1], (match[2] or "").strip().strip("\"'"))

    return re.sub(r"\$\{(\w+)(?::-([^${}]*))?\}", value, text)


def small_models(folder: Path) -> bool:
    """Whether layout and OCR models are there, of either kind. Agrees with MinerU; costs some stats."""
    return any(not missing_small(folder, name) for name in SMALL_MODELS)


def small_backend(folder: Path) -> str:
    """``onnx`` or ``torch`` when only that kind is there, for MINERU_MODEL_SMALL_BACKEND; else empty.

    Left alone, MinerU goes by whether torch sees a card, and fails when those models were never fetched.
    """
    complete = [name for name in SMALL_MODELS if not missing_small(folder, name)]
    return complete[0].rpartition("_")[2] if len(complete) == 1 else ""


def missing_small(folder: Path, name: str) -> list[str]:
    """What MinerU would miss of the small models ``name``: paths below their folder."""
    root = folder / name
    return [path for path in _FILES[name] if not _is_there(root, root / path)]


def _is_there(root: Path, path: Path) -> bool:
    if path.is_file():
        return True
    marked = (folder / _MARKER for folder in (path, *path.parents) if folder.is_relative_to(root))
    return path.is_dir() and any(marker.is_file() for marker in marked)


def vision_model(folder: Path, name: str = VISION_MODEL) -> Path | None:
    """The folder with the complete vision model, or None. MinerU's own mark of completion is not needed.

    ``name``: another model that the engine can serve, by its folder.
    """
    return None if missing_vision(folder, name) else folder / name


def missing_vision(folder: Path, name: str = VISION_MODEL) -> list[str]:
    """What the vision model lacks: names of files; one that was cut off counts as missing."""
    root = folder / name
    missing: list[str] = []
    if not isinstance(_json(root / "config.json"), dict):
        missing.append("config.json")
    if not any(
        all(os.path.isfile(root / name) and os.path.getsize(root / name) for name in names)
        for names in _TOKENIZERS
    ):
        missing.append("tokenizer.json")
    return missing + [name for name in _shards(root) if not _is_whole(root / name)]


def _shards(root: Path) -> list[str]:
    index = _json(root / "model.safetensors.index.json")
    try:
        return sorted({str(name) for name in index["weight_map"].values()}) or ["model.safetensors"]
    except (AttributeError, KeyError, TypeError):
        return ["model.safetensors"]


def _is_whole(path: Path) -> bool:
    """Whether a safetensors file is as long as its header says: no rest of a copy, no pointer to a file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(length)) if length < _MOST_HEADER else {}
            tensors = [header[name] for name in header.keys() - {"__metadata__"}]
            end = max(int(tensor["data_offsets"][1]) for tensor in tensors)
            return os.fstat(file.fileno()).st_size >= 8 + length + end
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
