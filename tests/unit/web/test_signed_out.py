"""The list of ended sessions survives torn writes, stays short, and never lets an ended session back in."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gradio_app.web.auth import signed_out
from gradio_app.web.auth.signed_out import SignedOut

LATER = int(time.time()) + 1000


def test_it_is_read_again_whatever_else_stands_there(tmp_path: Path) -> None:
    path = tmp_path / "list"
    first = SignedOut(path)
    first.add("one", LATER)
    with path.open("a") as torn:
        torn.write(f"{LATER} tw")
    SignedOut(path).add("three", LATER)
    path.write_bytes(path.read_bytes() + b"\xff\xfe x\n-1 y\nnoise\n")
    again = SignedOut(path)
    assert [again.has(name, LATER) for name in ("one", "two", "three", "four")] == [True, False, True, False]
    assert path.stat().st_mode & 0o077 == 0


def test_it_stays_short_and_what_it_forgets_has_ended_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_out, "MOST", 10)
    path = tmp_path / "list"
    ended = SignedOut(path)
    for number in range(100):
        ended.add(f"s{number}", LATER + number)
    for known in (ended, SignedOut(path)):
        assert all(known.has(f"s{number}", LATER + number) for number in range(100))
        assert not known.has("newer", LATER + 100)
        assert known.has("as old as what was forgotten", LATER)
    assert len(path.read_text().split("\n")) < 40


def test_what_is_over_by_itself_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_out, "MOST", 3)
    path = tmp_path / "list"
    path.write_text("5 old\n6 *\n")
    ended = SignedOut(path)
    for number in range(2):
        ended.add(f"s{number}", LATER)
    assert not ended.has("other", 7)
    ended.add("gone", 8)
    ended.add("s3", LATER)
    assert sorted(path.read_text().split()) == sorted(["0", "*"] + [str(LATER)] * 3 + ["s0", "s1", "s3"])


def test_a_disk_that_fails_ends_the_session_here_at_least(tmp_path: Path) -> None:
    ended = SignedOut(tmp_path / "missing" / "list")
    ended.add("one", LATER)
    assert ended.has("one", LATER)
