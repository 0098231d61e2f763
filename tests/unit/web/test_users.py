"""The users file: its lines, its passwords, and the command that edits it."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import Any

import pytest

from gradio_app.commands.users import main
from gradio_app.web.auth import users
from gradio_app.web.auth.users import User, Users, UsersFileBroken, hash_key, parse, password_fits


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The true cost of a hash is for guessers, not for tests."""
    monkeypatch.setattr(users, "_N", 2)
    monkeypatch.setattr(users, "_P", 1)


def run(path: Path, *words: str, password: str = "", monkeypatch: pytest.MonkeyPatch | None = None) -> None:
    if monkeypatch:
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    main(["--users", str(path), *words])


# ---------------------------------------------------------------- passwords


@pytest.mark.parametrize("password", ["correct horse", "秘密的词语吗", "a:b$c d", "x" * 500])
def test_a_password_fits_its_hash_and_no_other(password: str) -> None:
    stored = users.hash_password(password)
    assert password not in stored and ":" not in stored
    assert password_fits(password, stored)
    assert not password_fits(password + " ", stored) and not password_fits("", stored)
    assert users.hash_password(password) != stored, "salted"


@pytest.mark.parametrize(
    "stored", ["scrypt$", "scrypt$2$8$1$!!$!!", "scrypt$0$0$0$AA==$AA==", "scrypt$2$8$1$AA=="]
)
def test_a_broken_hash_fits_nothing(stored: str) -> None:
    assert not password_fits("", stored) and not password_fits("x", stored)


# ---------------------------------------------------------------- the file


def test_the_lines_of_a_file() -> None:
    key = hash_key("mo-1")
    text = f"# a comment\n\nalice:scrypt$a$b:admin\nbob:plain\n  carol:x:user:{key}\n李雷:y::{key}\n"
    assert parse(text) == {
        "alice": User("alice", "scrypt$a$b", admin=True),
        "bob": User("bob", "plain"),
        "carol": User("carol", "x", key=key),
        "李雷": User("李雷", "y", key=key),
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("alice", "no password"),
        ("alice:", "no password"),
        (":secret", "no name"),
        ("a b:secret", "no name"),
        ("../x:secret", "no name"),
        ("x" * 65 + ":secret", "no name"),
        ("local:secret", "server uses itself"),
        ("Guest-1234:secret", "server uses itself"),
        ("alice:secret:king", "expected name:password"),
        ("alice:se:cret:admin:x", "expected name:password"),
        ("alice:secret::key", "broken key"),
        ("bob:y\nbob:z", "twice"),
    ],
)
def test_a_broken_line_is_named(line: str, words: str) -> None:
    with pytest.raises(UsersFileBroken, match=rf"Line \d of the users file: .*{words}") as caught:
        parse(line)
    assert "secret" not in caught.value.message


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "users.txt"
    some = {"a": User("a", "h", True), "b": User("b", "h", key=hash_key("k")), "c": User("c", "h")}
    users.write(path, some)
    assert users.read(path) == some
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "users.txt").write_bytes(content)
    with pytest.raises(UsersFileBroken, match=r"cannot be read|not text"):
        Users(tmp_path / "users.txt")


# ---------------------------------------------------------------- while the server runs


def test_a_running_server_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "users.txt"
    users.write(path, {"alice": User("alice", users.hash_password("wonderland"))})
    known = Users(path)
    assert known.check("alice", "wonderland") == known.get("alice")
    assert known.check("alice", "wrong") is None and known.check("bob", "wonderland") is None
    users.write(path, {"bob": User("bob", "builder!", key=hash_key("mo-2"))})
    assert known.get("alice") is None and known.check("bob", "builder!") is not None
    assert known.by_key("mo-2") == known.get("bob") and known.by_key("mo-1") is None


@pytest.mark.parametrize("broken", ["half a li", None])
def test_a_file_that_breaks_leaves_those_who_were_there(tmp_path: Path, broken: str | None) -> None:
    path = tmp_path / "users.txt"
    path.write_text("alice:wonderland\n")
    known = Users(path)
    if broken is None:
        path.unlink()
    else:
        path.write_text(broken)
    assert known.get("alice") is not None


# ---------------------------------------------------------------- the command


def test_the_life_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    path = tmp_path / "users.txt"
    run(path, "add", "alice", "--admin", "--password-stdin", password="wonderland", monkeypatch=monkeypatch)
    assert users.read(path)["alice"].admin and "may sign in" in capsys.readouterr().out
    run(path, "key", "alice")
    key = capsys.readouterr().out.splitlines()[0]
    known = Users(path)
    assert known.by_key(key) is not None and key not in path.read_text()
    run(path, "add", "alice", "--password-stdin", password="looking-glass", monkeypatch=monkeypatch)
    assert known.check("alice", "looking-glass") and not known.check("alice", "wonderland")
    found = known.get("alice")
    assert found and found.admin and found.key, "a new password leaves the rest as it is"
    run(path, "list")
    assert "alice" in (listed := capsys.readouterr().out) and "admin" in listed and "scrypt" not in listed
    run(path, "remove", "alice")
    assert known.get("alice") is None


@pytest.mark.parametrize(
    ("words", "password", "told"),
    [
        (("add", "alice"), "short", "at least 8"),
        (("add", "a:b"), "long enough", "no name"),
        (("add", "local"), "long enough", "server uses itself"),
        (("remove", "nobody"), "", "no user 'nobody'"),
        (("key", "nobody"), "", "no user 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], password: str, told: str
) -> None:
    path = tmp_path / "users.txt"
    more = ("--password-stdin",) if words[0] == "add" else ()
    with pytest.raises(SystemExit, match=told):
        run(path, *words, *more, password=password, monkeypatch=monkeypatch)
    assert not path.exists()


def test_two_different_passwords_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["wonderland", "wanderland"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    with pytest.raises(SystemExit, match="not the same"):
        run(tmp_path / "users.txt", "add", "alice")
