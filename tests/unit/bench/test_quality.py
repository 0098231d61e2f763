"""The quality bench tells right results from wrong ones, and a case is easy to add."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.quality import report
from bench.quality.__main__ import MARK, PAGE, scored, write
from bench.quality.case import Case, Heading, Truth, from_folder
from bench.quality.cases import made_cases
from bench.quality.contestants import Answer
from bench.quality.report import Run
from bench.quality.score import MEASURES, Score, score
from bench.quality.writers import markdown

GRID = [["Name", "Value"], ["Alpha", "1,234.50"], ["Beta", "2024-00817"]]
FIRST = "The mill stood at the bend of the river for three hundred years until 21:30 of one day."
LAST = "Nobody remembers who bought the bell above the gate, though some say it hangs in the school."
TRUTH = Truth([Heading("The heading"), FIRST, GRID, LAST], absent=["secret word"])
RIGHT = markdown(TRUTH.blocks)


def test_a_right_result_has_all() -> None:
    assert score(TRUTH, RIGHT) == Score(1.0, 1.0, 1.0, 1.0, 1.0, 0)


def test_nothing_has_nothing() -> None:
    assert score(TRUTH, "") == Score(0.0, 0.0, 0.0, 0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("old", "new", "falls"),
    [
        (LAST, "", "words"), (FIRST, FIRST.replace("mill", "mi ll"), "words"),
        ("1,234.50", "1,2 34.50", "numbers"),
        ("1,234.50", "1,234", "numbers"), ("2024-00817", "2024-817", "numbers"), ("## ", "", "headings"),
        ("Nobody", "## Nobody", "headings"), ("| Alpha | 1,234.50 |", "| 1,234.50 | Alpha |", "cells"),
        ("| Alpha | 1,234.50 |\n", "", "cells"), ("|---|---|\n", "", "cells"),
        (RIGHT, f"{LAST}\n\n{FIRST}", "order"),
        (FIRST, " ".join([*FIRST.split()[10:], *FIRST.split()[:10]]), "order"),
    ],
)  # fmt: skip
def test_what_is_wrong_costs(old: str, new: str, falls: str) -> None:
    assert old in RIGHT
    value = getattr(score(TRUTH, RIGHT.replace(old, new)), falls)
    assert value is not None and value < 1.0


def test_lines_of_two_columns_by_turns_are_out_of_order() -> None:
    words, others = FIRST.split(), LAST.split()
    turns = (" ".join([*words[n : n + 4], *others[n : n + 4]]) for n in range(0, len(words), 4))
    mixed = score(Truth([FIRST, LAST]), "\n".join(turns))
    assert mixed.words == 1.0 and mixed.order is not None and mixed.order <= 0.5


def test_what_a_truth_does_not_have_is_not_counted() -> None:
    assert score(Truth(["Some words."]), "Some words.") == Score(1.0, None, None, None, None, 0)
    assert score(Truth(["Some words."]), "# Some words.").headings == 0.0


def test_hidden_words_that_are_shown_are_counted() -> None:
    assert score(TRUTH, RIGHT + "\n\nA secret\nword.").shown == 1


def test_a_wrong_chinese_sign_costs_itself() -> None:
    assert score(Truth(["理事会将于六月听取报告"]), "理事会将于六月听取报吿").words == pytest.approx(10 / 11)


# ------------------------------------------------------------ cases


def test_there_are_cases_of_all_kinds() -> None:
    cases = made_cases()
    assert len(cases) >= 60 and len({case.name for case in cases}) == len(cases)
    kinds = "csv html docx xlsx pptx odt rtf txt md json ipynb eml epub".split()
    assert {*kinds, "pdf, forms", "pdf, turned", "scan, png", "scan, tiff"} <= {case.kind for case in cases}
    assert sum(bool(case.truth and case.truth.loss) for case in cases) >= 4


@pytest.mark.parametrize(
    "case", [c for c in made_cases() if not c.kind.startswith("scan")], ids=lambda c: c.name
)
def test_a_case_is_made_alike_and_its_truth_has_all(case: Case) -> None:
    assert case.make() and case.truth and case.truth.text.strip()
    if case.name != "signs.txt":  # what looks like markup there is text
        found = score(case.truth, markdown(case.truth.blocks))
        assert [value for name in MEASURES if (value := getattr(found, name)) not in (None, 1.0)] == []


def test_a_folder_gives_cases_with_and_without_a_truth(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "b.md").write_text("y")
    (tmp_path / "b.md.truth.json").write_text(
        json.dumps({"blocks": ["# Top", "text 12", [["a", 1]]], "absent": ["no"], "loss": "a part"})
    )
    (tmp_path / "c.unknown").write_text("z")
    first, second = from_folder(tmp_path)
    assert (first.name, first.kind, first.truth, first.make()) == ("a.csv", "folder, csv", None, b"x")
    assert second.truth == Truth(["Top", "text 12", [["a", "1"]]], ["no"], "a part")
    assert second.truth and second.truth.headings == ["Top"]
    (tmp_path / "b.md.truth.json").write_text('{"blocks": [3]}')
    with pytest.raises(ValueError, match="a block is"):
        list(from_folder(tmp_path))


# ------------------------------------------------------------ report


def of(name: str, who: str, text: str, truth: Truth = TRUTH, **more: Any) -> Run:
    """A run of a case that is the only one of its kind."""
    case, answer = CASES.setdefault(name, Case(name, name, bytes, truth)), Answer(text, **more)
    return Run(case, who, answer, scored(case, answer))


CASES: dict[str, Case] = {}


def test_the_report_tells_notes_and_who_is_better() -> None:
    lossy = Truth(TRUTH.blocks, loss="a part")
    text = report.report(
        [
            of("good.md", "ours", RIGHT),
            of("worse.md", "ours", RIGHT.replace(LAST, "")),
            of("false.md", "ours", RIGHT, notes=["no_text"]),
            of("missed.md", "ours", RIGHT, lossy),
            of("gone.md", "ours", "", failed="file_corrupt"),
            of("good.md", "MinerU alone", RIGHT.replace("## ", "")),
            of("worse.md", "MinerU alone", RIGHT),
        ],
        ["pandoc (not installed)"],
    )
    assert "| ours | 4 of 5 |" in text and "Not here: pandoc (not installed)." in text
    assert "a note: 1 of 4. `false.md (no_text)`" in text and "no note tells: 1 of 1. `missed.md`" in text
    assert "and no note: 1. `worse.md`" in text and "Without a result: 1. `gone.md (file_corrupt)`" in text
    assert "| `worse.md` | words | " in text and "1.000, MinerU alone |" in text
    assert "**`good.md`**, MinerU alone:\n\n````text\nThe heading" in text


def test_the_gallery_begins_where_results_differ_and_names_no_places() -> None:
    plain = [
        of("late.md", "ours", RIGHT),
        of("late.md", "MinerU alone", RIGHT.partition("2024")[0]),
        of("new.md", "ours", RIGHT),
        of("new.md", "MinerU alone", "", failed="Gone: /home/a"),
    ]
    text = report.report(plain, []).partition("### Before and after")[2]
    assert "````text\n| Alpha | 1,234.50 |\n| Beta |" in text and "> no result (Gone)" in text
    assert "The heading" not in text.partition("new.md")[0] and "/home" not in text


def test_an_empty_head_above_a_table_costs_no_cell() -> None:
    empty = RIGHT.replace("| Name | Value |\n|---|---|", "|  |  |\n|---|---|\n| Name | Value |")
    assert score(TRUTH, empty).cells == 1.0


def test_a_report_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Head\n\n{MARK}\n\nold\n")
    write(page, "new\n", 3)
    text = page.read_text()
    assert (
        text.startswith(f"# Head\n\n{MARK}\n\n3 cases; ") and text.endswith("\n\nnew\n") and "old" not in text
    )
    assert PAGE.read_text("utf-8").count(MARK) == 1
