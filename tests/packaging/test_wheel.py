"""A wheel: holds every file that the package needs, and serves without a checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.documents import text_pdf
from tests.live import free_port

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def files_beside_modules(folder: Path) -> set[str]:
    """What is no module, by its path below ``folder``."""
    found = (path for path in (folder / "gradio_app").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in found if path.suffix not in (".py", ".pyc")}


def test_every_file_beside_modules_is_declared() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    declared = {
        path.relative_to(ROOT).as_posix()
        for package, globs in patterns.items()
        for each in globs
        # "**" alone stands for folders only
        for path in (ROOT / package.replace(".", "/")).glob(each + "/*" if each.endswith("**") else each)
        if path.is_file()
    }
    assert declared == files_beside_modules(ROOT)
    assert "gradio_app/model_server/sglang_flags.json" in declared


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy: building leaves files beside the sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "gradio_app", source / "gradio_app", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=source, check=True, capture_output=True)
    (built,) = out.glob("mineru_optimized-*.whl")
    return built


@pytest.mark.slow
def test_it_holds_all_files(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    assert files_beside_modules(tmp_path) == files_beside_modules(ROOT)
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".dist-info"} == {"gradio_app"}
    assert {path.name for path in tmp_path.glob("*.dist-info/licenses/*")} == {"LICENSE", "NOTICE"}


@pytest.mark.slow
def test_it_serves_and_converts_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    home, empty, port = tmp_path / "home", tmp_path / "empty", free_port()
    home.mkdir()
    empty.mkdir()
    venv.create(tmp_path / "venv", with_pip=False)
    packages = next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"
    with zipfile.ZipFile(wheel) as archive:  # it is a pure one: that is all that pip does with it
        archive.extractall(packages)
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib"))
    python = tmp_path / "venv" / "bin" / "python"
    command = [str(python), "-m", "gradio_app", "gradio", "--port", str(port), "--workers", "1"]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "MINERU_APP_DISK_RESERVE": "0"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=empty, env=env, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_for_health(client, process, tmp_path / "log")
            assert "tokens.css" in client.get("/").text
            sent = client.post("/api/v1/tasks", files={"files": ("a.pdf", text_pdf(1))}).json()["tasks"]
            ended = client.get(f"/api/v1/tasks/{sent[0]['id']}", params={"wait": 50}).json()
        assert ended["status"] == "completed", ended
    finally:
        process.terminate()
        assert process.wait(20) == 0


def wait_for_health(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when the server answers."""
    until = time.monotonic() + 180
    while True:
        try:
            assert client.get("/health").json()["status"] == "healthy"
            return
        except httpx.ConnectError:
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.2)
