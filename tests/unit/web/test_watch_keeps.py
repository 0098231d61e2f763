"""What the watch folder never takes from people: folders of their own, and results that they have edited."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.notes import MOST_MESSAGE, MOST_NOTES, Note, notes_to_json, notes_to_text
from tests.unit.web.watch_fixtures import TEXT, Watched, change


def receipt(result: Path) -> dict[str, Any]:
    return json.loads((result / "receipt.json").read_text())


@pytest.mark.parametrize("own", ["", "{}", '{"shop": "receipt", "size": 3}', '{"size": 1, "mtime_ns": 2}'])
def test_a_folder_of_somebodys_own_is_not_replaced(tmp_path: Path, own: str) -> None:
    watched = Watched(tmp_path)
    watched.put("X.pdf")
    mine = watched.inbox / "X.pdf.result"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    if own:
        (mine / "receipt.json").write_text(own)
    lines = watched.logged()
    assert (mine / "notes.txt").read_text() == "mine" and not (mine / "document.md").exists()
    assert receipt(watched.inbox / "X.pdf.result-2")["status"] == "completed"
    assert any("X.pdf.result-2" in line for line in lines), "the log says where the result is"
    watched.scan(6)
    assert len(watched.queue.received) == 1
    change(watched.inbox / "X.pdf", "changed text")
    watched.scan()
    assert receipt(watched.inbox / "X.pdf.result-2")["size"] == len("changed text")
    assert (mine / "notes.txt").read_text() == "mine"
    assert sorted(os.listdir(watched.inbox)) == ["X.pdf", "X.pdf.result", "X.pdf.result-2"]


@pytest.mark.parametrize("kind", ["file", "link", "fifo"])
def test_what_is_no_folder_is_not_replaced_either(tmp_path: Path, kind: str) -> None:
    watched = Watched(tmp_path)
    watched.put("deep/X.pdf")
    taken = watched.inbox / "deep" / "X.pdf.result"
    if kind == "file":
        taken.write_text("mine")
    elif kind == "link":
        taken.symlink_to(tmp_path)
    else:
        os.mkfifo(taken)
    before = taken.lstat()
    watched.scan()
    assert receipt(watched.inbox / "deep" / "X.pdf.result-2")["status"] == "completed"
    assert taken.lstat().st_ino == before.st_ino
    watched.scan(6)
    assert len(watched.queue.received) == 1


def test_an_edited_result_stays_when_its_document_is_only_touched(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    path = watched.put("X.pdf")
    watched.scan()
    result = watched.inbox / "X.pdf.result"
    (result / "document.md").write_text("# Mended by hand\n")
    change(path)
    watched.scan()
    assert (result / "document.md").read_text() == "# Mended by hand\n"
    assert receipt(result)["mtime_ns"] == path.stat().st_mtime_ns, "the receipt follows the document"
    assert receipt(result)["status"] == "completed"
    assert len(watched.queue.received) == 1, "the same bytes are not read again"
    assert sorted(os.listdir(watched.inbox)) == ["X.pdf", "X.pdf.result"]


@pytest.mark.parametrize("edit", ["document", "picture", "added", "removed"])
def test_an_edited_result_is_kept_beside_the_new_one(tmp_path: Path, edit: str) -> None:
    watched = Watched(tmp_path)
    path = watched.put("X.pdf")
    watched.scan()
    result = watched.inbox / "X.pdf.result"
    for number in (1, 2):
        if edit == "document":
            (result / "document.md").write_text(TEXT.upper())
        elif edit == "picture":
            (result / "images" / "1.png").write_bytes(b"PICTURE")
        elif edit == "added":
            (result / "images" / "note.txt").write_text("mine")
        else:
            (result / "images" / "1.png").unlink()
        held = sorted((str(file.relative_to(result)), file.read_bytes()) for file in result.rglob("*.*"))
        change(path, f"changed text {number}")
        lines = watched.logged()
        kept = watched.inbox / f"X.pdf.edited-{number}"
        assert sorted((str(file.relative_to(kept)), file.read_bytes()) for file in kept.rglob("*.*")) == held
        assert (result / "document.md").read_text() == TEXT and (result / "images" / "1.png").exists()
        assert any(kept.name in line for line in lines), "the log says where it went"
    watched.scan(6)
    assert len(watched.queue.received) == 3, "what was kept is no document"


def test_an_unedited_result_is_replaced_without_a_trace(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    path = watched.put("X.pdf")
    watched.scan()
    change(path, "changed text")
    watched.scan()
    assert sorted(os.listdir(watched.inbox)) == ["X.pdf", "X.pdf.result"]


def test_the_receipt_has_all_notes_that_a_task_can_have(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    notes = [Note("no_text", "1-9", f"{number} " + "😀" * (MOST_MESSAGE - 4)) for number in range(MOST_NOTES)]
    watched.queue.notes = notes_to_text(notes)
    watched.put("X.pdf")
    watched.scan()
    assert receipt(watched.inbox / "X.pdf.result")["notes"] == notes_to_json(notes)
    watched.restart()
    watched.scan()
    assert len(watched.queue.received) == 1, "the receipt is still known as ours"


def test_a_result_of_an_older_version_counts_as_edited(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    path = watched.put("X.pdf")
    watched.scan()
    result = watched.inbox / "X.pdf.result"
    told = receipt(result)
    del told["files"], told["name"]
    (result / "receipt.json").write_text(json.dumps(told))
    watched.restart()
    watched.scan()
    assert len(watched.queue.received) == 1, "it is known as the document's"
    change(path, "changed text")
    watched.scan()
    assert (watched.inbox / "X.pdf.edited-1" / "document.md").read_text() == TEXT


def test_a_failed_document_is_tried_again_when_it_is_touched(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.queue.settings.max_file_size = 3
    path = watched.put("X.pdf")
    watched.scan()
    result = watched.inbox / "X.pdf.result"
    assert receipt(result)["status"] == "failed"
    watched.queue.settings.max_file_size = 1000
    change(path)
    watched.scan()
    assert receipt(result)["status"] == "completed"
    assert sorted(os.listdir(watched.inbox)) == ["X.pdf", "X.pdf.result"]


def test_documents_in_a_folder_that_is_called_like_a_result_are_still_read(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.put("lab.result-2/a.pdf")
    watched.put("draft.edited-1/b.pdf")
    watched.scan()
    assert sorted(watched.queue.names) == ["a.pdf", "b.pdf"]
