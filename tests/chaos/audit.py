"""The checks after a run, from outside: answers, files, processes, the database."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.chaos.catalogue import Catalogue, digest, shards_of, words
from tests.chaos.journal import Journal
from tests.chaos.processes import children
from tests.chaos.users import Sent, User
from tests.live import ENDED

#: why a task may have failed when its processes were killed again and again; a retry then reads it
KILLED_CODES = ("worker_crashed", "engine_unavailable")
#: an upload to the page is needed for five minutes, and swept once a minute: seconds
_KEPT_BY_GRADIO = 400.0
_ACTIVE = "'pending', 'queued', 'processing', 'cancelling'"


def outcomes(users: Sequence[User]) -> Counter[str]:
    """How the tasks that were accepted ended, as the list tells."""
    found: Counter[str] = Counter()
    for user in users:
        found.update(task["status"] for task in user.listed())
        found["deleted"] += sum(1 for sent in user.sent.values() if sent.deleted)
        found["not accepted"] += sum(1 for sent in user.sent.values() if not sent.task_id)
    return found


def check_tasks(users: Sequence[User], catalogue: Catalogue, data: Path, journal: Journal) -> None:
    """Every accepted task is there once and ended as it was asked to; what was deleted is gone."""
    for user in users:
        tasks = user.listed()
        by_name: dict[str, list[dict[str, Any]]] = {}
        for task in tasks:
            by_name.setdefault(task["name"], []).append(task)
        for sent in user.sent.values():
            _check_sent(user, sent, by_name.pop(sent.name, []), catalogue, data, journal)
        for name in by_name:
            journal.wrong("a task that nobody sent", name=name)


def _check_sent(
    user: User,
    sent: Sent,
    tasks: list[dict[str, Any]],
    catalogue: Catalogue,
    data: Path,
    journal: Journal,
) -> None:
    # without a key nobody knows whether a broken answer meant yes
    most = 0 if sent.deleted else 1
    if len(tasks) > most or (sent.task_id and len(tasks) < most):
        journal.wrong("it is there the wrong number of times", name=sent.name, times=len(tasks), most=most)
    if sent.deleted:
        if user.ask("GET", f"/api/v1/tasks/{sent.task_id}").status_code != 404:
            journal.wrong("what was deleted came back", name=sent.name)
        if (data / "tasks" / sent.task_id).exists():
            journal.wrong("a deleted task left its folder", name=sent.name)
    for task in tasks:
        _check_end(user, sent, task, catalogue, data, journal)


def _check_end(
    user: User, sent: Sent, task: dict[str, Any], catalogue: Catalogue, data: Path, journal: Journal
) -> None:
    if task["status"] not in ENDED:
        journal.wrong("it did not end", name=sent.name, status=task["status"])
    if sent.task_id and task["id"] != sent.task_id:
        journal.wrong("it has another id", name=sent.name, was=sent.task_id, now=task["id"])
    allowed = {"cancel": ("cancelled",), "cancel or end": ENDED}.get(sent.ended_by, ("completed",))
    if task["status"] not in allowed:
        journal.wrong("it ended otherwise", name=sent.name, status=task["status"], error=task["error"])
    if task["status"] == "completed":
        answer, expected = (
            user.ask("GET", f"/api/v1/tasks/{task['id']}/result"),
            catalogue.texts[sent.document],
        )
        if shards_of(data, task["id"]) != catalogue.shards[sent.document]:
            # its worker was killed again and again, and its pages were read apart: without statistics of
            # the whole a heading may be text, and no word may be missing
            journal.note("read in pieces", task=task["id"])
            if missing := words(expected) - words(answer.content):
                journal.wrong("words are missing", name=sent.name, task=task["id"], words=dict(missing))
            return
        if answer.status_code != 200 or answer.content != expected:
            journal.wrong("its text is not that of an undisturbed run", name=sent.name, task=task["id"])
        if digest(data / "tasks" / task["id"] / "result") != catalogue.digests[sent.document]:
            journal.wrong("its files are not those of an undisturbed run", name=sent.name, task=task["id"])


def check_processes(data: Path, journal: Journal, pause: Callable[[], None]) -> None:
    """Nothing of a server that is gone is left; ``pause`` is called some times before that is said."""
    for _ in range(100):
        if not children(data):
            return
        pause()
    journal.wrong("processes are left", pids=children(data))


def check_files(data: Path, journal: Journal) -> None:
    """No file is left that belongs to nothing, of a server that has been stopped."""
    left = [
        *data.glob("tmp/*"),
        *data.glob("tasks/*/shards"),
        *data.glob("tasks/*/*.old"),
        *data.glob("run/worker-*"),
        *(path for path in data.glob("run/tmp/**/*") if path.is_file() and not path.name.startswith("turn-")),
        *(path for path in data.glob("run/gradio/**/*") if path.is_file() and _age(path) > _KEPT_BY_GRADIO),
        *data.glob("run/*keys*"),
    ]
    if left:
        journal.wrong("files are left", files=[str(path.relative_to(data)) for path in left])
    with closing(sqlite3.connect(data / "queue.db")) as database:
        ids = {row[0] for row in database.execute("SELECT id FROM tasks")}
        used = {row[0] for row in database.execute("SELECT source FROM tasks")}
    folders = {path.name for path in (data / "tasks").iterdir()}
    if folders - ids:
        journal.wrong("folders of no task", folders=sorted(folders - ids))
    kept = {path.name for path in (data / "sources").iterdir()}
    if kept != used:
        journal.wrong("uploads that no task uses, or that are missing", files=sorted(kept ^ used))


def check_log(log: Path, journal: Journal) -> None:
    """The server called nothing an error: being killed is not one, nor are clients that break off."""
    errors = Counter(line[20:200] for line in log.read_text().splitlines() if " ERROR " in line[:30])
    if errors:
        journal.wrong("the log tells of errors", errors=dict(errors.most_common(5)))


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def check_database(data: Path, journal: Journal) -> None:
    """The database is whole, and nothing in it is unfinished."""
    with closing(sqlite3.connect(data / "queue.db")) as database:
        for check, wanted in (
            ("PRAGMA integrity_check", [("ok",)]),
            ("PRAGMA foreign_key_check", []),
            (f"SELECT id, status FROM tasks WHERE status IN ({_ACTIVE})", []),
            ("SELECT task_id FROM shards WHERE task_id NOT IN (SELECT id FROM tasks)", []),
            ("SELECT task_id FROM deleted WHERE task_id IN (SELECT id FROM tasks)", []),
            ("SELECT id FROM tasks WHERE finished_at IS NULL OR finished_at < created_at", []),
            (
                "SELECT id FROM tasks WHERE status = 'completed' AND shards_total > 0 "
                "AND shards_total <> (SELECT count(*) FROM shards WHERE task_id = id AND done = 1)",
                [],
            ),
        ):
            found = database.execute(check).fetchall()
            if found != wanted:
                journal.wrong("the database says otherwise", check=check, found=found[:20])
