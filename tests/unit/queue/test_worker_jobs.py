"""Which heads and feet a task's text has, and that results with others are not shared."""

from __future__ import annotations

from gradio_app.base.options import ParseOptions
from gradio_app.queue.reading_options import cache_key, heads_of
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Inspection, Task


def task(*, keep_headers: bool = False) -> Task:
    options = ParseOptions(keep_headers=keep_headers)
    return Task("t", "a.pdf", "ann", TaskStatus.PENDING, options, "5ec7", 7, 1000.0)


def test_a_request_to_keep_heads_is_stronger_than_the_setting() -> None:
    asked = [(keep, only) for keep in (False, True) for only in (False, True)]
    found = [heads_of(task(keep_headers=keep), only) for keep, only in asked]
    assert found == ["unusual", "none", "all", "all"]


def test_results_with_other_heads_have_other_keys() -> None:
    found = Inspection("pdf", 1, "txt", "flash", "4.0", pages=(1,))
    keys = {cache_key(task(), found, 64, heads) for heads in ("all", "unusual", "none")}
    assert len(keys) == 3
