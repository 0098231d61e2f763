"""What is kept of a text, which words are found in it, and which line of it is shown."""

from __future__ import annotations

import pytest

from gradio_app.store.search_text import (
    PIECE,
    cleaned,
    folded,
    index_words,
    line_of,
    phrases_of,
    pieces,
    terms_of,
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a  b\t c\n\n \n d", "a b c\nd"),
        ("ﬁne\u00ad\u200bprint e\u0301", "fineprint é"),
        ("a\x00b\ud800c\ue000d", "a b c d"),
        ("ครั้ง שָׁלוֹם", "ครั้ง שלום"),
    ],
)
def test_a_text_is_kept_in_one_way_of_writing(text: str, kept: str) -> None:
    assert cleaned(text) == kept


def test_folding_keeps_the_length_of_a_text() -> None:
    text = cleaned("".join(map(chr, [*range(0xD800), *range(0xE000, 0x3000), *range(0xF900, 0x20000)])))
    assert len(folded(text)) == len(text)
    assert folded("RÉSUMÉ Ärger ΣΟΦΟΣ İx Straße 한국") == "resume arger σοφοσ ix straße 한국"


def test_runs_without_spaces_are_indexed_by_pairs() -> None:
    assert index_words("The end. 机器学习 in 东") == "the end 机器 器学 学习 习 in 东"


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("Two words", '"two"* "words"*'),
        ('"Two words" more', '"two words" "more"*'),
        ("“a b", '"a b"'),
        ("e-mail", '"e mail"*'),
        ("a", '"a"'),
        ("机", '"机"*'),
        ("机器学习2024", '"机器 器学 学习" "2024"*'),
        ('NEAR(x OR "") AND body:* -y ^', '"near x" "or"* "and"* "body"* "y"'),
        ("one " * 9, '"one"'),
        ('" * "" ，', ""),
    ],
)
def test_a_query_becomes_plain_words(query: str, match: str) -> None:
    assert " ".join(term.match for term in terms_of(query)) == match


def test_parts_of_names_are_as_they_were_written() -> None:
    assert phrases_of('Final "annual report" v2.pdf ""') == ["annual report", "Final", "v2.pdf"]
    assert "\ud800" not in phrases_of("a\ud800")[0]


def marked(text: str, query: str) -> str:
    line = line_of(cleaned(text), terms_of(query))
    for start, end in reversed(line.marks):
        line = type(line)(f"{line.text[:start]}[{line.text[start:end]}]{line.text[end:]}", [])
    return line.text


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("first\nThe RÉSUMÉ of it", "resume", "The [RÉSUMÉ] of it"),
        ("cat\ncatalogue", '"catalogue"', "[catalogue]"),
        ("concatenate cat", "cat", "concatenate [cat]"),
        ("我们学习机器学习", "机器", "我们学习[机器]学习"),
        ("a cat, a dog\nx" + " y" * 200 + "\ndog and cat", "and cat dog", "[dog] [and] [cat]"),
        ("the e-mail came", "e-mail", "the [e-mail] came"),
        ("\U0001f408 cat", "cat", "\U0001f408 [cat]"),
        ("nothing", "else", "nothing"),
    ],
)
def test_a_line_has_its_words_marked(text: str, query: str, shown: str) -> None:
    assert marked(text, query) == shown


def test_a_long_line_is_cut_between_words_around_the_first_one() -> None:
    shown = marked("before " * 50 + "needle " + "after " * 50, "needle")
    assert shown.startswith("before before") and shown.endswith("after") and "[needle]" in shown
    assert len(shown) < 180


def test_very_long_pages_are_cut_into_pieces_that_lose_nothing() -> None:
    words = " ".join(f"w{number}" for number in range(12_000))
    for text in (words, "x" * (2 * PIECE + 5), "a\n" * 30_000, ""):
        parts = pieces(cleaned(text))
        assert all(0 < len(part) <= PIECE for part in parts)
        assert "".join("".join(parts).split()) == "".join(text.split())
