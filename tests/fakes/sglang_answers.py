"""What a fake model server says: MinerU's answer forms, pictures it reacts to, and how SGLang fails to load.

The failure texts are those of SGLang 0.5.23, so that whoever reads its log meets the real thing.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from typing import Any

#: boxes of a page in thousandths, and what MinerU's model calls them
LAYOUT = (
    ("100 040 900 090", "title"),
    ("080 110 920 300", "text"),
    ("080 320 920 340", "table_caption"),
    ("080 350 920 520", "table"),
    ("200 540 800 590", "equation"),
    ("080 610 920 790", "image"),
    ("080 800 920 930", "text"),
)
#: about what a page picture costs the real model
IMAGE_TOKENS = 1370
_PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
_LOOKED_AT = 4  # rows of a picture that are decoded: the whole of it would take a second in Python


def answer(prompt: str, picture: bytes) -> str:
    """The model's answer: always the same for the same prompt and picture, different for other pictures."""
    mark = sha(picture)[:10]
    match prompt.strip():
        case "Layout Detection:":
            return "\n".join(
                f"<|box_start|>{box}<|box_end|><|ref_start|>{kind}<|ref_end|><|rotate_up|>"
                for box, kind in LAYOUT
            )
        case "Table Recognition:":
            return f"<fcel>Name<fcel>Score<nl><fcel>picture<fcel>{mark}<nl>"
        case "Formula Recognition:":
            return "\\[ p _ { " + " ".join(mark) + " } = 1 \\]"
        case "Image Analysis:":
            return (
                "<|class_start|>chart<|class_end|><|sub_class_start|>line chart<|sub_class_end|>"
                f"<|caption_start|>A curve of {mark}.<|caption_end|>"
            )
        case _:
            return f"Words read from picture {mark}."


def sha(picture: bytes) -> str:
    return hashlib.sha256(picture).hexdigest()


def question(messages: Any) -> tuple[str, bytes]:
    """The last user text and the last picture of a chat. Raises ``ValueError`` for what is no chat."""
    if not isinstance(messages, list) or not messages:
        raise ValueError("messages: expected a list")
    prompt, picture = "", b""
    for message in messages:
        content = message.get("content") or ""
        parts: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            if part["type"] == "image_url":
                picture = base64.b64decode(part["image_url"]["url"].partition(",")[2], validate=True)
            elif message.get("role") == "user":
                prompt = part["text"]
    return prompt, picture


def matches(picture: bytes, rule: dict[str, Any] | None) -> bool:
    """Whether a picture is the one that a fault is about.

    ``{"sha": [prefixes]}``, ``{"size": [width, height]}``, or ``{"color": [r, g, b], "near": 24}``: the
    average of its first rows, so that a page of tinted paper is known in every piece that is cut from it.
    """
    if not rule or not picture:
        return False
    if "sha" in rule:
        return sha(picture).startswith(tuple(rule["sha"]))
    if "size" in rule:
        return size(picture) == tuple(rule["size"])
    near = rule.get("near", 24)
    return all(abs(a - b) <= near for a, b in zip(color(picture), rule["color"], strict=True))


def size(picture: bytes) -> tuple[int, int]:
    """Width and height of a PNG; zeros for anything else."""
    return struct.unpack(">II", picture[16:24]) if picture.startswith(_PNG) else (0, 0)


def color(picture: bytes) -> tuple[float, float, float]:
    """Average red, green, blue of the first rows of an 8-bit PNG; ``ValueError`` for other pictures."""
    if not picture.startswith(_PNG) or picture[24] != 8 or picture[25] not in _CHANNELS:
        raise ValueError("only 8-bit PNGs without a palette")
    (width, height), step = size(picture), _CHANNELS[picture[25]]
    rows = min(height, _LOOKED_AT)
    data = zlib.decompressobj().decompress(_image_data(picture), rows * (1 + width * step))
    above, pixels = bytes(width * step), bytearray()
    for row in range(rows):
        start = row * (1 + width * step)
        above = _unfilter(data[start], data[start + 1 : start + 1 + width * step], above, step)
        pixels += above
    red, green, blue = (0, 1, 2) if step >= 3 else (0, 0, 0)
    count = rows * width
    return tuple(sum(pixels[band::step]) / count for band in (red, green, blue))  # type: ignore[return-value]


def _image_data(picture: bytes) -> bytes:
    data, at = b"", len(_PNG)
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        if picture[at + 4 : at + 8] == b"IDAT":
            data += picture[at + 8 : at + 8 + length]
        at += length + 12
    return data


def _unfilter(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    """One line of a PNG as it was before its filter."""
    out = bytearray(row)
    for i, value in enumerate(row):
        left = out[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = (0, left, above[i], (left + above[i]) // 2, _paeth(left, above[i], corner))[kind]
        out[i] = (value + guess) & 255
    return bytes(out)


def _paeth(left: int, up: int, corner: int) -> int:
    p = left + up - corner
    return min((left, up, corner), key=lambda near: abs(p - near))


_SCHEDULER = "Scheduler hit an exception: Traceback (most recent call last):\n"
_CHILD_FAILED = "Received sigquit from a child process. It usually means the child failed."

#: name of a failure at load -> (what stands in the log, exit code; -9: it kills itself)
LOAD_FAILURES: dict[str, tuple[str, int]] = {
    "oom": (
        _SCHEDULER + '  File "sglang/srt/model_executor/model_runner.py", line 1312, in load_model\n'
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.62 GiB. GPU 0 has a total capacity "
        "of 7.78 GiB of which 412.19 MiB is free.\n\n" + _CHILD_FAILED,
        -9,
    ),
    "no_kv": (
        _SCHEDULER + "ValueError: Loaded weights leave no GPU memory for the KV cache under "
        "--mem-fraction-static={fraction}. Raise --mem-fraction-static above 0.461 (minimum viable = 1 - "
        "available/pre = 0.4604). If using speculative decoding, draft weights are now counted.\n\n"
        + _CHILD_FAILED,
        -9,
    ),
    "no_room": (
        _SCHEDULER + "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. "
        "Current value: mem_fraction_static={fraction}\n\n" + _CHILD_FAILED,
        -9,
    ),
    "no_model": (
        "OSError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '{model}'. "
        "Use `repo_type` argument if needed.",
        1,
    ),
    "no_config": (
        "ValueError: Unrecognized model in {model}. Should have a `model_type` key in its config.json.",
        1,
    ),
    "no_weights": (
        _SCHEDULER + "RuntimeError: Cannot find any model weights with `{model}`\n\n" + _CHILD_FAILED,
        -9,
    ),
    "no_driver": (
        _SCHEDULER + "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an "
        "NVIDIA GPU and installed a driver\n\n" + _CHILD_FAILED,
        -9,
    ),
    "silent": ("", -9),
}
