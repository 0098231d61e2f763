"""Results of workers: a hostile document may have written them."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_app.base.errors import WorkerCrashed
from gradio_app.base.findings import Findings
from gradio_app.base.notes import MOST_NOTES, Note
from gradio_app.workers.cluster.messages import OUTCOME, decode, encode
from gradio_app.workers.interface import PartResult

NOTE = {"code": "table_doubtful", "pages": "3-4", "message": "Compare it with the page."}
GOOD: dict[str, Any] = {
    "pages": 5,
    "notes": [NOTE],
    "coverage": 0.5,
    "words": 400,
    "readers": {"flash": "1-3,5", "basic": "4"},
}


def test_what_was_found_comes_with_the_result() -> None:
    result = PartResult.of(GOOD)
    assert result.findings == Findings((Note(**NOTE),), 0.5, 400, {"flash": "1-3,5", "basic": "4"})
    assert PartResult.of({"pages": 1}).findings == Findings()


def test_it_comes_through_a_cluster() -> None:
    result = PartResult.of(GOOD)
    assert decode(OUTCOME, encode(result)) == result


@pytest.mark.parametrize(
    "change",
    [
        {"notes": [NOTE | {"code": "hacked"}]},
        {"notes": [NOTE | {"pages": "1-99999999999999999999"}]},
        {"notes": [NOTE | {"message": ["a", "list"]}]},
        {"notes": [NOTE | {"message": "\x1b[2J"}]},
        {"notes": [{"code": "no_text"}]},
        {"notes": ["no_text"]},
        {"notes": "no_text"},
        {"notes": None},
        {"notes": [NOTE] * (MOST_NOTES + 1)},
        {"coverage": -0.1},
        {"coverage": 1.5},
        {"coverage": float("nan")},
        {"coverage": "most"},
        {"words": -1},
        {"words": 2**60},
        {"words": None},
        {"readers": {"auto": "1"}},
        {"readers": {"flash": "all"}},
        {"readers": {"flash": [1, 2]}},
        {"readers": [["flash", "1"]]},
    ],
)
def test_what_no_job_of_ours_answers_is_a_crash(change: dict[str, Any]) -> None:
    with pytest.raises(WorkerCrashed):
        PartResult.of(GOOD | change)
