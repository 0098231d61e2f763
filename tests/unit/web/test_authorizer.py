"""One rule for everybody: its table, and that no other module decides by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

import gradio_app
from gradio_app.store.listing import Wanted
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Task
from gradio_app.web.api.access import reads_all
from gradio_app.web.auth.authorizer import (
    ALL_TASKS,
    PROBE,
    SERVER,
    Action,
    Kind,
    Resource,
    authorizer,
    of_task,
)
from gradio_app.web.auth.credentials import Identity
from tests.unit.records import a_task, open_store, put

ANN, BOB, ROOT = Identity("ann", False), Identity("bob", False), Identity("root", True)
EVERYBODY = (None, ANN, BOB, ROOT)
ENDED = a_task(status=TaskStatus.COMPLETED)
WAITS = a_task(status=TaskStatus.QUEUED)
FILE, SESSION = Resource("file", frozenset({"ann"})), Resource("session", frozenset({"ann"}))


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("read", PROBE, [None, ANN, BOB, ROOT]),
        ("read", SERVER, [ANN, BOB, ROOT]),
        ("administer", SERVER, [ROOT]),
        ("read", ALL_TASKS, [ROOT]),
        ("see", of_task(ENDED), [ANN, ROOT]),
        ("see", of_task(WAITS), [ANN, BOB, ROOT]),
        *((action, of_task(task), [ANN, ROOT]) for action in ("read", "change") for task in (ENDED, WAITS)),
        ("read", FILE, [ANN, ROOT]),
        ("read", Resource("request", frozenset({"ann"})), [ANN, ROOT]),
        ("use", SESSION, [ANN]),
        ("read", Resource("file"), []),
        ("use", Resource("session"), []),
        ("administer", PROBE, []),
    ],
)
def test_who_may(action: Action, resource: Resource, allowed: list[Identity | None]) -> None:
    assert [who for who in EVERYBODY if authorizer.is_authorized(who, action, resource)] == allowed


def test_who_has_not_signed_in_may_read_probes_and_what_a_link_opens() -> None:
    owners = frozenset({"", "None", "ann"})
    pairs = product(get_args(Action), get_args(Kind))
    assert [
        (action, kind)
        for action, kind in pairs
        if authorizer.is_authorized(None, action, Resource(kind, owners))
    ] == [("read", "probe"), ("read", "link")]


def test_no_other_module_decides() -> None:
    root = Path(gradio_app.__file__).parent
    deciding = re.compile(r"(if|and|or|not) [\w.]*\.admin\b|\.owner\s*[!=]= *\w*who\b|owner\s*[!=]= who")
    found = {
        str(path.relative_to(root))
        for folder in ("web", "task_manager.py", "queue")
        for path in ([root / folder] if folder.endswith(".py") else (root / folder).rglob("*.py"))
        if deciding.search(path.read_text("utf-8"))
    }
    # a user's line in the file, and whose session it is
    assert found - {"web/auth/users.py", "web/auth/credentials.py"} == {"web/auth/authorizer.py"}


# ---------------------------------------------------------------- lists, whose rule is written in SQL


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    for number, status in enumerate(TaskStatus):
        for owner in ("ann", "bob"):
            put(opened, f"{owner}{number}", status, owner=owner)
    yield opened
    opened.close()


@pytest.mark.parametrize("who", [ANN, BOB, ROOT])
def test_lists_show_what_the_rule_lets_one_see(store: Store, who: Identity) -> None:
    everything = store.list_status(set(TaskStatus))
    seen = {task.id for task in everything if authorizer.is_authorized(who, "see", of_task(task))}

    def ids(tasks: list[Task]) -> set[str]:
        return {task.id for task in tasks}

    page = store.listing.page(Wanted(who.name, reads_all(who)), 100)
    assert ids(page.tasks) == seen and sum(page.counts.values()) == len(seen)
    viewer = None if reads_all(who) else who.name
    assert ids(store.changes(0, 100, viewer).tasks) == seen
    counts = store.counts() if viewer is None else store.counts_for(viewer)
    assert sum(counts.values()) == len(seen)
    listed = store.listing.ids(Wanted(who.name, reads_all(who)), 100)
    changeable = {task.id for task in everything if authorizer.is_authorized(who, "change", of_task(task))}
    assert {task_id for some in listed.values() for task_id in some} == changeable
