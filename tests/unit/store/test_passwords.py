"""Passwords of documents: encrypted on the disk, shown by nothing, gone as soon as they are not needed."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.data_folder import Folders
from gradio_app.commands.backup import back_up
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.vault import Vault
from tests.unit.records import a_task, open_store, put

S = TaskStatus
PASSWORD = "spring tide, 満潮"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def key_of(folder: Path) -> Path:
    return folder / "password.key"


def sealed(store: Store, task_id: str) -> str:
    """What stands in the row."""
    return store._db.execute("SELECT password FROM tasks WHERE id = ?", (task_id,)).fetchone()[0]


def add(store: Store, task_id: str = "t1", password: str = PASSWORD) -> None:
    store.add([a_task(task_id)], password=password)


# ---------------------------------------------------------------- the vault


def test_only_the_key_opens_what_is_sealed(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "key")
    first, second = vault.seal(PASSWORD), vault.seal(PASSWORD)
    assert first != second and PASSWORD not in first
    assert Vault(tmp_path / "key").open(first) == vault.open(second) == PASSWORD
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert Vault(tmp_path / "other").open(first) == ""


def test_without_a_password_there_is_no_key(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "key")
    assert vault.seal("") == vault.open("") == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no key", b"x" * 44, b"\xff\xfe"])
def test_a_broken_key_is_replaced(tmp_path: Path, content: bytes) -> None:
    vault = Vault(tmp_path / "key")
    before = vault.seal(PASSWORD)
    (tmp_path / "key").write_bytes(content)
    assert vault.open(before) == ""
    assert vault.open(vault.seal(PASSWORD)) == PASSWORD and vault.open(before) == ""


# ---------------------------------------------------------------- how long it is kept


def test_it_waits_with_its_task_also_over_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add(store)
    store.close()
    store = open_store(tmp_path)
    assert store.password("t1") == PASSWORD and store.password("t2") == ""
    store.close()


ENDS: dict[str, Callable[[Store], object]] = {
    "planned": lambda store: store.plan("t1", [(1,)], pages_total=1),
    "failed": lambda store: store.move("t1", S.FAILED, error_code="password_wrong"),
    "cancelled": lambda store: store.move("t1", S.CANCELLED),
    "completed": lambda store: store.move("t1", S.COMPLETED),
}


@pytest.mark.parametrize("end", ENDS)
def test_it_is_erased_in_the_write_by_which_its_task_goes_on(store: Store, end: str) -> None:
    add(store)
    ENDS[end](store)
    assert sealed(store, "t1") == store.password("t1") == ""


def test_it_goes_with_its_task(store: Store, tmp_path: Path) -> None:
    for number in range(9):
        add(store, f"t{number}", PASSWORD * 40)  # longer than a page of the file
    was = [sealed(store, f"t{number}").encode() for number in range(9)]
    for number in range(9):
        store.move(f"t{number}", S.CANCELLED)
    store.delete("t1")
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    left = (tmp_path / "queue.db").read_bytes()
    assert not any(each[at : at + 100] in left for each in was for at in range(0, len(each) - 100, 100)), (
        "nor in what SQLite has freed"
    )


def test_a_move_that_fails_erases_nothing(store: Store) -> None:
    add(store)
    with pytest.raises(ZeroDivisionError), store.together():
        store.move("t1", S.CANCELLED)
        raise ZeroDivisionError
    assert store.password("t1") == PASSWORD


@pytest.mark.parametrize("password", ["", "neap tide"])
def test_a_retry_asks_anew(store: Store, password: str) -> None:
    add(store)
    store.move("t1", S.FAILED, error_code="file_encrypted")
    assert store.requeue("t1", password).status is S.PENDING
    assert store.password("t1") == password


def test_a_retry_of_what_was_opened_keeps_none(store: Store) -> None:
    put(store, "t1", S.FAILED)
    assert store.requeue("t1", PASSWORD).status is S.QUEUED
    assert sealed(store, "t1") == ""


def test_the_key_goes_at_the_next_start_that_finds_no_password(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add(store)
    store.close()
    open_store(tmp_path).close()
    assert key_of(tmp_path).exists(), "one waits for it"
    store = open_store(tmp_path)
    store.move("t1", S.FAILED)
    assert key_of(tmp_path).exists()
    store.close()
    open_store(tmp_path).close()
    assert not key_of(tmp_path).exists()


# ---------------------------------------------------------------- who sees it


def test_nothing_shows_it(store: Store, tmp_path: Path) -> None:
    add(store)
    task = store.get("t1")
    seen = [task, task.to_row(), task.to_json("ann", True), task.receipt(), store.changes(0, 9)]
    for text in (PASSWORD, "tide", sealed(store, "t1")):
        assert all(text not in repr(one) for one in seen)
    assert "password" not in repr(seen)


def test_the_files_do_not_hold_it(store: Store, tmp_path: Path) -> None:
    add(store)
    add(store, "t2", "neap tide")
    store.move("t2", S.FAILED)
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert sealed(store, "t1").encode() in held, "the test reads the right files"
    for password in (PASSWORD, "neap tide"):
        assert password.encode() not in held and password.encode("utf-16-le") not in held


def test_a_backup_has_neither_passwords_nor_their_key(tmp_path: Path) -> None:
    folders, copy = Folders(tmp_path / "data"), tmp_path / "copy"
    folders.create()
    store = open_store(folders.root)
    add(store)
    folders.source("sha-t1").write_bytes(b"locked")
    try:
        assert back_up(folders, copy) == 1
        assert store.password("t1") == PASSWORD, "the server that runs needs it"
    finally:
        store.close()
    assert not key_of(copy).exists()
    copied = open_store(copy)
    assert (copied.get("t1").status, sealed(copied, "t1")) == (S.PENDING, "")
    copied.close()
