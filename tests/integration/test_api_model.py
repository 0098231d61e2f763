"""Random orders of API calls against a model of a task's life: each answer follows the table in states.py.

Seeded, but not by hypothesis: it plays a failure again and wants the very same course, and a real server with
workers of its own does not give that twice. The model says what is possible at each moment.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gradio_app.store.states import MOVES, READABLE, RETRYABLE, TERMINAL, TaskStatus
from tests.documents import text_pdf
from tests.live import LiveServer

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_S = TaskStatus
#: moves that only somebody's wish makes; all others a task may make by itself at any moment
_WISHED = {(_S.PENDING, _S.CANCELLED), (_S.QUEUED, _S.CANCELLED), (_S.PROCESSING, _S.CANCELLING)} | {
    (origin, target) for origin in RETRYABLE for target in (_S.QUEUED, _S.PENDING)
}
DOCUMENTS = {
    "good": lambda seed: text_pdf(1, seed=seed),
    "long": lambda seed: text_pdf(24, seed=seed),
    "broken": lambda seed: b"%PDF-1.4 broken " + str(seed).encode() * 40,
}
_seeds = itertools.count(1000)


def ahead(statuses: Iterable[TaskStatus], restarted: bool = False) -> set[TaskStatus]:
    """Where a task can be now that was in one of ``statuses``, when nobody wished anything."""
    found, todo = set[TaskStatus](), list(statuses)
    while todo:
        status = todo.pop()
        if status not in found:
            found.add(status)
            todo += [target for target in MOVES[status] if (status, target) not in _WISHED]
    # back to the queue only when the server stopped meanwhile
    return found if restarted or _S.QUEUED in statuses or _S.PENDING in statuses else found - {_S.QUEUED}


@dataclass
class Known:
    """What the model knows of a task: when it was last looked at it was in one of these."""

    kind: str
    last: set[TaskStatus]
    attempt: int = 1
    #: seen waiting during a pause: it must not begin
    held: bool = False
    restarted: bool = False


class ApiModel:
    """One course of calls. ``told`` is what was done so far."""

    def __init__(self, server: LiveServer, seed: int) -> None:
        self.server = server
        self.rng = random.Random(seed)
        self.told: list[str] = []
        self.tasks: dict[str, Known] = {}
        self.gone: list[str] = []
        self.paused = False
        self.restarts = 0
        self.replica: dict[str, str] = {}
        self.rev = self.ask("GET", "/api/v1/tasks").json()["rev"]

    # ------------------------------------------------------------ helpers

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self.server.client.request(method, path, **more)
        assert answer.status_code < 500, (method, path, answer.text)
        return answer

    def seen(self, task: dict[str, Any]) -> TaskStatus:
        """Takes in an observation; it must be possible after the one before."""
        known, status = self.tasks[task["id"]], TaskStatus(task["status"])
        assert status in ahead(known.last, known.restarted), (known, status)
        assert not known.held or status is _S.QUEUED, "nothing new starts during a pause"
        assert task["attempt"] >= known.attempt and (known.restarted or task["attempt"] == known.attempt)
        if status is _S.COMPLETED:
            assert known.kind != "broken" and task["pages_done"] == task["pages_total"] > 0
        if status is _S.FAILED:
            assert known.kind == "broken" and task["error"]["code"] == "file_corrupt"
        assert (task["finished_at"] is not None) == (status in TERMINAL)
        known.last, known.attempt, known.restarted = {status}, task["attempt"], False
        known.held = self.paused and status is _S.QUEUED
        return status

    def look(self, task_id: str) -> TaskStatus:
        return self.seen(self.ask("GET", f"/api/v1/tasks/{task_id}").json())

    def pick(self) -> str:
        task_id = self.rng.choice(list(self.tasks))
        self.told[-1] += f" {task_id[:8]} ({self.tasks[task_id]})"
        return task_id

    def step(self) -> None:
        """One call that makes sense now, and a look at everything."""
        some = bool(self.tasks)
        eligible: dict[Callable[[], None], bool] = {
            self.submit: len(self.tasks) < 12,
            self.cancel: some,
            self.retry: some,
            self.delete: some,
            self.ask_for_what_is_gone: bool(self.gone),
            self.pause: True,
            self.resume: True,
            self.wait: some,
            self.wait_to_the_end: some and not self.paused,
            self.read: some,
            self.restart: self.restarts < 1 and len(self.tasks) > 2,
        }
        act = self.rng.choice([act for act, possible in eligible.items() if possible])
        self.told.append(act.__name__)
        act()
        self.the_list_is_complete()
        self.who_follows_changes_has_the_same()

    # ------------------------------------------------------------ what people do

    def submit(self) -> None:
        kind, count = self.rng.choice(sorted(DOCUMENTS)), self.rng.randint(1, 3)
        seeds = [next(_seeds) for _ in range(count)]
        files = [("files", (f"{seed}.pdf", DOCUMENTS[kind](seed))) for seed in seeds]
        ask = {"files": files, "headers": {"Idempotency-Key": f"model-{seeds[0]}"}}
        made = [self.ask("POST", "/api/v1/tasks", **ask).json()["tasks"] for _ in range(2)]
        ids = [[task["id"] for task in tasks] for tasks in made]
        assert ids[0] == ids[1] and len(set(ids[0])) == count, "the same key gives the same tasks"
        for task in made[0]:
            self.tasks[task["id"]] = Known(kind, {_S.PENDING})
            self.seen(task)
        other = self.ask("POST", "/api/v1/tasks", **{**ask, "files": [("files", ("x.pdf", b"%PDF-other"))]})
        assert other.status_code == 409

    def cancel(self) -> None:
        task_id = self.pick()
        known = self.tasks[task_id]
        possible = ahead(known.last, known.restarted)
        answer = self.ask("POST", f"/api/v1/tasks/{task_id}/cancel")
        if answer.status_code == 200:
            assert possible - TERMINAL and answer.json()["status"] == "cancelled"
            known.last, known.held = {_S.CANCELLED}, False
            self.seen(answer.json())
        else:
            assert answer.status_code == 409 and possible & TERMINAL
            assert self.look(task_id) in TERMINAL

    def retry(self) -> None:
        task_id = self.pick()
        known = self.tasks[task_id]
        possible = ahead(known.last, known.restarted)
        answer = self.ask("POST", f"/api/v1/tasks/{task_id}/retry")
        if answer.status_code == 200:
            assert possible & RETRYABLE
            known.last, known.held, known.attempt = {_S.QUEUED, _S.PENDING}, False, known.attempt + 1
            self.seen(answer.json())
        else:
            assert answer.status_code == 409 and possible - RETRYABLE
            assert not known.last <= RETRYABLE, "what could be retried before can be now"

    def delete(self) -> None:
        task_id = self.pick()
        assert self.ask("DELETE", f"/api/v1/tasks/{task_id}").status_code == 204
        del self.tasks[task_id]
        self.gone.append(task_id)

    def ask_for_what_is_gone(self) -> None:
        at = f"/api/v1/tasks/{self.gone[-1]}"
        for method, path in (
            ("GET", ""),
            ("POST", "/cancel"),
            ("POST", "/retry"),
            ("DELETE", ""),
            ("GET", "/result"),
        ):
            assert self.ask(method, at + path).status_code == 404

    def pause(self) -> None:
        assert self.ask("POST", "/api/v1/queue/pause").json()["status"] == "paused"
        self.paused = True

    def resume(self) -> None:
        assert self.ask("POST", "/api/v1/queue/resume").json()["status"] in ("idle", "running")
        self.paused = False
        for known in self.tasks.values():
            known.held = False

    def wait(self) -> None:
        task_id, seconds = self.pick(), self.rng.choice((0.1, 1.0))
        self.seen(self.ask("GET", f"/api/v1/tasks/{task_id}", params={"wait": seconds}).json())

    def wait_to_the_end(self) -> None:
        task_id = self.pick()
        status = self.seen(self.server.end(task_id))
        wanted = _S.FAILED if self.tasks[task_id].kind == "broken" else _S.COMPLETED
        assert status in (wanted, _S.CANCELLED)

    def read(self) -> None:
        task_id = self.pick()
        before = self.look(task_id)
        answer = self.ask("GET", f"/api/v1/tasks/{task_id}/result")
        after = self.look(task_id)
        if before in READABLE:
            assert answer.status_code == 200 and b"marker 1 " in answer.content
        elif after not in READABLE:
            assert answer.status_code == 404

    def restart(self) -> None:
        self.restarts += 1
        if self.rng.random() < 0.5:
            self.server.kill()
        else:
            self.server.stop()
        self.server.start(wait=False)
        self.server.wait_ready(120)
        for known in self.tasks.values():
            known.restarted = True
        status = self.ask("GET", "/api/v1/queue").json()["status"]
        assert (status == "paused") == self.paused, "a pause outlives a restart"

    # ------------------------------------------------------------ what holds at all times

    def the_list_is_complete(self) -> None:
        listed = self.ask("GET", "/api/v1/tasks", params={"limit": 1000}).json()["tasks"]
        assert {task["id"] for task in listed} == set(self.tasks)
        for task in listed:
            self.seen(task)
        assert sum(self.ask("GET", "/api/v1/queue").json()["counts"].values()) == len(self.tasks)

    def who_follows_changes_has_the_same(self) -> None:
        answer = self.ask("GET", "/api/v1/tasks", params={"since": self.rev, "limit": 1000})
        if answer.status_code == 204:
            return
        body = answer.json()
        assert body["rev"] > self.rev and not body["reset"]
        self.rev = body["rev"]
        self.replica |= {task["id"]: task["status"] for task in body["tasks"]}
        for task_id in body["deleted"]:
            self.replica.pop(task_id, None)
        assert set(self.replica) == set(self.tasks)

    def clear(self) -> None:
        """Deletes all that is left; nothing stays behind."""
        self.ask("POST", "/api/v1/queue/resume")
        for task_id in self.tasks:
            assert self.ask("DELETE", f"/api/v1/tasks/{task_id}").status_code == 204
        assert self.ask("GET", "/api/v1/tasks").json()["tasks"] == []
        assert self.server.leftovers() == []
        assert not [*self.server.data.glob("sources/*"), *self.server.data.glob("tasks/*")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    flags = ("--workers", "1", "--shard-pages-flash", "8")
    live = LiveServer(tmp_path_factory.mktemp("model") / "data", *flags)
    live.start(wait=False)
    try:
        live.wait_ready(120)
        yield live
    finally:
        live.__exit__(None, None, None)


@pytest.mark.parametrize("seed", range(4))
def test_random_orders_of_calls(server: LiveServer, seed: int) -> None:
    model = ApiModel(server, seed)
    try:
        for _ in range(20):
            model.step()
    except Exception as error:
        error.add_note("\n".join(model.told))
        raise
    finally:
        model.clear()
