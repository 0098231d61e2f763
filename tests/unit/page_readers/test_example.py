"""The example of docs/examples/reader: built, installed into a folder, found by its entry point, and used."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "reader"
#: in a process of its own, so that this one stays without it
USE = """
from gradio_app.base import page_readers
from gradio_app.base.options import ParseOptions
from gradio_app.base.page_readers import Shown
from gradio_app.parsing.readers.tidy import tidy

assert ParseOptions.checked("plain-text", "", "auto").tier == "plain-text"
assert "plain-text" in page_readers.names() and "dots.mocr" in page_readers.names()
reader = page_readers.reader_of("plain-text")
made = tidy(reader.read("One line\\n\\nAnother one", Shown(10, 10), 1))
print([block["type"] for block in made.blocks], made.dropped, page_readers.names()[-1])
"""


def build(folder: Path) -> Path:
    """The wheel of the example, built by setuptools of this environment, without network."""
    code = f"import setuptools.build_meta as meta; print(meta.build_wheel({str(folder)!r}))"
    copy = folder / "source"
    copy.mkdir(parents=True)
    for name in ("pyproject.toml", "plain_reader.py"):
        (copy / name).write_bytes((EXAMPLE / name).read_bytes())
    subprocess.run([sys.executable, "-c", code], cwd=copy, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_a_reader_is_one_file_and_one_entry_point(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(build(tmp_path / "build")) as wheel:
        assert any(name.endswith(".dist-info/entry_points.txt") for name in wheel.namelist())
        wheel.extractall(installed)
    env = {"PYTHONPATH": f"{installed}:{ROOT}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", USE], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['text', 'text'] 0 plain-text"


@pytest.mark.parametrize(
    "source",
    [
        "READER = 'no reader'",
        "raise OSError('broken')",
        "",
        "from gradio_app.base.page_readers import MINERU as READER",
    ],
)
def test_a_package_that_is_broken_costs_nobody_else(tmp_path: Path, source: str) -> None:
    (tmp_path / "broken_reader.py").write_text(source)
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[mineru_optimized.readers]\nbroken-one = broken_reader:READER\n")
    code = (
        "from gradio_app.base import page_readers as p; assert 'dots.mocr' in p.names(), p.names();"
        "assert p.find('broken-one') is None"
    )
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "cannot be loaded" in done.stderr
