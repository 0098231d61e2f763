"""The index of texts: what is found by whom, what is gone, and what a damaged file becomes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradio_app.store.listing import Wanted
from gradio_app.store.search_index import VERSION, IndexDamaged, SearchIndex
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.text_search import HITS, TextSearch
from tests.unit.records import open_store, put

DONE = TaskStatus.COMPLETED


class Library:
    """A store, its index and a search, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(folder)
        self.path = folder / "search.db"
        paths = self.path, folder / "queue.db"
        self.index, self.search = SearchIndex(*paths), TextSearch(*paths)
        self.index.remake()

    def add(
        self, task_id: str, *pages: str, owner: str = "ann", status: TaskStatus = DONE, **more: Any
    ) -> None:
        put(self.store, task_id, status, owner, **more)
        self.fill({task_id: pages})

    def fill(self, texts: dict[str, tuple[str, ...]]) -> None:
        for doc in self.index.due(1000):
            self.index.put(doc, dict(enumerate(texts[doc.id], 1)))

    def found(self, words: str, viewer: str = "ann", **more: Any) -> list[str]:
        page = self.search.page(Wanted(viewer, words=words, **more), 100).page
        return [task.id for task in page.tasks]

    def shred(self) -> None:
        while self.index.shred():
            pass

    def holds(self, word: str) -> bool:
        return any(word.encode() in path.read_bytes() for path in self.path.parent.glob("search.db*"))

    def close(self) -> None:
        self.search.close()
        self.index.close()
        self.store.close()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path)
    yield library
    library.close()


def test_names_and_texts_are_found_with_pages_and_lines(library: Library) -> None:
    library.add("t1", "nothing", "The Résumé\nof a zebra", "zebras")
    library.add("t2", "机器学习", name="zebra crossing.pdf")
    assert library.found("zebra") == ["t2", "t1"]
    found = library.search.page(Wanted("ann", words="zebra"), 100)
    assert found.page.counts == {"completed": 2} and found.rev == library.store.rev()
    assert [(hit.page, hit.line, hit.marks) for hit in found.hits.pop("t1")] == [
        (2, "of a zebra", [(5, 10)]),
        (3, "zebras", [(0, 5)]),
    ]
    assert found.hits == {}, "by its name alone"
    assert library.found("resume ZEB") == ["t1"] and library.found('"a zebra"') == ["t1"]
    assert library.found('"zebras a"') == library.found("zebra nowhere") == []
    assert library.found("学习") == library.found("机") == library.found("习") == ["t2"]
    assert library.search.ids(Wanted("ann", words="resume"), 10) == {"completed": ["t1"]}


def test_a_document_has_a_few_hits_and_an_answer_a_few_documents(library: Library) -> None:
    library.add("t1", *["zebra"] * 9)
    library.add("t2", "zebra")
    found = library.search.page(Wanted("ann", words="zebra"), 1)
    assert found.page.next and found.hits.keys() == {"t2"}
    second = library.search.page(Wanted("ann", words="zebra"), 1, found.page.next)
    assert [hit.page for hit in second.hits["t1"]] == [1, 2, 3] and HITS == 3


def test_texts_are_found_by_those_who_may_read_them(library: Library) -> None:
    library.add("hers", "zebra")
    library.add("his", "zebra", owner="bob")
    library.add("inside", "zebra", owner="bob", parent="box")
    assert library.found("zebra") == ["hers"] and library.found("zebra", "eve") == []
    assert library.found("zebra", "bob") == ["inside", "his"]
    assert library.found("zebra", "bob", parent="box") == ["inside"]
    assert library.found("zebra", "root", admin=True) == ["inside", "his", "hers"]
    assert library.found("zebra", "root", admin=True, mine=True) == []
    assert library.search.ids(Wanted("eve", words="zebra"), 10) == {}


def test_a_name_and_a_text_found_are_filtered_and_sorted_together(library: Library) -> None:
    library.add("t1", "zebra", name="b.pdf")
    library.add("t2", "horse", name="zebra.pdf")
    library.add("t3", "zebra", name="a.pdf", status=TaskStatus.PARTIAL)
    library.add("t4", status=TaskStatus.FAILED, name="zebra too.pdf")
    assert library.found("zebra", sort="name") == ["t3", "t1", "t4", "t2"]
    assert library.found("zebra", statuses=frozenset({TaskStatus.PARTIAL})) == ["t3"]


def test_what_is_deleted_is_found_no_more_at_once_and_leaves_the_file(library: Library) -> None:
    for number in range(30):
        library.add(f"t{number}", f"ordinary words {number}")
    library.add("gone", "unmistakable", "unmistakable 绝密")
    assert library.holds("unmistakable") and library.holds("绝密")
    library.store.delete("gone")
    assert library.found("unmistakable") == [], "before the index knows"
    assert library.index.due(10) == []
    library.shred()
    assert not library.holds("unmistakable") and not library.holds("绝密")
    assert len(library.found("ordinary")) == 30


def test_a_text_that_changed_is_replaced(library: Library) -> None:
    library.add("t1", "first words", "second page")
    library.store.amend(library.store.get("t1"), DONE, {"result_sha256": "other"})
    library.fill({"t1": ("first line",)})
    assert library.found("words") == library.found("second") == [] and library.found("line") == ["t1"]
    library.shred()
    assert not library.holds("second")


def test_a_text_of_an_older_revision_or_of_nothing_is_not_put(library: Library) -> None:
    put(library.store, "t1", DONE)
    put(library.store, "t2", DONE)
    docs = library.index.due(10)
    library.store.amend(library.store.get("t1"), DONE, {"result_sha256": "other"})
    library.store.delete("t2")
    for doc in docs:
        library.index.put(doc, {1: "zebra"})
    assert library.found("zebra") == [] and [doc.id for doc in library.index.due(10)] == ["t1"]


def test_what_was_not_put_is_due_again_and_after_a_start(library: Library) -> None:
    put(library.store, "t1", DONE)
    assert [doc.id for doc in library.index.due(10)] == [doc.id for doc in library.index.due(10)] == ["t1"]
    library.index.open()
    [doc] = library.index.due(10)
    library.index.put(doc, {1: "zebra"})
    library.index.open()
    assert library.index.due(10) == [] and library.found("zebra") == ["t1"]
    library.store.delete("t1")
    library.store.forget(0, 0)
    library.index.open()
    assert library.index.due(10) == []
    library.shred()
    assert not library.holds("zebra"), "also without a tombstone"


def test_a_long_page_and_many_pages_are_found_to_their_end(library: Library) -> None:
    library.add("t1", "word " * 20_000 + "needle", *["page"] * 450, "haystack")
    assert library.found("needle") == library.found("haystack") == ["t1"]
    hits = library.search.page(Wanted("ann", words="haystack"), 10).hits["t1"]
    assert [hit.page for hit in hits] == [452]


@pytest.mark.parametrize(
    "words",
    [
        '"',
        "* AND (",
        "NEAR(a b, 2)",
        "text:zebra",
        "{words}: x",
        "-zebra",
        "a\x00b",
        "x\ud800y",
        "a" * 10_000,
        "'; --",
    ],
)
def test_no_query_is_an_error(library: Library, words: str) -> None:
    library.add("t1", "zebra")
    assert library.found(f"{words} nothing") == []


def test_a_file_of_another_version_is_none_of_ours(library: Library) -> None:
    library.add("t1", "zebra")
    library.index.close()
    with sqlite3.connect(library.path) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    db.close()
    with pytest.raises(IndexDamaged):
        library.index.open()
    library.index.remake()
    library.fill({"t1": ("zebra",)})
    assert library.found("zebra") == ["t1"], "the search opens the new file"


def test_a_damaged_or_missing_file_is_told(library: Library) -> None:
    library.add("t1", "zebra " * 3000)
    library.shred()
    library.index.close()
    library.search.close()
    library.path.write_bytes(library.path.read_bytes()[:100] + b"\0" * 50_000)
    with pytest.raises(IndexDamaged):
        library.search.page(Wanted("ann", words="zebra"), 10)
    library.search.close()
    with pytest.raises(IndexDamaged):
        library.index.open()
    library.index.close()
    library.path.unlink()
    with pytest.raises(IndexDamaged):
        library.search.page(Wanted("ann", words="zebra"), 10)
    library.index.remake()
    library.fill({"t1": ("zebra",)})
    assert library.found("zebra") == ["t1"]
