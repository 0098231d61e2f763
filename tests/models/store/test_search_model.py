"""The index of texts in any order of operations: what is there is found, what is deleted is gone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_app.store.states import TaskStatus
from tests.unit.records import put
from tests.unit.store.test_search_index import Library

#: words of which none is the beginning of another
WORDS = ("alpha", "bravo", "delta", "机器", "学习", "échoué")
STEPS = ("add", "change", "delete", "retry", "index", "half", "shred", "reopen", "remake")
TEXT = st.lists(st.lists(st.sampled_from(WORDS), max_size=3), min_size=1, max_size=3)
STEP = st.tuples(st.sampled_from(STEPS), st.integers(0, 5), TEXT)


@contextmanager
def a_library() -> Iterator[Library]:
    with tempfile.TemporaryDirectory() as folder:
        library = Library(Path(folder))
        try:
            yield library
        finally:
            library.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_what_is_there_is_found_and_what_is_deleted_is_gone(
    steps: list[tuple[str, int, list[list[str]]]],
) -> None:
    with a_library() as library:
        texts: dict[str, tuple[str, ...]] = {}
        for number, (step, place, pages) in enumerate(steps):
            _take(library, texts, step, f"t{number}", place, tuple(map(" ".join, pages)))
        library.fill(texts)
        library.shred()
        assert library.index.due(10) == []
        for word in WORDS:
            having = {each for each, pages in texts.items() if any(word in page for page in pages)}
            assert set(library.found(word)) == having
            assert having or not library.holds(word)


def _take(
    library: Library,
    texts: dict[str, tuple[str, ...]],
    step: str,
    fresh: str,
    place: int,
    pages: tuple[str, ...],
) -> None:
    store, index = library.store, library.index
    known = sorted(texts)[place] if place < len(texts) else None
    if step == "add":
        put(store, fresh, TaskStatus.PARTIAL)
        texts[fresh] = pages
    elif step == "change" and known:
        store.amend(store.get(known), TaskStatus.PARTIAL, {"result_sha256": fresh})
        texts[known] = pages
    elif step == "delete" and known:
        store.delete(known)
        del texts[known]
        if place % 2:
            store.forget(0, 0)
    elif step == "retry" and known:
        store.requeue(known)
        store.start(known)
        store.move(known, TaskStatus.PARTIAL)
        texts[known] = pages
    elif step == "index":
        library.fill(texts)
    elif step == "half":
        for doc in index.due(1):
            index.put(doc, dict(enumerate(texts[doc.id], 1)))
    elif step == "shred":
        index.shred()
    elif step == "reopen":
        index.open()
    elif step == "remake":
        index.remake()
