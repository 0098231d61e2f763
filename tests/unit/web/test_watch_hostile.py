"""The owner of a watched folder swaps names in it at any moment: no file of the service is read or changed.

``Steps`` calls a swap before the n-th call of the operating system; a long test tries every n.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import shutil
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.web.watch_fixtures import Watched, change

SECRET = "only the service may read this"
CALLS = ("open", "mkdir", "rename", "replace", "unlink", "rmdir", "stat", "lstat", "scandir", "listdir")
CALLS += ("chmod", "fchmod", "access", "link", "utime")

Swap = Callable[["Scene"], None]


class Scene:
    """A folder of somebody's below the watch folder, and files of the service that are none of theirs."""

    def __init__(self, folder: Path) -> None:
        self.watched = Watched(folder)
        self.path = self.watched.put("sub/a.pdf", "first")
        self.sub = self.path.parent
        self.safe = folder / "safe"
        self.safe.mkdir(mode=0o700)
        for name in ("a.pdf", "document.md", "receipt.json", "error.txt", "key"):
            (self.safe / name).write_text(SECRET)
            (self.safe / name).chmod(0o600)
        (self.safe / "images").mkdir(mode=0o700)
        (self.safe / "images" / "1.png").write_text(SECRET)

    def state(self) -> list[tuple[str, int, str]]:
        """All that must not change."""
        paths = [self.safe, *sorted(self.safe.rglob("*"))]
        return [(str(p), p.stat().st_mode, p.read_text() if p.is_file() else "") for p in paths]

    def hidden(self) -> list[Path]:
        return [path for path in self.sub.iterdir() if path.name.startswith(".")]

    def leaks(self) -> list[str]:
        """Where the secret can be read below the watch folder or by a task."""
        found = [str(data) for data in self.watched.queue.received if SECRET.encode() in data]
        for above, _, names in os.walk(self.watched.inbox):
            for path in (Path(above, name) for name in names):
                if path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1:
                    found += [str(path)] if SECRET in path.read_text("utf-8", "replace") else []
        return found


def put_away(path: Path) -> None:
    """Somebody may rename what they cannot delete."""
    if path.is_symlink() or path.exists():
        path.rename(path.with_name(f"moved-{os.urandom(4).hex()}"))


def result_to_link(scene: Scene) -> None:
    put_away(scene.sub / "a.pdf.result")
    (scene.sub / "a.pdf.result").symlink_to(scene.safe)


def private_to_link(scene: Scene) -> None:
    for path in scene.hidden():
        put_away(path)
        path.symlink_to(scene.safe)


def inside_to_link(scene: Scene) -> None:
    """More than they may do: the folder is private."""
    for path in scene.hidden():
        for inner in (path, path / "new"):
            if inner.is_dir() and not inner.is_symlink():
                for name in ("document.md", "receipt.json", "images", "new"):
                    put_away(inner / name)
                    (inner / name).symlink_to(scene.safe / name if name != "new" else scene.safe)


def parent_to_link(scene: Scene) -> None:
    put_away(scene.sub)
    scene.sub.symlink_to(scene.safe)


def source_to_link(scene: Scene) -> None:
    put_away(scene.path)
    scene.path.symlink_to(scene.safe / "key")


def source_to_hard_link(scene: Scene) -> None:
    put_away(scene.path)
    scene.sub.chmod(0o777)
    os.link(scene.safe / "key", scene.path)


def source_to_fifo(scene: Scene) -> None:
    put_away(scene.path)
    os.mkfifo(scene.path)


def receipt_to_link(scene: Scene) -> None:
    result = scene.sub / "a.pdf.result"
    if result.is_dir() and not result.is_symlink():
        for name in ("receipt.json", "document.md", "images"):
            put_away(result / name)
            (result / name).symlink_to(scene.safe / name)


def receipt_to_fifo(scene: Scene) -> None:
    result = scene.sub / "a.pdf.result"
    if result.is_dir() and not result.is_symlink():
        put_away(result / "receipt.json")
        os.mkfifo(result / "receipt.json")


SWAPS: list[Swap] = [
    result_to_link,
    private_to_link,
    inside_to_link,
    parent_to_link,
    source_to_link,
    source_to_hard_link,
    source_to_fifo,
    receipt_to_link,
    receipt_to_fifo,
]


class Steps:
    """Counts calls of the operating system and swaps before one of them."""

    def __init__(self, at: int, swap: Callable[[], None]) -> None:
        self.count = 0
        self._at = at
        self._swap = swap
        self._swapping = False

    @contextlib.contextmanager
    def watching(self) -> Generator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self._wrapped(getattr(os, name)))
            for module in (builtins, io):
                patch.setattr(module, "open", self._wrapped(io.open))
            yield

    def _wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            if not self._swapping:
                if self.count == self._at:
                    self._swapping = True
                    self._swap()
                    self._swapping = False
                self.count += 1
            return call(*args, **kwargs)

        return run


def play(folder: Path, swap: Swap, at: int, again: bool) -> int:
    """One document from the file to its result, with a swap before step ``at``; returns how many steps.

    ``again``: its result was there before, and it has changed.
    """
    folder.mkdir()
    scene = Scene(folder)
    if again:
        scene.watched.scan()
        change(scene.path, "second")
    scene.watched.scan(2)
    before = scene.state()
    steps = Steps(at, lambda: swap(scene))
    with steps.watching():
        scene.watched.scan(2)
    scene.watched.scan(4)
    assert scene.state() == before, f"{swap.__name__} before step {at}"
    assert scene.leaks() == [], f"{swap.__name__} before step {at}"
    shutil.rmtree(folder)
    return steps.count


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
@pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: swap.__name__)
def test_a_swap_before_any_step_reaches_no_file_of_the_service(
    tmp_path: Path, swap: Swap, again: bool, every: int
) -> None:
    steps = play(tmp_path / "none", lambda scene: None, -1, again)
    assert steps > 20
    for at in range(SWAPS.index(swap) % every, steps, every):
        play(tmp_path / str(at), swap, at, again)


def test_swaps_all_the_time_reach_no_file_of_the_service(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    before = scene.state()
    over = threading.Event()

    def attack() -> None:
        while not over.is_set():
            for swap in (private_to_link, result_to_link, inside_to_link):
                with contextlib.suppress(OSError):
                    swap(scene)

    thread = threading.Thread(target=attack)
    thread.start()
    try:
        for number in range(40):
            scene.watched.put(f"sub/{number}.pdf", f"text {number}")
        scene.watched.scan(6)
    finally:
        over.set()
        thread.join()
    assert len(scene.watched.queue.received) == 41
    assert scene.state() == before and scene.leaks() == []


def test_a_file_that_changes_while_it_is_copied_is_taken_when_it_is_still(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.watched.scan(2)
    wrote = Steps(15, lambda: change(scene.path, "longer than it was"))
    with wrote.watching():
        scene.watched.scan(1)
    scene.watched.scan()
    assert scene.watched.queue.received[-1] == b"longer than it was"


def test_a_hard_link_is_taken_where_only_its_owner_can_have_made_it(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.inbox.chmod(0o755)
    path = watched.put("own.pdf")
    os.link(path, tmp_path / "backup.pdf")
    watched.scan()
    assert watched.queue.names == ["own.pdf"]
    watched.inbox.chmod(0o775)
    os.link(watched.put("other.pdf"), tmp_path / "other.pdf")
    assert ["hard link" in line for line in watched.warnings(8)] == [True], "told once"
    assert watched.queue.names == ["own.pdf"]


def test_a_leftover_of_a_crash_goes_away_and_a_new_one_stays(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    old, new = (watched.inbox / f".mineru-part-{digit * 16}" for digit in "ab")
    for folder in (old, new):
        (folder / "new" / "images").mkdir(parents=True)
        (folder / "new" / "images" / "1.png").write_text("x")
    (watched.inbox / ".mine").mkdir()
    os.utime(old, (1, 1))
    os.utime(watched.inbox / ".mine", (1, 1))
    watched.scan(1)
    assert set(os.listdir(watched.inbox)) == {new.name, ".mine"}
