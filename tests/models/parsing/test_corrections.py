"""Corrections, taken back, read again in any order: the result is what a simple model says it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_app.base.errors import NotFound
from gradio_app.parsing.assembly import correct_block, read_block, replace_pages
from tests.unit.parsing.test_corrections import a_block, files, page, put, said

#: what a first reading says, what another one says, and what people type
READINGS = (["one", "two", "three"], ["one", "2", "three"])
TYPED = st.sampled_from(["one", "1", "two, $x$", "<b>zwei</b>", "שלום", "a\nb", "# three"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("type"), st.integers(1, 3), TYPED),
        st.tuples(st.just("back"), st.integers(1, 3), st.just("")),
        st.tuples(st.just("read"), st.integers(0, 1), st.just("")),
    ),
    min_size=1,
    max_size=6,
)


def blocks(texts: list[str]) -> list[dict[str, Any]]:
    return [a_block("text", number, said(text)) for number, text in enumerate(texts, 1)]


class Model:
    """What each block was read as, what people made of it, and what waits until it fits again."""

    def __init__(self) -> None:
        self.read = [*READINGS[0]]
        self.typed: dict[int, str] = {}
        self.aside: list[tuple[int, str, str]] = []

    def type(self, block: int, text: str) -> None:
        self.typed[block] = text
        if text == self.read[block - 1]:
            del self.typed[block]

    def take(self, texts: list[str]) -> None:
        """Another reading: corrections fit, in their order, where their block says the same again."""
        waiting = [*self.aside, *((block, self.read[block - 1], text) for block, text in self.typed.items())]
        self.read, self.typed, self.aside = [*texts], {}, []
        for block, was, text in waiting:
            if texts[block - 1] == was and block not in self.typed:
                self.typed[block] = text
            else:
                self.aside.append((block, was, text))

    @property
    def now(self) -> list[str]:
        return [self.typed.get(block, text) for block, text in enumerate(self.read, 1)]


@given(STEPS)
@settings(max_examples=20)
def test_any_order_of_steps_ends_where_the_model_does(steps: list[tuple[str, int, str]]) -> None:
    with TemporaryDirectory() as name:
        root = Path(name)
        result = put(root / "0", blocks(READINGS[0]), blocks(["untouched"]))
        others = [put(root / f"reading-{n}", blocks(texts)) for n, texts in enumerate(READINGS)]
        model = Model()
        for number, (what, where, text) in enumerate(steps, 1):
            shared = root / f"shared-{number}"
            shutil.copytree(result, shared, copy_function=os.link)
            before, out = files(shared), root / str(number)
            if what == "type":
                correct_block(str(result), str(out), 1, where, {"text": text})
                model.type(where, " ".join(text.split()) if "\n" not in text else text)
            elif what == "read":
                replace_pages(str(result), str(out), [{"page": 1, "folder": str(others[where])}])
                model.take(READINGS[where])
            elif where in model.typed:
                correct_block(str(result), str(out), 1, where, None)
                del model.typed[where]
            else:
                try:
                    correct_block(str(result), str(out), 1, where, None)
                except NotFound:
                    continue
                raise AssertionError("what was not corrected cannot be brought back")
            assert files(shared) == before
            result = out
            shown = [read_block(str(result), 1, block) for block in (1, 2, 3)]
            assert [each["text"] for each in shown] == model.now
            corrected = [block for block, each in enumerate(shown, 1) if each["original"]]
            assert corrected == sorted(model.typed)
            assert all(shown[block - 1]["original"]["text"] == model.read[block - 1] for block in corrected)
            record = page(result)
            assert [each["id"] for each in record["blocks"] if "original" in each] == [
                f"1-{b}" for b in corrected
            ]
            assert len(record.get("set_aside", [])) == len(model.aside)
        if not model.typed and not model.aside and model.read == READINGS[0]:
            assert files(result) == files(root / "0")
