"""What the watch folder takes for a document that is complete and not done, and how it opens it."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from gradio_app.store.states import TaskStatus
from gradio_app.web.watch_folder.beneath import folder_below
from gradio_app.web.watch_folder.names import RESULT
from gradio_app.web.watch_folder.receipt import plain
from gradio_app.web.watch_folder.scan import NOBODY, Found, walk
from tests.unit.records import a_task
from tests.unit.web.watch_fixtures import Watched

ERROR = {"error_code": "file_corrupt", "error_message": "It is damaged."}


def put(path: Path, text: str = "some text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(root: Path) -> list[str]:
    return [str(item.path) for item in walk(root)]


def read(root: Path, path: PurePosixPath) -> bytes:
    with folder_below(root, path.parent) as folder, plain(path.name, folder) as file:
        return os.read(file, 100)


def done(path: Path, **changes: Any) -> None:
    """A result beside a file, as the service leaves it."""
    info = path.stat()
    receipt = {"status": "completed", "size": info.st_size, "mtime_ns": info.st_mtime_ns} | changes
    put(path.with_name(path.name + RESULT) / "receipt.json", json.dumps(receipt))


def test_the_documents_of_an_archive_are_in_its_result(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for number, (name, folder, status) in enumerate(
        [("one.md", "papers/2026", "completed"), ("one.md", "", "completed"), ("../bad.pdf", "", "failed")]
    ):
        part = a_task(f"p{number}", name=name, folder=folder, status=TaskStatus(status), parent="box")
        watched.queue.inside.append(replace(part, **ERROR) if status == "failed" else part)
        put(watched.queue.folders.result(part.id) / "document.md", f"text {number}")
    watched.put("box.zip")
    watched.scan()
    result = watched.inbox / "box.zip.result"
    told = json.loads((result / "receipt.json").read_text())
    assert [(each["folder"], each["name"], each["status"]) for each in told["parts"]] == [
        ("papers/2026", "one.md", "completed"),
        ("", "one.md", "completed"),
        ("", "../bad.pdf", "failed"),
    ]
    assert told["parts"][2]["error"]["code"] == "file_corrupt"
    assert (result / "parts/papers/2026/one/document.md").read_text() == "text 0"
    assert (result / "parts/one/document.md").read_text() == "text 1"
    assert sorted(os.listdir(result / "parts")) == ["one", "papers"]
    watched.scan()
    assert len(watched.queue.received) == 1, "its result is known as ours"


def test_documents_are_found_also_in_folders(tmp_path: Path) -> None:
    for name in ("a.pdf", "B.DOCX", "alice/c.png", "alice/deep/er/d.csv", "odd name é.html"):
        put(tmp_path / name)
    for name in (
        "note",
        "a.exe",
        ".hidden.pdf",
        "~$B.DOCX",
        ".git/x.pdf",
        "a.pdf.part",
    ):
        put(tmp_path / name)
    put(tmp_path / "x.pdf.result" / "document.md")
    put(tmp_path / "empty.pdf", "")
    assert sorted(found(tmp_path)) == [
        "B.DOCX",
        "a.pdf",
        "alice/c.png",
        "alice/deep/er/d.csv",
        "odd name é.html",
    ]


def test_what_has_a_result_is_done_until_it_changes(tmp_path: Path) -> None:
    path = put(tmp_path / "a.pdf")
    done(path)
    assert found(tmp_path) == []
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    assert found(tmp_path) == ["a.pdf"]
    done(path, status="failed")
    assert found(tmp_path) == [], "a failure is an end, too"


@pytest.mark.parametrize("receipt", ["", "{", "[]", "null", '{"size": 9}', '{"size": "9", "mtime_ns": []}'])
def test_a_broken_receipt_is_none(tmp_path: Path, receipt: str) -> None:
    put(tmp_path / "a.pdf")
    put(tmp_path / "a.pdf.result" / "receipt.json", receipt)
    assert found(tmp_path) == ["a.pdf"]


def test_links_lead_nowhere(tmp_path: Path) -> None:
    """Who may write into the folder must not read by the server's hand what is elsewhere."""
    secret, inbox = put(tmp_path / "secret" / "a.pdf"), tmp_path / "inbox"
    put(inbox / "b.pdf")
    (inbox / "c.pdf").symlink_to(secret)
    (inbox / "d").symlink_to(secret.parent)
    assert found(inbox) == ["b.pdf"]
    for name in ("c.pdf", "d/a.pdf", "../secret/a.pdf/x", "none.pdf"):
        with pytest.raises(OSError):
            read(inbox, PurePosixPath(name))
    assert read(inbox, PurePosixPath("b.pdf")) == b"some text"


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "a.pdf")
    (tmp_path / "b.pdf").mkdir()
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("c.pdf")
        assert found(tmp_path) == []
        for name in ("a.pdf", "b.pdf", "c.pdf"):
            with pytest.raises(OSError):
                read(tmp_path, PurePosixPath(name))


def test_a_file_that_still_grows_waits(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    taken: list[int] = []
    for size in (1, 2, 3, 3, 3, 3, 4, 4, 4):
        watched.put("a.pdf", "x" * size)
        os.utime(watched.inbox / "a.pdf", ns=(size, size))
        watched.scan(1)
        taken.append(len(watched.queue.received))
    assert taken == [0] * 4 + [1] * 4 + [2]


@pytest.mark.parametrize(
    ("path", "everybody", "owner"),
    [
        ("a.pdf", "local", "local"),
        ("bob/a.pdf", "local", "local"),
        ("bob/x/a.pdf", "", "bob"),
        ("a.pdf", "", "watch"),
    ],
)
def test_whose_a_file_is(path: str, everybody: str, owner: str) -> None:
    assert Found(PurePosixPath(path), 1, 1).owner(everybody) == owner


@pytest.mark.parametrize(
    ("path", "everybody", "name"),
    [
        ("a.pdf", "", "a.pdf"),
        ("alice/a.pdf", "", "a.pdf"),
        ("alice/2024/may/a.pdf", "", "2024/may/a.pdf"),
        ("2024/may/a.pdf", "local", "2024/may/a.pdf"),
    ],
)
def test_a_file_keeps_the_folders_below_its_owners(path: str, everybody: str, name: str) -> None:
    assert Found(PurePosixPath(path), 1, 1).name(everybody) == name


def test_the_name_of_the_owner_cannot_be_taken() -> None:
    from gradio_app.web.auth.users import bad_name

    assert bad_name(NOBODY)
