"""What a worker wrote goes into an answer only when it is one JSON value."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gradio_app.base.errors import AppError
from gradio_app.base.files import open_beneath
from gradio_app.web.compat.json_check import MOST_DEPTH, check_json


def is_json(folder: Path, data: bytes) -> bool:
    (folder / "x.json").write_bytes(data)
    try:
        check_json(partial(open_beneath, folder, "x.json"))
    except AppError:
        return False
    return True


def parses(data: bytes) -> bool:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(data.decode(), parse_constant=refuse)
    except ValueError:
        return False
    return True


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


@given(value=VALUES, ascii=st.booleans(), indent=st.sampled_from([None, 1]))
@settings(deadline=None, max_examples=100)
def test_every_value_passes(folder: Path, value: object, ascii: bool, indent: int | None) -> None:
    data = json.dumps(value, ensure_ascii=ascii, indent=indent).encode("utf-8", "surrogatepass")
    assert is_json(folder, data) == parses(data)


@given(parts=st.lists(st.sampled_from([*'[]{},:" \\', "1", "-", ".", "e", "null", '"a"', '"a":', "\n"])))
@settings(deadline=None, max_examples=200)
@example(parts=['{"a":1}, "status": "completed"'])
@example(parts=["[1,2"])
@example(parts=["[1,]"])
@example(parts=['{"a":1,}'])
@example(parts=['{"a"}'])
@example(parts=["[1}"])
@example(parts=["NaN"])
@example(parts=["[01]"])
@example(parts=['"\\x"'])
@example(parts=['"\t"'])
@example(parts=[" "])
@example(parts=["1 2"])
@example(parts=['[[], {}, [{}, 1], "\\u00e9"]'])
def test_what_a_parser_refuses_is_refused(folder: Path, parts: list[str]) -> None:
    data = "".join(parts).encode()
    assert is_json(folder, data) == parses(data)


def test_bytes_that_are_no_text_and_depth_are_refused(folder: Path) -> None:
    assert not is_json(folder, b'"\xff"') and not is_json(folder, b'"\xe6\x8a"') and not is_json(folder, b"")
    deep = MOST_DEPTH
    assert is_json(folder, b"[" * deep + b"]" * deep)
    assert not is_json(folder, b"[" * (deep + 2) + b"]" * (deep + 2))


def test_large_files_take_little_time(folder: Path) -> None:
    block = {"type": "text", "bbox": [0.1, 22.5, 333.25, 4], "content": 'Words 报告 of "a" page. ' * 8}
    large = json.dumps({"pages": [{"blocks": [block] * 40}] * 600}).encode()
    long = b'"' + b"iVBORw0KGgo" * 2**20 + b'\\n"'
    began = time.process_time()
    assert is_json(folder, large) and is_json(folder, long)
    assert not is_json(folder, b"[" + b"0," * 2**20) and not is_json(folder, b'"' + b"\\n" * 2**20)
    assert time.process_time() - began < 5, len(large)
