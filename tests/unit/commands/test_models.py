"""``models``: what it fetches, in which order it checks, and that every failure is one sentence."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradio_app.base.errors import AppError, DiskFull, ModelsMissing
from gradio_app.commands import models
from gradio_app.machine import hubs, weights
from gradio_app.machine.hubs import Source
from gradio_app.machine.weights import SMALL_MODELS, VISION_MODEL
from gradio_app.parsing import download as mineru_weights
from tests.fakes.weights import make_small, make_vision

ONNX = SMALL_MODELS[0]
GB = 2**30


class Hub:
    """Stands in for MinerU's functions: notes what is fetched, and puts it into the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fetched: list[tuple[str, str]] = []
        self.delivers = True

    def fetch(self, name: str, source: str) -> None:
        self.fetched.append((name, source))
        if self.delivers:
            make_vision(self.folder) if name == VISION_MODEL else make_small(self.folder)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    fake = Hub(tmp_path / "models")
    monkeypatch.setattr(mineru_weights, "fetch", fake.fetch)
    monkeypatch.setattr(mineru_weights, "small_name", lambda: ONNX)
    monkeypatch.setattr(mineru_weights, "is_being_fetched", lambda name: False)
    monkeypatch.setattr(hubs, "probe", lambda source: Source("modelscope", "it answers"))
    monkeypatch.setattr(hubs, "problem_of", lambda name: "")
    return fake


def run(hub: Hub, source: str = "auto", what: str = "all") -> list[str]:
    said: list[str] = []
    models.run(hub.folder, source, what, said.append)
    return said


@pytest.mark.parametrize(
    ("what", "names"), [("all", [ONNX, VISION_MODEL]), ("small", [ONNX]), ("vision", [VISION_MODEL])]
)
def test_what_is_missing_is_fetched_from_one_hub(hub: Hub, what: str, names: list[str]) -> None:
    said = run(hub, what=what)
    assert hub.fetched == [(name, "modelscope") for name in names]
    assert "Source: modelscope (it answers)" in said
    assert [line for line in said if ": ready (" in line] == [
        f"{name}: ready (0 MB, {13 if name == ONNX else 3} files)" for name in names
    ]


def test_what_is_there_is_not_fetched_and_nobody_is_called(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    make_vision(make_small(hub.folder))
    monkeypatch.setattr(hubs, "probe", lambda source: pytest.fail("a hub was called"))
    run(hub)
    assert hub.fetched == []


def test_only_what_is_missing_is_fetched(hub: Hub) -> None:
    make_small(hub.folder)
    run(hub)
    assert hub.fetched == [(VISION_MODEL, "modelscope")]


@pytest.mark.parametrize(
    ("small", "vision", "words"),
    [
        (True, True, "Tiers standard and advanced also need SGLang"),
        (True, False, "read scans and tier basic from now on"),
        (False, True, "needs the small models too"),
    ],
)
def test_the_last_line_says_what_to_do_next(hub: Hub, small: bool, vision: bool, words: str) -> None:
    said = run(hub, what="all" if small and vision else "small" if small else "vision")
    assert words in said[-1]


def test_local_lists_what_is_missing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "probe", lambda source: Source(source, "as asked for"))
    make_vision(hub.folder)
    (hub.folder / VISION_MODEL / "tokenizer.json").unlink()
    with pytest.raises(ModelsMissing) as caught:
        run(hub, "local")
    assert f"{VISION_MODEL} lacks tokenizer.json" in caught.value.message
    assert "and 8 more" in caught.value.message
    assert hub.fetched == []


def test_no_hub_is_a_sentence_with_a_way_out(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "probe", lambda source: Source("local", "nobody answers"))
    with pytest.raises(ModelsMissing, match=r"nobody answers.*HF_ENDPOINT"):
        run(hub)


def test_a_hub_that_was_asked_for_is_tried_first(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "problem_of", lambda name: f"{name} is away")
    with pytest.raises(ModelsMissing, match="modelscope is away"):
        run(hub, "modelscope")
    assert hub.fetched == []


def test_a_hub_that_delivers_less_is_not_believed(hub: Hub) -> None:
    hub.delivers = False
    with pytest.raises(ModelsMissing, match=r"still lacks config\.json"):
        run(hub, what="vision")


def test_a_file_that_was_cut_off_is_taken_away_before_fetching(hub: Hub) -> None:
    make_vision(hub.folder)
    (hub.folder / VISION_MODEL / "model.safetensors").write_bytes(b"half")
    hub.delivers = False
    with pytest.raises(ModelsMissing):
        run(hub, what="vision")
    assert sorted(os.listdir(hub.folder / VISION_MODEL)) == ["config.json", "tokenizer.json"]


def test_waiting_for_another_process_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mineru_weights, "is_being_fetched", lambda name: True)
    assert f"{ONNX}: another process is fetching it; waiting..." in run(hub)


# --- room on the disk --------------------------------------------------------------------------------------


def with_free(monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=int(free)))


def test_too_little_room_is_said_before_anything_is_fetched(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 3 * GB)
    with pytest.raises(DiskFull, match=r"about 3\.5 GB.*3\.0 GB free.*--model-dir"):
        run(hub)
    assert hub.fetched == []


def test_what_is_there_needs_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / VISION_MODEL
    root.mkdir()
    (root / "part").write_bytes(bytes(3 * 2**20))
    with_free(monkeypatch, 2.5 * GB - 3 * 2**20)
    models.check_room(tmp_path, [VISION_MODEL])
    with_free(monkeypatch, 2.5 * GB - 3 * 2**20 - 1)
    with pytest.raises(DiskFull):
        models.check_room(tmp_path, [VISION_MODEL])


def test_the_disk_of_a_folder_to_be_made_is_its_parents(tmp_path: Path) -> None:
    models.check_room(tmp_path / "not" / "yet", [])


# --- progress ----------------------------------------------------------------------------------------------


def test_files_in_progress_count_as_bytes_only(tmp_path: Path) -> None:
    for name in (
        "a/one",
        "two",
        ".cache/huggingface/download/half.incomplete",
        "._____temp/half",
        ".msc",
        "a.part",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 4096)
    with (tmp_path / "holes").open("wb") as sparse:
        sparse.truncate(GB)
    size, count = models.held(tmp_path)
    assert (size, count) == (6 * 4096, 3)
    assert models.held(tmp_path / "none") == (0, 0)


def test_without_a_terminal_a_line_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "part").write_bytes(b"x")
    monkeypatch.setattr(models, "INTERVAL", 0.001)
    told = threading.Event()
    lines: list[str] = []

    def say(text: str) -> None:
        lines.append(text)
        told.set()

    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: False))
    with models._progress(tmp_path, say):
        assert told.wait(5)
    assert lines[0] == "0 MB, 1 file"


def test_on_a_terminal_the_libraries_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    before = threading.active_count()
    with models._progress(tmp_path, lambda text: pytest.fail("a line on a terminal")):
        assert threading.active_count() == before


# --- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def command(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[Any, str]]:
    monkeypatch.setattr(models, "_prepare", lambda folder: None)
    monkeypatch.setenv("MINERU_APP_MODEL_DIR", str(hub.folder))

    def start(*flags: str) -> tuple[Any, str]:
        try:
            models.main(list(flags))
        except SystemExit as end:
            return end.code, capsys.readouterr().err
        return 0, capsys.readouterr().err

    return start


def test_the_command_fetches_into_the_folder_of_the_settings(
    command: Callable[..., tuple[Any, str]], hub: Hub
) -> None:
    assert command("--what", "vision") == (0, "")
    assert weights.vision_model(hub.folder)


def test_a_flag_names_another_folder(command: Callable[..., tuple[Any, str]], hub: Hub) -> None:
    other = make_vision(make_small(hub.folder.parent / "other"))
    assert command("--model-dir", str(other)) == (0, "")
    assert hub.fetched == []


@pytest.mark.parametrize(
    "error", [ModelsMissing("a sentence"), OSError(errno.EACCES, "no"), ValueError("odd")]
)
def test_a_failure_is_one_line_and_code_1(
    command: Callable[..., tuple[Any, str]], hub: Hub, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(models, "run", fail)
    code, told = command()
    assert code == 1
    assert told == f"{error.message if isinstance(error, AppError) else error}\n"


def test_an_unknown_source_is_refused(command: Callable[..., tuple[Any, str]]) -> None:
    code, told = command("--source", "elsewhere")
    assert code == 2 and "--source" in told


# --- MinerU's side -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DiskFull, "does not fit"),
        (
            RuntimeError("403 Forbidden\nRequest id"),
            ModelsMissing,
            "from modelscope: 403 Forbidden. Start",
        ),
        (KeyError(), ModelsMissing, "KeyError"),
    ],
)
def test_whatever_a_hubs_library_raises_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[AppError], words: str
) -> None:
    from mineru.model import download

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(download, "download_model_repo", fail)
    with pytest.raises(kind) as caught:
        mineru_weights.fetch(ONNX, "modelscope")
    assert words in caught.value.message


def test_the_cause_of_an_error_says_more_than_what_was_made_of_it() -> None:
    try:
        try:
            raise OSError("Name or service not known.")
        except OSError as cause:
            raise RuntimeError("an error happened while trying to locate the files") from cause
    except RuntimeError as error:
        assert mineru_weights._reason(error) == "Name or service not known"


def test_what_a_killed_run_left_is_swept_unless_another_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock
    from mineru.config import config
    from mineru.model.registry import get_model_repo

    monkeypatch.setattr(config.model, "base_dir", str(tmp_path))
    half = tmp_path / VISION_MODEL / ".cache/huggingface/download/model.abc.incomplete"
    half.parent.mkdir(parents=True)
    half.touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    lock = get_model_repo(VISION_MODEL).lock_path()  # elsewhere, once a document was read in this process
    lock.parent.mkdir(exist_ok=True)
    with FileLock(str(lock)):
        assert mineru_weights.is_being_fetched(VISION_MODEL)
    assert half.exists()
    assert not mineru_weights.is_being_fetched(VISION_MODEL)
    assert not half.exists()


@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_mineru_chooses_the_kind_of_small_models(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    from mineru.config import config

    monkeypatch.setattr(config.model, "small_backend", backend)
    assert mineru_weights.small_name() == f"MinerU-4_models_{backend}"
