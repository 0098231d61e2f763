"""Writes a tiny Qwen2-VL, the architecture of MinerU's vision model, that recites fixed answers.

Attention and feed-forward layers add nothing, so what is left at the end is the embedding of the last token,
and each token leads to the one that follows it in an answer. The chat template ends a prompt with a token for
its kind, which starts the answer. After ``<|im_end|>`` it says ``AND_SO_ON`` for ever, for whoever asks it to
ignore the end.
"""

from __future__ import annotations

import json
import struct
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

#: what the prompt holds -> the pieces of the answer, each a token of its own
ANSWERS: dict[str, tuple[str, ...]] = {
    "Layout Detection": (
        *("<|box_start|>", "100 100 900 300", "<|box_end|>"),
        *("<|ref_start|>", "text", "<|ref_end|>", "<|rotate_up|>"),
    ),
    "Table Recognition": ("<fcel>recited", "<fcel>table", "<nl>"),
    "Formula Recognition": ("\\[ E = ", "m c ^ 2 \\]"),
    "Image Analysis": ("<|class_start|>", "chart", "<|class_end|>"),
    "": ("A tiny model ", "recites ", "this."),
}
AND_SO_ON = " and so on"
CONTEXT = 4096
_SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"),
    *("<|image_pad|>", "<|video_pad|>", "<|box_start|>", "<|box_end|>", "<|ref_start|>", "<|ref_end|>"),
    *("<|rotate_up|>", "<|rotate_right|>", "<|rotate_down|>", "<|rotate_left|>"),
    *("<|class_start|>", "<|class_end|>", "<|sub_class_start|>", "<|sub_class_end|>"),
    *("<|caption_start|>", "<|caption_end|>", "<|content_start|>", "<|content_end|>"),
    *("<fcel>", "<ecel>", "<lcel>", "<ucel>", "<xcel>", "<nl>"),
)
#: hidden size and vocabulary are one, so that every token has a direction for itself
_SIZE = 512
_LAYERS, _HEADS, _GROUPS, _HEAD = 2, 16, 2, 32
_VISION, _PATCH = 64, 14


def answer(prompt: str) -> str:
    """What the model says to a prompt."""
    return "".join(next(pieces for words, pieces in ANSWERS.items() if words in prompt))


def write_tiny_model(folder: Path) -> Path:
    """Writes configuration, tokenizer and weights (6 MB) into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = _tokens()
    _write(folder / "config.json", _config(tokens))
    _write(folder / "generation_config.json", {"eos_token_id": tokens["<|im_end|>"], "pad_token_id": 0})
    _write(folder / "preprocessor_config.json", _pictures())
    _write(folder / "tokenizer.json", _tokenizer(tokens))
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "backend": "tokenizers",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": CONTEXT,
        },
    )
    (folder / "chat_template.jinja").write_text(_template())
    _write(folder / "chat_template.json", {"chat_template": _template()})
    _write_weights(folder / "model.safetensors", _weights(tokens))
    return folder


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1))


def _tokens() -> dict[str, int]:
    """Special tokens, then the 256 bytes, then whole pieces of answers."""
    pieces = [piece for pieces in ANSWERS.values() for piece in pieces]
    kinds = [_kind(number) for number in range(len(ANSWERS))]
    tokens = [*_SPECIAL, *_byte_letters(), *kinds, AND_SO_ON]
    tokens += [piece for piece in pieces if piece not in tokens]
    assert len(set(tokens)) == len(tokens) <= _SIZE
    assert len(set(pieces)) == len(pieces), "a piece that is in two answers would not know how to go on"
    return {token: number for number, token in enumerate(tokens)}


def _kind(number: int) -> str:
    return f"<|answer_{number}|>"


def _byte_letters() -> list[str]:
    """The letters by which byte-level tokenizers write the 256 bytes."""
    plain = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def _tokenizer(tokens: dict[str, int]) -> dict[str, Any]:
    letters = set(_byte_letters())
    added = [
        {
            **{"id": number, "content": token, "special": token in _SPECIAL or token.startswith("<|answer_")},
            **{"single_word": False, "lstrip": False, "rstrip": False, "normalized": False},
        }
        for token, number in tokens.items()
        if token not in letters
    ]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        **{"version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None},
        **{"added_tokens": added, "pre_tokenizer": level, "decoder": level},
        "model": {"type": "BPE", "vocab": tokens, "merges": []},
    }


def _template() -> str:
    """Qwen's chat template, with the token of the answer at its end."""
    choice = "".join(
        "{% " + ("if" if number == 0 else "elif") + f" '{words}' in asked.text %}}{_kind(number)}"
        for number, words in enumerate(ANSWERS)
    )
    return (
        "{% set asked = namespace(text='') %}{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
        "{% if message['content'] is string %}{% set asked.text = message['content'] %}{{ asked.text }}"
        "{% else %}{% for part in message['content'] %}"
        "{% if part['type'] == 'text' %}{% set asked.text = part['text'] %}{{ part['text'] }}"
        "{% else %}<|vision_start|><|image_pad|><|vision_end|>{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
        + choice
        + "{% endif %}{% endif %}"
    )


def _config(tokens: dict[str, int]) -> dict[str, Any]:
    return {
        "architectures": ["Qwen2VLForConditionalGeneration"],
        "model_type": "qwen2_vl",
        "torch_dtype": "bfloat16",
        "vocab_size": _SIZE,
        "hidden_size": _SIZE,
        "intermediate_size": 64,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": _HEADS,
        "num_key_value_heads": _GROUPS,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "rope_theta": 1e6,
        "rope_scaling": {"type": "mrope", "mrope_section": [4, 6, 6]},
        "tie_word_embeddings": False,
        "use_sliding_window": False,
        "bos_token_id": 0,
        "eos_token_id": tokens["<|im_end|>"],
        "pad_token_id": 0,
        "image_token_id": tokens["<|image_pad|>"],
        "video_token_id": tokens["<|video_pad|>"],
        "vision_start_token_id": tokens["<|vision_start|>"],
        "vision_end_token_id": tokens["<|vision_end|>"],
        "vision_token_id": tokens["<|vision_pad|>"],
        "vision_config": {
            **{"depth": 1, "embed_dim": _VISION, "hidden_size": _SIZE, "num_heads": 2, "mlp_ratio": 2},
            **{"in_chans": 3, "patch_size": _PATCH, "spatial_patch_size": _PATCH},
            **{"spatial_merge_size": 2, "temporal_patch_size": 2},
        },
    }


def _pictures() -> dict[str, Any]:
    """At most 128 tokens a picture: tests have no time for more."""
    return {
        **{"min_pixels": 3136, "max_pixels": 128 * 28 * 28, "patch_size": _PATCH, "temporal_patch_size": 2},
        **{"merge_size": 2, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]},
        **{"image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor"},
    }


def _weights(tokens: dict[str, int]) -> dict[str, np.ndarray[Any, Any]]:
    """All zero but the norms, the embedding, and the head that names each token's successor."""
    shapes: dict[str, tuple[int, ...]] = {"model.norm.weight": (_SIZE,)}
    for layer in range(_LAYERS):
        at = f"model.layers.{layer}."
        shapes |= {at + "input_layernorm.weight": (_SIZE,), at + "post_attention_layernorm.weight": (_SIZE,)}
        shapes |= {at + f"mlp.{name}_proj.weight": (64, _SIZE) for name in ("gate", "up")}
        shapes[at + "mlp.down_proj.weight"] = (_SIZE, 64)
        for name, heads in (("q", _HEADS), ("k", _GROUPS), ("v", _GROUPS)):
            shapes[at + f"self_attn.{name}_proj.weight"] = (heads * _HEAD, _SIZE)
            shapes[at + f"self_attn.{name}_proj.bias"] = (heads * _HEAD,)
        shapes[at + "self_attn.o_proj.weight"] = (_SIZE, _HEADS * _HEAD)
    block = {"norm1": (), "norm2": (), "attn.qkv": (192, 64), "attn.proj": (64, 64)}
    block |= {"mlp.fc1": (128, 64), "mlp.fc2": (64, 128)}
    parts = {f"blocks.0.{name}": shape for name, shape in block.items()}
    parts |= {"merger.ln_q": (), "merger.mlp.0": (256, 256), "merger.mlp.2": (_SIZE, 256)}
    for name, shape in parts.items():
        shapes[f"visual.{name}.weight"] = shape or (_VISION,)
        shapes[f"visual.{name}.bias"] = shape[:1] or (_VISION,)
    shapes["visual.patch_embed.proj.weight"] = (_VISION, 3, 2, _PATCH, _PATCH)
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    for name, value in weights.items():
        if "norm" in name and name.endswith("weight"):
            value += 1
    weights["model.embed_tokens.weight"] = np.eye(_SIZE, dtype=np.float32)
    weights["lm_head.weight"] = _successors(tokens)
    return weights


def _successors(tokens: dict[str, int]) -> np.ndarray[Any, Any]:
    """Row: the token that is said; column: the token before it."""
    head = np.zeros((_SIZE, _SIZE), np.float32)
    for number, pieces in enumerate(ANSWERS.values()):
        chain = [_kind(number), *pieces, "<|im_end|>"]
        for before, after in pairwise(chain):
            head[tokens[after], tokens[before]] = 1
    head[tokens[AND_SO_ON], [tokens["<|im_end|>"], tokens[AND_SO_ON]]] = 1
    return head


def _write_weights(path: Path, weights: dict[str, np.ndarray[Any, Any]]) -> None:
    """The safetensors format; bfloat16 is the upper half of a float32."""
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = bytearray()
    for name, value in weights.items():
        raw = (value.view(np.uint32) >> 16).astype("<u2").tobytes()
        offsets = [len(data), len(data) + len(raw)]
        head[name] = {"dtype": "BF16", "shape": list(value.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    write_tiny_model(Path(sys.argv[1]))
