"""Stand-ins for model weights, made in a second: they show that the plumbing holds, never quality.

``write_small_models`` makes MinerU's models of layout, OCR and tables: tiny ONNX graphs, fixed answers.
``write_vision_model`` makes a folder that looks like the vision model to whoever checks for it.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from mineru.model.layout.pp_doclayout_v2_base import PP_DOCLAYOUT_V2_LABELS
from mineru.model.ocr.resources import PPOCRV6_DICT_PATH
from mineru.model.registry import MINERU_2_5_PRO_2605_1_2B, MINERU_4_MODELS_ONNX
from onnx import TensorProto, helper, numpy_helper

#: what every page shows: kind and box, in 800ths of the page
LAYOUT = (
    ("doc_title", (60, 30, 740, 97)),
    ("text", (60, 97, 740, 260)),
    ("table", (80, 290, 720, 420)),
    ("image", (80, 440, 720, 600)),
    ("text", (80, 620, 720, 760)),
)
#: what every line of text reads
WORD = "STUB"
_TABLE = ("<tr>", "<td></td>", "<td></td>", "</tr>") * 2
_CELLS = ("<tr>", "</tr>", "<td></td>")


def write_small_models(folder: Path) -> Path:
    """Writes all that MinerU wants in ``folder``, its MINERU_MODEL_BASE_DIR; the folder of these models."""
    paths = {
        name: folder / MINERU_4_MODELS_ONNX.name / path for name, path in MINERU_4_MODELS_ONNX.paths.items()
    }
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(_layout(), paths["pp_doclayout_v2"])
    resize = {"type": "Resize", "target_size": [800, 800], "keep_ratio": False, "interp": 2}
    paths["pp_doclayout_v2_config"].write_text(json.dumps({"Preprocess": [resize]}))
    onnx.save(_dark_lines(), paths["ocr_det"])
    onnx.save(_dark_lines(), paths["seal_det"])
    onnx.save(_one_word(), paths["ocr_rec"])
    onnx.save(_always("x", [0.01, 0.99]), paths["paddle_table_cls"])  # the second: a table without lines
    onnx.save(_two_by_two(), paths["slanet_plus"])
    # These two are never asked: no page shows a formula, no table has lines.
    onnx.save(_always("x", [0.0]), paths["pp_formulanet_plus_m_weights"])
    onnx.save(_always("x", [0.0]), paths["unet_structure"])
    for name, path in paths.items():
        if name.endswith("_config") and not path.exists():
            path.write_text("PostProcess: {character_dict: []}\n")
    return folder / MINERU_4_MODELS_ONNX.name


def write_vision_model(folder: Path) -> Path:
    """Writes a folder with the vision model's name, its configuration and one number of weights."""
    model = folder / MINERU_2_5_PRO_2605_1_2B.name
    model.mkdir(parents=True, exist_ok=True)
    config = {"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl"}
    for name in ("config.json", "generation_config.json", "preprocessor_config.json"):
        (model / name).write_text(json.dumps(config))
    tokenizer = {"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}}
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    (model / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "Qwen2Tokenizer"}))
    head = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (model / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(4))
    return model


def _model(
    nodes: Sequence[Any],
    inputs: dict[str, list[Any]],
    outputs: dict[str, list[Any]],
    **constants: Any,
) -> onnx.ModelProto:
    """A graph; names that start with ``int_`` come out as whole numbers."""
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [
            helper.make_tensor_value_info(
                name, TensorProto.INT32 if name.startswith("int_") else TensorProto.FLOAT, shape
            )
            for name, shape in outputs.items()
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def _batch(name: str) -> list[Any]:
    """Nodes that put the number of pictures in the input ``name`` into ``count``."""
    node = helper.make_node
    return [node("Shape", [name], ["shape"]), node("Gather", ["shape", "zero"], ["count"])]


def _repeat(value: str, result: str) -> list[Any]:
    """Nodes that give every picture of a batch the same answer, a constant of shape [1, ...]."""
    tail = f"{value}_tail"
    return [
        helper.make_node("Concat", ["count", tail], [f"{value}_shape"], axis=0),
        helper.make_node("Expand", [value, f"{value}_shape"], [result]),
    ]


def _layout() -> onnx.ModelProto:
    """Fixed boxes, given back in the size of the page: [class, score, box, order, order] a row."""
    rows = [
        [PP_DOCLAYOUT_V2_LABELS.index(kind), 0.95, *box, order, 0] for order, (kind, box) in enumerate(LAYOUT)
    ]
    node = helper.make_node
    nodes = [
        *_batch("image"),
        *_repeat("boxes", "repeated"),
        node("Split", ["repeated", "parts"], ["head", "corners", "orders"], axis=2),
        node("Gather", ["scale_factor", "height_width"], ["scale"], axis=1),
        node("Unsqueeze", ["scale", "one"], ["scale_of_each"]),
        node("Div", ["corners", "scale_of_each"], ["scaled"]),
        node("Concat", ["head", "scaled", "orders"], ["joined"], axis=2),
        node("Reshape", ["joined", "flat"], ["found"]),
        node("Expand", ["number", "count"], ["int_numbers"]),
    ]
    return _model(
        nodes,
        {"im_shape": ["n", 2], "image": ["n", 3, 800, 800], "scale_factor": ["n", 2]},
        {"found": ["m", 8], "int_numbers": ["n"]},
        zero=[0],
        one=[1],
        parts=[2, 4, 2],
        flat=[-1, 8],
        height_width=[1, 0, 1, 0],
        boxes=np.array([rows], np.float32),
        boxes_tail=[len(rows), 8],
        number=np.array([len(rows)], np.int32),
    )


def _dark_lines() -> onnx.ModelProto:
    """Text is where it is dark; smeared sideways, letters become lines."""
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["x"], ["grey"], axes=[1], keepdims=1),
        node("Less", ["grey", "limit"], ["dark"]),
        node("Cast", ["dark"], ["spots"], to=TensorProto.FLOAT),
        node("MaxPool", ["spots"], ["lines"], kernel_shape=[1, 15], pads=[0, 7, 0, 7], strides=[1, 1]),
    ]
    return _model(nodes, {"x": ["n", 3, "h", "w"]}, {"lines": ["n", 1, "h", "w"]}, limit=np.float32(0))


def _one_word() -> onnx.ModelProto:
    """Reads ``WORD`` in every picture: one step a letter, a blank after each."""
    letters = [b"blank", *PPOCRV6_DICT_PATH.read_bytes().splitlines(), b" "]
    steps = np.zeros((1, 2 * len(WORD), len(letters)), np.float32)
    for place, letter in enumerate(WORD):
        steps[0, 2 * place, letters.index(letter.encode())] = 0.99
        steps[0, 2 * place + 1, 0] = 0.99
    return _constant("x", ["n", 3, 48, "w"], steps=steps)


def _two_by_two() -> onnx.ModelProto:
    """A table of two rows and two columns that fill the picture."""
    boxes = np.zeros((1, len(_TABLE) + 1, 8), np.float32)
    tokens = np.zeros((1, len(_TABLE) + 1, len(_CELLS) + 2), np.float32)
    cell = 0
    for place, token in enumerate(_TABLE):
        tokens[0, place, 1 + _CELLS.index(token)] = 0.99  # 0 is the token of the start
        if token == "<td></td>":
            x, y = cell % 2 / 2, cell // 2 / 2
            boxes[0, place] = [x, y, x + 0.5, y, x + 0.5, y + 0.5, x, y + 0.5]
            cell += 1
    tokens[0, -1, -1] = 0.99
    model = _constant("image", ["n", 3, "h", "w"], boxes=boxes, tokens=tokens)
    helper.set_model_props(model, {"character": "\n".join(_CELLS)})
    return model


def _always(name: str, answer: list[float]) -> onnx.ModelProto:
    return _constant(name, ["n", 3, "h", "w"], answer=np.array([answer], np.float32))


def _constant(name: str, shape: list[Any], **answers: np.ndarray[Any, Any]) -> onnx.ModelProto:
    """Gives the same ``answers``, each of shape [1, ...], for every picture."""
    nodes, constants = _batch(name), dict[str, Any](zero=[0])
    for key, value in answers.items():
        nodes += _repeat(key, f"{key}_of_all")
        constants |= {key: value, f"{key}_tail": list(value.shape[1:])}
    outputs = {f"{key}_of_all": ["n", *value.shape[1:]] for key, value in answers.items()}
    return _model(nodes, {name: shape}, outputs, **constants)


if __name__ == "__main__":
    write_vision_model(Path(sys.argv[1]))
    sys.stdout.write(f"{write_small_models(Path(sys.argv[1]))}\n")
