"""What measurements make of their figures: statistics, table, its place in a document, pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from bench import plots, report
from bench.__main__ import DOCUMENTS, main
from bench.figures import Bar, Row, percentile, pooled, ratios, row, slope
from bench.measurement import Contestant, Plan, take_turns
from bench.suite import MEASUREMENTS, chosen


def a_result(name: str = "papers", *rows: Row, **more: Any) -> report.Result:
    where = {"cores": 2, "machine": "x86_64", "memory_gb": 24, "python": "3.11.7", "mineru": "4.0.12"}
    return report.Result(
        name, name.title(), rows, where=where | {"date": "2026-11-26", "commit": "abc"}, **more
    )


# ---------------------------------------------------------------- statistics


def test_a_row_is_the_median_and_what_lies_around_it() -> None:
    found = row("ours", [3.0, 1.0, 2.0], "s")
    assert (found.figure, found.low, found.high, found.rounds, found.met) == (2.0, 1.0, 3.0, 3, None)


def test_nothing_measured_is_no_row() -> None:
    with pytest.raises(ValueError, match="nothing was measured for ours"):
        row("ours", [])
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@pytest.mark.parametrize(
    ("bar", "figure", "met", "reached"),
    [
        (Bar(">=", 0.95), 0.95, True, 1.0),
        (Bar(">=", 2.0), 1.0, False, 0.5),
        (Bar("<=", 4.0), 2.0, True, 2.0),
        (Bar("<=", 4.0), 8.0, False, 0.5),
        (Bar("<=", 0.0), 0.0, True, float("inf")),
        (Bar("<=", 0.0), 3.0, False, 0.0),
        (Bar("<=", 50.0), 0.0, True, float("inf")),
    ],
)
def test_a_bar(bar: Bar, figure: float, met: bool, reached: float) -> None:
    assert bar.holds(figure) is met and bar.reached(figure) == reached
    assert row("ours", [figure], bar=bar).met is met


def test_percentiles_lie_between_neighbours() -> None:
    assert percentile([10, 20, 30, 40], 0.5) == 25
    assert percentile([10, 20, 30, 40], 0) == 10 and percentile([10, 20, 30, 40], 1) == 40
    assert percentile([7], 0.95) == 7


def test_rounds_are_pooled_and_their_own_quantiles_are_the_spread() -> None:
    found = pooled("ours", [[1, 2, 3], [11, 12, 13]], 0.5, "ms")
    assert (found.figure, found.low, found.high, found.rounds) == (7, 2, 12, 2)


def test_ratios_go_round_by_round_where_both_took_part() -> None:
    assert ratios([2, 4, 6], [1, 2, 2]) == [2, 2, 3]


def test_who_had_fewer_rounds_counts_with_the_median() -> None:
    assert ratios([2, 4, 6], [2]) == [1, 2, 3]
    assert ratios([6], [1, 2, 3]) == [6, 3, 2]


def test_the_slope_is_that_of_a_straight_line() -> None:
    assert slope([0, 1, 2, 3], [5, 7, 9, 11]) == pytest.approx(2)
    assert slope([0, 1, 2, 3], [5, 5, 5, 5]) == 0
    assert slope([1], [5]) == 0


# ---------------------------------------------------------------- turns


def test_each_has_its_turn_and_another_one_begins_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order: list[str] = []

    def of(name: str, value: float) -> Contestant:
        return Contestant(lambda number: order.append(f"{name}{number}") or value + number, 2 if value else 9)

    values = take_turns(Plan(tmp_path, 3), {"a": of("a", 0), "b": of("b", 10)})
    assert values == {"a": [0, 1, 2], "b": [10, 11]}, "b is slow, and has two rounds"
    assert order == ["a0", "b0", "b1", "a1", "a2"]
    assert "round 3 of 3: a 2" in capsys.readouterr().err


# ---------------------------------------------------------------- the table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.01234, "0.0123"),
        (0.95, "0.95"),
        (1.2345, "1.23"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (-3.456, "-3.46"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert report.number(value) == text


def test_a_row_of_the_table() -> None:
    assert report.line("Jobs", row("ours", [1, 2, 3], "jobs/s")) == (
        "| Jobs: ours | 2.00 jobs/s | 1.00 to 3.00 | | |"
    )
    barred = row("ours / pool", [0.5], bar=Bar(">=", 0.95))
    assert report.line("Jobs", barred) == "| Jobs: ours / pool | **0.5** | one round | ≥ 0.95 | **no** |"
    assert report.line("Idle", row("memory", [150], "MB", Bar("<=", 200))).endswith("| ≤ 200 MB | yes |")


def test_one_that_failed_says_so_in_one_cell() -> None:
    text = report.table([a_result(failed="RuntimeError: a | b\nc")])
    assert text.splitlines()[-1] == "| Papers | failed: RuntimeError: a / b c | | | |"


def test_the_summary_names_what_is_not_met_and_what_failed() -> None:
    results = [
        a_result("papers", row("good", [2], bar=Bar(">=", 1)), row("bad", [0.5], bar=Bar(">=", 1))),
        a_result("idle", failed="TooSlow: stopped"),
    ]
    assert report.summary(results) == "1 of 2 bars are met. Not met: Papers: bad. Failed: Idle."


def test_the_machine_is_told_once() -> None:
    assert report.where([a_result(), a_result("idle")]) == (
        "2 cores, x86_64, 24 GB, Python 3.11.7, MinerU 4.0.12, 2026-11-26, commit abc."
    )


def test_the_table_goes_between_its_markers_and_the_rest_stays() -> None:
    text = f"# Mine\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nby hand\n"
    new = report.between_markers(text, "| new |")
    assert new == f"# Mine\n\n{report.BEGIN}\n\n| new |\n\n{report.END}\n\nby hand\n"
    assert report.between_markers(new, "| new |") == new


@pytest.mark.parametrize(
    "text", ["", report.BEGIN, report.END + report.BEGIN, (report.BEGIN + report.END) * 2]
)
def test_a_document_without_its_two_markers_is_not_touched(text: str) -> None:
    with pytest.raises(ValueError, match="must have"):
        report.between_markers(text, "new")


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    results = [a_result("papers", row("ours", [1, 2], "s", Bar("<=", 3), "seconds"), setting="Two cores.")]
    report.save(tmp_path / "deep" / "results.json", results)
    (again,) = report.load(tmp_path / "deep" / "results.json")
    assert again.rows == list(results[0].rows) and again.setting == "Two cores."


def test_another_file_is_refused(tmp_path: Path) -> None:
    for content in ('{"a": 1}', "[1]", '[{"name": "x", "rows": [{}]}]', "no json"):
        (tmp_path / "other.json").write_text(content)
        with pytest.raises(ValueError):
            report.load(tmp_path / "other.json")


def test_a_newer_result_takes_the_place_of_an_older_one() -> None:
    old, new, other = a_result("papers"), a_result("papers", row("ours", [1])), a_result("idle")
    assert report.merged([old, other], [new]) == [new, other]


# ---------------------------------------------------------------- the pictures


def test_the_pictures_are_whole_and_name_what_they_show() -> None:
    rows = [row("ours <fast>", [2, 3], "s", kind="seconds"), row("peer", [4], "s", kind="seconds")]
    results = [a_result("papers", *rows, row("ours / peer", [0.0], bar=Bar(">=", 1.8)))]
    contestants, bars = plots.contestants(results), plots.bars(results)
    for picture, words in ((contestants, "ours <fast>"), (bars, "Papers: ours / peer")):
        root = ElementTree.fromstring(picture)
        assert words in {element.text for element in root.iter()}
        for shape in root.iter("{http://www.w3.org/2000/svg}rect"):
            assert 0 <= float(shape.get("x", 0)) <= plots.WIDTH and float(shape.get("width", 0)) > 0
    assert "prefers-color-scheme: dark" in contestants
    assert 'class="bad"' in bars and 'class="good"' not in bars


# ---------------------------------------------------------------- the command


def test_measurements_have_names_of_their_own_and_the_usual_ones_take_about_an_hour() -> None:
    usual = chosen([], corpus=False)
    assert {each.name for each in usual} == MEASUREMENTS.keys() - {"soak", "equality", "vision-advanced"}
    assert sum(each.minutes for each in usual) <= 70
    assert [each.name for each in chosen(["soak"], corpus=False)] == ["soak"]
    assert "equality" in {each.name for each in chosen([], corpus=True)}


def test_the_document_takes_results_of_an_earlier_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document, earlier = tmp_path / "benchmarks.md", tmp_path / "earlier.json"
    document.write_text(f"# By hand\n{report.BEGIN}{report.END}\n", "utf-8")
    report.save(
        earlier, [a_result("papers", row("ours", [2], "jobs/s", kind="rate"), setting="Fifty papers.")]
    )
    monkeypatch.setitem(DOCUMENTS, "docs", document)
    assert main(["--from", str(earlier), "--write", "docs"]) == 0
    text = document.read_text("utf-8")
    assert text.startswith("# By hand") and "| Papers: ours | 2.00 jobs/s |" in text
    assert "- **Papers** (`papers`). Fifty papers." in text and "(benchmarks/bars.svg)" in text
    assert (tmp_path / "benchmarks" / "contestants.svg").read_text("utf-8").startswith("<svg")
    assert "| Papers: ours |" in capsys.readouterr().out


@pytest.mark.parametrize("flags", [["--rounds", "0"], ["--only", "nothing"], ["--corpus", "/nowhere/at/all"]])
def test_a_wrong_flag_is_refused(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(flags)
    assert flags[0] in capsys.readouterr().err


def test_the_document_of_the_project_has_its_markers() -> None:
    text = DOCUMENTS["docs"].read_text("utf-8")
    assert report.between_markers(text, "new") != text
