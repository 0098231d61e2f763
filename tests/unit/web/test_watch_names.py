"""Names in the watch folder: of any length and encoding, each document by itself, read once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.web.watch_fixtures import TEXT, Watched, change

#: bytes that a name may have
LONGEST = 255
LONG = "论" * 81 + ".pdf"
NAMES = [
    LONG.encode(),
    b"x" * 251 + b".pdf",
    b"y" * 240 + b".pdf",
    ("é" * 120 + "a.tiff").encode(),
    b"latin-\xe9\xff.pdf",
    b"line\nbreak.pdf",
    b"-rf.pdf",
    b"\x1b[2Jclear\x07.pdf",
    "right\u202eto-left.pdf".encode(),
]


def results(inbox: Path) -> list[Path]:
    """Folders with a result, wherever they are."""
    return sorted(path.parent for path in inbox.rglob("document.md"))


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:12]))
def test_a_strange_name_gets_its_result_and_delays_nobody(tmp_path: Path, name: bytes) -> None:
    watched = Watched(tmp_path)
    for each in (name, b"0.pdf", b"zz.pdf", b"zzz/in.pdf"):
        watched.put(each)
    lines = watched.logged()
    assert len(results(watched.inbox)) == 4
    assert len(watched.queue.received) == 4
    watched.scan(6)
    watched.restart()
    watched.scan(6)
    assert len(watched.queue.received) == 4, "nothing is copied again"
    for path in watched.inbox.rglob("*"):
        assert len(os.fsencode(path.name)) <= LONGEST
    assert not list(watched.inbox.rglob(".*"))
    assert all(shown.isprintable() for shown in watched.queue.names)
    assert all("\n" not in line.rstrip("\n") and "\x1b" not in line for line in lines)


def test_long_names_with_the_same_beginning_have_results_of_their_own(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    names = [f"{'卷' * 80}{number}.pdf" for number in (1, 2)] + [
        f"{'z' * 246}{number}.pdf" for number in (1, 2)
    ]
    for number, name in enumerate(names):
        watched.put(name, f"text {number}")
    watched.scan()
    told = [json.loads((path / "receipt.json").read_text())["name"] for path in results(watched.inbox)]
    assert sorted(told) == sorted(names)
    assert all("�" not in path.name for path in results(watched.inbox)), "cut between characters"


def test_names_that_differ_only_in_what_is_no_text_are_two_documents(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for name, data in ((b"\xff.pdf", "one"), (b"\xfe.pdf", "two")):
        os.utime(watched.put(name, data), ns=(5_000_000_000, 5_000_000_000))
    watched.scan()
    assert sorted(watched.queue.received) == [b"one", b"two"]
    assert len(results(watched.inbox)) == 2
    watched.restart()
    watched.scan()
    assert len(watched.queue.received) == 2


def test_a_folder_whose_name_is_no_text_has_an_owner_that_can_be_stored(tmp_path: Path) -> None:
    watched = Watched(tmp_path, everybody="")
    watched.put(b"ol\xe9/a.pdf")
    watched.put("zoe/b.pdf")
    watched.scan()
    assert len(results(watched.inbox)) == 2
    assert {task.owner for task in watched.queue.tasks.values()} == {"ol�", "zoe"}


def test_a_long_name_is_followed_when_its_document_changes(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    path = watched.put(LONG)
    watched.scan()
    change(path, "other text")
    watched.scan()
    (result,) = results(watched.inbox)
    assert json.loads((result / "receipt.json").read_text())["size"] == len("other text")
    assert (result / "document.md").read_text() == TEXT
