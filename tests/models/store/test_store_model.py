"""Whatever happens in whatever order, the store agrees with a simple model and a reader misses nothing."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gradio_app.base.errors import Conflict
from gradio_app.store.states import RETRYABLE, TERMINAL, TaskStatus, sources
from gradio_app.store.store import Superseded
from tests.unit.records import a_task, finish, finish_shard, open_store

S = TaskStatus
SHARDS = [(1, 2), (3,), (4, 5, 6)]
WHICH = st.integers(0, 11)


@dataclass
class Known:
    """What the model knows of a task."""

    owner: str
    status: TaskStatus = S.PENDING
    attempt: int = 1
    planned: bool = False
    done: set[int] = field(default_factory=set[int])


class StoreMachine(RuleBasedStateMachine):
    """Random operations on a store and on a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(Path(self.folder.name))
        self.model: dict[str, Known] = {}
        self.made = 0
        self.rev = 0
        self.kept = 0
        self.reader: dict[str, tuple[TaskStatus, int]] = {}
        self.read_to = 0

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def pick(self, which: int) -> tuple[str, Known]:
        ids = sorted(self.model)
        return ids[which % len(ids)], self.model[ids[which % len(ids)]]

    def expect(self, legal: bool, error: type[Exception], call: Any, *args: Any, **kwargs: Any) -> bool:
        """Calls; it works and takes a revision exactly when it is legal."""
        before, kept = self.store.rev(), self.kept
        if legal:
            call(*args, **kwargs)
            assert self.store.rev() > before
            return True
        with pytest.raises(error):
            call(*args, **kwargs)
        assert self.store.rev() == before and self.kept == kept, "a refusal leaves no trace"
        return False

    def keep(self) -> None:
        self.kept += 1

    # ---------------------------------------------------------------- operations

    @rule(owners=st.lists(st.sampled_from(["ann", "bob"]), min_size=1, max_size=3))
    def add(self, owners: list[str]) -> None:
        names = [f"t{self.made + index}" for index in range(len(owners))]
        self.made += len(owners)
        self.store.add([a_task(name, owner) for name, owner in zip(names, owners, strict=True)])
        self.model |= {name: Known(owner) for name, owner in zip(names, owners, strict=True)}

    @precondition(lambda self: self.model)
    @rule(which=WHICH)
    def plan(self, which: int) -> None:
        task_id, known = self.pick(which)
        if known.status is S.PENDING:
            self.expect(True, Conflict, self.store.plan, task_id, SHARDS)
            known.status, known.planned, known.done = S.QUEUED, True, set()

    @precondition(lambda self: self.model)
    @rule(which=WHICH, to=st.sampled_from(TaskStatus))
    def move(self, which: int, to: TaskStatus) -> None:
        task_id, known = self.pick(which)
        if self.expect(known.status in sources(to), Conflict, self.store.move, task_id, to):
            known.status = to

    @precondition(lambda self: self.model)
    @rule(which=WHICH)
    def start(self, which: int) -> None:
        self.move(which, S.PROCESSING)

    @precondition(lambda self: self.model)
    @rule(which=WHICH)
    def stop(self, which: int) -> None:
        self.move(which, S.CANCELLING)

    @precondition(lambda self: self.model)
    @rule(which=WHICH, index=st.integers(0, 2), late=st.integers(0, 1))
    def finish_shard(self, which: int, index: int, late: int) -> None:
        task_id, known = self.pick(which)
        attempt = known.attempt - late
        legal = known.status is S.PROCESSING and not late
        kept, args = self.kept, (self.store, task_id, index, attempt, 0.5, self.keep)
        if self.expect(legal, Superseded, finish_shard, *args):
            assert self.kept == kept + 1
            if known.planned:
                known.done.add(index)

    @precondition(lambda self: self.model)
    @rule(which=WHICH, to=st.sampled_from([S.COMPLETED, S.PARTIAL, S.FAILED]), late=st.integers(0, 1))
    def finish(self, which: int, to: TaskStatus, late: int) -> None:
        task_id, known = self.pick(which)
        legal = known.status is S.PROCESSING and not late
        args = (self.store, task_id, known.attempt - late, to, {}, self.keep)
        if self.expect(legal, Superseded, finish, *args):
            known.status = to

    @precondition(lambda self: self.model)
    @rule(which=WHICH)
    def retry(self, which: int) -> None:
        task_id, known = self.pick(which)
        to = S.QUEUED if known.planned else S.PENDING
        legal = known.status in RETRYABLE & sources(to)
        if self.expect(legal, Conflict, self.store.requeue, task_id):
            known.status, known.attempt = to, known.attempt + 1

    @precondition(lambda self: self.model)
    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        task_id, known = self.pick(which)
        if self.expect(known.status in TERMINAL, Conflict, self.store.delete, task_id):
            del self.model[task_id]

    @rule(crash=st.booleans())
    def restart(self, crash: bool) -> None:
        self.store.close()
        self.store = open_store(Path(self.folder.name))
        if not crash:
            return
        active = self.store.recover()
        for known in self.model.values():
            if known.status is S.PROCESSING:
                known.status, known.attempt = S.QUEUED, known.attempt + 1
            elif known.status is S.CANCELLING:
                known.status = S.CANCELLED
        expected = {name for name, known in self.model.items() if known.status not in TERMINAL}
        assert {task.id for task in active} == expected

    # ---------------------------------------------------------------- what always holds

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        tasks = {task.id: task for task in self.store.list_status(TaskStatus)}
        assert tasks.keys() == self.model.keys()
        for name, known in self.model.items():
            task = tasks[name]
            assert (task.owner, task.status, task.attempt) == (known.owner, known.status, known.attempt)
            shards = self.store.shards(name)
            assert len(shards) == (len(SHARDS) if known.planned else 0)
            assert {shard.index for shard in shards if shard.done} == known.done
            assert task.pages_done <= sum(map(len, SHARDS))
        assert self.store.counts() == Counter(task.status.value for task in tasks.values())

    @invariant()
    def revisions_only_grow(self) -> None:
        assert self.store.rev() >= self.rev
        self.rev = self.store.rev()

    @invariant()
    def a_reader_of_small_pages_misses_nothing(self) -> None:
        told: list[str] = []
        while self.read_to != self.store.rev():
            page = self.store.changes(self.read_to, 2)
            assert not page.reset and page.rev > self.read_to
            told += [task.id for task in page.tasks] + page.deleted
            self.reader |= {task.id: (task.status, task.rev) for task in page.tasks}
            for task_id in page.deleted:
                self.reader.pop(task_id, None)
            self.read_to = page.rev
        assert len(told) == len(set(told)), "each once"
        tasks = self.store.list_status(TaskStatus)
        assert self.reader == {task.id: (task.status, task.rev) for task in tasks}


StoreMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=30)
test_the_store_agrees_with_a_model = StoreMachine.TestCase
