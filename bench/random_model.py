"""A folder like that of MinerU's vision model, without its weights: SGLang makes random ones of this shape.

The shape is an assumption, as the real configuration cannot be had without a hub: the language model of
Qwen2-0.5B and the vision tower of Qwen2-VL, which MinerU2.5 is made of (arXiv 2509.22186), 1.2 billion
parameters together. Time and memory depend on the shape, what is answered on the weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sglang_cpu.tiny_model import write_tiny_model

#: what makes SGLang take random weights
FLAGS = ("--load-format", "dummy")
#: Qwen2-0.5B: 24 layers of 896, 14 heads of 64, of which 2 for keys and values
_LANGUAGE = {
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
    "max_position_embeddings": 16_384,
    "rope_scaling": {"type": "mrope", "mrope_section": [8, 12, 12]},
    "tie_word_embeddings": True,
}
#: the tower of Qwen2-VL: 32 layers of 1280
_VISION = {"depth": 32, "embed_dim": 1280, "hidden_size": 896, "num_heads": 16, "mlp_ratio": 4}
#: a picture may have so many pixels: 2,048 tokens of 28 by 28
_MOST_PIXELS = 2048 * 28 * 28


def write_random_model(folder: Path) -> Path:
    """Writes configuration and tokenizer into ``folder``, and no weights; start it with ``FLAGS``.

    The tokenizer is that of the tests: it knows few words, and answers of random weights have none.
    """
    write_tiny_model(folder)
    (folder / "model.safetensors").unlink()
    _change(folder / "config.json", _LANGUAGE, vision_config=_VISION)
    _change(folder / "preprocessor_config.json", {"max_pixels": _MOST_PIXELS})
    return folder


def parameters(config: dict[str, Any]) -> int:
    """How many weights a model of such a configuration has, biases and norms left out (they are 0.1 %)."""
    wide, vision = config["hidden_size"], config["vision_config"]
    head = wide // config["num_attention_heads"]
    attention = 2 * wide * wide + 2 * wide * head * config["num_key_value_heads"]
    language = config["num_hidden_layers"] * (attention + 3 * wide * config["intermediate_size"])
    embedding = config["vocab_size"] * wide * (1 if config["tie_word_embeddings"] else 2)
    embed, merged = vision["embed_dim"], 4 * vision["embed_dim"]
    tower = vision["depth"] * (4 + 2 * vision["mlp_ratio"]) * embed * embed
    return language + embedding + tower + merged * merged + merged * wide


def _change(path: Path, changes: dict[str, Any], **nested: dict[str, Any]) -> None:
    value = json.loads(path.read_text()) | changes
    for name, some in nested.items():
        value[name] |= some
    path.write_text(json.dumps(value, indent=1))
