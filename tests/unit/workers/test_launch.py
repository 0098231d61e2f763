"""How workers are launched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from loguru import logger

import gradio_app
from gradio_app.workers.launch import Launch, Network

PACKAGE = Path(gradio_app.__file__).parent


def launch_in(folder: Path) -> Launch:
    return Launch(folder, 2**30, "", "", "auto")


def test_a_worker_that_starts_at_the_same_time_may_be_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch, truly, faster = launch_in(tmp_path), Path.symlink_to, list[Path]()

    def symlink_to(link: Path, target: Path) -> None:
        if not faster:
            faster.append(link)
            launch.link_code()
        truly(link, target)

    monkeypatch.setattr(Path, "symlink_to", symlink_to)
    folder = launch.link_code()
    assert [path.name for path in folder.iterdir()] == [PACKAGE.name] and faster
    assert (folder / PACKAGE.name).resolve() == PACKAGE


def test_a_link_of_an_older_place_is_replaced(tmp_path: Path) -> None:
    launch = launch_in(tmp_path)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / PACKAGE.name).symlink_to(tmp_path / "gone")
    assert (launch.link_code() / PACKAGE.name).resolve() == PACKAGE


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("", Network()),
        ("http://127.0.0.1:30000", Network(30000)),
        ("http://[::1]:8000/v1", Network(8000)),
        ("https://models.lab", Network(443, names=True)),
        ("http://localhost:31000", Network(31000, names=True)),
    ],
)
def test_a_worker_may_reach_its_model_server(url: str, wanted: Network) -> None:
    assert Network.to(url) == wanted


def test_a_worker_knows_where_the_built_in_models_are_and_may_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, disk = tmp_path / "own", tmp_path / "another disk"
    for folder in (own, disk):
        folder.mkdir()
    (disk / "a.onnx").touch()
    (own / "a.onnx").symlink_to(disk / "a.onnx")
    launch = Launch(tmp_path, 2**30, "", "", "auto", str(own))
    assert launch.environment(tmp_path, tmp_path)["MINERU_APP_BUILTIN_MODELS"] == str(own)
    reads = json.loads(launch.command(Network(), ["/a"])[-1])["reads"]
    assert reads == ["/a", str(own), str(disk / "a.onnx")]
    monkeypatch.setenv("MINERU_APP_BUILTIN_MODELS", "/somewhere")
    env = launch_in(tmp_path).environment(tmp_path, tmp_path)
    assert env["MINERU_APP_BUILTIN_MODELS"] == "/somewhere"


def test_a_start_says_what_the_workers_will_miss(tmp_path: Path) -> None:
    lines: list[str] = []
    handler = logger.add(lines.append, format="{extra[action]}: {message}", level="WARNING")
    try:
        Launch(tmp_path, 2**30, "", "", "auto", str(tmp_path)).report()
    finally:
        logger.remove(handler)
    (line,) = [line for line in lines if line.startswith("models: ")]
    assert "detection (missing)" in line and "scans and pictures cannot be read" in line
    assert f"models --source builtin --builtin-models {tmp_path}" in line


def test_models_have_one_thread_unless_the_administrator_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = launch_in(tmp_path).environment(tmp_path, tmp_path)
    assert (env["OMP_NUM_THREADS"], env["MINERU_INTRA_OP_NUM_THREADS"]) == ("1", "1")
    monkeypatch.setenv("MINERU_INTRA_OP_NUM_THREADS", "3")
    assert launch_in(tmp_path).environment(tmp_path, tmp_path)["MINERU_INTRA_OP_NUM_THREADS"] == "3"
