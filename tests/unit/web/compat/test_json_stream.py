"""JSON in pieces is the JSON that one would write at once."""

from __future__ import annotations

import base64
import json
import os
from functools import partial
from pathlib import Path

import pytest

from gradio_app.base.errors import NotFound
from gradio_app.base.files import open_beneath
from gradio_app.web.compat import json_stream
from gradio_app.web.compat.json_stream import array_of, data_address, gathered, json_file, object_of, text_of

TEXTS = ["", 'a "quoted" \\ line\n\t\x00\x1f</script>', "报告 😀 é" * 50, "\u2028\ufeff"]


@pytest.mark.parametrize("piece", [3, 3 * 2**16])
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_a_string(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, piece: int) -> None:
    monkeypatch.setattr(json_stream, "_PIECE", piece)
    (tmp_path / "a.md").write_text(text, "utf-8", newline="")
    (tmp_path / "a.png").write_bytes(text.encode())
    opened = partial(open_beneath, tmp_path, "a.md")
    assert json.loads(b"".join(text_of(opened))) == text
    address = json.loads(b"".join(data_address(partial(open_beneath, tmp_path, "a.png"), "a.png")))
    assert address == "data:image/png;base64," + base64.b64encode(text.encode()).decode()


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xff\xfe\xed\xa0\x80 and \xe6\x8a")
    found = json.loads(b"".join(text_of(partial(open_beneath, tmp_path, "a.md"))))
    assert found.endswith("\ufffd") and " and " in found


def test_objects_hold_values_texts_and_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"x": [1, 2]}')
    inner = partial(
        object_of, [("n", None), ("raw", partial(json_file, partial(open_beneath, tmp_path, "a.json")))]
    )
    pieces = object_of([("a", 1), ('"k"', inner), ("list", partial(array_of, [inner, inner])), ("e", {})])
    want = {"n": None, "raw": {"x": [1, 2]}}
    assert json.loads(b"".join(gathered(pieces, 7))) == {"a": 1, '"k"': want, "list": [want, want], "e": {}}
    assert b"".join(gathered(array_of([]))) == b"[]"
    assert b"".join(object_of([])) == b"{}"


def test_a_file_that_is_gone_breaks_the_answer_off_and_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    before = len(os.listdir("/proc/self/fd"))
    members = [(name, partial(text_of, partial(open_beneath, tmp_path, name))) for name in ("a.md", "b.md")]
    pieces = object_of(members)
    next(pieces)
    pieces.close()
    with pytest.raises(NotFound):
        b"".join(object_of(members))
    assert len(os.listdir("/proc/self/fd")) == before
