"""What becomes of a part that failed: how often it is tried, when it is cut, when its pages are given up."""

from __future__ import annotations

import pytest

from gradio_app.base.errors import (
    AppError,
    EngineLost,
    FileCorrupt,
    GpuOutOfMemory,
    ModelsMissing,
    TaskTimeout,
    WorkerCrashed,
    WorkerOutOfMemory,
)
from gradio_app.model_server.backend import EngineBroken
from gradio_app.queue.retry_policy import (
    CRASH_TRIES,
    MOST_POISON,
    SHARED_TRIES,
    ShardFailures,
    Verdict,
    judge,
)

AGAIN, HALVE, GIVE_UP = Verdict.AGAIN, Verdict.HALVE, Verdict.GIVE_UP


def lose(pages: int, history: ShardFailures, error: AppError, poison: int = 0) -> list[Verdict]:
    """The verdicts on a part that fails in the same way each time, up to the one that ends it."""
    verdicts: list[Verdict] = []
    while not verdicts or verdicts[-1] is AGAIN:
        assert len(verdicts) < 10, "it is tried for ever"
        history = history.failed(AppError())
        verdicts.append(judge(error, pages, history, poison))
    return verdicts


def test_a_crash_is_tried_three_times_before_a_page_is_blamed() -> None:
    assert CRASH_TRIES == 3
    assert lose(8, ShardFailures(), WorkerCrashed()) == [AGAIN, AGAIN, HALVE]
    assert lose(1, ShardFailures(), WorkerCrashed()) == [AGAIN, AGAIN, GIVE_UP]


def test_a_lost_server_is_tried_beside_others_then_alone_then_blamed() -> None:
    history = ShardFailures().failed(AppError())
    assert not history.alone and judge(EngineLost(), 8, history, 0) is AGAIN
    history = history.failed(AppError())
    assert history.tries == SHARED_TRIES and history.alone
    assert judge(EngineLost(), 8, history, 0) is AGAIN  # it may have been another's page until now
    assert judge(EngineLost(), 8, history.failed(AppError()), 0) is HALVE
    assert judge(EngineLost(), 1, history.failed(AppError()), 0) is GIVE_UP


def test_a_half_needs_fewer_tries() -> None:
    half = ShardFailures().failed(AppError()).failed(AppError()).failed(AppError()).half()
    assert (half.tries, half.halved, half.alone) == (1, 1, True)
    assert lose(4, half, EngineLost()) == [HALVE]
    assert lose(1, half, EngineLost()) == [GIVE_UP]
    assert lose(4, half, WorkerCrashed()) == [AGAIN, HALVE]


def test_a_half_of_what_was_not_alone_is_alone_before_it_is_blamed() -> None:
    """Cut for another reason, such as its time: then the server may have gone for reasons of its own."""
    half = ShardFailures().failed(AppError()).half()
    assert not half.alone and half.failed(AppError()).alone
    assert lose(4, half, EngineLost()) == [HALVE]


@pytest.mark.parametrize("error", [WorkerOutOfMemory(), TaskTimeout()])
def test_too_much_at_once_is_cut_right_away(error: AppError) -> None:
    assert lose(8, ShardFailures(), error) == [HALVE]
    assert lose(1, ShardFailures(), error) == [GIVE_UP]


@pytest.mark.parametrize(
    "error", [FileCorrupt(), ModelsMissing(), GpuOutOfMemory(), EngineBroken(), AppError()]
)
def test_what_cutting_cannot_mend_is_given_up(error: AppError) -> None:
    assert lose(8, ShardFailures(), error) == [GIVE_UP]


@pytest.mark.parametrize("error", [WorkerCrashed(), EngineLost(), WorkerOutOfMemory()])
def test_after_many_bad_pages_no_more_are_hunted(error: AppError) -> None:
    assert lose(8, ShardFailures(), error, MOST_POISON - 1)[-1] is HALVE
    assert lose(8, ShardFailures(), error, MOST_POISON)[-1] is GIVE_UP
