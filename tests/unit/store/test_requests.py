"""Requests of other servers' clients: kept with their tasks, and gone after the last of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base import clock
from gradio_app.store.requests import ClientRequest
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from tests.unit.records import open_store, put


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def test_a_request_is_there_after_the_folder_is_opened_again(tmp_path: Path) -> None:
    first = open_store(tmp_path)
    asked = ClientRequest.new("mineru", "ann", ("t2", "t1"), want=["md"], stem="报告")
    for durable in (True, False):
        first.requests.add(replace(asked, id=f"{asked.id}-{durable}"), durable)
    first.close()
    again = open_store(tmp_path)
    assert again.requests.find(f"{asked.id}-True") == replace(asked, id=f"{asked.id}-True")
    assert again.requests.find(f"{asked.id}-False") is not None
    assert again.requests.find(asked.id) is None
    again.close()


def test_a_request_takes_its_tasks_later(store: Store) -> None:
    asked = store.requests.add(ClientRequest.new("upload", "ann", size=3))
    store.requests.add(ClientRequest.new("upload", "bob"))
    assert store.requests.waiting("upload", "ann") == 1
    store.requests.change(replace(asked, tasks=("t1",), fields={"size": 4}))
    assert store.requests.find(asked.id) == replace(asked, tasks=("t1",), fields={"size": 4})
    assert store.requests.waiting("upload", "ann") == 0
    store.requests.delete(asked.id)
    assert store.requests.find(asked.id) is None


def test_a_request_goes_with_the_last_of_its_tasks(store: Store) -> None:
    for task_id in ("t1", "t2"):
        put(store, task_id, TaskStatus.COMPLETED)
    asked = store.requests.add(ClientRequest.new("mineru", "ann", ("t1", "t2")))
    empty = store.requests.add(ClientRequest.new("upload", "ann"))
    later, kept = clock.stamp() + 60, [True, True]

    def left(before: float) -> list[bool]:
        store.requests.forget(before)
        return [store.requests.find(each.id) is not None for each in (asked, empty)]

    assert left(clock.stamp() - 60) == kept
    store.delete("t1")
    assert left(later) == [True, False]
    store.delete("t2")
    assert left(later) == [False, False]
