"""Large files: taken up where they broke off, checked, and never put in place when they are wrong."""

from __future__ import annotations

import errno
import hashlib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradio_app.parsing import resumable_download
from tests.fakes.hub import COMMIT, Hub, hub

REPO = "opendatalab/x"
CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def face(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(resumable_download, "PAUSE", 0.0)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    with hub({REPO: {"model.bin": CONTENT}}) as running:
        yield running


def fetch(face: Hub, target: Path, digest: str = DIGEST, name: str = "model.bin") -> None:
    url = f"{face.url}/{REPO}/resolve/{COMMIT}/{name}"
    resumable_download.fetch_file(url, target, len(CONTENT), digest, {"Authorization": "Bearer key"})


def part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.{DIGEST[:8]}.part")


def test_a_file_comes_whole(face: Hub, tmp_path: Path) -> None:
    target = tmp_path / "below" / "model.bin"
    fetch(face, target)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["model.bin"]


def test_half_a_file_is_taken_up(face: Hub, tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    part_of(target).write_bytes(CONTENT[:1000])
    fetch(face, target)
    assert target.read_bytes() == CONTENT
    assert face.fetched() == ["model.bin from 1000"]


def test_a_connection_that_breaks_is_made_again(face: Hub, tmp_path: Path) -> None:
    face.broken = "model.bin"
    target = tmp_path / "model.bin"
    with pytest.raises(ConnectionError, match="broke off after"):
        fetch(face, target)
    assert len(face.fetched()) == resumable_download.TRIES
    assert part_of(target).stat().st_size > 0.9 * len(CONTENT), "each try brought half of what was left"
    face.broken = ""
    fetch(face, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("have", [len(CONTENT), len(CONTENT) + 5])
def test_what_is_there_already_is_checked_all_the_same(face: Hub, tmp_path: Path, have: int) -> None:
    target = tmp_path / "model.bin"
    part_of(target).write_bytes((CONTENT + b"after")[:have])
    fetch(face, target)
    assert target.read_bytes() == CONTENT
    assert len(face.fetched()) == (have > len(CONTENT))


def test_a_file_that_came_out_wrong_is_not_put_in_place(face: Hub, tmp_path: Path) -> None:
    fetch(face, tmp_path / "model.bin", digest="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_refuses_is_not_asked_again(face: Hub, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="404"):
        fetch(face, tmp_path / "model.bin", name="gone.bin")
    assert len(face.asked) == 1


def test_a_server_that_knows_no_ranges_sends_it_whole(
    face: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model.bin"
    part_of(target).write_bytes(b"something else")
    real = urllib.request.Request
    monkeypatch.setattr(urllib.request, "Request", lambda url, headers: real(url))
    fetch(face, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES])
def test_a_full_disk_is_told_at_once(
    face: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    tries: list[str] = []

    def full(url: str, *_: Any) -> None:
        tries.append(url)
        raise OSError(number, "no")

    monkeypatch.setattr(resumable_download, "_append", full)
    with pytest.raises(OSError):
        fetch(face, tmp_path / "model.bin")
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ([""], ["a.bin", "deep/b.bin"]),
        (["deep"], ["deep/b.bin"]),
        (["a.bin", "c"], ["a.bin"]),
        (["dee", "a"], []),
    ],
)
def test_only_large_files_that_are_wanted_and_not_there_are_fetched(
    wanted: list[str], names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def item(name: str, size: int | None) -> SimpleNamespace:
        lfs = SimpleNamespace(size=size, sha256="0" * 64) if size else None
        return SimpleNamespace(rfilename=name, lfs=lfs)

    large = resumable_download.LARGE
    items = [item("a.bin", large), item("deep/b.bin", large), item("../c", large), item("there", large)]
    items += [item("small", large - 1), item("text", None)]
    info = SimpleNamespace(siblings=items, sha=COMMIT)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: SimpleNamespace(model_info=lambda *_, **__: info))
    fetched: list[str] = []
    monkeypatch.setattr(
        resumable_download,
        "fetch_file",
        lambda url, target, *_: fetched.append(str(target.relative_to(tmp_path))),
    )
    (tmp_path / "there").touch()
    resumable_download.fetch_large(REPO, tmp_path, wanted)
    assert fetched == names
