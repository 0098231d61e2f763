"""Secret links to documents: what is kept of them, how long they hold, and how many there may be."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gradio_app.base.errors import QuotaExceeded
from gradio_app.web.shared_links import DAY, MOST_OF_A_TASK, SharedLinks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "links.json"


def test_a_link_opens_its_document_also_after_a_restart(path: Path) -> None:
    link, secret = SharedLinks(path).make("a", 7)
    again = SharedLinks(path)
    assert again.opened_by(secret) == link and link.until - link.made == 7 * DAY
    assert again.of_task("a") == [link] and again.of_task("b") == []
    assert secret not in path.read_text() and path.stat().st_mode & 0o77 == 0
    assert len(secret) >= 32


@pytest.mark.parametrize("guess", ["", "x" * 32, "a", "../links.json"])
def test_a_guess_opens_nothing(path: Path, guess: str) -> None:
    links = SharedLinks(path)
    link, _ = links.make("a", 7)
    assert links.opened_by(guess) is None
    assert links.opened_by(link.digest) is None and links.opened_by(link.id) is None


def test_a_link_ends_at_its_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = SharedLinks(path)
    link, secret = links.make("a", 1)
    monkeypatch.setattr(time, "time", lambda: link.until - 1)
    assert links.opened_by(secret) == link
    monkeypatch.setattr(time, "time", lambda: link.until + 0.5)
    assert links.opened_by(secret) is None and links.of_task("a") == []
    assert SharedLinks(path).opened_by(secret) is None


def test_an_ended_link_stays_ended(path: Path) -> None:
    links = SharedLinks(path)
    (first, secret), (second, other) = links.make("a", 7), links.make("a", 7)
    assert not links.end("b", first.id), "of another document"
    assert links.end("a", first.id) and not links.end("a", first.id)
    assert links.opened_by(secret) is None and links.opened_by(other) == second
    assert SharedLinks(path).opened_by(secret) is None


def test_a_document_has_so_many_links(path: Path) -> None:
    links = SharedLinks(path)
    for _ in range(MOST_OF_A_TASK):
        links.make("a", 7)
    with pytest.raises(QuotaExceeded):
        links.make("a", 7)
    links.make("b", 7)


@pytest.mark.parametrize("text", ["", "{}", "[{}]", '[{"id": 1}]', "\x00"])
def test_what_is_no_list_of_links_opens_nothing(path: Path, text: str) -> None:
    path.write_text(text)
    links = SharedLinks(path)
    _, secret = links.make("a", 7)
    assert links.opened_by(secret)
