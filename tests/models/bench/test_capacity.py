"""The capacity model and docs/scaling.md: figures that follow from each other, and a document that agrees."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from bench import capacity
from bench.capacity import CARDS, Assumptions, cost_per_million, head_limit
from bench.scaling import document, scenarios, validate
from bench.scaling.costs import Costs, Step, median_of
from bench.scaling.scenarios import Results
from tests.models.bench.scaling_costs import NOTHING

GIVEN = Assumptions()


def test_the_document_has_the_tables_of_the_model_and_of_the_kept_results() -> None:
    text = document.FILE.read_text("utf-8")
    found = document.tables()
    assert all(f"<!-- table: {name} -->\n" in text for name in found)
    assert text == document.filled(text, found), "docs/scaling.md is out of date: make simulate"


def test_a_mark_without_a_table_is_found() -> None:
    with pytest.raises(KeyError):
        document.filled("<!-- table: nothing -->\n<!-- end -->\n", {})


def test_a_card_costs_what_its_hours_and_cores_cost() -> None:
    given = replace(GIVEN, price_h200=3.6, price_core=0.0, busy=1.0)
    h200 = CARDS[-1]
    assert h200.name == "H200"
    # 3.60 dollars an hour are a tenth of a cent a second
    assert cost_per_million(h200, given) == pytest.approx(1_000_000 / 4.47 * 0.001)
    assert cost_per_million(h200, replace(given, busy=0.5)) == pytest.approx(2_000_000 / 4.47 * 0.001)
    assert cost_per_million(h200, replace(given, price_core=1.0)) > cost_per_million(h200, given)


def test_the_slowest_line_ends_a_head() -> None:
    assert head_limit(replace(NOTHING, accept=0.1, inspect=0.01), 8, 8) == (10, "web process")
    assert head_limit(replace(NOTHING, accept=0.001, inspect=0.1, plan=Step(0, 0.1)), 8, 8) == (
        5,
        "inspection",
    )
    costs = replace(NOTHING, accept=0.001, inspect=0.001, checkpoint=Step(0, 0.05))
    assert head_limit(costs, 8, 8) == (20, "store")
    assert head_limit(costs, 32, 8) == (5, "store"), "each part is one more change"


def test_more_pages_a_day_need_more_of_everything() -> None:
    table = capacity.scale_table(GIVEN, Costs.kept())[2:]
    rows = [[cell.strip().replace(",", "") for cell in row.split("|")[2:-1]] for row in table]
    numbers = [[float(cell.split()[0]) for cell in row] for row in rows]
    assert all(sorted(column) == list(column) for column in zip(*numbers, strict=True))


def test_every_assumption_is_a_flag_and_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    capacity.main(["--price-h200", "123456"])
    said = capsys.readouterr().out
    assert "| 123456 | `--price-h200` |" in said
    assert all(f"`--{item.name.replace('_', '-')}`" in said for item in fields(Assumptions))


def test_the_medians_of_several_calibrations() -> None:
    rounds = [replace(NOTHING, accept=value, add=Step(value, 10 - value)) for value in (1.0, 5.0, 2.0)]
    assert median_of(rounds) == replace(NOTHING, accept=2.0, add=Step(2.0, 8.0))


def test_a_summary_takes_quiet_rounds_where_there_are_any() -> None:
    case = validate.CASES[0]
    quiet, loud = (
        validate.Check(case, 10, predicted, 20, 21, strangers) for predicted, strangers in ((11, 0.1), (5, 3))
    )
    (row,) = validate.summary([quiet, loud])[2:]
    assert "| +10% |" in row and "| +5% | 1 of 2 |" in row
    (row,) = validate.summary([loud])[2:]
    assert "| -50% |" in row and "| 0 of 1 |" in row


@pytest.mark.slow
def test_the_kept_results_come_from_the_kept_costs() -> None:
    """The smallest fleet once more: the same costs and the same seed give the same figures."""
    kept = Results.kept().of("waits")[0]
    (scenario,) = [
        one for one in scenarios.SCENARIOS if one.group == "waits" and one.pressure == kept.pressure
    ]
    assert replace(scenario, length=scenario.length).run(Costs.kept()) == kept
    assert len(Results.kept().rows) == len(scenarios.SCENARIOS)
