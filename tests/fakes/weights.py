"""Folders of model weights that look complete, of a few bytes each."""

from __future__ import annotations

import json
from pathlib import Path

from gradio_app.machine.weights import VISION_MODEL

#: MinerU's own list of the small ONNX models, by hand, so that ours is checked against something
ONNX = [
    "Layout/PP-DocLayoutV2/inference.onnx",
    "Layout/PP-DocLayoutV2/inference.yml",
    "OCR/paddleocr/ch_PP-OCRv6_tiny_det_infer.onnx",
    "OCR/paddleocr/ch_PP-OCRv6_tiny_det_inference.yml",
    "OCR/paddleocr/ch_PP-OCRv6_small_rec_infer.onnx",
    "OCR/paddleocr/ch_PP-OCRv6_small_rec_inference.yml",
    "OCR/paddleocr/seal_PP-OCRv4_det_infer.onnx",
    "OCR/paddleocr/seal_PP-OCRv4_det_inference.yml",
    "MFR/pp_formulanet_plus_m/PP-FormulaNet_plus-M.onnx",
    "MFR/pp_formulanet_plus_m/PP-FormulaNet_plus-M_inference.yml",
    "Table/slanet-plus.onnx",
    "Table/unet.onnx",
    "Table/PP-LCNet_x1_0_table_cls.onnx",
]


def safetensors(size: int = 16) -> bytes:
    """A whole file in the format of safetensors with one tensor of ``size`` bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(size)


def make_small(folder: Path) -> Path:
    """The small ONNX models below ``folder``."""
    for name in ONNX:
        path = folder / "MinerU-4_models_onnx" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def make_vision(folder: Path, shards: int = 1) -> Path:
    """The vision model below ``folder``, in one file or in several with an index."""
    root = folder / VISION_MODEL
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.json").write_text('{"architectures": ["Qwen2VLForConditionalGeneration"]}')
    (root / "tokenizer.json").write_text("{}")
    if shards == 1:
        (root / "model.safetensors").write_bytes(safetensors())
        return folder
    names = [f"model-{number:05}-of-{shards:05}.safetensors" for number in range(1, shards + 1)]
    for name in names:
        (root / name).write_bytes(safetensors())
    index = {"weight_map": {f"layer.{number}": name for number, name in enumerate(names)}}
    (root / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder
