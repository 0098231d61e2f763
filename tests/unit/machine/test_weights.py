"""Weights: which folder, whether complete (as MinerU sees it), and which hub is chosen."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gradio_app.machine import hubs, weights
from tests.fakes.weights import ONNX, make_small, make_vision, safetensors

#: the real hubs must not be called by a test: nothing listens on the discard port
NOBODY = "http://127.0.0.1:9"


# --- the folder --------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with a home of its own for MinerU."""
    return {"MINERU_HOME": str(tmp_path)}


def configure(home: dict[str, str], text: str) -> None:
    Path(home["MINERU_HOME"], "config.yaml").write_text(text)


def test_the_setting_wins(home: dict[str, str]) -> None:
    configure(home, "model: {base_dir: /from/file}")
    assert weights.model_folder("/given", home | {"MINERU_MODEL_BASE_DIR": "/env"}) == Path("/given")


def test_then_the_variable_then_the_file_then_the_home(home: dict[str, str]) -> None:
    assert weights.model_folder("", home) == Path(home["MINERU_HOME"], "models")
    configure(home, "model: {base_dir: /from/file}")
    assert weights.model_folder("", home) == Path("/from/file")
    assert weights.model_folder("", home | {"MINERU_MODEL_BASE_DIR": "/env"}) == Path("/env")


def test_a_configuration_elsewhere_is_read(home: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("model: {base_dir: /from/other}")
    assert weights.model_folder("", home | {"MINERU_CONFIG": str(other)}) == Path("/from/other")


def test_without_anything_it_is_below_the_users_home() -> None:
    assert weights.model_folder("", {}) == Path.home() / ".mineru" / "models"
    assert weights.model_folder("~/weights", {}) == Path.home() / "weights"


@pytest.mark.parametrize(
    "text", ["", "model:", "model: {source: local}", "- a list", "{broken", "model: {base_dir: 7}"]
)
def test_a_configuration_that_names_no_folder_is_no_error(home: dict[str, str], text: str) -> None:
    configure(home, text)
    assert weights.model_folder("", home) == Path(home["MINERU_HOME"], "models")


@pytest.mark.parametrize(
    "text",
    [
        "model: {base_dir: /plain}",
        "model: {base_dir: ~/of/user}",
        "model: {base_dir: '${WHERE}/models'}",
        "model: {base_dir: '${NOWHERE:-/default}/models'}",
    ],
)
@pytest.mark.parametrize("variable", ["", "/from/variable"])
def test_mineru_takes_the_same_folder(
    home: dict[str, str], monkeypatch: pytest.MonkeyPatch, text: str, variable: str
) -> None:
    from mineru import config

    configure(home, text)
    env = home | {"WHERE": "/where"} | ({"MINERU_MODEL_BASE_DIR": variable} if variable else {})
    for name in [name for name in os.environ if name.startswith("MINERU_")]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    theirs = config._load_effective_config().config.model.base_dir
    assert weights.model_folder("", env) == Path(theirs).expanduser()


# --- the small models --------------------------------------------------------------------------------------


def theirs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    from mineru.config import config

    from gradio_app.parsing.readers.small_models import ready

    monkeypatch.setattr(config.model, "base_dir", str(folder))
    return ready()


def test_complete_small_models_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(tmp_path)
    assert weights.small_models(tmp_path) and theirs(tmp_path, monkeypatch)


@pytest.mark.parametrize("part", ONNX)
def test_each_part_of_them_counts(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (make_small(tmp_path) / weights.SMALL_MODELS[0] / part).unlink()
    assert not weights.small_models(tmp_path) and not theirs(tmp_path, monkeypatch)
    assert weights.missing_small(tmp_path, weights.SMALL_MODELS[0]) == [part]


def make_torch(folder: Path, marks: list[str]) -> None:
    root = folder / weights.SMALL_MODELS[1]
    for part in weights._FILES[weights.SMALL_MODELS[1]]:
        path = root / part
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x") if path.suffix else path.mkdir(exist_ok=True)
    for mark in marks:
        (root / mark / ".mineru_complete").touch()


def test_the_only_kind_that_is_there_is_the_one_to_use(tmp_path: Path) -> None:
    assert weights.small_backend(tmp_path) == ""
    make_torch(tmp_path, ["."])
    assert weights.small_backend(tmp_path) == "torch"
    make_small(tmp_path)
    assert weights.small_backend(tmp_path) == ""
    (tmp_path / weights.SMALL_MODELS[1] / "Table" / "unet.onnx").unlink()
    assert weights.small_backend(tmp_path) == "onnx"


@pytest.mark.parametrize(
    ("marks", "complete"),
    [
        (["Layout/PP-DocLayoutV2", "OCR/paddleocr"], True),
        (["."], True),
        (["Layout", "OCR"], True),
        (["OCR/paddleocr"], False),
        (["..", "Layout"], False),
        ([], False),
    ],
)
def test_folders_of_the_torch_models_need_a_mark(
    marks: list[str], complete: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_torch(tmp_path, marks)
    assert weights.small_models(tmp_path) is theirs(tmp_path, monkeypatch) is complete


def test_the_names_of_the_parts_are_mineru_s() -> None:
    from mineru.model.registry import MODEL_REPOS_BY_NAME

    for name in weights.SMALL_MODELS:
        assert sorted(weights._FILES[name]) == sorted(MODEL_REPOS_BY_NAME[name].paths.values())
    assert weights.VISION_MODEL in MODEL_REPOS_BY_NAME


# --- the vision model --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [1, 3])
def test_a_complete_vision_model_is_found_without_a_mark(tmp_path: Path, shards: int) -> None:
    make_vision(tmp_path, shards)
    assert weights.vision_model(tmp_path) == tmp_path / weights.VISION_MODEL
    assert weights.missing_vision(tmp_path) == []


def test_no_folder_is_no_vision_model(tmp_path: Path) -> None:
    assert weights.vision_model(tmp_path) is None
    assert weights.missing_vision(tmp_path) == ["config.json", "tokenizer.json", "model.safetensors"]


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model-00002-of-00003.safetensors"])
def test_each_file_of_it_counts(tmp_path: Path, name: str) -> None:
    root = make_vision(tmp_path, 3) / weights.VISION_MODEL
    (root / name).unlink()
    assert weights.vision_model(tmp_path) is None
    assert weights.missing_vision(tmp_path) == [name]


@pytest.mark.parametrize(
    "content",
    [
        safetensors()[:-1],
        safetensors()[:20],
        b"",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 2300000000\n",
        b"<!doctype html>",
        (2).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
    ],
)
def test_a_file_of_weights_that_is_cut_off_or_none_is_missing(tmp_path: Path, content: bytes) -> None:
    root = make_vision(tmp_path) / weights.VISION_MODEL
    (root / "model.safetensors").write_bytes(content)
    assert weights.missing_vision(tmp_path) == ["model.safetensors"]


@pytest.mark.parametrize("index", ["{", "[]", "{}", '{"weight_map": []}', '{"weight_map": {}}'])
def test_an_index_that_cannot_be_read_names_no_shards(tmp_path: Path, index: str) -> None:
    root = make_vision(tmp_path) / weights.VISION_MODEL
    (root / "model.safetensors.index.json").write_text(index)
    assert weights.missing_vision(tmp_path) == []
    (root / "model.safetensors").unlink()
    assert weights.missing_vision(tmp_path) == ["model.safetensors"]


def test_a_tokenizer_may_be_in_two_files(tmp_path: Path) -> None:
    root = make_vision(tmp_path) / weights.VISION_MODEL
    shutil.move(root / "tokenizer.json", root / "vocab.json")
    assert weights.missing_vision(tmp_path) == ["tokenizer.json"]
    (root / "merges.txt").write_text("a b")
    assert weights.missing_vision(tmp_path) == []


# --- the hub -----------------------------------------------------------------------------------------------


class _Hub(BaseHTTPRequestHandler):
    """Answers 200 below /up, 503 below /down."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path.startswith("/up/") else 503)
        self.end_headers()
        self.wfile.write(json.dumps({"path": self.path}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_hugging_face_comes_first(hub: str) -> None:
    env = {"HF_ENDPOINT": hub + "/up/", "MODELSCOPE_ENDPOINT": hub + "/up"}
    assert hubs.probe("auto", env).name == "huggingface"


@pytest.mark.parametrize("face", ["down", "nobody"])
def test_then_modelscope(hub: str, face: str) -> None:
    down = hub + "/down" if face == "down" else NOBODY
    chosen = hubs.probe("auto", {"HF_ENDPOINT": down, "MODELSCOPE_ENDPOINT": hub + "/up"})
    assert chosen.name == "modelscope"
    assert ("answers 503" if face == "down" else "Connection refused") in chosen.why


def test_then_what_is_on_the_disk(hub: str) -> None:
    chosen = hubs.probe("auto", {"HF_ENDPOINT": NOBODY, "MODELSCOPE_ENDPOINT": hub + "/down"})
    assert chosen.name == "local"
    assert "127.0.0.1:9 cannot be reached" in chosen.why and "answers 503" in chosen.why


def test_a_hub_that_says_nothing_costs_its_time_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        env = {"HF_ENDPOINT": address, "MODELSCOPE_ENDPOINT": NOBODY}
        chosen = hubs.probe("auto", env, seconds=0.05)
    assert chosen.name == "local"


@pytest.mark.parametrize("address", ["http://a b", "nonsense://x", "http://[", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_is_a_hub_that_does_not_answer(address: str) -> None:
    env = {"HF_ENDPOINT": address, "MODELSCOPE_ENDPOINT": address}
    assert hubs.probe("auto", env, seconds=1).name == "local"


@pytest.mark.parametrize("source", ["huggingface", "modelscope", "local"])
def test_what_was_asked_for_is_taken_without_asking_anybody(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "problem_of", lambda *_: pytest.fail("a hub was called"))
    assert hubs.probe(source, {}).name == source


def test_the_real_hubs_are_asked_for_the_models_themselves() -> None:
    assert hubs.addresses({}) == {
        "huggingface": "https://huggingface.co/api/models/opendatalab/MinerU-4_models_onnx",
        "modelscope": "https://modelscope.cn/api/v1/models/OpenDataLab/MinerU-4_models_onnx",
    }
    mirror = hubs.addresses({"HF_ENDPOINT": "https://mirror/hf/", "MODELSCOPE_DOMAIN": "www.modelscope.ai"})
    assert mirror["huggingface"].startswith("https://mirror/hf/api/models/")
    assert mirror["modelscope"].startswith("https://www.modelscope.ai/api/v1/")
