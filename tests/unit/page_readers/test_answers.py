"""Answers of page models, good and bad, as what is on a page: one parser a reader."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_app.base import page_readers
from gradio_app.base.page_readers import LOST, Found, PageReader, Shown, Unreadable
from gradio_app.page_readers.markdown import blocks_of
from gradio_app.parsing.readers import flash
from gradio_app.parsing.readers.tidy import MOST_LETTERS, tidy
from tests.fakes import reader_answers

SHOWN = Shown(1000, 2000)
READERS = [found for name in page_readers.names() if (found := page_readers.find(name))]


def by_name(name: str) -> PageReader:
    found = page_readers.find(name)
    assert found is not None
    return found


def texts(found: list[Found]) -> str:
    return "\n".join(each.text for each in found)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_good_answer_is_the_whole_page(reader: PageReader) -> None:
    answer = reader_answers.good(reader.asks[0].prompt, "m1", (1000, 2000))
    assert answer is not None
    blocks = tidy(reader.read(answer, SHOWN, 1), lambda _box: "").blocks
    kinds = [block["type"] for block in blocks]
    assert kinds == ["doc_title", "list", "text", "text", "text", "table", "equation"]
    told = [flash.text_of(block) for block in blocks]
    assert told[:1] + told[2:4] == ["A title of m1", "• the first item", "• the second item"]
    assert told[4] == f"{reader_answers.WORDS} m1 with x^2 in it." and "<td>m1</td>" in told[5]
    assert told[6] == "E = mc^{2}" and flash.is_sound(blocks)


def test_what_markdown_has_beside() -> None:
    text = (
        "Words\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n1. one\n2. two\n   - inner\n\n```\ncode\n```\n\\[ x \\]"
    )
    found = [(each.label, each.text) for each in blocks_of(text)]
    assert found == [
        ("text", "Words"),
        ("table", "| a | b |\n|---|---|\n| 1 | 2 |"),
        *(("list_item", "1. one"), ("list_item", "2. two"), ("list_item", "- inner")),
        ("code", "code\n"),
        ("equation", "\\[ x \\]"),
    ]


def test_a_picture_without_a_box_is_told_and_not_cut_out_of_anywhere() -> None:
    found = blocks_of("Words\n\n![a map](page_1.png)\n\nMore words")
    assert [each.label for each in found] == ["text", "image", "text"]
    made = tidy(found, lambda _box: pytest.fail("nobody knows where it is"))
    assert ([block["type"] for block in made.blocks], made.pictures, made.dropped) == (["text"] * 2, 1, 0)


def test_what_is_cut_off_a_page_is_counted() -> None:
    assert tidy([Found("text", "a" * (MOST_LETTERS + 1))]).dropped == 1
    assert LOST in blocks_of("word\n\n" * 10_000)


def test_a_page_on_its_side_is_asked_for_again() -> None:
    with pytest.raises(Unreadable, match="on its side"):
        by_name("olmocr-2").read("---\nis_rotation_valid: False\n---\nWords", SHOWN, 1)


@pytest.mark.parametrize("name", ["deepseek-ocr-2", "dots.mocr", "lightonocr-3"])
def test_blocks_with_boxes(name: str) -> None:
    reader = by_name(name)
    answer = reader_answers.good(reader.asks[0].prompt, "m1", (1000, 2000))
    assert answer is not None
    found = list(reader.read(answer, SHOWN, 1))
    for each, (_, box, text) in zip(found, reader_answers.PAGE, strict=True):
        assert each.box is not None and list(each.box) == pytest.approx(box, abs=0.002)
        assert each.text == text.format(mark="m1")


def test_a_mark_with_several_boxes_is_one_block_around_them() -> None:
    answer = "<|ref|>text<|/ref|><|det|>[[10, 20, 30, 40], [5, 30, 20, 90]]<|/det|>\nWords"
    (found,) = by_name("deepseek-ocr-2").read(answer, SHOWN, 1)
    assert found.text == "Words" and found.box is not None
    assert [round(999 * side) for side in found.box] == [5, 20, 30, 90]


def test_text_without_marks_is_text() -> None:
    (found,) = by_name("deepseek-ocr-2").read("Only words.<｜end▁of▁sentence｜>", SHOWN, 1)
    assert found == Found("text", "Only words.")


def test_json_with_the_backslashes_of_latex() -> None:
    answer = r'[{"bbox": [1, 2, 3, 4], "category": "Formula", "text": "\(\alpha\) \\frac \u0041"}]'
    (found,) = by_name("dots.mocr").read(answer, SHOWN, 1)
    assert found.text == r"\(\alpha\) \frac A" and found.label == "equation"


def test_a_broken_block_costs_no_other() -> None:
    good = json.dumps({"bbox": [0, 0, 10, 10], "category": "Text", "text": "kept"})
    found = list(by_name("dots.mocr").read(f'[{good}, {{"bbox": [1, 2, "category": }}, {good}]', SHOWN, 1))
    assert [each.text for each in found if each is not LOST] == ["kept", "kept"]
    assert found.count(LOST) == 1


@pytest.mark.parametrize("wrapped", ['{{"layout": {}}}', "```json\n{}\n```", "{}"])
def test_a_list_in_whatever_it_stands(wrapped: str) -> None:
    answer = json.dumps([{"bbox": [0, 0, 10, 10], "category": "Text", "text": "kept"}])
    assert texts(list(by_name("dots.mocr").read(wrapped.format(answer), SHOWN, 1))) == "kept"


@pytest.mark.parametrize("kind", sorted(reader_answers.BAD))
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_bad_answer_gives_blocks_or_says_so(reader: PageReader, kind: str) -> None:
    for ask in reader.asks:
        answer = reader_answers.good(ask.prompt, "m1", (1000, 2000)) or "# Words\n\nMore words."
        try:
            assert all(
                isinstance(each, Found) for each in reader.read(reader_answers.BAD[kind](answer), SHOWN, 1)
            )
        except Unreadable as error:
            assert str(error)


@given(
    st.text(st.sampled_from('{}[]"\\,:<>|/ ref det bbox category text 019\n#*-$![](').map(str), max_size=200)
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_answer_raises_anything_else(answer: str) -> None:
    for reader in READERS:
        with suppress(Unreadable):
            list(reader.read(answer, SHOWN, 1))


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_what_a_reader_says_of_itself(reader: PageReader) -> None:
    assert reader.titles.keys() == reader.good_at.keys() == {"en", "zh"}
    assert reader.serve.least <= reader.serve.context and reader.serve.kv > 0
    assert 0 < reader.weights.size < 40e9 and reader.weights.repo.count("/") == 1
    assert not reader.weights.must_accept or reader.weights.terms
    for ask in reader.asks:
        assert "<image>" not in ask.prompt, "SGLang's template adds it"
        assert ask.picture.tokens + 1000 < reader.serve.least


def test_readers_are_known_without_what_parses_documents() -> None:
    """The page and the commands ask for their names and sizes."""
    code = (
        "import sys\nfrom gradio_app.base import page_readers\nassert page_readers.names()\n"
        "assert not {'mineru', 'numpy', 'PIL', 'markdown_it', 'gradio_app.parsing'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
