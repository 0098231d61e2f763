"""The list of tasks: what is found, in which order, and that walking through it misses nothing."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import NotFound, OptionInvalid
from gradio_app.store.listing import SORTS, Wanted
from gradio_app.store.states import ACTIVE, TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Task
from tests.unit.records import a_task, open_store, put

S = TaskStatus
ADMIN = Wanted("root", admin=True)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def ids(tasks: list[Task]) -> list[str]:
    return [task.id for task in tasks]


def fill(store: Store, count: int, seed: int = 1) -> None:
    """Tasks of two people in all statuses, with names and times that are often the same."""
    rng = random.Random(seed)
    names = ("Report.pdf", "report.pdf", "Ärger.pdf", "letter.pdf")
    pick = rng.choice
    tasks = [
        a_task(f"t{index}", pick(("ann", "bob")), name=pick(names), folder=pick(("", "a/b")))
        for index in range(count)
    ]
    with store.together() as db:
        store.add(tasks)
        for task in tasks:
            status = rng.choice(sorted(TaskStatus))
            finished = None if status in ACTIVE else float(rng.randrange(5))
            values = (status.value, rng.randrange(4), finished, task.id)
            db.execute("UPDATE tasks SET status = ?, pages_total = ?, finished_at = ? WHERE id = ?", values)


def walk(store: Store, wanted: Wanted, limit: int) -> list[Task]:
    found: list[Task] = []
    cursor: str | None = ""
    while cursor is not None:
        page = store.listing.page(wanted, limit, cursor)
        assert len(page.tasks) <= limit
        found += page.tasks
        cursor = page.next
    return found


def expected(store: Store, wanted: Wanted) -> list[str]:
    """The same in plain Python."""
    keys: dict[str, Any] = {
        "newest": lambda task: (-task.seq,),
        "oldest": lambda task: (task.seq,),
        "pages": lambda task: (-task.pages_total, -task.seq),
        "finished": lambda task: (-(task.finished_at or 0), -task.seq),
        "name": lambda task: (
            f"{task.name.casefold()}\n{task.folder}" if wanted.admin or task.owner == wanted.viewer else "",
            task.seq,
        ),
    }
    seen: list[Task] = []
    for task in sorted((store.get(each) for each in store.task_ids()), key=keys[wanted.sort]):
        own = task.owner == wanted.viewer or (wanted.admin and not wanted.mine)
        if not own and (wanted.mine or wanted.words or task.ended):
            continue
        words = wanted.words.casefold().split()
        text = f"{task.name} {task.folder}".casefold()
        if all(word in text for word in words) and (not wanted.statuses or task.status in wanted.statuses):
            seen.append(task)
    return ids(seen)


def test_others_names_cannot_be_searched_nor_told_from_an_order(store: Store) -> None:
    put(store, "mine", S.QUEUED, owner="ann", name="beta.pdf")
    put(store, "theirs", S.QUEUED, owner="bob", name="alpha secret.pdf", folder="payroll")
    put(store, "theirs-too", S.QUEUED, owner="bob", name="zeta.pdf")
    for words in ("secret", "payroll", "alpha", ".pdf"):
        page = store.listing.page(Wanted("ann", words=words), 10)
        assert "theirs" not in ids(page.tasks)
        assert page.counts == ({"queued": 1} if words == ".pdf" else {})
        found = store.listing.ids(Wanted("ann", words=words), 10)
        assert found == ({"queued": ["mine"]} if words == ".pdf" else {})
    by_name = store.listing.page(Wanted("ann", sort="name"), 10)
    assert ids(by_name.tasks) == ["theirs", "theirs-too", "mine"], "as they came, whatever they are called"
    first = store.listing.page(Wanted("ann", sort="name"), 1)
    assert first.next and "alpha" not in base64.urlsafe_b64decode(first.next + "==").decode()


def test_second_readings_are_not_listed(store: Store) -> None:
    put(store, "t1", S.COMPLETED)
    put(store, "again", redo_of="t1", redo_page=2)
    page = store.listing.page(ADMIN, 10)
    assert (ids(page.tasks), page.counts) == (["t1"], {"completed": 1})
    assert {task.id for task in store.changes(0, 10).tasks} == {"t1", "again"}


def test_ids_are_those_that_one_may_change(store: Store) -> None:
    for owner in ("ann", "bob"):
        for status in (S.QUEUED, S.FAILED):
            put(store, f"{owner}-{status}", status, owner=owner)
    assert store.listing.ids(Wanted("ann"), 10) == {"failed": ["ann-failed"], "queued": ["ann-queued"]}
    everything = store.listing.ids(ADMIN, 10)
    assert {status: len(found) for status, found in everything.items()} == {"failed": 2, "queued": 2}
    assert store.listing.ids(Wanted("ann", statuses=frozenset({S.FAILED})), 10) == {"failed": ["ann-failed"]}
    assert sum(map(len, store.listing.ids(ADMIN, 3).values())) == 3


def made_up(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "123",
        "ééé",
        "A" * 4000,
        made_up(),
        made_up("newest"),
        made_up("newest", 1),
        made_up("newest", 1, 2, 3),
        made_up("oldest", 1, 1),
        made_up("newest", "1", 1),
        made_up("newest", 2**70, 1),
        made_up("newest", 1, 2**70),
        made_up("newest", True, 1),
        made_up("newest", None, 1),
        made_up("newest", [1], 1),
        made_up("newest", 1.5, 1),
        made_up({}, 1, 1),
        "W" * 3999,
        base64.urlsafe_b64encode(b"[" * 2900).decode(),
    ],
)
def test_a_cursor_that_somebody_made_up_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(OptionInvalid):
        store.listing.page(ADMIN, 10, cursor)


@pytest.mark.parametrize(
    ("sort", "key"),
    [("name", 1), ("name", "\ud800"), ("finished", float("nan")), ("finished", float("inf")), ("pages", "x")],
)
def test_so_is_a_key_that_does_not_fit_the_order(store: Store, sort: str, key: Any) -> None:
    with pytest.raises(OptionInvalid):
        store.listing.page(Wanted("root", admin=True, sort=sort), 10, made_up(sort, key, 1))


def test_words_may_be_written_in_another_way(store: Store) -> None:
    put(store, "t1", name="STRASSE Ｆｕｌｌ 100%_x.pdf", folder="Jahr 2024/Mai")
    for words in ("straße", "full", "100%_", "2024 mai", "mai strasse", "  "):
        assert ids(store.listing.page(Wanted("root", admin=True, words=words), 5).tasks) == ["t1"], words
    for words in ("100x", "%", "_", "strasse juni"):
        found = ids(store.listing.page(Wanted("root", admin=True, words=words), 5).tasks)
        assert found == (["t1"] if words in "100%_x" else []), words


@pytest.mark.parametrize("sort", SORTS)
def test_no_page_sorts_the_whole_table(store: Store, sort: str) -> None:
    """What is asked for all the time goes by an index to the first rows and stops there."""
    fill(store, 30)
    queries: list[str] = []
    store._db.set_trace_callback(queries.append)
    store.listing.page(Wanted("root", admin=True, sort=sort), 5)
    ended = frozenset({S.COMPLETED, S.FAILED})
    store.listing.page(Wanted("root", admin=True, sort=sort, statuses=ended), 5)
    store.listing.page(Wanted("ann", sort=sort, mine=True), 5)
    store._db.set_trace_callback(None)
    for query in (query for query in queries if "UNION" not in query and "AS at" in query):
        plan = [row["detail"] for row in store._db.execute(f"EXPLAIN QUERY PLAN {query}")]
        # the last sorting is that of the few rows that were found
        assert [line for line in plan if "TEMP B-TREE" in line] in ([], [plan[-1]]), plan


def test_many_matches_are_found_as_well_as_few(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, 60)
    for sort in SORTS:
        asked = Wanted("ann", admin=True, words="report", sort=sort)
        few = ids(walk(store, asked, 7))
        monkeypatch.setattr("gradio_app.store.listing.FEW", 0)
        assert ids(walk(store, asked, 7)) == few == expected(store, asked)
        monkeypatch.undo()


# ---------------------------------------------------------------- written together


def test_what_is_written_together_is_there_as_a_whole_or_not_at_all(store: Store) -> None:
    put(store, "t1")
    with pytest.raises(RuntimeError), store.together():
        store.add([a_task("t2")])
        raise RuntimeError
    assert store.task_ids() == {"t1"}
    with store.together():
        store.add([a_task("t3")])
        with pytest.raises(NotFound):
            store.delete("gone")
        store.move("t1", S.CANCELLED)
    assert (store.task_ids(), store.get("t1").status) == ({"t1", "t3"}, S.CANCELLED)


def test_one_that_fails_inside_takes_only_its_own_back(store: Store) -> None:
    with store.together() as db:
        store.add([a_task("t1")])
        with pytest.raises(RuntimeError), store.together():
            db.execute("UPDATE tasks SET name = 'other.pdf'")
            raise RuntimeError
    assert store.get("t1").name == "t1.pdf"
