"""``models`` against a stand-in hub: MinerU's real functions fetch, verify and mark a few tiny files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradio_app.machine import weights
from tests.fakes.hub import Hub, hub
from tests.fakes.weights import ONNX, make_vision, safetensors

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
ONNX_NAME = weights.SMALL_MODELS[0]
NOBODY = "http://127.0.0.1:9"
VISION = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": safetensors(4000)}


@pytest.fixture
def face(tmp_path: Path) -> Iterator[Hub]:
    repos = {
        f"opendatalab/{ONNX_NAME}": {name: f"content of {name}".encode() for name in ONNX},
        f"opendatalab/{weights.VISION_MODEL}": VISION,
    }
    with hub(repos) as running:
        yield running


def start(folder: Path, endpoint: str, *flags: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MINERU_", "HF_"))}
    env |= {
        "MINERU_HOME": str(folder.parent / "home"),
        "HF_HOME": str(folder.parent / "face"),
        "HF_ENDPOINT": endpoint,
        "MODELSCOPE_ENDPOINT": NOBODY,
        "MINERU_MODEL_SMALL_BACKEND": "onnx",
        "MINERU_APP_MODEL_DIR": str(folder),
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "gradio_app", "models", *flags],
        cwd=ROOT,
        env=env | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, endpoint: str, *flags: str) -> tuple[int, str, str]:
    process = start(folder, endpoint, *flags)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "Traceback" not in out + err
    return process.returncode, out, err


def test_everything_is_fetched_marked_and_then_left_alone(face: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    code, out, err = run(folder, face.url)
    assert (code, err) == (0, "")
    assert "Source: huggingface (127.0.0.1" in out
    assert f"{ONNX_NAME}: ready (0 MB, 13 files)" in out
    assert "Next: ./start_mineru_optimized.sh gradio" in out
    assert weights.small_models(folder) and weights.vision_model(folder)
    assert (folder / weights.VISION_MODEL / ".mineru_complete").is_file(), (
        "MinerU takes them for complete too"
    )
    assert sorted(face.fetched()) == sorted([*ONNX, *VISION])

    face.asked.clear()
    code, out, _ = run(folder, face.url)
    assert (code, face.asked) == (0, [])
    assert out.count(": ready (") == 2


def test_what_was_asked_for_is_all_that_is_fetched(face: Hub, tmp_path: Path) -> None:
    code, out, _ = run(tmp_path / "models", face.url, "--what", "small", "--source", "huggingface")
    assert code == 0
    assert sorted(face.fetched()) == sorted(ONNX)
    assert "read scans and tier basic from now on" in out


def test_a_run_that_broke_off_goes_on_with_the_missing_files(face: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    make_vision(folder)
    root = folder / weights.VISION_MODEL
    (root / "model.safetensors").unlink()
    assert run(folder, face.url, "--what", "vision")[0] == 0
    (root / "model.safetensors").write_bytes(VISION["model.safetensors"][:2000])
    left = root / ".cache" / "huggingface" / "download" / "model.0000.incomplete"
    left.write_bytes(b"half of it")
    face.asked.clear()
    code, _, err = run(folder, face.url, "--what", "vision")
    assert (code, err) == (0, "")
    assert face.fetched() == ["model.safetensors"], "the others are there"
    assert (root / "model.safetensors").read_bytes() == VISION["model.safetensors"]
    assert not left.exists(), "what a killed run left is swept"


def test_ctrl_c_ends_it_at_once_and_the_next_run_takes_up_half_a_file(tmp_path: Path) -> None:
    folder, size = tmp_path / "models", 64 * 2**20
    files = VISION | {"model.safetensors": safetensors(size)}
    with hub({f"opendatalab/{weights.VISION_MODEL}": files, f"opendatalab/{ONNX_NAME}": {}}) as face:
        face.broken = "model.safetensors"  # it is tried again and again
        process = start(folder, face.url, "--what", "vision")
        try:
            deadline = time.monotonic() + 30
            while not any(" from " in asked for asked in face.asked):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=5)
        finally:
            process.kill()
        assert process.returncode == 130
        assert "Stopped. Start again" in err and "Traceback" not in err
        face.broken = ""
        face.asked.clear()
        code, _, err = run(folder, face.url, "--what", "vision")
        assert (code, err) == (0, "")
        (fetched,) = [name for name in face.fetched() if name.startswith("model.safetensors")]
    assert int(fetched.rpartition(" ")[2]) >= size // 2, "MinerU's functions took what was there"
    root = folder / weights.VISION_MODEL
    assert (root / "model.safetensors").read_bytes() == files["model.safetensors"]
    assert sorted(path.name for path in root.iterdir()) == [".cache", ".mineru_complete", *sorted(VISION)]


def test_a_hub_without_the_models_is_one_sentence(tmp_path: Path) -> None:
    with hub({f"opendatalab/{ONNX_NAME}": {}}) as empty:
        code, _, err = run(tmp_path / "models", empty.url, "--what", "small")
    assert code == 1
    assert "could not be fetched from huggingface" in err


@pytest.mark.parametrize("source", ["auto", "huggingface", "modelscope"])
def test_no_hub_is_one_sentence_at_once(tmp_path: Path, source: str) -> None:
    began = time.monotonic()
    code, _, err = run(tmp_path / "models", NOBODY, "--source", source)
    assert code == 1 and time.monotonic() - began < 10
    assert err.count("\n") == 1 and "127.0.0.1:9 cannot be reached (Connection refused)" in err
    assert "HTTPS_PROXY" in err
