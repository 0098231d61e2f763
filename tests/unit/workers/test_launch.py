"""How workers are launched."""

from __future__ import annotations

from pathlib import Path

import pytest

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
