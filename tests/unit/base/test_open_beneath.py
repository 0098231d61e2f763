"""Reading results: plain files below a task's folder, and no way out of it by links that a worker left."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base import files
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import NotFound
from gradio_app.base.files import names_beneath, open_beneath, open_folder, read_beneath
from tests.unit.base.test_data_folder import folders, written

__all__ = ["folders"]


def told(descriptor: int) -> str:
    """The text of an open file."""
    with open(descriptor) as file:
        return file.read()


# ---------------------------------------------------------------- beneath a folder


def _steps(root: int, relative: str, flags: int) -> int:
    return files._step(root, relative.split("/"), flags)  # pyright: ignore[reportPrivateUsage]


@pytest.fixture(params=["openat2", "step by step"])
def result(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A result, read in both ways; no descriptor stays open."""
    if request.param != "openat2":
        monkeypatch.setattr(files, "_openat2", _steps)
    made = tmp_path / "result"
    written(made, **{"document.md": "text", "images_a.png": "picture"})
    written(tmp_path, **{"secret": "geheim", "other_a.png": "geheim"})
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    yield made
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("where", "leads_to"),
    [
        ("link", "../secret"),
        ("link", "/proc/self/environ"),
        ("link", "/proc/self/fd/0"),
        ("link", "document.md"),
        ("link", "nowhere"),
        ("link", "link"),
        ("images/link", "a.png"),
        ("images/link", "../document.md"),
        ("images/link", "/etc/passwd"),
    ],
)
def test_no_link_is_followed(result: Path, where: str, leads_to: str) -> None:
    (result / where).symlink_to(leads_to)
    with pytest.raises(NotFound):
        open_beneath(result, where)
    assert os.path.basename(where) not in names_beneath(result, os.path.dirname(where) or ".")


@pytest.mark.parametrize("leads_to", ["../other", "../result/images", "/", "."])
def test_no_folder_that_is_a_link_is_entered(result: Path, leads_to: str) -> None:
    shutil.move(result / "images", result / "real")
    (result / "images").symlink_to(leads_to)
    for name in ("images/a.png", "images/secret", "images"):
        with pytest.raises(NotFound):
            open_beneath(result, name)
    assert names_beneath(result, "images") == []


def test_the_folder_itself_is_no_link_but_the_way_to_it_may_have_one(result: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").symlink_to(tmp_path)
    assert read_beneath(tmp_path / "moved/result", "images/a.png") == b"picture"
    (tmp_path / "planted").symlink_to(tmp_path / "other")
    with pytest.raises(NotFound):
        read_beneath(tmp_path / "planted", "a.png")
    with pytest.raises(NotFound):
        open_folder(tmp_path / "planted")
    assert names_beneath(tmp_path / "planted", ".") == []


@pytest.mark.parametrize(
    "relative",
    [
        *("", ".", "..", "/", "../secret", "images/../../secret", "images/..", "images/", "images"),
        *("/etc/passwd", "images//a.png", "a\0b", "\ud800", "x" * 5000, "x/" * 3000 + "x"),
        *("document.md/x", "nothing"),
    ],
)
def test_a_path_that_leads_elsewhere_is_not_there(result: Path, relative: str) -> None:
    with pytest.raises(NotFound):
        open_beneath(result, relative)


def test_only_plain_files_are_opened(result: Path) -> None:
    os.mkfifo(result / "pipe")  # nobody writes: to open it would wait for ever
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(result)
        listener.bind("socket")
    for name in ("pipe", "socket"):
        with pytest.raises((NotFound, OSError)):
            open_beneath(result, name)
    assert names_beneath(result, ".") == ["document.md"]


def test_what_is_opened_by_an_open_folder_stays_the_same(result: Path, tmp_path: Path) -> None:
    held = open_folder(result)
    result.rename(tmp_path / "old")
    written(result, **{"document.md": "another"})
    assert read_beneath(held, "document.md") == b"text" and names_beneath(held, "images") == ["a.png"]
    os.close(held)


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EPERM])
def test_a_kernel_without_the_call_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    class Old:
        def syscall(self, *_args: Any) -> int:
            return -1

    written(tmp_path, **{"images_a.png": "picture"})
    monkeypatch.setattr(files, "_LIBC", Old())
    monkeypatch.setattr(files.ctypes, "get_errno", lambda: code)
    assert read_beneath(tmp_path, "images/a.png") == b"picture"


# ---------------------------------------------------------------- what workers of older versions left


@pytest.fixture
def planted(folders: Folders) -> Folders:
    """A result with a link in it to what is secret."""
    written(folders.root, secret="geheim")
    written(folders.result("t1"), **{"document.md": "text", "middle.json": "{}", "images_a.png": "picture"})
    (folders.result("t1") / "images/b.png").symlink_to(folders.root / "secret")
    return folders


def test_a_link_is_not_shared_with_an_equal_document(planted: Folders) -> None:
    assert not planted.link_result("t1", "t2")
    assert not planted.result("t2").exists()


def test_no_export_is_made_of_a_result_with_a_link(planted: Folders) -> None:
    with pytest.raises(NotFound):
        planted.exported("t1", "document.html")
    (planted.result("t1") / "images/b.png").unlink()
    assert planted.exported("t1", "document.html") is False


def test_no_export_is_written_through_a_link(planted: Folders, tmp_path: Path) -> None:
    """The folder of exports leads elsewhere: there, nothing is read, and nothing put."""
    (planted.result("t1") / "images/b.png").unlink()
    written(tmp_path / "elsewhere", **{"document.html": "geheim"})
    (planted.result("t1") / "exports").symlink_to(tmp_path / "elsewhere")
    for name in ("document.html", "document.tex"):
        with pytest.raises(NotFound):
            planted.exported("t1", name)


def test_a_deleted_task_is_gone_at_once(planted: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who reads meanwhile would take the files that are left for all of them."""
    seen: list[bool] = []
    monkeypatch.setattr(shutil, "rmtree", lambda *_args, **_more: seen.append(planted.task("t1").exists()))
    planted.drop_task("t1")
    assert seen and not any(seen)


# ---------------------------------------------------------------- pages and pictures


@pytest.fixture
def readable(folders: Folders) -> Folders:
    """A task with a finished shard, and the same data outside of it."""
    files = {"pages_1.json": "one", "images_a.png": "picture", "document.md": "text"}
    written(folders.shard("t1", 0), **files)
    written(folders.result("t2"), **files)
    written(folders.root, **{"secret.png": "secret"})
    return folders


def test_a_page_is_read_from_a_shard_then_from_the_parked_one_then_from_the_result(readable: Folders) -> None:
    assert told(readable.page("t1", 1)) == "one"
    readable.park_shards("t1")
    assert told(readable.page("t1", 1)) == "one"
    assert readable.pages("t1") == [(1, readable.resume("t1") / "00000/pages/1.json")]
    written(readable.result("t1"), **{"pages_1.json": "joined"})
    assert told(readable.page("t1", 1)) == "joined"


def test_a_page_that_is_not_done_is_not_found(readable: Folders) -> None:
    for task_id, page in (("t1", 2), ("t1", 0), ("t1", -1), ("t1", 10**300), ("nobody", 1)):
        with pytest.raises(NotFound):
            readable.page(task_id, page)


@pytest.mark.parametrize("task_id", ["t1", "t2"])
@pytest.mark.parametrize("relative", ["images/a.png", "./images/a.png", "images//a.png"])
def test_a_picture_can_be_read(readable: Folders, task_id: str, relative: str) -> None:
    assert told(readable.file(task_id, relative)) == "picture"


@pytest.mark.parametrize(
    "relative",
    [
        "",
        ".",
        "/",
        "images",
        "images/",
        "images/.",
        "images/..",
        "images/nothing.png",
        "images/../document.md",
        "images/../images/a.png",
        "images/sub/a.png",
        "../images/a.png",
        "../../secret.png",
        "../../../secret.png",
        "/images/a.png",
        "/etc/passwd",
        "document.md",
        "pages/1.json",
        "exports/document.html",
        "images/.hidden.png",
        "images/a.png\0",
        "images/\ud800.png",
        "images\\a.png",
        "images/..\\..\\secret.png",
        f"images/{'x' * 5000}.png",
    ],
)
def test_nothing_else_can_be_read(readable: Folders, relative: str) -> None:
    written(readable.result("t2") / "images", **{".hidden.png": "hidden"})
    written(readable.result("t2") / "exports", **{"document.html": "html"})
    for task_id in ("t1", "t2"):
        with pytest.raises(NotFound):
            readable.file(task_id, relative)


def test_a_link_out_of_the_folder_is_not_followed(readable: Folders) -> None:
    result = readable.result("t2")
    (result / "images/link.png").symlink_to(readable.root / "secret.png")
    (result / "images/dir.png").symlink_to(readable.root)
    for name in ("link.png", "dir.png"):
        with pytest.raises(NotFound):
            readable.file("t2", f"images/{name}")


def test_a_linked_folder_of_pictures_is_not_followed(readable: Folders) -> None:
    images = readable.result("t2") / "images"
    shutil.rmtree(images)
    images.symlink_to(readable.root)
    with pytest.raises(NotFound):
        readable.file("t2", "images/secret.png")


def test_a_page_asked_for_while_its_shards_move_is_found_or_not_found(
    readable: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moving(folder: Path) -> Any:
        raise FileNotFoundError(folder)

    monkeypatch.setattr(Path, "iterdir", moving)
    with pytest.raises(NotFound):
        readable.page("t1", 1)
