"""When a server that failed is tried again, and when it is given up."""

from __future__ import annotations

import pytest

from gradio_app.base.errors import AppError, EngineUnavailable, GpuOutOfMemory, ModelsMissing
from gradio_app.model_server.backend import CardTaken, EngineBroken
from gradio_app.model_server.backoff import CAP, COOL_DOWN, PAUSES, Backoff


def fail(
    backoff: Backoff,
    now: float,
    error: AppError | None = None,
    patience: float = 0.0,
    counts: bool = True,
) -> float:
    """One failure at ``now``; the seconds until it is tried again."""
    backoff.failed(error or EngineUnavailable(), now, patience, counts)
    return backoff.retry_at - now


def test_the_pauses_grow_until_it_is_given_up() -> None:
    backoff, now = Backoff(), 100.0
    assert [fail(backoff, now), fail(backoff, now + 1)] == [1.0, 2.0]
    assert backoff.given_up == 0 and not backoff.closed(now + 1)
    assert fail(backoff, now + 3) == COOL_DOWN
    assert CAP == 3 and backoff.given_up == 1


def test_given_up_it_answers_at_once_for_a_while_and_then_starts_anew() -> None:
    backoff = Backoff()
    for now in (0.0, 1.0, 3.0):
        fail(backoff, now)
    assert backoff.closed(3.0) and backoff.closed(3.0 + COOL_DOWN - 0.001)
    assert not backoff.closed(3.0 + COOL_DOWN)
    assert fail(backoff, 40.0) == 1.0 and backoff.given_up == 1


def test_with_patience_it_goes_on_with_the_longest_pause() -> None:
    backoff = Backoff()
    pauses = [fail(backoff, float(now), patience=60) for now in (0, 10, 20, 30, 40, 59)]
    assert pauses == [*PAUSES, PAUSES[-1]] and backoff.given_up == 0
    fail(backoff, 60.0, patience=60)
    assert backoff.given_up == 1


def test_patience_begins_with_the_first_failure_in_a_row() -> None:
    backoff = Backoff()
    fail(backoff, 0.0, patience=10)
    backoff.worked()
    for now in (100.0, 101.0, 102.0):
        fail(backoff, now, patience=10)
    assert backoff.given_up == 0
    fail(backoff, 110.0, patience=10)
    assert backoff.given_up == 1


def test_what_goes_well_between_makes_the_next_failure_the_first() -> None:
    backoff = Backoff()
    for now in range(10):
        assert fail(backoff, float(now)) == 1.0
        backoff.worked()
    assert backoff.given_up == 0


def test_a_documents_fault_is_not_counted() -> None:
    backoff = Backoff()
    assert {fail(backoff, float(now), counts=False) for now in range(10)} == {1.0}
    assert backoff.given_up == 0


@pytest.mark.parametrize("error", [EngineBroken(), ModelsMissing(), GpuOutOfMemory()])
def test_what_waiting_cannot_mend_is_given_up_at_once(error: AppError) -> None:
    backoff = Backoff()
    assert fail(backoff, 5.0, error, patience=1000) == COOL_DOWN
    assert backoff.given_up == 1 and backoff.closed(5.0)


def test_a_card_that_others_use_is_waited_for() -> None:
    backoff = Backoff()
    assert fail(backoff, 5.0, CardTaken(), patience=1000) == 1.0
    assert backoff.given_up == 0
